"""Brings the keyed hashes of addresses under the newest look-up key, each from the address itself."""

from dataclasses import dataclass

from sqlalchemy import Column, String, Table, case, func, literal, select, type_coerce
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from pontlevis.accounts.emails import email_key
from pontlevis.accounts.lookup_keys import ID_LENGTH, NAMED, UNNAMED
from pontlevis.accounts.resealing import BATCH, lookup_columns, write_changes
from pontlevis.accounts.sealing import CannotOpen, Sealer
from pontlevis.storage.database import Database
from pontlevis.storage.sealed import HASHED, SEALED
from pontlevis.storage.tables.accounts import AccountRow
from pontlevis.storage.tables.telling import SubscriberRow

WEB = ("https://", "http://")  # a subscriber's address may be one, and stands for itself
ROUNDS = 5  # a row that somebody wrote behind us is found by the next one; two were enough in every trial


@dataclass(frozen=True, slots=True)
class Rehashed:
    """How many rows stand under the newest key now, and how many could not be brought there."""

    done: int = 0
    lost: int = 0
    """Their addresses open with no key: they were damaged."""
    doubled: int = 0
    """Another row has the same address; a service from before this version, or with other keys, wrote there."""


async def rehash(database: Database, sealer: Sealer, *, batch: int = BATCH) -> Rehashed:
    """Goes through every look-up column in short transactions; may be stopped and begun again at any point.

    What stands there is not asked for: a row is hashed anew from its address, so that a lost key is no loss.
    """
    done = 0
    for _ in range(ROUNDS):
        told = await _once(database, sealer, batch)
        done += told.done
        if not told.done:
            break
    return Rehashed(done, told.lost, told.doubled)


async def count_lookups(database: Database) -> dict[str, dict[str, int]]:
    """How many rows stand under which key: by table, then by what the key's hashes begin with."""
    found: dict[str, dict[str, int]] = {}
    named = len(NAMED) + ID_LENGTH + 1
    async with database.session() as session:
        for table, column, _ in lookup_columns():
            raw = type_coerce(column, String)
            under = case(
                (raw.startswith(NAMED, autoescape=True), func.substr(raw, 1, named)),
                (raw.startswith(UNNAMED, autoescape=True), literal(UNNAMED)),
                else_=literal(""),
            ).label("under")
            rows = await session.execute(select(under, func.count()).where(raw != "").group_by("under"))
            found[table.name] = {str(prefix): int(count) for prefix, count in rows}
    return found


async def _once(database: Database, sealer: Sealer, batch: int) -> Rehashed:
    done = lost = doubled = 0
    for table, column, context in lookup_columns():
        after: object = None
        while True:
            try:
                async with database.session() as session:
                    after, changes, closed = await _read(
                        session, sealer, table, column, context, after, batch
                    )
                    await write_changes(session, table, column, changes)
                done += len(changes)
            except IntegrityError:
                # Of a thousand at least one is there twice: each for itself, so that the others go on.
                for each in changes:
                    if await _alone(database, table, column, each):
                        done += 1
                    else:
                        doubled += 1
            lost += closed
            if after is None:
                break
    return Rehashed(done, lost, doubled)


async def _alone(database: Database, table: Table, column: Column[str], change: dict[str, object]) -> bool:
    try:
        async with database.session() as session:
            await write_changes(session, table, column, [change])
    except IntegrityError:
        return False
    return True


async def _read(
    session: AsyncSession,
    sealer: Sealer,
    table: Table,
    column: Column[str],
    context: str,
    after: object,
    batch: int,
) -> tuple[object, list[dict[str, object]], int]:
    """The last row's key (None at the end), what is to be written, and how many did not open."""
    (key,) = table.primary_key.columns
    where = _address(table)
    raw, kept = type_coerce(column, String), type_coerce(where, String)
    wanted = (raw != "") & ~raw.startswith(sealer.lookup_keys[0].prefix, autoescape=True)
    if after is not None:
        wanted &= key > after
    rows = (await session.execute(select(key, raw, kept).where(wanted).order_by(key).limit(batch))).all()
    changes: list[dict[str, object]] = []
    closed = 0
    for id_, was, address in rows:
        text = was if not was.startswith(HASHED) else _text(sealer, where, id_, address)
        if not text:
            closed += 1
            continue
        changes.append({"row": id_, "was": was, "sealed": sealer.lookup(text, context)})
    return (rows[-1][0] if rows else None), changes, closed


def _address(table: Table) -> Column[str]:
    """Where the text stands of which a table's look-up hash is made."""
    found: Column[str] = table.c.target if table.name == SubscriberRow.__tablename__ else table.c.email
    return found


def _text(sealer: Sealer, where: Column[str], id_: object, address: str) -> str:
    """What is hashed; empty where nobody can know it any more."""
    if not address:
        return erased_key(str(id_)) if where.table is AccountRow.__table__ else ""
    try:
        plain = sealer.open(address, f"{where.table}.{where.name}") if address.startswith(SEALED) else address
    except CannotOpen:
        return ""
    return plain if plain.startswith(WEB) else email_key(plain)


def erased_key(account: str) -> str:
    """What stands in the place of an erased account's address: its own, so that it is in nobody's way."""
    return f"erased {account}"
