"""The accounts API: keys, and reports of leaked ones."""

from typing import Annotated

from fastapi import APIRouter, Body, HTTPException, Request
from pydantic import BaseModel, Field

from pontlevis.accounts.leaks import MOST_REPORTED
from pontlevis.accounts.reporters import KEY_HEADER, SIGNATURE_HEADER, Reporters
from pontlevis.web.api import error_responses
from pontlevis.web.context import WebContext
from pontlevis.web.keys_bodies import (
    ChangeBody,
    KeyAnswer,
    KeysAnswer,
    NewKeyAnswer,
    ScopeBody,
    key_answer,
    new_key_answer,
)
from pontlevis.web.leak_report import MOST_BYTES, read_report
from pontlevis.web.visitor import logged_in, source_of

LEAKED_KEYS = "/api/leaked-keys"


class NewKeyBody(ScopeBody):
    name: str = Field(min_length=1, max_length=100, examples=["laptop"])


class RotationBody(BaseModel):
    overlap_s: float | None = Field(
        default=None, ge=0, le=366 * 86_400, description="How long the old secret works as well; left out: as the service is set."
    )  # fmt: skip


class LeakAnswer(BaseModel):
    received: int
    """How many keys the report named, known or not."""


def _errors(*statuses: int) -> dict[int | str, dict[str, object]]:
    return error_responses(400, 401, 403, *statuses)


def create_keys_router(context: WebContext) -> APIRouter:
    router = APIRouter(prefix="/api")
    accounts = context.accounts
    reporters = Reporters(context.settings.accounts.leak_reporters)

    async def holder(request: Request) -> tuple[str, str]:
        """Account, and the key that asks; empty where a session does. Raises 401, and 403 for a key that may not."""
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and bearer.strip().startswith("pl-"):
            found = await accounts.keys_maker(bearer.strip())
            if found is None:
                raise HTTPException(401, "the API key is not valid", {"www-authenticate": "Bearer"})
            return found[1].id, found[0]
        _, view = await logged_in(request, context)
        return view.id, ""

    @router.get("/keys", responses=_errors())
    async def list_keys(request: Request) -> KeysAnswer:
        """The account's keys, without their secrets; asked with a key, those that it made."""
        account, maker = await holder(request)
        return KeysAnswer(keys=[key_answer(each) for each in await accounts.list_keys(account, maker=maker)])

    @router.post("/keys", status_code=201, responses=_errors(409, 429))
    async def create_key(request: Request, body: Annotated[NewKeyBody, Body()]) -> NewKeyAnswer:
        """Make a key; its secret is shown this once. Asked with a key, the new one may never more than that."""
        account, maker = await holder(request)
        expires_at = body.expires_at(accounts.clock())
        made = await accounts.create_key(
            account, body.name, scope=body.scope(), expires_at=expires_at, maker=maker
        )
        return new_key_answer(made)

    @router.post("/keys/{key}/rotate", responses=_errors(404, 429))
    async def rotate_key(
        request: Request, key: str, body: Annotated[RotationBody | None, Body()] = None
    ) -> NewKeyAnswer:
        """A new secret for a key, shown this once; the old one works until the overlap ends."""
        account, maker = await holder(request)
        overlap_s = body.overlap_s if body is not None else None
        return new_key_answer(await accounts.rotate_key(account, key, overlap_s=overlap_s, maker=maker))

    @router.patch("/keys/{key}", responses=_errors(404))
    async def change_key(request: Request, key: str, body: Annotated[ChangeBody, Body()]) -> KeyAnswer:
        """Change a key's name, scope, limits or expiry; never beyond the key that made it. What it made is narrowed with it."""
        account, maker = await holder(request)
        changed = await accounts.change_key(account, key, body.change(accounts.clock()), maker=maker)
        return key_answer(changed.key)

    @router.delete("/keys/{key}", status_code=204, responses=_errors(404))
    async def delete_key(request: Request, key: str) -> None:
        """Revoke a key at once, and those that it made; streams under way included."""
        account, maker = await holder(request)
        await accounts.revoke_key(account, key, maker=maker)

    @router.post(
        "/leaked-keys", status_code=202, responses=error_responses(400, 403, 413, 429), openapi_extra=_REPORT
    )
    async def report_leaked(request: Request) -> LeakAnswer:
        """Report keys that leaked; those whose whole secret is shown are revoked. The answer is the same for all."""
        source, _ = source_of(request)
        raw = await request.body()
        signer = reporters.signer(
            request.headers.get(KEY_HEADER, ""), request.headers.get(SIGNATURE_HEADER, ""), raw
        )
        found = read_report(raw, request.headers.get("content-type", ""))
        if not signer:
            accounts.count_report(source)
        await accounts.report_leaked(found, source=source, reporter=signer)
        return LeakAnswer(received=len(found))

    return router


_LINE = {
    "type": "object",
    "required": ["token"],
    "properties": {
        "token": {"type": "string", "minLength": 1, "maxLength": 200},
        "type": {"type": "string", "maxLength": 200},
        "url": {"type": "string", "maxLength": 2_000},
        "source": {"type": "string", "maxLength": 200},
    },
}
_REPORT: dict[str, object] = {
    "requestBody": {
        "required": True,
        "description": f"At most {MOST_BYTES} bytes.",
        "content": {
            "application/json": {
                "schema": {"type": "array", "minItems": 1, "maxItems": MOST_REPORTED, "items": _LINE},
                "example": [{"token": "pl-AYbX…", "type": "pontlevis_api_key", "url": "https://example.com/repo", "source": "content"}],
            },
            "application/x-www-form-urlencoded": {"schema": _LINE},
        },
    }
}  # fmt: skip
