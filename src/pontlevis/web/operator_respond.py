"""The operator's API: what is done to accounts after a breach."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Body, HTTPException, Request
from pydantic import BaseModel, Field

from pontlevis.accounts.respond import MOST_ACCOUNTS, Parts
from pontlevis.accounts.roles import Role
from pontlevis.web.context import WebContext
from pontlevis.web.operator_respond_desk import RespondDesk
from pontlevis.web.operator_visitor import Actor, gate_of

Name = Annotated[str, Field(min_length=1, max_length=320)]


class RespondBody(BaseModel):
    accounts: list[Name] = Field(
        default=[], max_length=MOST_ACCOUNTS, description="Accounts by id or by exact address."
    )
    incident: str = Field(
        default="",
        max_length=16,
        description="Also every account that this incident touched; it gets a note.",
    )
    reason: str = Field(min_length=1, max_length=500)
    sessions: bool = Field(default=True, description="End every session.")
    keys: bool = Field(default=True, description="Revoke every key.")
    password: bool = Field(default=True, description="Demand a new password.")
    passkeys: bool = Field(
        default=False,
        description="Take passkeys, authenticator apps and recovery codes away; only together with `password`.",
    )
    tell: bool = Field(default=True, description="Write to the owners.")
    operators: bool = Field(default=False, description="Operators' accounts as well.")
    apply: bool = Field(default=False, description="Do it; without, it is only shown.")


class TargetAnswer(BaseModel):
    account: str
    email: str
    why: str
    at: float
    sessions: int
    keys: int
    password: bool
    told: bool
    passkeys: int
    """Passkeys and authenticator apps that go."""
    left_out: str


class RespondAnswer(BaseModel):
    applied: bool
    targets: list[TargetAnswer]
    unknown: list[str]
    sentence: str
    noted: bool
    """Whether the incident has a note of it."""


def create_operator_respond_router(context: WebContext) -> APIRouter:
    """One route: the dry run is the default."""
    router = APIRouter()
    desk = RespondDesk(context)

    @router.post("/respond")
    async def respond(request: Request, actor: Actor, body: Annotated[RespondBody, Body()]) -> RespondAnswer:
        """End sessions, revoke keys, demand new passwords and tell owners; shows whom and what unless ``apply``."""
        if body.operators:
            await gate_of(request).require(request, Role.ADMIN)
        if not body.accounts and not body.incident:
            raise HTTPException(400, "name accounts or an incident")
        touched = await desk.touched(body.incident)
        done = await context.accounts.respond(
            touched,
            body.accounts,
            parts=Parts(body.sessions, body.keys, body.password, body.tell, body.passkeys),
            actor=actor,
            reason=body.reason,
            operators=body.operators,
            apply=body.apply,
        )
        noted = await desk.note(body.incident, done, actor=actor, reason=body.reason)
        return RespondAnswer(
            applied=done.applied,
            targets=[TargetAnswer(**asdict(each)) for each in done.targets],
            unknown=done.unknown,
            sentence=done.sentence,
            noted=noted,
        )

    return router
