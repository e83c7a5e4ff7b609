"""Pages for people; every form works without JavaScript."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from pontlevis.accounts.factors import SecondFactorRequired
from pontlevis.accounts.policy import Verification
from pontlevis.accounts.service import AccountError, NewKey
from pontlevis.web.context import WebContext
from pontlevis.web.login_steps import MUST_CHANGE, NEW_PASSWORD, ask_second_step
from pontlevis.web.registration_view import registration_view
from pontlevis.web.render import render
from pontlevis.web.targets import safe_next
from pontlevis.web.visitor import SESSION_COOKIE, Visitor, agent_of, keep_session, visitor_of, with_retry

Email = Annotated[str, Form(max_length=320)]
Password = Annotated[str, Form(max_length=1_024)]
NOTICES = frozenset({"confirmed", "changed", "again", "busy"})
"""Ends of texts ``login.…``; an address cannot make the page say anything else."""


def create_pages_router(context: WebContext) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    accounts, settings = context.accounts, context.settings

    def login_page(
        request: Request,
        visitor: Visitor,
        *,
        email: str = "",
        target: str = "/account",
        error: AccountError | None = None,
    ) -> Response:
        notice = request.query_params.get("notice", "")
        # Who logged in here before is likely to be let in without; the account decides.
        needed = error is not None and error.code in ("challenge_required", "challenge_failed")
        values: dict[str, object] = {
            "error": error,
            "email": email,
            "next": safe_next(target),
            "notice": notice if notice in NOTICES else "",
            # The gateway led back here whoever did not show the work.
            "challenged": (notice == "busy" and settings.challenge.login)
            or (accounts.login_challenged and (needed or not visitor.device)),
            "issuers": settings.oidc,
            "passkey": accounts.relying_party is not None,
            "required": settings.accounts.verification is Verification.REQUIRED,
        }
        return with_retry(render(request, "login.html", values, status=error.status if error else 200), error)

    @router.get("/")
    async def home(request: Request) -> Response:
        await visitor_of(request, context)
        simulated = any(each.simulated for each in context.service.engines)
        return render(
            request,
            "home.html",
            {
                "registration": registration_view(context),
                "base_url": settings.base_url,
                "simulated": simulated,
            },
        )

    @router.get("/login")
    async def login_form(request: Request) -> Response:
        visitor = await visitor_of(request, context)
        return login_page(request, visitor, target=request.query_params.get("next", "/account"))

    @router.post("/login")
    async def login(
        request: Request,
        email: Email = "",
        password: Password = "",
        next_: Annotated[str, Form(alias="next")] = "/account",
        altcha: Annotated[str, Form(max_length=8_192)] = "",
    ) -> Response:
        visitor = await visitor_of(request, context)
        try:
            grant = await accounts.log_in(
                email,
                password,
                source=visitor.source,
                fingerprint=visitor.fingerprint,
                device=visitor.device,
                challenge=altcha,
                agent=agent_of(request),
            )
        except SecondFactorRequired as asked:
            return ask_second_step(asked, context, target=safe_next(next_))
        except AccountError as error:
            if error.code == MUST_CHANGE:
                # The password was right, so this tells nothing to who did not know it.
                return RedirectResponse(NEW_PASSWORD, 303)
            return login_page(request, visitor, email=email, target=next_, error=error)
        answer = RedirectResponse(safe_next(next_), 303)
        keep_session(answer, grant, context)
        return answer

    @router.post("/logout")
    async def logout(request: Request) -> Response:
        visitor = await visitor_of(request, context)
        await accounts.end_session(visitor.token)
        answer = RedirectResponse("/", 303)
        answer.delete_cookie(SESSION_COOKIE)
        return answer

    @router.get("/account")
    async def account(request: Request) -> Response:
        visitor = await visitor_of(request, context)
        if visitor.account is None:
            return RedirectResponse("/login?next=/account", 303)
        return await _account_page(request, visitor, None, None, 200)

    @router.get("/account/keys")
    async def keys_form() -> Response:
        # The address under which a new key was shown: entered once more, it shows the account.
        return RedirectResponse("/account", 303)

    @router.post("/account/keys")
    async def create_key(request: Request, name: Annotated[str, Form(max_length=200)] = "") -> Response:
        visitor = await visitor_of(request, context)
        if visitor.account is None:
            return RedirectResponse("/login?next=/account", 303)
        try:
            made = await accounts.create_key(visitor.account.id, name)
        except AccountError as error:
            return await _account_page(request, visitor, None, error, error.status)
        return await _account_page(request, visitor, made, None, 201)

    @router.post("/account/keys/{key}/delete")
    async def delete_key(request: Request, key: str) -> Response:
        visitor = await visitor_of(request, context)
        if visitor.account is None:
            return RedirectResponse("/login?next=/account", 303)
        await accounts.revoke_key(visitor.account.id, key)
        return RedirectResponse("/account", 303)

    @router.get("/chat")
    async def chat(request: Request) -> Response:
        visitor = await visitor_of(request, context)
        if visitor.account is None:
            return RedirectResponse("/login?next=/chat", 303)
        return render(
            request, "chat.html", {"simulated": any(each.simulated for each in context.service.engines)}
        )

    async def _account_page(
        request: Request, visitor: Visitor, made: NewKey | None, error: AccountError | None, status: int
    ) -> Response:
        if visitor.account is None:
            return RedirectResponse("/login?next=/account", 303)
        values: dict[str, object] = {
            "keys": await accounts.list_keys(visitor.account.id),
            "usage": await accounts.usage_days(visitor.account.id),
            "made": made,
            "error": error,
            "base_url": settings.base_url,
            "confirm": not visitor.account.verified
            and settings.accounts.verification is not Verification.OFF,
        }
        return render(request, "account.html", values, status=status)

    return router
