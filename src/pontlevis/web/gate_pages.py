"""Pages around sign-up: the form in each mode, the waitlist, confirmed addresses, forgotten passwords."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from pontlevis.accounts.service import AccountError, SignUpKind
from pontlevis.web.context import WebContext
from pontlevis.web.i18n import language_of
from pontlevis.web.registration_view import registration_view
from pontlevis.web.render import render
from pontlevis.web.visitor import agent_of, keep_session, visitor_of, with_retry

Email = Annotated[str, Form(max_length=320)]
Password = Annotated[str, Form(max_length=1_024)]
Solution = Annotated[str, Form(max_length=8_192)]
Token = Annotated[str, Form(max_length=200)]
InAddress = Annotated[str, Query(max_length=200)]


def create_gate_pages_router(context: WebContext) -> APIRouter:
    """Every form works without JavaScript, but for the challenge, which says so."""
    router = APIRouter(include_in_schema=False)
    accounts, settings = context.accounts, context.settings
    rule: dict[str, object] = {
        "password_min": settings.accounts.password_min,
        "password_max": settings.accounts.password_max,
        "sends": settings.mail.sends,
    }

    async def register_page(
        request: Request, *, email: str = "", invitation: str = "", error: AccountError | None = None
    ) -> Response:
        bound = ""
        if invitation:
            row = await accounts.invitation_for(invitation)
            if row is None:
                invitation = ""
                error = error or AccountError(403, "invitation_invalid", "this invitation does not hold")
            else:
                bound = row.email
        view = registration_view(context)
        values: dict[str, object] = {
            **rule,
            "registration": view,
            "share": f"{view.share * 100:.0f}",
            "email": bound or email,
            "bound": bool(bound),
            "invitation": invitation,
            "issuers": settings.oidc,
            "error": error,
        }
        return with_retry(
            render(request, "register.html", values, status=error.status if error else 200), error
        )

    @router.get("/register")
    async def register_form(request: Request, invitation: InAddress = "") -> Response:
        await visitor_of(request, context)
        return await register_page(request, invitation=invitation)

    @router.post("/register")
    async def register(
        request: Request,
        email: Email = "",
        password: Password = "",
        altcha: Solution = "",
        invitation: InAddress = "",
    ) -> Response:
        visitor = await visitor_of(request, context)
        try:
            done = await accounts.sign_up(
                email,
                password,
                source=visitor.source,
                fingerprint=visitor.fingerprint,
                challenge=altcha,
                invitation=invitation,
                language=language_of(request),
            )
        except AccountError as error:
            return await register_page(request, email=email, invitation=invitation, error=error)
        if done.kind is SignUpKind.CREATED and done.account is not None:
            grant = await accounts.begin_session(
                done.account.id, source=visitor.source, agent=agent_of(request)
            )
            answer = RedirectResponse("/account", 303)
            keep_session(answer, grant, context)
            return answer
        if done.kind is SignUpKind.UNVERIFIED:
            return verify_page(request, email=email, sent=True, status=202)
        return render(request, "waiting.html", {"kind": done.kind.value, "email": email}, status=202)

    @router.post("/waitlist")
    async def waitlist(request: Request, email: Email = "") -> Response:
        visitor = await visitor_of(request, context)
        try:
            await accounts.join_waitlist(email, source=visitor.source, language=language_of(request))
        except AccountError as error:
            return await register_page(request, email=email, error=error)
        values: dict[str, object] = {"kind": SignUpKind.WAITLISTED.value, "email": email}
        return render(request, "waiting.html", values, status=202)

    def verify_page(
        request: Request,
        *,
        email: str = "",
        token: str = "",
        sent: bool = False,
        error: AccountError | None = None,
        status: int = 200,
    ) -> Response:
        values: dict[str, object] = {**rule, "email": email, "token": token, "sent": sent, "error": error}
        shown = render(request, "verify.html", values, status=error.status if error else status)
        return with_retry(shown, error)

    @router.get("/verify")
    async def verify_form(request: Request, token: InAddress = "") -> Response:
        """Opening a letter's link changes nothing: mail scanners open links too."""
        visitor = await visitor_of(request, context)
        return verify_page(request, token=token, email=visitor.account.email if visitor.account else "")

    @router.post("/verify")
    async def verify(
        request: Request, token: Token = "", email: Email = "", code: Annotated[str, Form(max_length=20)] = ""
    ) -> Response:
        visitor = await visitor_of(request, context)
        try:
            if token:
                await accounts.verify_link(token)
            else:
                await accounts.verify_code(email, code, source=visitor.source)
        except AccountError as error:
            return verify_page(request, email=email, error=error)
        return RedirectResponse("/account" if visitor.account else "/login?notice=confirmed", 303)

    @router.post("/verify/letter")
    async def ask_verification(request: Request, email: Email = "") -> Response:
        visitor = await visitor_of(request, context)
        try:
            await accounts.ask_verification(email, source=visitor.source, language=language_of(request))
        except AccountError as error:
            return verify_page(request, email=email, error=error)
        return verify_page(request, email=email, sent=True, status=202)

    def reset_page(
        request: Request,
        *,
        email: str = "",
        token: str = "",
        sent: bool = False,
        error: AccountError | None = None,
        status: int = 200,
    ) -> Response:
        values: dict[str, object] = {**rule, "email": email, "token": token, "sent": sent, "error": error}
        shown = render(request, "reset.html", values, status=error.status if error else status)
        return with_retry(shown, error)

    @router.get("/reset")
    async def reset_form(request: Request, token: InAddress = "") -> Response:
        await visitor_of(request, context)
        if "must" in request.query_params and not token:
            return reset_page(
                request,
                error=AccountError(403, "password_change_required", "this password must be changed"),
            )
        if token and not await accounts.reset_holds(token):
            return reset_page(request, error=AccountError(403, "link_invalid", "the link does not hold"))
        return reset_page(request, token=token)

    @router.post("/reset/letter")
    async def ask_reset(request: Request, email: Email = "") -> Response:
        visitor = await visitor_of(request, context)
        try:
            await accounts.ask_reset(email, source=visitor.source, language=language_of(request))
        except AccountError as error:
            return reset_page(request, email=email, error=error)
        return reset_page(request, email=email, sent=True, status=202)

    @router.post("/reset")
    async def reset(request: Request, token: Token = "", password: Password = "") -> Response:
        visitor = await visitor_of(request, context)
        try:
            await accounts.reset_password(token, password, source=visitor.source)
        except AccountError as error:
            kept = token if error.code != "link_invalid" else ""
            return reset_page(request, token=kept, error=error)
        return RedirectResponse("/login?notice=changed", 303)

    return router
