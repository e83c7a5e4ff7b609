"""The operator's API: seal keys, one person's data, what retention removes."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Body, Query
from pydantic import BaseModel, Field

from pontlevis.web.context import WebContext
from pontlevis.web.operator_visitor import ADMINS, GUARDED, AdminActor


class RotateBody(BaseModel):
    drop_old: bool = Field(
        default=False,
        description="Drop older keys once nothing needs them; older backups then need them still.",
    )


class RotateLookupBody(BaseModel):
    keep_old: bool = Field(
        default=False, description="Keep asking for the former key: other nodes still write with it."
    )
    drop_old: bool = Field(
        default=False, description="Drop the former key even where rows are left that only it finds."
    )


class LookupKeyAnswer(BaseModel):
    id: str
    use: str
    made_at: int | None
    rows: dict[str, int]


class LookupKeysAnswer(BaseModel):
    keys: list[LookupKeyAnswer]


class PreparedAnswer(BaseModel):
    id: str


class LookupTurnAnswer(BaseModel):
    id: str
    resumed: bool
    rehashed: int
    left: int
    former_dropped: bool


class SealKeyAnswer(BaseModel):
    id: str
    newest: bool
    values: int


class SealKeysAnswer(BaseModel):
    keys: list[SealKeyAnswer]


class RotationAnswer(BaseModel):
    newest: str
    resealed: int
    unopened: int
    keys: int


class ErasedAnswer(BaseModel):
    account: str
    sessions_and_keys: int
    rows: int


def create_operator_safety_router(context: WebContext) -> APIRouter:
    """What keeps the data of people safe."""
    router = APIRouter()
    accounts = context.accounts

    @router.get("/secrets", dependencies=GUARDED)
    async def seal_keys() -> SealKeysAnswer:
        """The keys that seal addresses, without their secrets."""
        return SealKeysAnswer(keys=[SealKeyAnswer(**asdict(each)) for each in await accounts.seal_keys()])

    @router.post("/secrets/rotate")
    async def rotate(actor: AdminActor, body: Annotated[RotateBody, Body()]) -> RotationAnswer:
        """Add a key and seal everything with it."""
        return RotationAnswer(**asdict(await accounts.rotate_seal_key(actor=actor, drop_old=body.drop_old)))

    @router.get("/secrets/lookup", dependencies=GUARDED)
    async def lookup_keys() -> LookupKeysAnswer:
        """The key by which addresses are found, without its secret, and how many rows stand under which."""
        found = await accounts.lookup_keys()
        return LookupKeysAnswer(keys=[LookupKeyAnswer(**asdict(each)) for each in found])

    @router.post("/secrets/lookup/prepare")
    async def prepare_lookup(actor: AdminActor) -> PreparedAnswer:
        """Add a look-up key that is asked for and not used yet, for other nodes to learn first."""
        return PreparedAnswer(id=await accounts.prepare_lookup_key(actor=actor))

    @router.post("/secrets/lookup/rotate")
    async def rotate_lookup(actor: AdminActor, body: Annotated[RotateLookupBody, Body()]) -> LookupTurnAnswer:
        """Hash every address anew under a fresh look-up key."""
        done = await accounts.rotate_lookup_key(actor=actor, keep_old=body.keep_old, drop_old=body.drop_old)
        return LookupTurnAnswer(**asdict(done))

    @router.get("/accounts/{account}/data", dependencies=ADMINS)
    async def export(account: str) -> dict[str, object]:
        """Everything that is kept about an account, without secrets."""
        return await accounts.export_account(account)

    @router.delete("/accounts/{account}/data")
    async def erase(
        actor: AdminActor, account: str, reason: Annotated[str, Query(min_length=1, max_length=500)]
    ) -> ErasedAnswer:
        """Delete an account for good, as its owner could."""
        return ErasedAnswer(**asdict(await accounts.erase_account(account, actor=actor, reason=reason)))

    return router
