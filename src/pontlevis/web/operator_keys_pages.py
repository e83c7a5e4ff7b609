"""The console's page of one account: its keys, each with a way to end it."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from pontlevis.accounts.key_desk import MOST_LISTED, OwnedKey
from pontlevis.accounts.service import AccountError
from pontlevis.brain.key_scope import KeyLimits
from pontlevis.web.context import WebContext
from pontlevis.web.operator_visitor import Actor, Reader
from pontlevis.web.render import render


def create_operator_keys_pages_router(context: WebContext) -> APIRouter:
    """Each form does what the operator's API does."""
    router = APIRouter(include_in_schema=False)
    accounts = context.accounts

    async def page(request: Request, actor: str, account: str, error: AccountError | None = None) -> Response:
        owner = await accounts.one_account(account)
        found = await accounts.find_keys(account=account, limit=MOST_LISTED)
        now = accounts.clock()
        values: dict[str, object] = {
            "actor": actor,
            "account": owner,
            "keys": [(each.key, _state(each, now)) for each in found],
            "names": {each.key.id: each.key.name for each in found},
            "active": sum(each.key.leaked_at is None for each in found),
            "limits": KeyLimits.__struct_fields__,
            "error": error,
        }
        return render(request, "operator_account_keys.html", values, status=error.status if error else 200)

    @router.get("/accounts/{account}")
    async def one_account(request: Request, actor: Reader, account: str) -> Response:
        return await page(request, actor, account)

    @router.post("/accounts/{account}/keys/revoke")
    async def revoke(
        request: Request,
        actor: Actor,
        account: str,
        key: Annotated[str, Form(max_length=64)] = "",
        reason: Annotated[str, Form(max_length=500)] = "",
    ) -> Response:
        """One key with what it made; without ``key`` all of the account."""
        try:
            owned = {each.key.id for each in await accounts.find_keys(account=account, limit=MOST_LISTED)}
            if not reason.strip():
                raise AccountError(400, "reason_missing", "say why")
            if key and key not in owned:
                raise AccountError(404, "not_found", "there is no such key")
            await accounts.revoke_any_keys(
                [key] if key else [],
                account="" if key else account,
                actor=actor,
                reason=reason.strip(),
                apply=True,
            )
        except AccountError as error:
            return await page(request, actor, account, error)
        return RedirectResponse(f"/accounts/{account}", 303)

    return router


def _state(each: OwnedKey, now: float) -> str:
    if each.key.leaked_at is not None:
        return "leaked"
    return "expired" if each.key.expires_at is not None and each.key.expires_at <= now else "active"
