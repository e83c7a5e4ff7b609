"""The console's smaller pages: the audit log, incidents, accounts."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from pontlevis.accounts.service import AccountError
from pontlevis.incidents.views import IMPACTS, STATUSES
from pontlevis.storage.audit_search import search_audit
from pontlevis.web.context import WebContext
from pontlevis.web.operator_desk import known_error
from pontlevis.web.operator_visitor import Actor, Reader
from pontlevis.web.render import render

Part = Annotated[str, Query(max_length=200)]
LINES = 100
MOST_INCIDENTS = 100


def create_pages_router(context: WebContext) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    accounts, incidents = context.accounts, context.incidents

    @router.get("/audit")
    async def audit(
        request: Request,
        actor: Reader,
        by: Part = "",
        event: Part = "",
        words: Part = "",
        before: Annotated[int, Query(ge=0, le=2**31)] = 0,
    ) -> Response:
        async with accounts.database.session() as session:
            found = await search_audit(
                session,
                actor=by.strip(),
                event=event.strip(),
                words=words.strip(),
                before=before,
                most=LINES + 1,
            )
        values: dict[str, object] = {
            "actor": actor,
            "audit": found[:LINES],
            "older": found[LINES - 1].id if len(found) > LINES else 0,
            "by": by,
            "event": event,
            "words": words,
        }
        return render(request, "operator_audit.html", values)

    @router.get("/incidents")
    async def incident_desk(request: Request, actor: Reader) -> Response:
        values: dict[str, object] = {
            "actor": actor,
            "incidents": await incidents.incidents(most=MOST_INCIDENTS),
            "statuses": STATUSES,
            "impacts": IMPACTS,
            "base_url": context.settings.base_url,
            "error": known_error(request),
        }
        return render(request, "operator_incidents.html", values)

    async def people(
        request: Request, actor: str, offset: int = 0, error: AccountError | None = None
    ) -> Response:
        found = await accounts.list_accounts(LINES + 1, offset)
        values: dict[str, object] = {
            "actor": actor,
            "accounts": found[:LINES],
            "older": offset + LINES if len(found) > LINES else 0,
            "error": error,
        }
        return render(request, "operator_accounts.html", values, status=error.status if error else 200)

    @router.get("/accounts")
    async def list_accounts(
        request: Request, actor: Reader, offset: Annotated[int, Query(ge=0, le=10**9)] = 0
    ) -> Response:
        return await people(request, actor, offset)

    @router.post("/accounts/{account}")
    async def change_account(
        request: Request,
        actor: Actor,
        account: str,
        do: Annotated[str, Form(pattern="^(ban|unban|approve)$")],
        reason: Annotated[str, Form(max_length=500)] = "",
    ) -> Response:
        try:
            if do == "ban":
                if not reason.strip():
                    raise AccountError(400, "reason_missing", "say why the account may not be used")
                await accounts.change_account(account, actor=actor, disabled=reason.strip())
            elif do == "unban":
                await accounts.change_account(account, actor=actor, disabled="")
            else:
                await accounts.change_account(account, actor=actor, pending=False)
        except AccountError as error:
            return await people(request, actor, error=error)
        return RedirectResponse("/accounts", 303)

    return router
