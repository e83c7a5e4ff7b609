"""Who may act as an operator."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, HTTPException
from fastapi.responses import Response
from starlette.requests import Request

from pontlevis.accounts.roles import Role
from pontlevis.accounts.service import SessionGrant
from pontlevis.brain.vocabulary import Standing
from pontlevis.web.context import WebContext
from pontlevis.web.operator_names import actor_of

COOKIE = "pontlevis_operator"
LONGEST_ACTOR = 100
NEEDS_NOBODY = frozenset(
    {
        "/healthz",
        "/readyz",
        "/metrics",
        "/login",
        "/login/second",
        "/login/passkey",
        "/api/passkeys/challenge",
        "/logout",
        "/setup",
        "/static",
        "/api/openapi.json",
    }
)
"""Paths without a role: health, metrics, the way in. Everything else carries a ``Need``; a test looks."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """An operator behind a request."""

    name: str
    """For the audit log."""
    role: Role

    def may(self, word: str) -> bool:
        """Whether they may do what this role may: ``viewer``, ``responder`` or ``admin``."""
        return self.role >= Role.of(word)


class OperatorGate:
    """Names the operator behind a request, or refuses it."""

    def __init__(self, context: WebContext, *, trusted: bool) -> None:
        self._context = context
        self.trusted = trusted

    async def visitor(self, request: Request) -> Visitor | None:
        """The operator with their role; None for anybody else. Who may open the private socket is an admin."""
        if self.trusted:
            named = request.headers.get("x-pontlevis-actor", "")
            clean = "".join(each for each in named if each.isprintable()).strip()
            return Visitor(clean[:LONGEST_ACTOR] or "private socket", Role.ADMIN)
        accounts = self._context.accounts
        account = await accounts.operator_session(token_of(request))
        if account is None or account.standing is not Standing.OPERATOR:
            return None
        return Visitor(actor_of(account), await accounts.operator_role(account.id))

    async def actor(self, request: Request) -> str | None:
        """The operator's name for the audit log; None for anybody else."""
        visitor = await self.visitor(request)
        return visitor.name if visitor is not None else None

    async def require(self, request: Request, role: Role = Role.VIEWER) -> str:
        """The operator's name. Raises 401 for a stranger, 403 for an operator whose role is not enough."""
        visitor = await self.visitor(request)
        if visitor is None:
            raise HTTPException(401, "log in as an operator first", {"www-authenticate": "Bearer"})
        # Templates show each visitor what they may do.
        request.state.operator = visitor
        if visitor.role < role:
            raise HTTPException(
                403, f"this needs the role {role.word}; you have the role {visitor.role.word}"
            )
        return visitor.name


@dataclass(frozen=True, slots=True)
class Need:
    """As a dependency: the name of an operator whose role is enough. The one place where rights are asked."""

    role: Role
    page: bool = False
    """A page sends strangers to the log-in instead of answering 401."""

    async def __call__(self, request: Request) -> str:
        try:
            return await gate_of(request).require(request, self.role)
        except HTTPException as error:
            if self.page and error.status_code == 401:
                raise HTTPException(303, "log in first", {"location": "/login"}) from None
            raise


def gate_of(request: Request) -> OperatorGate:
    """The listener's."""
    gate: OperatorGate = request.app.state.gate
    return gate


Actor = Annotated[str, Depends(Need(Role.RESPONDER))]
"""A parameter of a route that changes something: the name of an operator who may respond."""
AdminActor = Annotated[str, Depends(Need(Role.ADMIN))]
"""A parameter of a route that only an admin may use."""
Reader = Annotated[str, Depends(Need(Role.VIEWER, page=True))]
"""A parameter of a page that every operator may see."""
AdminReader = Annotated[str, Depends(Need(Role.ADMIN, page=True))]
"""A parameter of a page that only an admin may see."""
GUARDED = [Depends(Need(Role.VIEWER))]
"""For a route that shows something to every operator and does not need the name."""
ADMINS = [Depends(Need(Role.ADMIN))]
"""For a route that shows what only an admin may see."""


def token_of(request: Request) -> str:
    """The session's token from the Authorization header or the console's cookie; may be empty."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    return bearer.strip() if scheme.lower() == "bearer" else request.cookies.get(COOKIE, "")


def operator_source(request: Request) -> str:
    """The peer's address itself: no gateway stands before this listener, so no header is believed."""
    return request.client.host if request.client else "local"


def keep_operator_session(answer: Response, grant: SessionGrant, *, lifetime_s: float) -> None:
    """Not marked secure: the listener is plain HTTP on loopback, whatever the public address is."""
    answer.set_cookie(COOKIE, grant.token, max_age=int(lifetime_s), httponly=True, samesite="strict")
