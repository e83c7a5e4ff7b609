"""Who may act as an operator."""

from typing import Annotated

from fastapi import Depends, HTTPException
from fastapi.responses import Response
from starlette.requests import Request

from pontlevis.accounts.service import SessionGrant
from pontlevis.brain.vocabulary import Standing
from pontlevis.web.context import WebContext
from pontlevis.web.operator_names import actor_of

COOKIE = "pontlevis_operator"
LONGEST_ACTOR = 100


class OperatorGate:
    """Names the operator behind a request, or refuses it."""

    def __init__(self, context: WebContext, *, trusted: bool) -> None:
        self._context = context
        self.trusted = trusted

    async def actor(self, request: Request) -> str | None:
        """The operator's name for the audit log, which holds no address; None for anybody else."""
        if self.trusted:
            named = request.headers.get("x-pontlevis-actor", "")
            clean = "".join(each for each in named if each.isprintable()).strip()
            return clean[:LONGEST_ACTOR] or "private socket"
        account = await self._context.accounts.operator_session(token_of(request))
        if account is None or account.standing is not Standing.OPERATOR:
            return None
        return actor_of(account)

    async def require(self, request: Request) -> str:
        """As a dependency: the operator's name. Raises 401."""
        actor = await self.actor(request)
        if actor is None:
            raise HTTPException(401, "log in as an operator first", {"www-authenticate": "Bearer"})
        return actor


async def _actor(request: Request) -> str:
    gate: OperatorGate = request.app.state.gate
    return await gate.require(request)


Actor = Annotated[str, Depends(_actor)]
"""A parameter of a route: the operator's name; whoever is none gets 401."""
GUARDED = [Depends(_actor)]
"""For a route that needs an operator and not the name."""


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
