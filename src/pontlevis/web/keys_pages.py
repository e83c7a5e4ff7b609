"""Pages of keys: scopes, limits, expiry, rotation; and the form for a key that leaked."""

import re
from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field

from pontlevis.accounts.leaks import MOST_REPORTED, LeakedKey
from pontlevis.accounts.service import AccountError, ChangedKey, KeyChange, KeyView, NewKey
from pontlevis.brain.key_scope import ENDPOINTS, INFERENCE, MOST_LIMIT, KeyLimits, KeyScope
from pontlevis.web.context import WebContext
from pontlevis.web.render import render
from pontlevis.web.visitor import source_of, visitor_of, with_retry

DAYS = (1, 7, 30, 90, 365)
OVERLAPS_S = (0, 3_600, 86_400, 7 * 86_400)
KEEP, NEVER = "keep", "never"
LIMITS = KeyLimits.__struct_fields__
_LOGIN = "/login?next=/keys"

Text = Annotated[str, Form(max_length=10_000)]
Limit = Annotated[str, Field(max_length=20)]


class KeyForm(BaseModel):
    """What stands in the form of a key, as it was written."""

    name: Annotated[str, Field(max_length=10_000)] = ""
    models: Annotated[str, Field(max_length=10_000)] = ""
    endpoint: Annotated[list[str], Field(max_length=20)] = []
    days: Annotated[str, Field(max_length=10)] = ""
    requests_per_minute: Limit = ""
    tokens_per_minute: Limit = ""
    requests_per_day: Limit = ""
    tokens_per_day: Limit = ""
    concurrent: Limit = ""

    @property
    def limits(self) -> dict[str, str]:
        return {each: str(getattr(self, each)) for each in LIMITS}

    def scope(self) -> KeyScope:
        """Raises ``AccountError`` 400."""
        return _scope(self.models, self.endpoint, self.limits)

    def again(self) -> Mapping[str, object]:
        """For the form that is shown once more."""
        return {
            "name": self.name, "models": self.models, "endpoints": self.endpoint, "days": self.days, **self.limits,
        }  # fmt: skip


def create_keys_pages_router(context: WebContext) -> APIRouter:
    """Every form works without JavaScript."""
    router = APIRouter(include_in_schema=False)
    accounts = context.accounts

    async def keys_page(
        request: Request,
        account: str,
        *,
        made: NewKey | None = None,
        rotated: bool = False,
        changed: ChangedKey | None = None,
        error: AccountError | None = None,
        form: Mapping[str, object] | None = None,
        status: int = 200,
    ) -> Response:
        now, policy = accounts.clock(), context.settings.accounts
        keys = await accounts.list_keys(account)
        overlaps = [each for each in OVERLAPS_S if each <= policy.longest_key_overlap_s]
        values: dict[str, object] = {
            "keys": [(each, _state(each, now)) for each in keys],
            "names": {each.id: each.name for each in keys},
            "now": now,
            "made": made,
            "changed": changed,
            "rotated": rotated,
            "error": error,
            "form": {"name": "", "models": "", "endpoints": INFERENCE, "days": "", **(form or {})},
            "endpoints": ENDPOINTS,
            "inference": INFERENCE,
            "limits": LIMITS,
            "days": DAYS,
            "overlaps": overlaps,
            "overlap": max((each for each in overlaps if each <= policy.key_overlap_s), default=0),
            "most_limit": MOST_LIMIT,
        }
        return render(request, "keys.html", values, status=error.status if error else status)

    async def key_page(
        request: Request,
        account: str,
        key: str,
        error: AccountError | None = None,
        form: Mapping[str, object] | None = None,
    ) -> Response:
        """The form that changes a key; without one that can be changed, the list and why."""
        keys = {each.id: each for each in await accounts.list_keys(account)}
        found = keys.get(key)
        if found is None or _state(found, accounts.clock()) != "good":
            gone = AccountError(404, "not_found", "there is no such key")
            return await keys_page(request, account, error=error or gone)
        maker = keys.get(found.made_by)
        values: dict[str, object] = {
            "key": found,
            "maker": maker.name if maker is not None else found.made_by,
            "error": error,
            "form": form or _form_of(found),
            "endpoints": ENDPOINTS,
            "limits": LIMITS,
            "days": DAYS,
            "most_limit": MOST_LIMIT,
        }
        return render(request, "key.html", values, status=error.status if error else 200)

    @router.get("/keys/{key}")
    async def one_key(request: Request, key: str) -> Response:
        visitor = await visitor_of(request, context)
        if visitor.account is None:
            return RedirectResponse(_LOGIN, 303)
        return await key_page(request, visitor.account.id, key)

    @router.post("/keys/{key}")
    async def change_key(request: Request, key: str, sent: Annotated[KeyForm, Form()]) -> Response:
        visitor = await visitor_of(request, context)
        if visitor.account is None:
            return RedirectResponse(_LOGIN, 303)
        account = visitor.account.id
        try:
            change = _change(sent.name, sent.scope(), sent.days or KEEP, accounts.clock())
            done = await accounts.change_key(account, key, change)
        except AccountError as error:
            return await key_page(request, account, key, error, sent.again())
        return await keys_page(request, account, changed=done)

    @router.get("/keys")
    async def keys(request: Request) -> Response:
        visitor = await visitor_of(request, context)
        if visitor.account is None:
            return RedirectResponse(_LOGIN, 303)
        return await keys_page(request, visitor.account.id)

    @router.post("/keys")
    async def create_key(request: Request, sent: Annotated[KeyForm, Form()]) -> Response:
        visitor = await visitor_of(request, context)
        if visitor.account is None:
            return RedirectResponse(_LOGIN, 303)
        try:
            expires_at = accounts.clock() + _days(sent.days) * 86_400.0 if sent.days else None
            made = await accounts.create_key(
                visitor.account.id, sent.name, scope=sent.scope(), expires_at=expires_at
            )
        except AccountError as error:
            return await keys_page(request, visitor.account.id, error=error, form=sent.again())
        return await keys_page(request, visitor.account.id, made=made, status=201)

    @router.post("/keys/{key}/rotate")
    async def rotate_key(
        request: Request, key: str, overlap: Annotated[str, Form(max_length=10)] = ""
    ) -> Response:
        visitor = await visitor_of(request, context)
        if visitor.account is None:
            return RedirectResponse(_LOGIN, 303)
        overlap_s = float(overlap) if overlap.isdecimal() else None
        try:
            made = await accounts.rotate_key(visitor.account.id, key, overlap_s=overlap_s)
        except AccountError as error:
            return await keys_page(request, visitor.account.id, error=error)
        return await keys_page(request, visitor.account.id, made=made, rotated=True, status=201)

    @router.post("/keys/{key}/delete")
    async def delete_key(request: Request, key: str) -> Response:
        visitor = await visitor_of(request, context)
        if visitor.account is None:
            return RedirectResponse(_LOGIN, 303)
        try:
            await accounts.revoke_key(visitor.account.id, key)
        except AccountError as error:
            return await keys_page(request, visitor.account.id, error=error)
        return RedirectResponse("/keys", 303)

    @router.get("/leaked-key")
    async def leaked_form(request: Request) -> Response:
        await visitor_of(request, context)
        return render(request, "leaked_key.html", {"received": 0, "error": None, "url": ""})

    @router.post("/leaked-key")
    async def leaked(request: Request, token: Text = "", url: Text = "") -> Response:
        await visitor_of(request, context)
        source, _ = source_of(request)
        tokens = token.split()[:MOST_REPORTED]
        error = None
        try:
            if not tokens:
                raise AccountError(400, "no_token", "enter a key")
            accounts.count_report(source)
            await accounts.report_leaked([LeakedKey(each, url=url) for each in tokens], source=source)
        except AccountError as refused:
            error = refused
        values: dict[str, object] = {"received": 0 if error else len(tokens), "error": error, "url": url}
        return with_retry(
            render(request, "leaked_key.html", values, status=error.status if error else 202), error
        )

    return router


def _state(key: KeyView, now: float) -> str:
    if key.leaked_at is not None:
        return "leaked"
    return "expired" if key.expires_at is not None and key.expires_at <= now else "good"


def _scope(models: str, endpoints: list[str], written: dict[str, str]) -> KeyScope:
    """Raises ``AccountError`` 400. All endpoints for inference together are no list: new ones will be in it."""
    names = tuple(dict.fromkeys(each.strip() for each in re.split(r"[,\n\r]+", models) if each.strip()))
    if not endpoints:
        raise AccountError(400, "no_endpoint", "choose at least one endpoint", param="endpoints")
    words = tuple(dict.fromkeys(endpoints))
    limits: dict[str, int] = {}
    for name, text in written.items():
        if text.strip():
            if not text.strip().isdecimal() or not 0 < int(text) <= MOST_LIMIT:
                raise AccountError(400, "invalid_scope", f"{name} must be a number from 1 on", param=name)
            limits[name] = int(text)
    return KeyScope(
        names, () if set(words) == set(INFERENCE) else words, KeyLimits(**limits) if limits else None
    )


def _change(name: str, scope: KeyScope, days: str, now: float) -> KeyChange:
    """The whole form is meant as it stands, but for an expiry that is kept. Raises ``AccountError`` 400."""
    own = scope.limits or KeyLimits()
    limits = {each: getattr(own, each) for each in LIMITS}
    if days == KEEP:
        return KeyChange(name, scope.models, scope.endpoints, limits)
    # An empty field is one that was not sent.
    expires_at = now + _days(days) * 86_400.0 if days != NEVER else None
    return KeyChange(name, scope.models, scope.endpoints, limits, expires_at)


def _form_of(key: KeyView) -> dict[str, object]:
    own = key.scope.limits or KeyLimits()
    return {
        "name": key.name, "models": ", ".join(key.scope.models), "endpoints": key.scope.endpoints or INFERENCE,
        "days": KEEP, **{each: getattr(own, each) or "" for each in LIMITS},
    }  # fmt: skip


def _days(text: str) -> int:
    if not text.isdecimal() or int(text) not in DAYS:
        raise AccountError(400, "invalid_expiry", "choose when the key expires", param="days")
    return int(text)
