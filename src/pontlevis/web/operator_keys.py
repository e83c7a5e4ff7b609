"""The operator's API: everybody's keys, found, rotated, changed and revoked. Making one is with the accounts."""

from typing import Annotated

from fastapi import APIRouter, Body, HTTPException, Query, Request
from pydantic import BaseModel, Field

from pontlevis.accounts.key_desk import MOST_LISTED, MOST_NAMED
from pontlevis.accounts.roles import Role
from pontlevis.accounts.service import AccountError, OwnedKey, Revocation
from pontlevis.web.context import WebContext
from pontlevis.web.keys_bodies import ChangeBody, KeyAnswer, NewKeyAnswer, key_answer, new_key_answer
from pontlevis.web.operator_visitor import GUARDED, Actor, AdminActor, gate_of

Reason = Annotated[str, Field(min_length=1, max_length=500)]
Id = Annotated[str, Field(min_length=1, max_length=64)]


class OwnedKeyAnswer(KeyAnswer):
    """A key without its secret, and whose it is."""

    account: str
    email: str


class OwnedKeysAnswer(BaseModel):
    keys: list[OwnedKeyAnswer]


class OperatorChangeBody(ChangeBody):
    reason: Reason


class ChangedKeyAnswer(BaseModel):
    """A key after a change; of the keys that it made, by id, which were narrowed with it and which had nothing left."""

    key: KeyAnswer
    differences: list[str]
    narrowed: list[str]
    revoked: list[str]


class OperatorRotationBody(BaseModel):
    overlap_s: float | None = Field(
        default=None, ge=0, le=366 * 86_400, description="How long the old secret works as well; left out: as the service is set."
    )  # fmt: skip
    reason: Reason


class RevokeBody(BaseModel):
    keys: list[Id] = Field(default=[], max_length=MOST_NAMED, description="By id.")
    email: str = Field(default="", max_length=320, description="Every key of this account as well.")
    reason: Reason
    apply: bool = Field(default=False, description="Do it; without, it is only shown.")


class RevokedAnswer(BaseModel):
    """Keys that ended, or would, with what they had made."""

    applied: bool
    keys: list[OwnedKeyAnswer]
    unknown: list[str]


def create_operator_keys_router(context: WebContext) -> APIRouter:
    """A responder takes away; what gives somebody more, and the secrets of others, are an admin's."""
    router = APIRouter()
    accounts = context.accounts

    @router.get("/keys", dependencies=GUARDED)
    async def list_keys(
        email: Annotated[str, Query(max_length=320, description="The exact address of their owner.")] = "",
        account: Annotated[str, Query(max_length=64, description="The id of their account.")] = "",
        limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 100,
        offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
    ) -> OwnedKeysAnswer:
        """Keys of one account or of everybody, newest first, without their secrets."""
        found = await accounts.find_keys(email=email, account=account, limit=limit, offset=offset)
        return owned_keys_answer(found)

    @router.post("/keys/revoke")
    async def revoke_keys(actor: Actor, body: Annotated[RevokeBody, Body()]) -> RevokedAnswer:
        """Revoke several keys, or all of an account, and what they made; shows which unless ``apply``."""
        if not body.keys and not body.email:
            raise HTTPException(400, "name keys or an account")
        done = await accounts.revoke_any_keys(
            body.keys, email=body.email, actor=actor, reason=body.reason, apply=body.apply
        )
        return revoked_answer(done)

    @router.post("/keys/{key}/rotate")
    async def rotate_key(
        actor: AdminActor, key: str, body: Annotated[OperatorRotationBody, Body()]
    ) -> NewKeyAnswer:
        """A new secret for somebody's key, shown this once; the old one works until the overlap ends."""
        made = await accounts.rotate_any_key(key, actor=actor, reason=body.reason, overlap_s=body.overlap_s)
        return new_key_answer(made)

    @router.patch("/keys/{key}")
    async def change_key(
        request: Request, actor: Actor, key: str, body: Annotated[OperatorChangeBody, Body()]
    ) -> ChangedKeyAnswer:
        """Change a key's name, scope, limits or expiry; what gives it more asks for an admin."""
        visitor = await gate_of(request).visitor(request)
        changed = await accounts.change_any_key(
            key,
            body.change(accounts.clock()),
            actor=actor,
            reason=body.reason,
            narrow_only=visitor is None or visitor.role < Role.ADMIN,
        )
        return ChangedKeyAnswer(
            key=key_answer(changed.key),
            differences=list(changed.differences),
            narrowed=list(changed.narrowed),
            revoked=list(changed.revoked),
        )

    @router.delete("/keys/{key}")
    async def revoke_key(
        actor: Actor,
        key: str,
        reason: Annotated[str, Query(min_length=1, max_length=500)] = "revoked by hand",
    ) -> RevokedAnswer:
        """Revoke a key at once, and those that it made; streams under way included."""
        done = await accounts.revoke_any_keys([key], actor=actor, reason=reason, apply=True)
        if not done.keys:
            raise AccountError(404, "not_found", "there is no such key")
        return revoked_answer(done)

    return router


def owned_keys_answer(found: list[OwnedKey]) -> OwnedKeysAnswer:
    return OwnedKeysAnswer(keys=[_owned(each) for each in found])


def revoked_answer(done: Revocation) -> RevokedAnswer:
    return RevokedAnswer(
        applied=done.applied, keys=[_owned(each) for each in done.keys], unknown=done.unknown
    )


def _owned(each: OwnedKey) -> OwnedKeyAnswer:
    return OwnedKeyAnswer(**key_answer(each.key).model_dump(), account=each.account, email=each.email)
