"""Pages for people; every form works without JavaScript."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from pontlevis.accounts.service import AccountError, NewKey, SignUpKind
from pontlevis.brain.vocabulary import RegistrationMode
from pontlevis.web.context import WebContext
from pontlevis.web.render import render
from pontlevis.web.visitor import SESSION_COOKIE, Visitor, keep_session, visitor_of

Email = Annotated[str, Form(max_length=320)]
Password = Annotated[str, Form(max_length=1_024)]


def safe_next(target: str) -> str:
    """A path of our own; anything that could lead elsewhere becomes the account page."""
    if (
        not target.startswith("/")
        or target.startswith("//")
        or "\\" in target
        or any(ord(each) < 32 for each in target)
    ):
        return "/account"
    return target[:200]


def create_pages_router(context: WebContext) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    accounts = context.accounts

    def registration() -> dict[str, object]:
        state = context.service.posture
        return {
            "suspended": state.registration is RegistrationMode.SUSPENDED,
            "partial": state.registration_share < 1.0,
            "share": state.registration_share,
            "next_stage_at": state.next_stage_at,
        }

    @router.get("/")
    async def home(request: Request) -> Response:
        await visitor_of(request, context)
        simulated = any(each.simulated for each in context.service.engines)
        return render(
            request,
            "home.html",
            {"registration": registration(), "base_url": context.settings.base_url, "simulated": simulated},
        )

    @router.get("/register")
    async def register_form(request: Request) -> Response:
        await visitor_of(request, context)
        return render(request, "register.html", {"registration": registration(), "error": None, "email": ""})

    @router.post("/register")
    async def register(request: Request, email: Email = "", password: Password = "") -> Response:
        visitor = await visitor_of(request, context)
        try:
            done = await accounts.sign_up(
                email, password, source=visitor.source, fingerprint=visitor.fingerprint
            )
        except AccountError as error:
            values = {"registration": registration(), "error": error, "email": email}
            return _with_retry(render(request, "register.html", values, status=error.status), error)
        if done.kind is SignUpKind.CREATED and done.account is not None:
            grant = await accounts.begin_session(done.account.id, source=visitor.source)
            answer = RedirectResponse("/account", 303)
            keep_session(answer, grant, context)
            return answer
        return render(request, "waiting.html", {"kind": done.kind.value, "email": email}, status=202)

    @router.post("/waitlist")
    async def waitlist(request: Request, email: Email = "") -> Response:
        visitor = await visitor_of(request, context)
        try:
            await accounts.join_waitlist(email, source=visitor.source)
        except AccountError as error:
            values = {"registration": registration(), "error": error, "email": email}
            return _with_retry(render(request, "register.html", values, status=error.status), error)
        return render(
            request, "waiting.html", {"kind": SignUpKind.WAITLISTED.value, "email": email}, status=202
        )

    @router.get("/login")
    async def login_form(request: Request) -> Response:
        await visitor_of(request, context)
        target = safe_next(request.query_params.get("next", "/account"))
        return render(request, "login.html", {"error": None, "email": "", "next": target})

    @router.post("/login")
    async def login(
        request: Request,
        email: Email = "",
        password: Password = "",
        next_: Annotated[str, Form(alias="next")] = "/account",
    ) -> Response:
        visitor = await visitor_of(request, context)
        try:
            grant = await accounts.log_in(
                email,
                password,
                source=visitor.source,
                fingerprint=visitor.fingerprint,
                device=visitor.device,
            )
        except AccountError as error:
            values = {"error": error, "email": email, "next": safe_next(next_)}
            return _with_retry(render(request, "login.html", values, status=error.status), error)
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
            "base_url": context.settings.base_url,
        }
        return render(request, "account.html", values, status=status)

    return router


def _with_retry(answer: Response, error: AccountError) -> Response:
    if error.retry_after_s > 0:
        answer.headers["retry-after"] = str(max(1, int(error.retry_after_s)))
    return answer
