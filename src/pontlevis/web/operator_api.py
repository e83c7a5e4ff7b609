"""The operator's API: posture, decisions, incidents, keys, accounts, audit log."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import msgspec
from fastapi import APIRouter, Body, HTTPException, Query, Request
from pydantic import BaseModel, Field

from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import Posture
from pontlevis.incidents.views import IncidentView
from pontlevis.storage.audit import recent_audit, record_audit
from pontlevis.web.api import ErrorBody
from pontlevis.web.context import WebContext
from pontlevis.web.operator_visitor import OperatorGate

Json = dict[str, object]


class PostureBody(BaseModel):
    posture: Posture
    reason: str = Field(min_length=1, max_length=500)
    hold_s: float | None = Field(default=None, gt=0, le=30 * 86_400)


class ReasonBody(BaseModel):
    reason: str = Field(default="released by hand", min_length=1, max_length=500)


class DecisionBody(BaseModel):
    scope: str = Field(pattern="^(address|prefix|account)$")
    value: str = Field(min_length=1, max_length=100)
    reason: str = Field(min_length=1, max_length=500)
    duration_s: float = Field(default=3_600.0, ge=1, le=366 * 86_400)


class KeyBody(BaseModel):
    email: str = Field(min_length=3, max_length=320)
    name: str = Field(default="operator", min_length=1, max_length=100)
    paid: bool = False
    unlimited: bool = False


class IncidentBody(BaseModel):
    name_en: str | None = Field(default=None, max_length=200)
    name_fr: str | None = Field(default=None, max_length=200)
    impact: str | None = None
    notes: str | None = Field(default=None, max_length=20_000)
    take_over: bool | None = None


class UpdateBody(BaseModel):
    status: str
    body_en: str = Field(min_length=1, max_length=4_000)
    body_fr: str = Field(default="", max_length=4_000)


class KeyAnswer(BaseModel):
    email: str
    key: str


def builtin(value: object) -> Json:
    """A struct or dataclass as JSON's own types."""
    plain = msgspec.to_builtins(value)
    if not isinstance(plain, dict):
        raise TypeError(f"{type(value).__name__} is no record")
    return plain


def create_operator_api_router(context: WebContext, gate: OperatorGate) -> APIRouter:
    refusals: dict[int | str, dict[str, object]] = {
        status: {"model": ErrorBody} for status in (400, 401, 403, 404, 421)
    }
    router = APIRouter(prefix="/api", responses=refusals)
    service, accounts, incidents = context.service, context.accounts, context.incidents

    @router.get("/posture")
    async def show_posture(request: Request) -> Json:
        """The posture in force and why."""
        await gate.require(request)
        return builtin(service.posture)

    @router.post("/posture")
    async def set_posture(request: Request, body: Annotated[PostureBody, Body()]) -> Json:
        """Force a posture for a time."""
        actor = await gate.require(request)
        state: PostureState = await service.set_posture(
            body.posture, reason=body.reason, actor=actor, hold_s=body.hold_s
        )
        return builtin(state)

    @router.post("/posture/release")
    async def release_posture(request: Request, body: Annotated[ReasonBody, Body()]) -> Json:
        """Let the machine steer again."""
        actor = await gate.require(request)
        return builtin(await service.release_posture(actor=actor, reason=body.reason))

    @router.get("/transitions")
    async def transitions(request: Request) -> Json:
        """Changes of posture, newest first."""
        await gate.require(request)
        return {"transitions": [builtin(each) for each in service.postures]}

    @router.get("/findings")
    async def findings(request: Request) -> Json:
        """What the detectors say now."""
        await gate.require(request)
        return {"findings": [builtin(each) for each in service.findings]}

    @router.get("/load")
    async def load(request: Request, last: Annotated[int, Query(ge=1, le=600)] = 600) -> Json:
        """Samples of the last seconds, oldest first."""
        await gate.require(request)
        samples = [
            {**{name: getattr(each, name) for name in each.__struct_fields__ if name != "bands"},
             "bands": [{name: getattr(band, name) for name in band.__struct_fields__} for band in each.bands]}
            for each in service.samples[-last:]
        ]  # fmt: skip
        return {
            "samples": samples,
            "gateways": service.gateways,
            "engines": [builtin(each) for each in service.engines],
        }

    @router.get("/decisions")
    async def list_decisions(request: Request) -> Json:
        """Decisions in force."""
        await gate.require(request)
        return {"decisions": [_decision(each) for each in service.decisions]}

    @router.post("/decisions", status_code=201)
    async def decide(request: Request, body: Annotated[DecisionBody, Body()]) -> Json:
        """Ban an address, a prefix or an account for a time."""
        actor = await gate.require(request)
        try:
            made = await service.decide(
                scope=body.scope,
                value=body.value,
                reason=body.reason,
                duration_s=body.duration_s,
                actor=actor,
            )
        except ValueError as error:
            raise HTTPException(400, str(error)) from None
        return _decision(made)

    @router.delete("/decisions/{decision}")
    async def lift(
        request: Request, decision: int, reason: Annotated[str, Query(max_length=500)] = "lifted by hand"
    ) -> Json:
        """End a decision."""
        actor = await gate.require(request)
        try:
            return _decision(await service.lift(decision, actor=actor, reason=reason))
        except KeyError:
            raise HTTPException(404, "no such decision is in force") from None

    @router.get("/incidents")
    async def list_incidents(request: Request) -> Json:
        """All incidents, newest first, with private notes."""
        await gate.require(request)
        return {"incidents": [builtin(each) for each in await incidents.incidents()]}

    @router.patch("/incidents/{incident}")
    async def edit_incident(request: Request, incident: str, body: Annotated[IncidentBody, Body()]) -> Json:
        """Change an incident's words, impact or notes, or take it over."""
        actor = await gate.require(request)

        async def edit() -> IncidentView:
            return await incidents.edit(incident, actor=actor, **body.model_dump())

        return await _incident(edit)

    @router.post("/incidents/{incident}/updates", status_code=201)
    async def post_update(request: Request, incident: str, body: Annotated[UpdateBody, Body()]) -> Json:
        """Add to an incident's timeline; from then on the machine leaves it alone."""
        actor = await gate.require(request)

        async def post() -> IncidentView:
            return await incidents.post_update(
                incident, actor=actor, status=body.status, body_en=body.body_en, body_fr=body.body_fr
            )

        return await _incident(post)

    @router.post("/keys", status_code=201)
    async def make_key(request: Request, body: Annotated[KeyBody, Body()]) -> KeyAnswer:
        """Make a key, and the account if need be; shown this once."""
        actor = await gate.require(request)
        key = await accounts.make_key(body.email, name=body.name, paid=body.paid, unlimited=body.unlimited)
        async with accounts.database.session() as session:
            await record_audit(
                session,
                at=accounts.clock(),
                actor=actor,
                event="operator:key:made",
                subject=body.email,
                detail=body.name,
            )
        return KeyAnswer(email=body.email, key=key)

    @router.get("/accounts")
    async def list_accounts(
        request: Request,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
    ) -> Json:
        """Accounts, newest first."""
        await gate.require(request)
        found = await accounts.list_accounts(limit, offset)
        return {"accounts": [builtin(each) | {"standing": each.standing.word} for each in found]}

    @router.get("/audit")
    async def audit(request: Request, limit: Annotated[int, Query(ge=1, le=1_000)] = 100) -> Json:
        """Who changed what, newest first."""
        await gate.require(request)
        async with accounts.database.session() as session:
            rows = await recent_audit(session, most=limit)
        return {
            "audit": [
                {
                    "at": row.at,
                    "actor": row.actor,
                    "event": row.event,
                    "subject": row.subject,
                    "detail": row.detail,
                }
                for row in rows
            ]
        }

    return router


def _decision(record: object) -> Json:
    fields: tuple[str, ...] = getattr(record, "__struct_fields__", ())
    return {name: getattr(record, name) for name in fields}


async def _incident(act: Callable[[], Awaitable[IncidentView]]) -> Json:
    try:
        return builtin(await act())
    except KeyError:
        raise HTTPException(404, "there is no such incident") from None
    except ValueError as error:
        raise HTTPException(400, str(error)) from None
