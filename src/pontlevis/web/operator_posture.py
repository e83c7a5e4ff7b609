"""The operator's API: the posture, orders about it, and the policy file."""

from typing import Annotated, Literal

from fastapi import APIRouter, Body, HTTPException
from pydantic import BaseModel, Field

from pontlevis.brain.posture.state import Transition, differences
from pontlevis.brain.vocabulary import Posture
from pontlevis.policy_file import BadPolicyFile, Change
from pontlevis.web.context import WebContext
from pontlevis.web.operator_answers import (
    ChangeAnswer,
    OrderAnswer,
    PolicyAnswer,
    ReloadAnswer,
    StandAnswer,
    TransitionsAnswer,
    posture_answer,
    transition_answer,
)
from pontlevis.web.operator_visitor import GUARDED, Actor, AdminActor
from pontlevis.web.ports import Service

Reason = Annotated[str, Field(min_length=1, max_length=500, pattern=r"\S")]
Trial = Annotated[bool, Field(description="Say what would change, and change nothing but the audit log.")]
Hold = Annotated[float | None, Field(gt=0, le=30 * 86_400, description="Seconds; the longest hold if none.")]
DRY_RUN = {"on": True, "off": False, "policy": None}


class PostureBody(BaseModel):
    posture: Posture
    reason: Reason
    hold_s: Hold = None
    dry_run: Trial = False


class HoldBody(BaseModel):
    reason: Reason
    hold_s: Hold = None
    dry_run: Trial = False


class ReleaseBody(BaseModel):
    reason: Reason
    dry_run: Trial = False


class DryRunBody(BaseModel):
    """``policy``: as the policy says."""

    dry_run: Literal["on", "off", "policy"]
    reason: Reason


class ReloadBody(BaseModel):
    reason: Reason
    dry_run: Trial = False


def create_operator_posture_router(context: WebContext) -> APIRouter:
    """Everything about the bridge."""
    router = APIRouter()
    service = context.service

    @router.get("/posture", dependencies=GUARDED)
    async def show_posture() -> StandAnswer:
        """The posture in force and why; in a dry run also where the machine would be."""
        return StandAnswer(
            **posture_answer(service.posture).model_dump(),
            dry_running=service.posture_dry_run,
            planned=service.planned.posture,
            planned_reason=service.planned.reason,
        )

    @router.post("/posture")
    async def set_posture(actor: Actor, body: Annotated[PostureBody, Body()]) -> OrderAnswer:
        """Force a posture for a time."""
        done = await service.set_posture(
            body.posture, reason=body.reason, actor=actor, hold_s=body.hold_s, dry_run=body.dry_run
        )
        return order_answer(service, done, trial=body.dry_run)

    @router.post("/posture/hold")
    async def hold_posture(actor: Actor, body: Annotated[HoldBody, Body()]) -> OrderAnswer:
        """Leave what stands as it is for a time."""
        done = await service.hold_posture(
            reason=body.reason, actor=actor, hold_s=body.hold_s, dry_run=body.dry_run
        )
        return order_answer(service, done, trial=body.dry_run)

    @router.post("/posture/release")
    async def release_posture(actor: Actor, body: Annotated[ReleaseBody, Body()]) -> OrderAnswer:
        """Let the machine steer again."""
        done = await service.release_posture(actor=actor, reason=body.reason, dry_run=body.dry_run)
        return order_answer(service, done, trial=body.dry_run)

    @router.post("/posture/dry-run")
    async def set_dry_run(actor: AdminActor, body: Annotated[DryRunBody, Body()]) -> OrderAnswer:
        """Whether the machine only says what it would do."""
        done = await service.set_posture_dry_run(DRY_RUN[body.dry_run], actor=actor, reason=body.reason)
        return order_answer(service, done, trial=False)

    @router.get("/transitions", dependencies=GUARDED)
    async def transitions() -> TransitionsAnswer:
        """Changes of posture, newest first."""
        return TransitionsAnswer(transitions=[transition_answer(each) for each in service.postures])

    @router.get("/policy", dependencies=GUARDED)
    async def show_policy() -> PolicyAnswer:
        """The policy file and what it changes."""
        return PolicyAnswer(
            file=str(context.policy.file) if context.policy.file is not None else None,
            changes=[_change(each) for each in context.policy.ruled],
        )

    @router.post("/policy/reload")
    async def reload_policy(actor: AdminActor, body: Annotated[ReloadBody, Body()]) -> ReloadAnswer:
        """Read the policy file again; a bad one is refused whole and the running policy stays."""
        try:
            found = await context.policy.reload(actor=actor, reason=body.reason, dry_run=body.dry_run)
        except BadPolicyFile as error:
            raise HTTPException(400, str(error)) from None
        return ReloadAnswer(changes=[_change(each) for each in found], trial=body.dry_run)

    return router


def order_answer(service: Service, done: list[Transition], *, trial: bool) -> OrderAnswer:
    """How the posture stands after an order, or would stand."""
    state = done[-1].after if done and trial else service.posture
    return OrderAnswer(**posture_answer(state).model_dump(), trial=trial, changes=differences(done))


def _change(change: Change) -> ChangeAnswer:
    return ChangeAnswer.model_validate(change)
