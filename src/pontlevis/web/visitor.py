"""Who sends a request, as the gateway says and as the session proves."""

from dataclasses import dataclass, field
from math import ceil

from fastapi import HTTPException
from fastapi.responses import Response
from starlette.requests import Request

from pontlevis.accounts.devices import LIFETIME_S as DEVICE_LIFETIME_S
from pontlevis.accounts.service import AccountError, AccountView, SessionGrant
from pontlevis.brain.agent import MOST_NAME
from pontlevis.brain.fingerprint import Fingerprint
from pontlevis.web.context import WebContext

SESSION_COOKIE = "pontlevis_session"
DEVICE_COOKIE = "pontlevis_device"


@dataclass(frozen=True, slots=True)
class Visitor:
    """A source, and the account whose session it brought."""

    source: str
    fingerprint: int
    token: str = field(repr=False)
    account: AccountView | None
    device: str = field(repr=False)
    """What this browser has to show for earlier log-ins; opens nothing."""


def source_of(request: Request) -> tuple[str, int]:
    """Address and header fingerprint with the client's name, from the gateway's own headers.

    Only the gateway can reach the controller's socket, and it drops these headers where a client sent them.
    """
    source = request.headers.get("x-pontlevis-source") or (request.client.host if request.client else "local")
    try:
        fingerprint = int(request.headers.get("x-pontlevis-fingerprint", "0")[:8], 16)
    except ValueError:
        fingerprint = 0
    return source[:64], Fingerprint(fingerprint, request.headers.get("x-pontlevis-agent", "")[:MOST_NAME])


async def visitor_of(request: Request, context: WebContext) -> Visitor:
    source, fingerprint = source_of(request)
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    token = bearer.strip() if scheme.lower() == "bearer" else request.cookies.get(SESSION_COOKIE, "")
    account = await context.accounts.session_account(token) if token.startswith("ps-") else None
    request.state.account = account
    return Visitor(source, fingerprint, token, account, device_of(request))


def agent_of(request: Request) -> str:
    """The User-Agent header, for its owner to know their own sessions by."""
    return request.headers.get("user-agent", "")


def solution_of(request: Request) -> str:
    """A challenge's solution in the head of a program's request, where gateways see it, too."""
    return request.headers.get("x-pontlevis-solution", "")


def device_of(request: Request) -> str:
    """The token that an earlier log-in left in this browser; empty where there is none."""
    return request.cookies.get(DEVICE_COOKIE, "")


async def logged_in(request: Request, context: WebContext) -> tuple[Visitor, AccountView]:
    """Raises 401."""
    visitor = await visitor_of(request, context)
    if visitor.account is None:
        raise HTTPException(401, "log in first", {"www-authenticate": "Bearer"})
    return visitor, visitor.account


def with_retry(answer: Response, error: AccountError | None) -> Response:
    """Tells when to come back, where the refusal says so."""
    if error is not None and error.retry_after_s > 0:
        answer.headers["retry-after"] = str(max(1, ceil(error.retry_after_s)))
    return answer


def keep_session(
    answer: Response, grant: SessionGrant, context: WebContext, *, name: str = SESSION_COOKIE
) -> None:
    """Leaves the session with a browser, and with it what makes its next log-in go first."""
    kept = [(name, grant.token, context.settings.accounts.session_lifetime_s)]
    if name == SESSION_COOKIE:
        kept.append((DEVICE_COOKIE, grant.device, DEVICE_LIFETIME_S))
    for cookie, value, lifetime_s in kept:
        answer.set_cookie(
            cookie,
            value,
            max_age=int(lifetime_s),
            httponly=True,
            samesite="lax",
            secure=context.settings.public_url.startswith("https://"),
        )
