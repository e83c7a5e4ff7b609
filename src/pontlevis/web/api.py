"""The accounts API."""

from typing import Annotated

from fastapi import APIRouter, Body, Query, Request, Response
from pydantic import BaseModel, Field

from pontlevis.accounts.service import SignUpKind
from pontlevis.brain.posture.registration import suspended_because
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import RegistrationMode
from pontlevis.web.context import WebContext
from pontlevis.web.i18n import language_of
from pontlevis.web.visitor import (
    SESSION_COOKIE,
    agent_of,
    device_of,
    keep_session,
    logged_in,
    solution_of,
    source_of,
)

CHALLENGE = "/api/challenge"


class ErrorDetail(BaseModel):
    """What went wrong."""

    message: str
    type: str
    code: str
    param: str | None = None
    status_page: str | None = None
    waitlist: str | None = None
    ticket: str | None = None
    """Of a log-in whose password fitted, for the second step."""
    expires_at: float | None = None
    methods: list[str] | None = None
    """What can be shown in the second step."""


class ErrorBody(BaseModel):
    error: ErrorDetail


class CredentialsBody(BaseModel):
    email: str = Field(min_length=3, max_length=320, examples=["ada@example.com"])
    password: str = Field(
        min_length=1, max_length=1_024, repr=False, examples=["a long phrase nobody guesses"]
    )


class ChallengedBody(CredentialsBody):
    """Address and password, with the solution of a challenge where one is asked for."""

    altcha: str = Field(default="", max_length=8_192, description="A solution, as ALTCHA's widgets make it.")


class EmailBody(BaseModel):
    email: str = Field(min_length=3, max_length=320, examples=["ada@example.com"])


class AccountAnswer(BaseModel):
    id: str | None = None
    email: str
    standing: str | None = None
    created_at: float | None = None
    state: str


class OwnAccountAnswer(AccountAnswer):
    verified: bool
    """Whether the address is confirmed."""


class SessionAnswer(BaseModel):
    token: str = Field(repr=False)
    expires_at: float


class WaitlistAnswer(BaseModel):
    email: str
    state: str


class RegistrationAnswer(BaseModel):
    mode: RegistrationMode
    since: float
    share: float
    reason: str
    by_hand: bool
    """Whether an operator set the mode, not the posture."""
    challenge: str | None
    """Where a challenge is to be had, while sign-up takes one."""
    next_stage_at: float | None = None
    status_page: str


def error_responses(*statuses: int) -> dict[int | str, dict[str, object]]:
    """Those that a caller should be ready for; any other has the same shape."""
    expected: tuple[int | str, ...] = (*statuses, "4XX", "5XX")
    return {status: {"model": ErrorBody} for status in expected}


def _errors(*statuses: int) -> dict[int | str, dict[str, object]]:
    return error_responses(400, 403, *statuses)


def public_reason(state: PostureState) -> str:
    """Why registration is as it is, for everybody."""
    if state.registration is RegistrationMode.SUSPENDED:
        return suspended_because(state)
    if state.registration_share < 1.0:
        if state.registration_share <= 0.0:
            return "New registrations go to the waitlist at present, which is let in first when they open."
        return (
            f"Registrations are coming back step by step; {state.registration_share:.0%} are let through now."
        )
    return {
        RegistrationMode.CHALLENGE: "Registration is open to whoever solves a small challenge.",
        RegistrationMode.APPROVAL: "New accounts are looked at before they can be used.",
    }.get(state.registration, "Registration is open.")


def create_api_router(context: WebContext) -> APIRouter:
    router = APIRouter(prefix="/api")
    accounts = context.accounts

    @router.post(
        "/accounts", status_code=201, responses={202: {"model": AccountAnswer}, **_errors(409, 429, 503)}
    )
    async def create_account(
        request: Request,
        answer: Response,
        body: Annotated[ChallengedBody, Body()],
        invitation: Annotated[
            str, Query(max_length=200, description="Lets one person in while registration is closed.")
        ] = "",
    ) -> AccountAnswer:
        """Make an account; 202 when it waits for approval, for its address, or was put on the waitlist."""
        source, fingerprint = source_of(request)
        done = await accounts.sign_up(
            body.email,
            body.password,
            source=source,
            fingerprint=fingerprint,
            challenge=body.altcha or solution_of(request),
            invitation=invitation,
            language=language_of(request),
        )
        if done.kind is not SignUpKind.CREATED:
            answer.status_code = 202
        view = done.account
        if view is None:
            return AccountAnswer(email=body.email, state=done.kind.value)
        return AccountAnswer(
            id=view.id,
            email=view.email,
            standing=view.standing.word,
            created_at=view.created_at,
            state=done.kind.value,
        )

    @router.get("/accounts/me", responses=_errors(401))
    async def show_account(request: Request) -> OwnAccountAnswer:
        """The account whose session this is."""
        _, view = await logged_in(request, context)
        return OwnAccountAnswer(
            id=view.id,
            email=view.email,
            standing=view.standing.word,
            created_at=view.created_at,
            state="created",
            verified=view.verified,
        )

    @router.post("/sessions", responses=_errors(401, 429, 503))
    async def log_in(
        request: Request, answer: Response, body: Annotated[ChallengedBody, Body()]
    ) -> SessionAnswer:
        """Log in; the token also comes as a cookie. 403 `second_factor_required` asks for the second step."""
        source, fingerprint = source_of(request)
        grant = await accounts.log_in(
            body.email,
            body.password,
            source=source,
            fingerprint=fingerprint,
            device=device_of(request),
            challenge=body.altcha or solution_of(request),
            agent=agent_of(request),
        )
        keep_session(answer, grant, context)
        return SessionAnswer(token=grant.token, expires_at=grant.expires_at)

    @router.delete("/sessions/current", status_code=204, responses=_errors(401))
    async def log_out(request: Request, answer: Response) -> None:
        """End this session."""
        visitor, _ = await logged_in(request, context)
        await accounts.end_session(visitor.token)
        answer.delete_cookie(SESSION_COOKIE)

    @router.post("/waitlist", status_code=202, responses=_errors(429))
    async def join_waitlist(request: Request, body: Annotated[EmailBody, Body()]) -> WaitlistAnswer:
        """Leave an address for when registration opens again."""
        source, _ = source_of(request)
        await accounts.join_waitlist(body.email, source=source, language=language_of(request))
        return WaitlistAnswer(email=body.email, state="waitlisted")

    @router.get("/registration")
    async def registration() -> RegistrationAnswer:
        """Who may register now, and why."""
        state = context.service.posture
        return RegistrationAnswer(
            mode=state.registration,
            since=state.registration_since,
            share=state.registration_share,
            reason=public_reason(state),
            by_hand=context.service.registration_order is not None,
            challenge=f"{context.settings.base_url}{CHALLENGE}?action=signup"
            if state.registration is RegistrationMode.CHALLENGE
            else None,
            next_stage_at=state.next_stage_at,
            status_page=f"{context.settings.base_url}/status",
        )

    return router
