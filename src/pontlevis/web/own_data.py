"""Pages and API for one's own data: all of it as a file, and an end to the account."""

import json
from typing import Annotated

from fastapi import APIRouter, Body, Form
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field
from starlette.requests import Request

from pontlevis.accounts.service import AccountError
from pontlevis.web.api import error_responses
from pontlevis.web.context import WebContext
from pontlevis.web.i18n import Translator, language_of
from pontlevis.web.render import render
from pontlevis.web.visitor import SESSION_COOKIE, logged_in, visitor_of

FILE = "my-data.json"


class EraseBody(BaseModel):
    password: str = Field(min_length=1, max_length=1_024, repr=False)


def create_own_data_api(context: WebContext) -> APIRouter:
    """Under ``/api``."""
    router = APIRouter()

    @router.get("/account/export", responses=error_responses(401))
    async def export(request: Request) -> dict[str, object]:
        """Everything that is kept about this account."""
        _, view = await logged_in(request, context)
        return await context.accounts.export_account(view.id)

    @router.delete("/account", status_code=204, responses=error_responses(401, 403, 409, 429))
    async def erase(request: Request, answer: Response, body: Annotated[EraseBody, Body()]) -> None:
        """Delete this account for good."""
        visitor, view = await logged_in(request, context)
        await context.accounts.erase_own(view.id, body.password, source=visitor.source)
        answer.delete_cookie(SESSION_COOKIE)

    return router


def create_own_data_pages(context: WebContext) -> APIRouter:
    """The forms of the account page."""
    router = APIRouter(include_in_schema=False)
    accounts = context.accounts

    @router.get("/account/data")
    async def page(request: Request) -> Response:
        return await _page(request, None)

    @router.get(f"/account/{FILE}")
    async def export(request: Request) -> Response:
        visitor = await visitor_of(request, context)
        if visitor.account is None:
            return RedirectResponse("/login?next=/account/data", 303)
        text = json.dumps(await accounts.export_account(visitor.account.id), indent=2, ensure_ascii=False)
        headers = {"content-disposition": f'attachment; filename="{FILE}"', "cache-control": "no-store"}
        return Response(text, media_type="application/json", headers=headers)

    @router.post("/account/delete")
    async def erase(
        request: Request,
        password: Annotated[str, Form(max_length=1_024)] = "",
        word: Annotated[str, Form(max_length=20)] = "",
    ) -> Response:
        visitor = await visitor_of(request, context)
        if visitor.account is None:
            return RedirectResponse("/login?next=/account/data", 303)
        if word.strip().upper() != Translator(language_of(request))("yours.word"):
            return await _page(request, None, unsure=True)
        try:
            await accounts.erase_own(visitor.account.id, password, source=visitor.source)
        except AccountError as error:
            return await _page(request, error)
        request.state.account = None
        gone = render(
            request, "own_data.html", {"gone": True, "error": None, "unsure": False, "has_password": False}
        )
        gone.delete_cookie(SESSION_COOKIE)
        return gone

    async def _page(request: Request, error: AccountError | None, *, unsure: bool = False) -> Response:
        visitor = await visitor_of(request, context)
        if visitor.account is None:
            return RedirectResponse("/login?next=/account/data", 303)
        values: dict[str, object] = {
            "gone": False,
            "error": error,
            "unsure": unsure,
            "has_password": await accounts.has_password(visitor.account.id),
        }
        return render(
            request, "own_data.html", values, status=error.status if error else 400 if unsure else 200
        )

    return router
