"""The accounts API: one's second factors and passkeys. Changing them takes a session that began lately."""

import json
from typing import Annotated

from fastapi import APIRouter, Body, Request
from pydantic import BaseModel, Field

from pontlevis.accounts.service import AccountView
from pontlevis.web.api import error_responses
from pontlevis.web.context import WebContext
from pontlevis.web.session_api import CeremonyAnswer, PasskeyBody, ceremony_answer
from pontlevis.web.visitor import Visitor, logged_in


class OnePasskey(BaseModel):
    id: str
    name: str
    created_at: float
    last_used_at: float | None
    synced: bool


class FactorsAnswer(BaseModel):
    totp: bool
    recovery_codes_left: int
    passkeys: list[OnePasskey]
    passkeys_possible: bool
    """Whether browsers offer them at the service's public address."""


class TotpAnswer(BaseModel):
    secret: str = Field(repr=False)
    uri: str = Field(repr=False)


class CodeBody(BaseModel):
    code: str = Field(min_length=1, max_length=40)


class RecoveryAnswer(BaseModel):
    recovery_codes: list[str]
    """Shown this once; empty where those from before still hold."""


class NewPasskeyBody(PasskeyBody):
    name: str = Field(default="", max_length=100)


def create_factor_router(context: WebContext) -> APIRouter:
    router = APIRouter(prefix="/api", responses=error_responses(400, 401, 403, 409))
    accounts = context.accounts

    async def fresh(request: Request) -> tuple[Visitor, AccountView]:
        visitor, view = await logged_in(request, context)
        await accounts.require_fresh(visitor.token)
        return visitor, view

    @router.get("/second-factor")
    async def show(request: Request) -> FactorsAnswer:
        """What the account has beside its password."""
        _, view = await logged_in(request, context)
        found = await accounts.factors(view.id)
        return FactorsAnswer(
            totp=found.totp,
            recovery_codes_left=found.recovery_left,
            passkeys=[
                OnePasskey(
                    id=each.id,
                    name=each.name,
                    created_at=each.created_at,
                    last_used_at=each.last_used_at,
                    synced=each.synced,
                )
                for each in found.passkeys
            ],
            passkeys_possible=accounts.relying_party is not None,
        )

    @router.post("/second-factor/totp", status_code=201)
    async def begin_totp(request: Request) -> TotpAnswer:
        """Ask for an authenticator app's secret; it counts once a code of it was given."""
        _, view = await fresh(request)
        made = await accounts.begin_totp(view.id)
        return TotpAnswer(secret=made.secret, uri=made.uri)

    @router.post("/second-factor/totp/confirm")
    async def confirm_totp(request: Request, body: Annotated[CodeBody, Body()]) -> RecoveryAnswer:
        """Give the app's first code: from now on a log-in by password takes one."""
        visitor, view = await fresh(request)
        codes = await accounts.confirm_totp(view.id, body.code, source=visitor.source)
        return RecoveryAnswer(recovery_codes=codes)

    @router.delete("/second-factor/totp", status_code=204, responses=error_responses(404))
    async def remove_totp(request: Request) -> None:
        """Take the authenticator app away."""
        visitor, view = await fresh(request)
        await accounts.remove_totp(view.id, source=visitor.source)

    @router.post("/second-factor/recovery-codes", status_code=201)
    async def renew_codes(request: Request) -> RecoveryAnswer:
        """Fresh recovery codes; those from before are void."""
        visitor, view = await fresh(request)
        return RecoveryAnswer(
            recovery_codes=await accounts.renew_recovery_codes(view.id, source=visitor.source)
        )

    @router.post("/passkeys/options", status_code=201)
    async def passkey_options(request: Request) -> CeremonyAnswer:
        """What a browser needs to make a passkey."""
        _, view = await fresh(request)
        return ceremony_answer(await accounts.begin_passkey(view.id))

    @router.post("/passkeys", status_code=201)
    async def add_passkey(request: Request, body: Annotated[NewPasskeyBody, Body()]) -> RecoveryAnswer:
        """Keep a passkey that the browser made."""
        visitor, view = await fresh(request)
        codes = await accounts.add_passkey(
            view.id, body.state, json.dumps(body.credential), body.name, source=visitor.source
        )
        return RecoveryAnswer(recovery_codes=codes)

    @router.delete("/passkeys/{passkey}", status_code=204, responses=error_responses(404))
    async def remove_passkey(request: Request, passkey: str) -> None:
        """Take a passkey away."""
        visitor, view = await fresh(request)
        await accounts.remove_passkey(view.id, passkey, source=visitor.source)

    return router
