"""Opens the database; SQLite in write-ahead mode by default, anything SQLAlchemy knows otherwise."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from pontlevis.storage.audit import ChainedSession, use_audit_key
from pontlevis.storage.sealed import Seals, use_seals

UNAVAILABLE = (OperationalError, InterfaceError, PoolTimeout, ConnectionError)
"""What is raised while the database cannot be used; trying again later may help."""
DATA_EXCEPTION = "22"
"""Class of SQLSTATE (ISO/IEC 9075-2): a value that no column can hold, as a text with U+0000 is to PostgreSQL."""
BUSY_TIMEOUT_MS = 5_000  # SQLite's own default in its command line shell


def is_unstorable(error: Exception) -> bool:
    """Whether the database refused a value for what it is: whoever sent it is to be told, and nothing is broken."""
    return isinstance(error, DBAPIError) and str(getattr(error.orig, "sqlstate", "")).startswith(
        DATA_EXCEPTION
    )


class Database:
    """One database and its sessions.

    ``url`` is an async SQLAlchemy address. A session commits when its block ends well and rolls back
    when it raises.
    """

    def __init__(self, url: str) -> None:
        # Values stay out of error messages: they hold addresses and hashes, and errors end up in logs.
        self.engine: AsyncEngine = create_async_engine(url, hide_parameters=True)
        self._sessions = async_sessionmaker(
            self.engine, expire_on_commit=False, sync_session_class=ChainedSession
        )
        if self.engine.dialect.name == "sqlite":
            event.listen(self.engine.sync_engine, "connect", _sqlite_pragmas)

    @classmethod
    def in_directory(cls, directory: Path) -> "Database":
        """The default: one SQLite file in ``directory``."""
        return cls(f"sqlite+aiosqlite:///{directory / 'pontlevis.db'}")

    def use_keys(self, *, seals: Seals | None = None, audit: bytes | None = None) -> None:
        """Seals columns and the audit log's end from now on; without keys both are as they were given."""
        if seals is not None:
            use_seals(self.engine.sync_engine.dialect, seals)
        if audit is not None:
            use_audit_key(self.engine.sync_engine, audit)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        async with self._sessions() as session, session.begin():
            yield session

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncSession]:
        """A session for reading whose reads all see one moment, whatever is written meanwhile; nobody waits for it."""
        async with self.session() as session:
            if self.engine.dialect.name == "sqlite":
                # Python's driver begins a transaction before writes alone: each read would see its own moment.
                await session.execute(text("BEGIN"))
            else:
                await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session

    async def scrub(self) -> None:
        """Leaves nothing of what was deleted or overwritten in SQLite's file and log.

        PostgreSQL does this by itself in time (autovacuum); its write-ahead log and backups are its operator's.
        """
        if self.engine.dialect.name != "sqlite":
            return
        async with self.engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            await connection.execute(text("VACUUM"))
            await connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))

    async def close(self) -> None:
        await self.engine.dispose()


def _sqlite_pragmas(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    # FULL in WAL: an acknowledged sign-up or key survives kill -9 and a power cut alike.
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
