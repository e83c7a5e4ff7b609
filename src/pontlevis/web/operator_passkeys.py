"""An operator's own second factors: passkeys of the console set up, used and taken away."""

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from pontlevis.accounts.factors import Realm
from pontlevis.accounts.service import AccountError, AccountView
from pontlevis.web.context import WebContext
from pontlevis.web.login_steps import Credential, Opaque
from pontlevis.web.operator_login import TICKET_COOKIE
from pontlevis.web.operator_visitor import (
    GUARDED,
    Reader,
    keep_operator_session,
    operator_source,
    token_of,
)
from pontlevis.web.render import render
from pontlevis.web.session_api import CeremonyAnswer, ceremony_answer
from pontlevis.web.visitor import agent_of, with_retry

PAGE = "/account"


def passkeys_here(request: Request, context: WebContext) -> bool:
    """Whether the browser came under the name for which it offers passkeys of the console."""
    party = context.accounts.party_of(Realm.OPERATOR)
    return party is not None and party.origin == f"{request.url.scheme}://{request.headers.get('host', '')}"


def passkey_values(request: Request, context: WebContext) -> dict[str, object]:
    """What a page with a passkey's button needs."""
    return {
        "passkeys_here": passkeys_here(request, context),
        "console_url": context.settings.console_url,
        "base_url": context.settings.base_url,
    }


def create_operator_passkeys_router(context: WebContext) -> APIRouter:
    """A passkey is a whole log-in here as on the public pages. Only the browser's own part takes JavaScript."""
    router = APIRouter(include_in_schema=False)
    accounts = context.accounts

    async def owner(request: Request) -> AccountView:
        """Whose session this is; who comes over the private socket has none."""
        found = await accounts.operator_session(token_of(request))
        if found is None:
            raise HTTPException(404, "only who has logged in has second factors")
        return found

    async def page(
        request: Request, actor: str, *, codes: list[str] | None = None, error: AccountError | None = None
    ) -> Response:
        view = await owner(request)
        values: dict[str, object] = {
            **passkey_values(request, context),
            "actor": actor,
            "path": PAGE,
            "email": view.email,
            "factors": await accounts.factors(view.id),
            "realm": Realm.OPERATOR,
            "fresh": await accounts.session_is_fresh(token_of(request)),
            "base_url": context.settings.base_url,
            "codes": codes or [],
            "error": error,
        }
        return render(request, "operator_account.html", values, status=error.status if error else 200)

    @router.get(PAGE)
    async def own(request: Request, actor: Reader) -> Response:
        return await page(request, actor)

    @router.post("/api/passkeys/options", status_code=201, dependencies=GUARDED)
    async def options(request: Request) -> CeremonyAnswer:
        """What a browser needs to make a passkey of the console."""
        view = await owner(request)
        await accounts.require_fresh(token_of(request))
        return ceremony_answer(await accounts.begin_passkey(view.id, realm=Realm.OPERATOR))

    @router.post(f"{PAGE}/passkeys")
    async def add(
        request: Request,
        actor: Reader,
        state: Opaque = "",
        credential: Credential = "",
        name: Annotated[str, Form(max_length=200)] = "",
    ) -> Response:
        view = await owner(request)
        try:
            await accounts.require_fresh(token_of(request))
            codes = await accounts.add_passkey(
                view.id, state, credential, name, source=operator_source(request), realm=Realm.OPERATOR
            )
        except AccountError as error:
            return await page(request, actor, error=error)
        return await page(request, actor, codes=codes) if codes else RedirectResponse(PAGE, 303)

    @router.post(f"{PAGE}/passkeys/{{passkey}}/remove")
    async def remove(request: Request, actor: Reader, passkey: str) -> Response:
        view = await owner(request)
        try:
            await accounts.require_fresh(token_of(request))
            await accounts.remove_passkey(view.id, passkey, source=operator_source(request))
        except AccountError as error:
            return await page(request, actor, error=error)
        return RedirectResponse(PAGE, 303)

    @router.get("/api/passkeys/challenge")
    async def challenge() -> CeremonyAnswer:
        """What a browser needs to log in with a passkey; the same for everybody."""
        return ceremony_answer(accounts.begin_passkey_log_in(Realm.OPERATOR))

    @router.post("/login/passkey")
    async def log_in(request: Request, state: Opaque = "", credential: Credential = "") -> Response:
        try:
            grant = await accounts.passkey_log_in(
                state,
                credential,
                source=operator_source(request),
                fingerprint=0,
                agent=agent_of(request),
                realm=Realm.OPERATOR,
            )
        except AccountError as error:
            values = {**passkey_values(request, context), "actor": None, "error": error}
            return with_retry(render(request, "operator_login.html", values, status=error.status), error)
        answer = RedirectResponse("/", 303)
        answer.delete_cookie(TICKET_COOKIE, path="/login")
        keep_operator_session(answer, grant, lifetime_s=context.settings.accounts.session_lifetime_s)
        return answer

    return router
