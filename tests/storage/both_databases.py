"""A database of either kind for the tests of what is stored."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from pontlevis.storage.database import Database
from postgresql_server import PostgresqlServer, postgresql_server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """One server for all modules."""
    with postgresql_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
async def empty(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A database without tables."""
    if request.param == "sqlite":
        opened = Database.in_directory(tmp_path)
        yield opened
        await opened.close()
        return
    server: PostgresqlServer = request.getfixturevalue("postgresql")
    async with server.database() as url:
        opened = Database(url)
        yield opened
        await opened.close()
