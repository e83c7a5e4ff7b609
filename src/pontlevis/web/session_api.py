"""The accounts API: the second step of a log-in, passkeys in place of a password, sessions, one's own password."""

import json
from typing import Annotated

from fastapi import APIRouter, Body, Request, Response
from pydantic import BaseModel, Field

from pontlevis.accounts.passkeys import Ceremony
from pontlevis.accounts.service import SessionGrant
from pontlevis.web.api import SessionAnswer, error_responses
from pontlevis.web.context import WebContext
from pontlevis.web.visitor import agent_of, keep_session, logged_in, source_of


class SecondStepBody(BaseModel):
    ticket: str = Field(min_length=1, max_length=200, description="As the first step's refusal gave it.")
    code: str = Field(min_length=1, max_length=40, description="An app's code, or a recovery code.")


class PasskeyBody(BaseModel):
    state: str = Field(min_length=1, max_length=200)
    credential: dict[str, object] = Field(
        description="As the browser's `PublicKeyCredential.toJSON()` has it."
    )


class CeremonyAnswer(BaseModel):
    options: dict[str, object]
    """What `navigator.credentials` takes, in WebAuthn's JSON form."""
    state: str
    """To be sent back with the answer."""


class PasswordBody(BaseModel):
    current: str = Field(default="", max_length=1_024, repr=False)
    password: str = Field(min_length=1, max_length=1_024, repr=False)


class OneSession(BaseModel):
    id: str
    created_at: float
    expires_at: float
    network: str
    device: str
    factor: str
    current: bool


class SessionsAnswer(BaseModel):
    sessions: list[OneSession]


class EndedAnswer(BaseModel):
    ended: int


def ceremony_answer(made: Ceremony) -> CeremonyAnswer:
    return CeremonyAnswer(options=json.loads(made.options), state=made.state)


def create_session_router(context: WebContext) -> APIRouter:
    router = APIRouter(prefix="/api", responses=error_responses(400, 403))
    accounts = context.accounts

    def answered(answer: Response, grant: SessionGrant) -> SessionAnswer:
        keep_session(answer, grant, context)
        return SessionAnswer(token=grant.token, expires_at=grant.expires_at)

    @router.post("/sessions/second-factor", responses=error_responses(401, 429))
    async def second_step(
        request: Request, answer: Response, body: Annotated[SecondStepBody, Body()]
    ) -> SessionAnswer:
        """Finish a log-in that was answered `second_factor_required`."""
        source, fingerprint = source_of(request)
        grant = await accounts.finish_log_in(
            body.ticket, body.code, source=source, fingerprint=fingerprint, agent=agent_of(request)
        )
        return answered(answer, grant)

    @router.get("/passkeys/challenge", responses=error_responses(409))
    async def passkey_challenge() -> CeremonyAnswer:
        """What a browser needs to log in with a passkey; the same for everybody."""
        return ceremony_answer(accounts.begin_passkey_log_in())

    @router.post("/sessions/passkey", responses=error_responses(401, 409, 429))
    async def passkey_log_in(
        request: Request, answer: Response, body: Annotated[PasskeyBody, Body()]
    ) -> SessionAnswer:
        """Log in with a passkey, without a password."""
        source, fingerprint = source_of(request)
        grant = await accounts.passkey_log_in(
            body.state,
            json.dumps(body.credential),
            source=source,
            fingerprint=fingerprint,
            agent=agent_of(request),
        )
        return answered(answer, grant)

    @router.get("/sessions", responses=error_responses(401))
    async def list_sessions(request: Request) -> SessionsAnswer:
        """The account's sessions, newest first, without their secrets."""
        visitor, view = await logged_in(request, context)
        found = await accounts.list_sessions(view.id, visitor.token)
        return SessionsAnswer(
            sessions=[
                OneSession(
                    id=each.id,
                    created_at=each.created_at,
                    expires_at=each.expires_at,
                    network=each.network,
                    device=each.device,
                    factor=each.factor.value,
                    current=each.current,
                )
                for each in found
            ]
        )

    @router.delete("/sessions/others", responses=error_responses(401))
    async def end_others(request: Request) -> EndedAnswer:
        """End every session but this one, at once and everywhere."""
        visitor, view = await logged_in(request, context)
        return EndedAnswer(ended=await accounts.end_other_sessions(view.id, visitor.token))

    @router.delete("/sessions/{session}", status_code=204, responses=error_responses(401, 404))
    async def end_one(request: Request, session: str) -> None:
        """End one session, at once and everywhere."""
        _, view = await logged_in(request, context)
        await accounts.end_own_session(view.id, session)

    @router.post("/password", responses=error_responses(401, 429, 503))
    async def change_password(
        request: Request, answer: Response, body: Annotated[PasswordBody, Body()]
    ) -> SessionAnswer:
        """Change one's password: ends every session and begins a fresh one."""
        visitor, _ = await logged_in(request, context)
        grant = await accounts.change_password(
            visitor.token, body.current, body.password, source=visitor.source, agent=agent_of(request)
        )
        return answered(answer, grant)

    return router
