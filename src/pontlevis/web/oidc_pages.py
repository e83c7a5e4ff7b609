"""Log-in at an issuer: there and back again. Links, so that no form leads to another site."""

from typing import Annotated
from urllib.parse import unquote

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from pontlevis.accounts.factors import SecondFactorRequired
from pontlevis.accounts.service import AccountError
from pontlevis.web.context import WebContext
from pontlevis.web.i18n import language_of
from pontlevis.web.login_steps import MUST_CHANGE, NEW_PASSWORD, ask_second_step
from pontlevis.web.render import render
from pontlevis.web.targets import safe_next
from pontlevis.web.visitor import agent_of, keep_session, visitor_of, with_retry

FLOW_COOKIE = "pontlevis_oidc"
SOLUTION_COOKIE = "pontlevis_solution"
PATH = "/login/oidc"
LONGEST_CODE = 2_048


def create_oidc_pages_router(context: WebContext) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    accounts, settings = context.accounts, context.settings
    names = {each.id: each.name for each in settings.oidc}

    def error_page(request: Request, issuer: str, error: AccountError) -> Response:
        if issuer not in names:
            raise error
        values: dict[str, object] = {"error": error, "id": issuer, "name": names[issuer]}
        shown = with_retry(render(request, "oidc.html", values, status=error.status), error)
        shown.delete_cookie(FLOW_COOKIE, path=PATH)
        return shown

    @router.get(PATH + "/{issuer}")
    async def begin(
        request: Request,
        issuer: str,
        next_: Annotated[str, Query(alias="next", max_length=400)] = "/account",
        link: Annotated[str, Query(max_length=1)] = "",
        invitation: Annotated[str, Query(max_length=200)] = "",
    ) -> Response:
        visitor = await visitor_of(request, context)
        mine = ""
        try:
            if link:
                if visitor.account is None:
                    return RedirectResponse("/login?next=/account/security", 303)
                await accounts.require_fresh(visitor.token)
                mine, next_ = visitor.account.id, "/account/security"
            begun = await accounts.begin_oidc(
                issuer, target=safe_next(next_), link=mine, invitation=invitation
            )
        except AccountError as error:
            return error_page(request, issuer, error)
        answer = RedirectResponse(begun.address, 303)
        answer.set_cookie(
            FLOW_COOKIE,
            begun.flow,
            max_age=int(2 * settings.accounts.ticket_lifetime_s),
            path=PATH,
            httponly=True,
            samesite="lax",
            secure=settings.public_url.startswith("https://"),
        )
        return answer

    @router.get(PATH + "/{issuer}/callback")
    async def back(
        request: Request,
        issuer: str,
        state: Annotated[str, Query(max_length=200)] = "",
        code: Annotated[str, Query(max_length=LONGEST_CODE)] = "",
        iss: Annotated[str, Query(max_length=400)] = "",
        error: Annotated[str, Query(max_length=100)] = "",
    ) -> Response:
        visitor = await visitor_of(request, context)
        try:
            done = await accounts.finish_oidc(
                issuer,
                flow=request.cookies.get(FLOW_COOKIE, ""),
                state=state,
                code=code,
                named=iss,
                error=error,
                source=visitor.source,
                fingerprint=visitor.fingerprint,
                account=visitor.account.id if visitor.account is not None else "",
                challenge=unquote(request.cookies.get(SOLUTION_COOKIE, "")),
                agent=agent_of(request),
                language=language_of(request),
            )
        except SecondFactorRequired as asked:
            answer: Response = ask_second_step(asked, context, target="/account")
        except AccountError as refused:
            if refused.code != MUST_CHANGE:
                return error_page(request, issuer, refused)
            answer = RedirectResponse(NEW_PASSWORD, 303)
        else:
            if done.grant is None and done.kind is not None:
                values: dict[str, object] = {"kind": done.kind.value, "email": done.email}
                answer = render(request, "waiting.html", values, status=202)
            else:
                answer = RedirectResponse(safe_next(done.target), 303)
                if done.grant is not None:
                    keep_session(answer, done.grant, context)
        answer.delete_cookie(FLOW_COOKIE, path=PATH)
        return answer

    return router
