"""The operator's API: findings, load, decisions, audit log."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Body, HTTPException, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field

from pontlevis.brain.reach import Reach
from pontlevis.brain.refusal_note import explain
from pontlevis.storage.audit_search import search_audit
from pontlevis.web.context import WebContext
from pontlevis.web.operator_answers import (
    AuditAnswer,
    AuditEntry,
    DecisionAnswer,
    DecisionsAnswer,
    FindingsAnswer,
    Json,
    LoadAnswer,
    RefusalAnswer,
    finding_answer,
    load_bytes,
)
from pontlevis.web.operator_visitor import GUARDED, Actor

HOUR_S = 3_600.0
YEAR_S = 366 * 86_400


class DecisionBody(BaseModel):
    scope: str = Field(pattern="^(address|prefix|account|credential)$")
    value: str = Field(min_length=1, max_length=100)
    reason: str = Field(min_length=1, max_length=500)
    reach: Reach = Field(default=Reach.EVERYTHING, description="what of an address or prefix is refused")
    duration_s: float = Field(default=HOUR_S, ge=1, le=YEAR_S)


def create_operator_api_router(context: WebContext) -> APIRouter:
    """Everything that acts on the running service."""
    router = APIRouter()
    service, accounts = context.service, context.accounts

    @router.get("/findings", dependencies=GUARDED)
    async def findings() -> FindingsAnswer:
        """What the detectors say now."""
        return FindingsAnswer(findings=[finding_answer(each) for each in service.findings])

    @router.get("/load", dependencies=GUARDED, response_model=LoadAnswer)
    async def load(
        last: Annotated[int, Query(ge=1, le=600)] = 600, since: Annotated[float, Query(ge=0)] = 0.0
    ) -> Response:
        """Samples of the last seconds, oldest first; with ``since``, only those later than it."""
        samples = [each for each in service.samples[-last:] if each.at > since]
        engines: list[Json] = [{"url": each.url, "simulated": each.simulated} for each in service.engines]
        return Response(load_bytes(samples, service.gateways, engines), media_type="application/json")

    @router.get("/decisions", dependencies=GUARDED, response_model=DecisionsAnswer)
    async def list_decisions() -> Response:
        """Decisions in force."""
        records = [
            {name: getattr(each, name) for name in each.__struct_fields__} for each in service.decisions
        ]
        return Response(msgspec.json.encode({"decisions": records}), media_type="application/json")

    @router.post("/decisions", status_code=201)
    async def decide(actor: Actor, body: Annotated[DecisionBody, Body()]) -> DecisionAnswer:
        """Ban an address, a prefix or an account for a time."""
        try:
            made = await service.decide(
                scope=body.scope,
                value=body.value,
                reason=body.reason,
                reach=body.reach,
                duration_s=body.duration_s,
                actor=actor,
            )
        except ValueError as error:
            raise HTTPException(400, str(error)) from None
        return DecisionAnswer.model_validate(made)

    @router.delete("/decisions/{decision}")
    async def lift(
        actor: Actor,
        decision: int,
        reason: Annotated[str, Query(max_length=500)] = "lifted by hand",
    ) -> DecisionAnswer:
        """End a decision."""
        try:
            return DecisionAnswer.model_validate(await service.lift(decision, actor=actor, reason=reason))
        except KeyError:
            raise HTTPException(404, "no such decision is in force") from None

    @router.get("/refusals/{refusal}", dependencies=GUARDED)
    async def explain_refusal(refusal: str) -> RefusalAnswer:
        """What a refusal's id (the ``x-request-id`` of the answer) says of that moment."""
        note = context.refusals.open(refusal)
        if note is None:
            raise HTTPException(404, "this is no refusal of this service")
        return RefusalAnswer(
            at=note.at,
            code=note.code,
            cause=note.cause.name.lower(),
            standing=note.standing.word,
            posture=note.posture,
            queued=note.queued,
            in_flight=note.in_flight,
            limit=note.limit,
            sentence=explain(note),
        )

    @router.get("/audit", dependencies=GUARDED)
    async def audit(
        limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
        actor: Annotated[str, Query(max_length=200, description="Part of who did it.")] = "",
        event: Annotated[str, Query(max_length=100, description="Beginning of the event.")] = "",
        words: Annotated[
            str, Query(max_length=200, description="In what it was done to, or the detail.")
        ] = "",
    ) -> AuditAnswer:
        """Who changed what, newest first; a search looks at the newest 20,000 lines."""
        async with accounts.database.session() as session:
            rows = await search_audit(session, actor=actor, event=event, words=words, most=limit)
        return AuditAnswer(audit=[AuditEntry.model_validate(row) for row in rows])

    return router
