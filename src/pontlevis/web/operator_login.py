"""The second step of a log-in to the console."""

from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from pontlevis.accounts.factors import Realm
from pontlevis.accounts.service import AccountError
from pontlevis.brain.vocabulary import Standing
from pontlevis.web.context import WebContext
from pontlevis.web.login_steps import Code, second_step_values
from pontlevis.web.operator_visitor import keep_operator_session, operator_source
from pontlevis.web.render import render
from pontlevis.web.visitor import agent_of, with_retry

TICKET_COOKIE = "pontlevis_operator_ticket"


def create_operator_login_router(context: WebContext) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    accounts = context.accounts

    def page(request: Request, error: AccountError | None = None) -> Response:
        values = {
            **second_step_values(request, error, "/"),
            "actor": None,
            "console_url": context.settings.console_url,
            "base_url": context.settings.base_url,
            "here": request.headers.get("host", "") == urlsplit(context.settings.console_url).netloc,
        }
        shown = render(request, "operator_login_second.html", values, status=error.status if error else 200)
        return with_retry(shown, error)

    @router.get("/login/second")
    async def second_form(request: Request) -> Response:
        return page(request) if request.cookies.get(TICKET_COOKIE) else RedirectResponse("/login", 303)

    @router.post("/login/second")
    async def second(request: Request, code: Code = "") -> Response:
        try:
            grant = await accounts.finish_log_in(
                request.cookies.get(TICKET_COOKIE, ""),
                code,
                source=operator_source(request),
                fingerprint=0,
                agent=agent_of(request),
                realm=Realm.OPERATOR,
            )
            if grant.account.standing is not Standing.OPERATOR:
                await accounts.end_session(grant.token)
                raise AccountError(401, "invalid_credentials", "no operator has these credentials")
        except AccountError as error:
            return page(request, error)
        answer = RedirectResponse("/", 303)
        answer.delete_cookie(TICKET_COOKIE, path="/login")
        keep_operator_session(answer, grant, lifetime_s=context.settings.accounts.session_lifetime_s)
        return answer

    return router
