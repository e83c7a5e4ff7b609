"""The operator's API: registration by hand, invitations, the mailbox."""

from typing import Annotated

from fastapi import APIRouter, Body, Query
from pydantic import BaseModel, ConfigDict, Field

from pontlevis.brain.vocabulary import RegistrationMode
from pontlevis.web.context import WebContext
from pontlevis.web.operator_answers import PostureAnswer, posture_answer
from pontlevis.web.operator_api import YEAR_S
from pontlevis.web.operator_visitor import ADMINS, GUARDED, Actor


class RegistrationBody(BaseModel):
    mode: RegistrationMode
    reason: str = Field(min_length=1, max_length=500)
    hold_s: float | None = Field(default=None, gt=0, le=30 * 86_400)


class EndBody(BaseModel):
    reason: str = Field(default="released by hand", min_length=1, max_length=500)


class OrderAnswer(BaseModel):
    """An operator's word on registration."""

    model_config = ConfigDict(from_attributes=True)

    mode: RegistrationMode
    reason: str
    actor: str
    since: float
    until: float


class RegistrationState(BaseModel):
    """Who may register, and who said so."""

    posture: PostureAnswer
    order: OrderAnswer | None
    waiting: int
    """On the waitlist, not invited yet."""


class InvitationBody(BaseModel):
    email: str = Field(default="", max_length=320, description="The only address it is for; empty: any.")
    note: str = Field(default="", max_length=200)
    lifetime_s: float | None = Field(default=None, ge=60, le=YEAR_S)
    mail: bool = Field(default=False, description="Send it there instead of answering with the link.")


class InvitationAnswer(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: str
    email: str
    note: str
    created_by: str
    created_at: float
    expires_at: float
    state: str


class NewInvitationAnswer(InvitationAnswer):
    link: str
    """Shown this once; empty where it went by mail."""
    mailed: bool


class InvitationsAnswer(BaseModel):
    invitations: list[InvitationAnswer]


class LetterAnswer(BaseModel):
    """A letter; its text only where there is no mail server and it is kept for the operator."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    kind: str
    email: str
    state: str
    created_at: float
    ended_at: float | None
    tries: int
    subject: str
    body: str
    error: str


class LettersAnswer(BaseModel):
    letters: list[LetterAnswer]


def create_operator_gate_router(context: WebContext) -> APIRouter:
    """Everything that acts on who may come in."""
    router = APIRouter()
    service, accounts = context.service, context.accounts

    async def state() -> RegistrationState:
        order = service.registration_order
        return RegistrationState(
            posture=posture_answer(service.posture),
            order=OrderAnswer.model_validate(order) if order is not None else None,
            waiting=await accounts.waiting(),
        )

    @router.get("/registration", dependencies=GUARDED)
    async def show_registration() -> RegistrationState:
        """Who may register now."""
        return await state()

    @router.post("/registration")
    async def set_registration(actor: Actor, body: Annotated[RegistrationBody, Body()]) -> RegistrationState:
        """Set who may register for a time, whatever the posture says."""
        await service.set_registration(body.mode, reason=body.reason, actor=actor, hold_s=body.hold_s)
        return await state()

    @router.post("/registration/release")
    async def release_registration(actor: Actor, body: Annotated[EndBody, Body()]) -> RegistrationState:
        """Let the posture decide again."""
        await service.release_registration(actor=actor, reason=body.reason)
        return await state()

    @router.get("/invitations", dependencies=GUARDED)
    async def list_invitations(most: Annotated[int, Query(ge=1, le=1_000)] = 200) -> InvitationsAnswer:
        """Invitations by operators, newest first."""
        found = await accounts.list_invitations(most)
        return InvitationsAnswer(invitations=[InvitationAnswer.model_validate(each) for each in found])

    @router.post("/invitations", status_code=201)
    async def invite(actor: Actor, body: Annotated[InvitationBody, Body()]) -> NewInvitationAnswer:
        """Let one person in, also while registration is suspended; the link is shown this once."""
        made = await accounts.invite(
            actor=actor, email=body.email, note=body.note, lifetime_s=body.lifetime_s, mail=body.mail
        )
        view = InvitationAnswer.model_validate(made.view).model_dump()
        return NewInvitationAnswer(**view, link=made.link, mailed=made.mailed)

    @router.delete("/invitations/{invitation}")
    async def revoke_invitation(actor: Actor, invitation: str) -> InvitationAnswer:
        """Make its link void."""
        return InvitationAnswer.model_validate(await accounts.revoke_invitation(invitation, actor=actor))

    @router.get("/letters", dependencies=ADMINS)
    async def letters(most: Annotated[int, Query(ge=1, le=500)] = 100) -> LettersAnswer:
        """What became of letters, newest first; for admins, as letters may hold links."""
        found = await accounts.letters(most)
        return LettersAnswer(letters=[LetterAnswer.model_validate(each) for each in found])

    return router
