"""The operator's API: seal keys."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Body
from pydantic import BaseModel, Field

from pontlevis.web.context import WebContext
from pontlevis.web.operator_visitor import GUARDED, Actor


class RotateBody(BaseModel):
    drop_old: bool = Field(
        default=False,
        description="Drop older keys once nothing needs them; older backups then need them still.",
    )


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


def create_operator_safety_router(context: WebContext) -> APIRouter:
    """What keeps the data of people safe."""
    router = APIRouter()
    accounts = context.accounts

    @router.get("/secrets", dependencies=GUARDED)
    async def seal_keys() -> SealKeysAnswer:
        """The keys that seal addresses, without their secrets."""
        return SealKeysAnswer(keys=[SealKeyAnswer(**asdict(each)) for each in await accounts.seal_keys()])

    @router.post("/secrets/rotate")
    async def rotate(actor: Actor, body: Annotated[RotateBody, Body()]) -> RotationAnswer:
        """Add a key and seal everything with it."""
        return RotationAnswer(**asdict(await accounts.rotate_seal_key(actor=actor, drop_old=body.drop_old)))

    return router
