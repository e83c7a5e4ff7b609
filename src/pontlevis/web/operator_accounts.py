"""The operator's API: accounts and keys."""

from typing import Annotated

from fastapi import APIRouter, Body, Query, Request
from pydantic import BaseModel, Field

from pontlevis.accounts.roles import Role
from pontlevis.accounts.service import AccountView
from pontlevis.storage.audit import record_audit
from pontlevis.web.context import WebContext
from pontlevis.web.keys_bodies import ScopeBody
from pontlevis.web.operator_answers import AccountAnswer, AccountsAnswer, KeyAnswer
from pontlevis.web.operator_visitor import GUARDED, Actor, AdminActor, gate_of


class KeyBody(ScopeBody):
    email: str = Field(min_length=3, max_length=320)
    name: str = Field(default="operator", min_length=1, max_length=100)
    paid: bool = False
    unlimited: bool = False


class AccountBody(BaseModel):
    """Whatever is given is changed."""

    paid: bool | None = None
    unlimited: bool | None = None
    pending: bool | None = Field(default=None, description="False approves an account that waits.")
    verified: bool | None = Field(
        default=None, description="True confirms the address on the operator's word."
    )
    disabled: str | None = Field(
        default=None, max_length=500, description="Why it may not be used; empty lets it be used again."
    )


def create_operator_accounts_router(context: WebContext) -> APIRouter:
    """Accounts as an operator sees and changes them."""
    router = APIRouter()
    accounts = context.accounts

    @router.post("/keys", status_code=201)
    async def make_key(actor: AdminActor, body: Annotated[KeyBody, Body()]) -> KeyAnswer:
        """Make a key, and the account if need be; shown this once."""
        key = await accounts.make_key(
            body.email,
            name=body.name,
            paid=body.paid,
            unlimited=body.unlimited,
            scope=body.scope(),
            expires_at=body.expires_at(accounts.clock()),
        )
        owner = await accounts.find_account(body.email)
        async with accounts.database.session() as session:
            await record_audit(
                session,
                at=accounts.clock(),
                actor=actor,
                event="operator:key:made",
                subject=owner.id if owner is not None else "",
                detail=body.name,
            )
        return KeyAnswer(email=body.email, key=key)

    @router.get("/accounts", dependencies=GUARDED)
    async def list_accounts(
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
        email: Annotated[
            str,
            Query(
                max_length=320,
                description="The exact address; parts find nothing, since addresses are sealed.",
            ),
        ] = "",
    ) -> AccountsAnswer:
        """Accounts, newest first; with ``email`` the one of that address."""
        if email:
            one = await accounts.find_account(email)
            return AccountsAnswer(accounts=[_answer(one)] if one is not None else [])
        found = await accounts.list_accounts(limit, offset)
        return AccountsAnswer(accounts=[_answer(each) for each in found])

    @router.patch("/accounts/{account}")
    async def change_account(
        request: Request,
        actor: Actor,
        account: str,
        body: Annotated[AccountBody, Body()],
    ) -> AccountAnswer:
        """Change what an account has earned (admins only) or may do."""
        if body.paid is not None or body.unlimited is not None:
            await gate_of(request).require(request, Role.ADMIN)
        return _answer(await accounts.change_account(account, actor=actor, **body.model_dump()))

    @router.delete("/accounts/{account}/second-factor", status_code=204)
    async def drop_factors(actor: AdminActor, account: str) -> None:
        """Take all second factors and passkeys of somebody away who has lost them."""
        await accounts.drop_factors(account, actor=actor)

    return router


def _answer(view: AccountView) -> AccountAnswer:
    return AccountAnswer(
        id=view.id,
        email=view.email,
        standing=view.standing.word,
        standing_reason=view.standing_reason,
        created_at=view.created_at,
        paid=view.paid,
        unlimited=view.unlimited,
        pending=view.pending,
        disabled=view.disabled,
        verified=view.verified,
        unverified=view.unverified,
    )
