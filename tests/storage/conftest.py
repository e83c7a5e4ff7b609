"""What storage is tested on."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from postgresql_server import PostgresqlServer, postgresql_server

from pontlevis.storage.database import Database


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    with postgresql_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """An empty database of either kind."""
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
