"""Brings what the database keeps under the newest key: plain texts at the first start, old seals after a rotation.

Hashes by which a text is found are ``rehashing``'s.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Column, String, Table, bindparam, func, literal, select, type_coerce, update
from sqlalchemy.ext.asyncio import AsyncSession

from pontlevis.accounts.sealing import CannotOpen, Sealer
from pontlevis.storage.database import Database
from pontlevis.storage.sealed import SEALED, LookupText, SealedText
from pontlevis.storage.tables.base import Base

BATCH = 1_000  # rows a transaction: short enough that nobody waits for it, long enough to be quick


@dataclass(frozen=True, slots=True)
class Resealed:
    """How many values were sealed anew, and how many could not be opened."""

    done: int = 0
    unopened: int = 0


def sealed_columns() -> Iterator[tuple[Table, Column[str], str]]:
    """Every column that is sealed, with its context: by its type, or by ``info={"sealed": context}``."""
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, SealedText):
                yield table, column, column.type.context
            elif "sealed" in column.info:
                yield table, column, str(column.info["sealed"])


def lookup_columns() -> Iterator[tuple[Table, Column[str], str]]:
    """Every column that is a keyed hash, with its context."""
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, LookupText):
                yield table, column, column.type.context


async def reseal(database: Database, sealer: Sealer, *, batch: int = BATCH) -> Resealed:
    """Goes through every column in short transactions; may be stopped and begun again at any point.

    A value that another writer changes meanwhile is left to that writer, who seals with the newest key too.
    """
    done = unopened = 0
    for table, column, context in sealed_columns():
        after: object = None
        while True:
            async with database.session() as session:
                rows, changed, closed = await _seal_part(
                    session, sealer, table, column, context, after, batch
                )
            done, unopened = done + changed, unopened + closed
            if not rows:
                break
            after = rows
    return Resealed(done, unopened)


async def count_by_key(database: Database) -> dict[str, int]:
    """How many values each key has sealed; under ``""`` those that nothing seals."""
    found: dict[str, int] = {}
    async with database.session() as session:
        for _, column, _ in sealed_columns():
            raw = type_coerce(column, String)
            start = len(SEALED)
            rows = await session.execute(
                select(
                    func.substr(raw, start + 1, 8).label("key"),
                    raw.startswith(SEALED, autoescape=True).label("sealed"),
                    func.count(),
                )
                .where(raw != "")
                .group_by("key", "sealed")
            )
            for key, is_sealed, count in rows:
                name = str(key) if is_sealed else ""
                found[name] = found.get(name, 0) + int(count)
    return found


async def anything_sealed(database: Database) -> bool:
    """Whether there is a value that needs a key."""
    async with database.session() as session:
        for _, column, _ in sealed_columns():
            raw = type_coerce(column, String)
            if await session.scalar(
                select(literal(1)).where(raw.startswith(SEALED, autoescape=True)).limit(1)
            ):
                return True
    return False


async def _seal_part(
    session: AsyncSession,
    sealer: Sealer,
    table: Table,
    column: Column[str],
    context: str,
    after: object,
    batch: int,
) -> tuple[object, int, int]:
    """Returns the last row's key (None at the end), how many were changed and how many did not open."""
    (key,) = table.primary_key.columns
    raw = type_coerce(column, String)
    newest = f"{SEALED}{sealer.newest}:"
    wanted = (raw != "") & ~raw.startswith(newest, autoescape=True)
    if after is not None:
        wanted &= key > after
    rows = (await session.execute(select(key, raw).where(wanted).order_by(key).limit(batch))).all()
    changes, closed = [], 0
    for id_, text in rows:
        try:
            plain = sealer.open(text, context) if text.startswith(SEALED) else text
        except CannotOpen:
            closed += 1
            continue
        changes.append({"row": id_, "was": text, "sealed": sealer.seal(plain, context)})
    await write_changes(session, table, column, changes)
    return (rows[-1][0] if rows else None), len(changes), closed


async def write_changes(
    session: AsyncSession, table: Table, column: Column[str], changes: list[dict[str, object]]
) -> None:
    """Writes ``sealed`` where ``row`` still has what ``was`` read there."""
    if not changes:
        return
    (key,) = table.primary_key.columns
    statement = (
        update(table)
        .where(key == bindparam("row"), type_coerce(column, String) == bindparam("was", type_=String))
        .values({column.name: bindparam("sealed", type_=String)})
    )
    connection = await session.connection()
    await connection.execute(statement, changes)
