"""Log-in beyond the password: the second step, and passkeys. The form for codes works without JavaScript."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from pontlevis.accounts.factors import Factor, SecondFactorRequired
from pontlevis.accounts.service import AccountError
from pontlevis.web.context import WebContext
from pontlevis.web.render import render
from pontlevis.web.targets import safe_next
from pontlevis.web.visitor import agent_of, keep_session, visitor_of, with_retry

MUST_CHANGE = "password_change_required"
NEW_PASSWORD = "/reset?must=1"
"""Where whoever is refused with ``MUST_CHANGE`` goes on."""
TICKET_COOKIE = "pontlevis_ticket"
Code = Annotated[str, Form(max_length=40)]
Next = Annotated[str, Form(alias="next", max_length=400)]
Opaque = Annotated[str, Form(max_length=200)]
Credential = Annotated[str, Form(max_length=20_000)]


def ask_second_step(
    error: SecondFactorRequired, context: WebContext, *, target: str, cookie: str = TICKET_COOKIE
) -> Response:
    """Leaves the ticket with the browser that gave the password, and asks it for the second factor."""
    methods = "-".join(each.value for each in error.methods)
    answer = RedirectResponse(f"/login/second?next={quote(target, safe='/')}&with={methods}", 303)
    answer.set_cookie(
        cookie,
        error.ticket,
        max_age=int(context.settings.accounts.ticket_lifetime_s),
        path="/login",
        httponly=True,
        samesite="lax",  # strict would keep it from whoever comes back from an issuer
        secure=context.settings.public_url.startswith("https://") and cookie == TICKET_COOKIE,
    )
    return answer


def second_step_values(request: Request, error: AccountError | None, target: str) -> dict[str, object]:
    """What the page of the second step shows; an address can only choose among its texts."""
    told = request.query_params.get("with", "")[:60].split("-")
    return {
        "error": error,
        "next": target,
        "passkey": Factor.PASSKEY.value in told,
        "codes": not told[0] or Factor.TOTP.value in told or Factor.RECOVERY.value in told,
    }


def create_login_steps_router(context: WebContext) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    accounts = context.accounts

    def second_page(request: Request, target: str, error: AccountError | None = None) -> Response:
        values = second_step_values(request, error, safe_next(target))
        values["passkey"] = bool(values["passkey"]) and accounts.relying_party is not None
        shown = render(request, "login_second.html", values, status=error.status if error else 200)
        return with_retry(shown, error)

    @router.get("/login/second")
    async def second_form(request: Request) -> Response:
        if not request.cookies.get(TICKET_COOKIE):
            return RedirectResponse("/login", 303)
        return second_page(request, request.query_params.get("next", "/account"))

    @router.post("/login/second")
    async def second(request: Request, code: Code = "", next_: Next = "/account") -> Response:
        visitor = await visitor_of(request, context)
        try:
            grant = await accounts.finish_log_in(
                request.cookies.get(TICKET_COOKIE, ""),
                code,
                source=visitor.source,
                fingerprint=visitor.fingerprint,
                agent=agent_of(request),
            )
        except AccountError as error:
            if error.code == "ticket_invalid":
                answer: Response = RedirectResponse(
                    f"/login?notice=again&next={quote(safe_next(next_), safe='/')}", 303
                )
                answer.delete_cookie(TICKET_COOKIE, path="/login")
                return answer
            if error.code == MUST_CHANGE:
                return RedirectResponse(NEW_PASSWORD, 303)
            return second_page(request, next_, error)
        answer = RedirectResponse(safe_next(next_), 303)
        answer.delete_cookie(TICKET_COOKIE, path="/login")
        keep_session(answer, grant, context)
        return answer

    @router.post("/login/passkey")
    async def passkey(
        request: Request, state: Opaque = "", credential: Credential = "", next_: Next = "/account"
    ) -> Response:
        visitor = await visitor_of(request, context)
        try:
            grant = await accounts.passkey_log_in(
                state,
                credential,
                source=visitor.source,
                fingerprint=visitor.fingerprint,
                agent=agent_of(request),
            )
        except AccountError as error:
            if error.code == MUST_CHANGE:
                # Its owner's passkey was right, so this tells nothing to anybody else.
                return RedirectResponse(NEW_PASSWORD, 303)
            values: dict[str, object] = {"error": error, "next": safe_next(next_)}
            return with_retry(render(request, "login_passkey.html", values, status=error.status), error)
        answer = RedirectResponse(safe_next(next_), 303)
        answer.delete_cookie(TICKET_COOKIE, path="/login")
        keep_session(answer, grant, context)
        return answer

    return router
