"""The accounts API around sign-up and log-in: challenges, confirmed addresses, forgotten passwords."""

from typing import Annotated

from fastapi import APIRouter, Body, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from pontlevis.accounts.service import AccountError
from pontlevis.solutions import Action
from pontlevis.web.api import CHALLENGE, EmailBody, error_responses
from pontlevis.web.context import WebContext
from pontlevis.web.i18n import language_of
from pontlevis.web.visitor import source_of


class ChallengeParameters(BaseModel):
    """ALTCHA's, version 2."""

    model_config = ConfigDict(extra="allow")

    algorithm: str
    nonce: str
    salt: str
    cost: int
    keyLength: int  # noqa: N815 - ALTCHA's own name
    keyPrefix: str  # noqa: N815
    keySignature: str  # noqa: N815
    expiresAt: int  # noqa: N815
    data: dict[str, str | int]


class ChallengeAnswer(BaseModel):
    parameters: ChallengeParameters
    signature: str


class VerificationBody(BaseModel):
    """A letter's link, or its code with the address that it went to."""

    token: str = Field(default="", max_length=200, repr=False)
    email: str = Field(default="", max_length=320)
    code: str = Field(default="", max_length=20, repr=False)


class ResetBody(BaseModel):
    token: str = Field(min_length=1, max_length=200, repr=False)
    password: str = Field(min_length=1, max_length=1_024, repr=False)


class StateAnswer(BaseModel):
    state: str


def create_gate_router(context: WebContext) -> APIRouter:
    router = APIRouter(responses=error_responses(400, 403, 429))
    accounts, service = context.accounts, context.service

    @router.get(CHALLENGE)
    async def challenge(
        request: Request, action: Annotated[Action, Query()] = Action.SIGNUP
    ) -> ChallengeAnswer:
        """A proof of work (ALTCHA) for one action from this network, to be solved once."""
        source, fingerprint = source_of(request)
        made = accounts.challenges.make(
            action,
            source,
            posture=service.posture.posture,
            factor=service.challenge_factor(source, fingerprint),
        )
        return ChallengeAnswer.model_validate(made)

    @router.post("/api/verification")
    async def verify(request: Request, body: Annotated[VerificationBody, Body()]) -> StateAnswer:
        """Confirm an address by the link's token, or by address and code."""
        if body.token:
            await accounts.verify_link(body.token)
        elif body.code:
            source, _ = source_of(request)
            await accounts.verify_code(body.email, body.code, source=source)
        else:
            raise AccountError(400, "invalid_code", "give a token, or an address and a code", param="code")
        return StateAnswer(state="verified")

    @router.post("/api/verification/letter", status_code=202)
    async def ask_verification(request: Request, body: Annotated[EmailBody, Body()]) -> StateAnswer:
        """Ask for the letter again; the same answer whether or not anybody has the address."""
        source, _ = source_of(request)
        await accounts.ask_verification(body.email, source=source, language=language_of(request))
        return StateAnswer(state="asked")

    @router.post("/api/reset/letter", status_code=202)
    async def ask_reset(request: Request, body: Annotated[EmailBody, Body()]) -> StateAnswer:
        """Ask for a new password; the same answer whether or not anybody has the address."""
        source, _ = source_of(request)
        await accounts.ask_reset(body.email, source=source, language=language_of(request))
        return StateAnswer(state="asked")

    @router.post("/api/reset", responses=error_responses(503))
    async def reset(request: Request, body: Annotated[ResetBody, Body()]) -> StateAnswer:
        """Set a new password by the letter's link; ends every session."""
        source, _ = source_of(request)
        await accounts.reset_password(body.token, body.password, source=source)
        return StateAnswer(state="changed")

    return router
