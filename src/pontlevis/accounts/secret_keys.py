"""The seal keys and the look-up key of the running service: listed, rotated."""

import asyncio
from dataclasses import dataclass

from pontlevis.accounts.errors import AccountError
from pontlevis.accounts.keeping import rotate
from pontlevis.accounts.lookup_keys import LookupKeyView
from pontlevis.accounts.lookup_rotation import LookupTurn, lookup_views, told_of, turn_lookup_key
from pontlevis.accounts.resealing import count_by_key
from pontlevis.accounts.rooms import Rooms
from pontlevis.accounts.sealing import BadKeyFile, KeyFiles, Sealer
from pontlevis.storage.audit import record_audit


@dataclass(frozen=True, slots=True)
class SealKeyView:
    """A key without its secret, and how many values it has sealed."""

    id: str
    newest: bool
    values: int


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation did."""

    newest: str
    resealed: int
    unopened: int
    """Values that no key opens: they were damaged, and are left as they are."""
    keys: int
    """In the file now."""


LOOKUP_TURNED = "operator:lookup:rotated"


class SecretKeys(Rooms):
    """One rotation at a time."""

    _rotating = asyncio.Lock()
    """Of this process; the key file has one writer, the controller."""

    async def seal_keys(self) -> list[SealKeyView]:
        """Newest first; a last one without an id where something is not sealed."""
        if self.sealer is None:
            return []
        held = await count_by_key(self.database)
        found = [
            SealKeyView(each, each == self.sealer.newest, held.pop(each, 0)) for each in self.sealer.key_ids
        ]
        return [*found, *(SealKeyView(name, False, count) for name, count in held.items())]

    async def rotate_seal_key(self, *, actor: str, drop_old: bool) -> Rotation:
        """Raises ``AccountError``: 409 where the service has no key file, or it cannot be written."""
        if self.sealer is None or self.key_files is None:
            raise AccountError(409, "no_seal_keys", "this service has no seal keys")
        async with self._rotating:
            try:
                told = await rotate(self.database, self.key_files, self.sealer, drop_old=drop_old)
            except (BadKeyFile, OSError) as error:
                raise AccountError(409, "no_seal_keys", f"the key file cannot be changed: {error}") from None
            made = Rotation(self.sealer.newest, told.done, told.unopened, len(self.sealer.key_ids))
            async with self.database.session() as session:
                await record_audit(
                    session, at=self.clock(), actor=actor, event="operator:seals:rotated", subject=made.newest,
                    detail=f"{made.resealed} values sealed anew; {made.keys} keys in the file",
                )  # fmt: skip
        return made

    async def lookup_keys(self) -> list[LookupKeyView]:
        """The one in use first; a last one without an id where rows stand under none of them."""
        return [] if self.sealer is None else await lookup_views(self.database, self.sealer.lookup_keys)

    async def prepare_lookup_key(self, *, actor: str) -> str:
        """Adds a key that is asked for and does not hash yet; its id. Raises ``AccountError`` 409."""
        sealer, files = self._lookups()
        async with self._rotating:
            try:
                sealer.take_lookups(files.prepare_lookup(self.clock()))
            except (BadKeyFile, OSError) as error:
                raise _unchanged(error) from None
            made = sealer.lookup_keys[-1].id
            async with self.database.session() as session:
                await record_audit(
                    session, at=self.clock(), actor=actor, event="operator:lookup:prepared", subject=made
                )
        return made

    async def rotate_lookup_key(self, *, actor: str, keep_old: bool, drop_old: bool) -> LookupTurn:
        """Raises ``AccountError``: 409 where the service has no key file, or it cannot be written."""
        sealer, files = self._lookups()
        async with self._rotating:
            try:
                made = await turn_lookup_key(
                    self.database, files, sealer, now=self.clock(), keep_old=keep_old, drop_old=drop_old
                )
            except (BadKeyFile, OSError) as error:
                raise _unchanged(error) from None
            async with self.database.session() as session:
                await record_audit(
                    session, at=self.clock(), actor=actor, event=LOOKUP_TURNED, subject=made.id, detail=told_of(made)
                )  # fmt: skip
        return made

    def _lookups(self) -> tuple[Sealer, KeyFiles]:
        if self.sealer is None or self.key_files is None:
            raise AccountError(409, "no_seal_keys", "this service has no look-up key")
        return self.sealer, self.key_files


def _unchanged(error: Exception) -> AccountError:
    return AccountError(409, "no_seal_keys", f"the key file cannot be changed: {error}")
