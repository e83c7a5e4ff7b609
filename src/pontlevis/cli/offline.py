"""The database of a service, for commands that work whether or not it runs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

from pontlevis.accounts.sealing import BadKeyFile, KeyFiles
from pontlevis.cli.common import fail
from pontlevis.config import Settings
from pontlevis.runtime import DataDirectory
from pontlevis.storage.database import Database

T = TypeVar("T")


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[tuple[Database, KeyFiles]]:
    """The database as it is, without migrating it, and its keys where there are some.

    Ends the command where there is no database.
    """
    directory = DataDirectory(settings.data)
    if not settings.database_url and not directory.database.exists():
        fail(f"there is no database in {directory.path}")
    database = (
        Database(settings.database_url) if settings.database_url else Database.in_directory(directory.path)
    )
    files = KeyFiles(directory.path, settings.safety.seal_keys)
    try:
        if files.there:
            database.use_keys(
                seals=files.sealer(), audit=files.audit_key() if files.audit_file.exists() else None
            )
        yield database, files
    finally:
        await database.close()


def on_database(settings: Settings, act: Callable[[Database, KeyFiles], Awaitable[T]]) -> T:
    """Runs ``act``; a database or key file that cannot be used ends the command with a sentence."""

    async def run() -> T:
        async with opened(settings) as (database, files):
            return await act(database, files)

    try:
        return asyncio.run(run())
    except BadKeyFile as error:
        fail(str(error))
    except (SQLAlchemyError, OSError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        fail(f"the database cannot be used: {said} (has this version run on it yet?)")
