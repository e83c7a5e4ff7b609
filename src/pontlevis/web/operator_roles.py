"""Operators and their roles: the API and the page."""

from typing import Annotated, Literal

from fastapi import APIRouter, Body, Form, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field

from pontlevis.accounts.roles import OperatorView, Role
from pontlevis.accounts.service import AccountError
from pontlevis.web.context import WebContext
from pontlevis.web.operator_visitor import GUARDED, AdminActor, Reader
from pontlevis.web.render import render

NONE = "none"


class RoleBody(BaseModel):
    """``none``: no operator any more."""

    email: str = Field(min_length=3, max_length=320)
    role: Literal["viewer", "responder", "admin", "none"]


class OperatorAnswer(BaseModel):
    """An operator; ``given_at`` is Unix seconds, null where nobody gave the role."""

    account: str
    email: str
    role: str
    given_at: float | None
    given_by: str


class OperatorsAnswer(BaseModel):
    operators: list[OperatorAnswer]


def create_roles_router(context: WebContext) -> APIRouter:
    router = APIRouter()
    accounts = context.accounts

    async def listed() -> OperatorsAnswer:
        return OperatorsAnswer(operators=[_answer(each) for each in await accounts.operators()])

    @router.get("/operators", dependencies=GUARDED)
    async def list_operators() -> OperatorsAnswer:
        """Operators and what each may do."""
        return await listed()

    @router.put("/operators", responses={409: {"description": "It is the last admin, or cannot be one."}})
    async def set_role(actor: AdminActor, body: Annotated[RoleBody, Body()]) -> OperatorsAnswer:
        """Give an account a role, another one, or none any more; never the last admin."""
        await accounts.set_role(body.email, _role(body.role), actor=actor)
        return await listed()

    return router


def create_roles_pages_router(context: WebContext) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    accounts = context.accounts

    async def page(request: Request, actor: str, error: AccountError | None = None) -> Response:
        values: dict[str, object] = {
            "actor": actor,
            "operators": await accounts.operators(),
            "roles": list(Role),
            "error": error,
        }
        return render(request, "operator_roles.html", values, status=error.status if error else 200)

    @router.get("/operators")
    async def operators(request: Request, actor: Reader) -> Response:
        return await page(request, actor)

    @router.post("/operators")
    async def set_role(
        request: Request,
        actor: AdminActor,
        email: Annotated[str, Form(max_length=320)] = "",
        role: Annotated[str, Form(max_length=20)] = "",
    ) -> Response:
        try:
            await accounts.set_role(email.strip(), _role(role), actor=actor)
        except AccountError as error:
            return await page(request, actor, error)
        except ValueError:
            return await page(request, actor, AccountError(400, "invalid_role", "there is no such role"))
        return RedirectResponse("/operators", 303)

    return router


def _role(word: str) -> Role | None:
    return None if word == NONE else Role.of(word)


def _answer(view: OperatorView) -> OperatorAnswer:
    return OperatorAnswer(
        account=view.account,
        email=view.email,
        role=view.role.word,
        given_at=view.given_at,
        given_by=view.given_by,
    )
