"""The operator's API: alerts and subscribers."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, ConfigDict

from pontlevis.notices.alert_room import AlertRoom
from pontlevis.notices.subscribers import Subscribers
from pontlevis.web.context import WebContext
from pontlevis.web.operator_visitor import GUARDED, Actor


class _Answer(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class AlertAnswer(_Answer):
    """What stands and was told."""

    key: str
    name: str
    severity: str
    summary: str
    since: float
    acknowledged_by: str = ""


class ReceiverAnswer(_Answer):
    name: str
    kind: str
    waiting: int
    delivered: int
    withheld: int
    dropped: int
    error: str


class AlertsAnswer(_Answer):
    alerts: list[AlertAnswer]
    receivers: list[ReceiverAnswer]


class TestAnswer(_Answer):
    """Why each receiver did not take it; empty where it did."""

    receivers: dict[str, str]


class SubscriberAnswer(_Answer):
    id: str
    kind: str
    target: str
    language: str
    state: str
    created_at: float
    confirmed_at: float | None
    ended_at: float | None
    ended_why: str
    failures: int


class SubscribersAnswer(_Answer):
    subscribers: list[SubscriberAnswer]


def create_operator_telling_router(context: WebContext) -> APIRouter:
    """Who is told, and how that goes."""
    router = APIRouter()

    def room() -> AlertRoom:
        if context.alerts is None:
            raise HTTPException(404, "there are no alerts here")
        return context.alerts

    def desk() -> Subscribers:
        if context.subscribers is None:
            raise HTTPException(404, "there are no subscribers here")
        return context.subscribers

    @router.get("/alerts", dependencies=GUARDED)
    async def alerts() -> AlertsAnswer:
        """Alerts that stand, and how each receiver does."""
        standing = []
        for each in room().book.standing:
            answer = AlertAnswer.model_validate(each)
            answer.acknowledged_by = room().book.acknowledged_by(each.key)
            standing.append(answer)
        return AlertsAnswer(
            alerts=standing, receivers=[ReceiverAnswer.model_validate(each) for each in room().receivers]
        )

    @router.post("/alerts/test")
    async def test(_: Actor, receiver: Annotated[str | None, Query(max_length=60)] = None) -> TestAnswer:
        """Send a test to every receiver, or to one, and say how it went."""
        try:
            return TestAnswer(receivers=await room().test(receiver))
        except KeyError:
            raise HTTPException(404, "there is no such receiver") from None

    @router.post("/alerts/acknowledge")
    async def acknowledge(actor: Actor, key: Annotated[str, Query(max_length=100)]) -> AlertAnswer:
        """Say that you look after an alert; receivers that know of it are told."""
        try:
            answer = AlertAnswer.model_validate(await room().acknowledge(key, actor=actor))
        except KeyError:
            raise HTTPException(404, "no such alert stands") from None
        answer.acknowledged_by = actor
        return answer

    @router.get("/subscribers", dependencies=GUARDED)
    async def subscribers() -> SubscribersAnswer:
        """Who is told of incidents, newest first."""
        rows = await desk().listed()
        return SubscribersAnswer(subscribers=[SubscriberAnswer.model_validate(each) for each in rows])

    @router.delete("/subscribers/{subscriber}")
    async def remove(actor: Actor, subscriber: str) -> SubscribersAnswer:
        """End a subscription."""
        try:
            await desk().remove(subscriber, why=f"ended by {actor}")
        except KeyError:
            raise HTTPException(404, "there is no such subscriber") from None
        return await subscribers()

    return router
