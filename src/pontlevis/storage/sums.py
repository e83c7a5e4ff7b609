"""Writes rows that may be there already: adds to those that hold sums, puts others in their place."""

from collections.abc import Callable, Sequence

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from pontlevis.storage.tables.base import Base


def table_of(row: type[Base]) -> Table:
    """The one table behind a row class."""
    table = row.__table__
    if not isinstance(table, Table):
        raise TypeError(f"{row.__name__} is not one table")
    return table


async def add_sums(session: AsyncSession, row: type[Base], values: Sequence[tuple[object, ...]]) -> None:
    """For each tuple (in the order of the table's columns): the row with this key gets its other columns added.

    One statement, so that nobody else's addition between reading and writing is lost.
    """
    await _upsert(session, row, values, add=True)


async def put_rows(session: AsyncSession, row: type[Base], values: Sequence[tuple[object, ...]]) -> None:
    """For each tuple (in the order of the table's columns): the row with this key is now this one."""
    await _upsert(session, row, values, add=False)


def insert_for(session: AsyncSession) -> Callable[..., postgresql.Insert | sqlite.Insert]:
    """The ``insert`` of the session's database that knows ``ON CONFLICT``; both databases spell it alike."""
    return postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert


async def _upsert(
    session: AsyncSession, row: type[Base], values: Sequence[tuple[object, ...]], *, add: bool
) -> None:
    if not values:
        return
    table = table_of(row)
    names = [column.name for column in table.columns]
    keys = [column.name for column in table.primary_key]
    others = [name for name in names if name not in keys]
    statement = insert_for(session)(table)
    statement = statement.on_conflict_do_update(
        index_elements=keys,
        set_={
            name: table.c[name] + statement.excluded[name] if add else statement.excluded[name]
            for name in others
        },
    )
    connection = await session.connection()
    await connection.execute(statement, [dict(zip(names, each, strict=True)) for each in values])
