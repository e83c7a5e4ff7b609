"""Who may act as an operator."""

from fastapi import HTTPException
from starlette.requests import Request

from pontlevis.brain.vocabulary import Standing
from pontlevis.web.context import WebContext

COOKIE = "pontlevis_operator"


class OperatorGate:
    """Names the operator behind a request, or refuses it."""

    def __init__(self, context: WebContext, *, trusted: bool) -> None:
        self._context = context
        self.trusted = trusted

    async def actor(self, request: Request) -> str | None:
        """The operator's name for the audit log; None for anybody else."""
        if self.trusted:
            return request.headers.get("x-pontlevis-actor", "private socket")[:100]
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        token = bearer.strip() if scheme.lower() == "bearer" else request.cookies.get(COOKIE, "")
        account = await self._context.accounts.session_account(token) if token.startswith("ps-") else None
        return account.email if account is not None and account.standing is Standing.OPERATOR else None

    async def require(self, request: Request) -> str:
        """Raises 401."""
        actor = await self.actor(request)
        if actor is None:
            raise HTTPException(401, "log in as an operator first", {"www-authenticate": "Bearer"})
        return actor
