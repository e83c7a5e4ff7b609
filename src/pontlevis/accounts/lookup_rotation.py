"""Replaces the look-up key while the service runs: everybody is found throughout, and nobody registers twice."""

from dataclasses import dataclass

from pontlevis.accounts.lookup_keys import MOST_LOOKUP_KEYS, LookupKey, LookupKeyView, one_waits
from pontlevis.accounts.rehashing import count_lookups, rehash
from pontlevis.accounts.sealing import KeyFiles, Sealer
from pontlevis.storage.database import Database


@dataclass(frozen=True, slots=True)
class LookupTurn:
    """What a rotation of the look-up key did."""

    id: str
    """The key under which addresses are looked up from now on."""
    resumed: bool
    """Whether this ended a rotation that had begun before, and made no key of its own."""
    rehashed: int
    left: int
    """Rows that stay under the former key: their address does not open, or is there twice."""
    former_dropped: bool


async def turn_lookup_key(
    database: Database, files: KeyFiles, sealer: Sealer, *, now: float, keep_old: bool, drop_old: bool
) -> LookupTurn:
    """A fresh look-up key (or the one that waits), and every row under it; then the former one goes.

    The former is asked for as long as it is in the file, so that everybody is found throughout. It stays where
    ``keep_old`` says so, and where rows are left that need it, unless ``drop_old`` gives those up. Stopped
    half-way, it goes on at the next start or rotation. Raises ``BadKeyFile``, ``OSError``.
    """
    before = files.read_lookups()
    resumed = len(before) == MOST_LOOKUP_KEYS and not one_waits(before)
    sealer.take_lookups(files.turn_lookup(now))
    told = await rehash(database, sealer)
    left = await left_under_former(database, sealer)
    dropping = not keep_old and (drop_old or not left) and len(sealer.lookup_keys) == MOST_LOOKUP_KEYS
    if dropping:
        sealer.take_lookups(files.drop_former_lookup())
    return LookupTurn(sealer.lookup_keys[0].id, resumed, told.done, left, dropping)


async def left_under_former(database: Database, sealer: Sealer) -> int:
    """How many rows do not stand under the key in use."""
    held = await count_lookups(database)
    newest = sealer.lookup_keys[0].prefix
    return sum(count for each in held.values() for prefix, count in each.items() if prefix != newest)


async def lookup_views(database: Database, keys: tuple[LookupKey, ...]) -> list[LookupKeyView]:
    """The one in use first; a last one without an id where rows stand under none of them."""
    held = await count_lookups(database)
    second = "waits" if one_waits(keys) else "former"
    views = [
        LookupKeyView(
            each.id,
            "active" if number == 0 else second,
            each.made_at,
            {table: rows.get(each.prefix, 0) for table, rows in held.items()},
        )
        for number, each in enumerate(keys)
    ]
    known = {each.prefix for each in keys}
    strange = {
        table: sum(count for prefix, count in rows.items() if prefix not in known)
        for table, rows in held.items()
    }
    return [*views, LookupKeyView("", "former", None, strange)] if any(strange.values()) else views


def told_of(turn: LookupTurn) -> str:
    """For the audit log."""
    former = "the former key is gone" if turn.former_dropped else "the former key is still asked for"
    began = "ended what had begun before: " if turn.resumed else ""
    return f"{began}{turn.rehashed} rows hashed anew, {turn.left} left; {former}"
