"""The page on which people look after their account: password, second factor, passkeys, sessions."""

from collections.abc import Awaitable, Callable
from io import BytesIO
from typing import Annotated

import segno
from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from markupsafe import Markup

from pontlevis.accounts.factors import TotpOffer
from pontlevis.accounts.service import AccountError, AccountView
from pontlevis.web.context import WebContext
from pontlevis.web.login_steps import Code, Credential, Opaque
from pontlevis.web.render import render
from pontlevis.web.visitor import Visitor, agent_of, keep_session, visitor_of, with_retry

PAGE = "/account/security"
Password = Annotated[str, Form(max_length=1_024)]
Act = Callable[[Visitor, AccountView], Awaitable[list[str]]]


def qr_svg(text: str) -> Markup:
    """A QR code as SVG for a page; black on white in either theme, since cameras want it so."""
    out = BytesIO()
    segno.make(text, error="m").save(
        out,
        kind="svg",
        scale=4,
        border=4,
        dark="#000",
        light="#fff",
        xmldecl=False,
        svgns=False,
        nl=False,
        omitsize=True,
    )
    return Markup(out.getvalue().decode())  # noqa: S704 - made of modules alone


def create_security_pages_router(context: WebContext) -> APIRouter:
    """Every form works without JavaScript, but for passkeys, which are the browser's own."""
    router = APIRouter(include_in_schema=False)
    accounts, settings = context.accounts, context.settings

    async def page(
        request: Request,
        visitor: Visitor,
        *,
        codes: list[str] | None = None,
        totp: TotpOffer | None = None,
        error: AccountError | None = None,
    ) -> Response:
        if visitor.account is None:
            return RedirectResponse(f"/login?next={PAGE}", 303)
        values: dict[str, object] = {
            "factors": await accounts.factors(visitor.account.id),
            "identities": await accounts.identities(visitor.account.id),
            "issuers": settings.oidc,
            "sessions": await accounts.list_sessions(visitor.account.id, visitor.token),
            "fresh": await accounts.session_is_fresh(visitor.token),
            "has_password": await accounts.has_password(visitor.account.id),
            "passkeys_possible": accounts.relying_party is not None,
            "password_min": settings.accounts.password_min,
            "password_max": settings.accounts.password_max,
            "codes": codes or [],
            "totp": totp,
            "qr": qr_svg(totp.uri) if totp is not None else None,
            "error": error,
        }
        shown = render(request, "security.html", values, status=error.status if error else 200)
        return with_retry(shown, error)

    async def change(request: Request, act: Act) -> Response:
        """Does ``act`` for a session that began lately; recovery codes that it returns are shown once."""
        visitor = await visitor_of(request, context)
        if visitor.account is None:
            return RedirectResponse(f"/login?next={PAGE}", 303)
        try:
            await accounts.require_fresh(visitor.token)
            codes = await act(visitor, visitor.account)
        except AccountError as error:
            return await page(request, visitor, error=error)
        return await page(request, visitor, codes=codes) if codes else RedirectResponse(PAGE, 303)

    @router.get(PAGE)
    async def show(request: Request) -> Response:
        return await page(request, await visitor_of(request, context))

    @router.post("/account/password")
    async def password(request: Request, current: Password = "", password: Password = "") -> Response:
        visitor = await visitor_of(request, context)
        if visitor.account is None:
            return RedirectResponse(f"/login?next={PAGE}", 303)
        try:
            grant = await accounts.change_password(
                visitor.token, current, password, source=visitor.source, agent=agent_of(request)
            )
        except AccountError as error:
            return await page(request, visitor, error=error)
        answer = RedirectResponse(f"{PAGE}?notice=password", 303)
        keep_session(answer, grant, context)
        return answer

    @router.post("/account/totp")
    async def begin_totp(request: Request) -> Response:
        visitor = await visitor_of(request, context)
        if visitor.account is None:
            return RedirectResponse(f"/login?next={PAGE}", 303)
        try:
            await accounts.require_fresh(visitor.token)
            offer = await accounts.begin_totp(visitor.account.id)
        except AccountError as error:
            return await page(request, visitor, error=error)
        return await page(request, visitor, totp=offer)

    @router.post("/account/totp/confirm")
    async def confirm_totp(request: Request, code: Code = "") -> Response:
        visitor = await visitor_of(request, context)
        if visitor.account is None:
            return RedirectResponse(f"/login?next={PAGE}", 303)
        try:
            await accounts.require_fresh(visitor.token)
            codes = await accounts.confirm_totp(visitor.account.id, code, source=visitor.source)
        except AccountError as error:
            offer = await accounts.pending_totp(visitor.account.id) if error.code == "invalid_code" else None
            return await page(request, visitor, totp=offer, error=error)
        return await page(request, visitor, codes=codes) if codes else RedirectResponse(PAGE, 303)

    @router.post("/account/totp/remove")
    async def remove_totp(request: Request) -> Response:
        async def act(visitor: Visitor, view: AccountView) -> list[str]:
            await accounts.remove_totp(view.id, source=visitor.source)
            return []

        return await change(request, act)

    @router.post("/account/recovery-codes")
    async def renew_codes(request: Request) -> Response:
        async def act(visitor: Visitor, view: AccountView) -> list[str]:
            return await accounts.renew_recovery_codes(view.id, source=visitor.source)

        return await change(request, act)

    @router.post("/account/passkeys")
    async def add_passkey(
        request: Request,
        state: Opaque = "",
        credential: Credential = "",
        name: Annotated[str, Form(max_length=200)] = "",
    ) -> Response:
        async def act(visitor: Visitor, view: AccountView) -> list[str]:
            return await accounts.add_passkey(view.id, state, credential, name, source=visitor.source)

        return await change(request, act)

    @router.post("/account/passkeys/{passkey}/remove")
    async def remove_passkey(request: Request, passkey: str) -> Response:
        async def act(visitor: Visitor, view: AccountView) -> list[str]:
            await accounts.remove_passkey(view.id, passkey, source=visitor.source)
            return []

        return await change(request, act)

    @router.post("/account/identities/{identity}/remove")
    async def unlink(request: Request, identity: str) -> Response:
        async def act(visitor: Visitor, view: AccountView) -> list[str]:
            await accounts.unlink(view.id, identity, source=visitor.source)
            return []

        return await change(request, act)

    @router.post("/account/sessions/others/end")
    async def end_others(request: Request) -> Response:
        visitor = await visitor_of(request, context)
        if visitor.account is not None:
            await accounts.end_other_sessions(visitor.account.id, visitor.token)
        return RedirectResponse(f"{PAGE}#sessions", 303)

    @router.post("/account/sessions/{session}/end")
    async def end_one(request: Request, session: str) -> Response:
        visitor = await visitor_of(request, context)
        if visitor.account is None:
            return RedirectResponse(f"/login?next={PAGE}", 303)
        await accounts.end_own_session(visitor.account.id, session)
        return RedirectResponse(f"{PAGE}#sessions", 303)

    return router
