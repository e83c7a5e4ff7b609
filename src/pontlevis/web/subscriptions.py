"""Subscribing to the status page: by form and by API, confirmed and ended by links."""

from typing import Annotated

from fastapi import APIRouter, Body, Form, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, Field

from pontlevis.accounts.errors import AccountError
from pontlevis.notices.subscribers import CONFIRM, END, MAIL, WEBHOOK, Subscribers
from pontlevis.web.api import error_responses
from pontlevis.web.context import WebContext
from pontlevis.web.i18n import language_of
from pontlevis.web.render import render
from pontlevis.web.status_site import StatusSite
from pontlevis.web.visitor import source_of

Target = Annotated[str, Form(max_length=500)]
Token = Annotated[str, Query(max_length=100)]


class SubscriptionBody(BaseModel):
    kind: Annotated[str, Field(pattern="^(mail|webhook)$")]
    target: Annotated[str, Field(min_length=1, max_length=500)]


class SubscriptionAnswer(BaseModel):
    """Of a webhook its secret, this once; of an address nothing but that it was heard."""

    kind: str
    id: str = ""
    secret: str = Field(default="", repr=False)
    end: str = Field(default="", repr=False)


def create_subscriptions_router(context: WebContext) -> APIRouter:
    """``/status/subscribe``, ``/status/confirm``, ``/status/end`` and ``/api/subscriptions``."""
    router = APIRouter()
    site = StatusSite(context)

    def desk() -> Subscribers:
        if context.subscribers is None:
            raise AccountError(403, "subscriptions_closed", "there are no subscriptions here")
        return context.subscribers

    async def ask(request: Request, kind: str, target: str) -> SubscriptionAnswer:
        source, _ = source_of(request)
        language = language_of(request)
        if kind == WEBHOOK:
            made = await desk().ask_by_webhook(target, language=language, source=source)
            return SubscriptionAnswer(kind=kind, id=made.id, secret=made.secret, end=made.end)
        await desk().ask_by_mail(target, language=language, source=source)
        return SubscriptionAnswer(kind=MAIL)

    def shown(request: Request, *, status: int = 200, **values: object) -> HTMLResponse:
        about: dict[str, object] = {
            "service_name": site.title, "path": "/status", "purpose": "", "said": "", "error": None,
            "target": "", "token": "", "made": None, "account": None, **values,
        }  # fmt: skip
        if site.logo is not None:
            about["brand_logo"] = site.links(static=False).brand
        return render(request, "status_subscription.html", about, status=status)

    @router.post("/api/subscriptions", status_code=202, responses=error_responses(400, 403, 409, 429, 503))
    async def subscribe_api(
        request: Request, body: Annotated[SubscriptionBody, Body()]
    ) -> SubscriptionAnswer:
        """Be told of incidents and announced work. A letter or a test message comes first."""
        return await ask(request, body.kind, body.target)

    @router.post("/status/subscribe", include_in_schema=False)
    async def subscribe(request: Request, target: Target = "", kind: str = Form("mail")) -> Response:
        try:
            made = await ask(request, WEBHOOK if kind == WEBHOOK else MAIL, target)
        except AccountError as error:
            return shown(request, error=error, status=error.status)
        return shown(request, said=f"subscribed_{made.kind}", made=made, status=202)

    async def link_page(request: Request, token: str, purpose: str) -> Response:
        """Opening a link changes nothing: mail scanners open links too."""
        target = await desk().target_of(token, purpose) if context.subscribers is not None else None
        if target is None:
            return shown(request, said="link_void", status=404)
        return shown(request, purpose=purpose, token=token, target=target)

    @router.get("/status/confirm", include_in_schema=False)
    async def confirm_page(request: Request, token: Token = "") -> Response:
        return await link_page(request, token, CONFIRM)

    @router.get("/status/end", include_in_schema=False)
    async def end_page(request: Request, token: Token = "") -> Response:
        return await link_page(request, token, END)

    @router.post("/status/confirm", include_in_schema=False)
    async def confirm(request: Request, token: Token = "") -> Response:
        done = await desk().confirm(token)
        return shown(request, said="confirmed" if done else "link_void", status=200 if done else 404)

    @router.post("/status/end", include_in_schema=False)
    async def end(request: Request, token: Token = "") -> Response:
        """Also what mail programs call with one click (RFC 8058)."""
        done = await desk().end(token)
        return shown(request, said="ended" if done else "link_void", status=200 if done else 404)

    return router
