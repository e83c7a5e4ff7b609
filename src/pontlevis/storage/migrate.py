"""Brings a database to the tables that this version knows."""

from importlib.resources import files

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from pontlevis.storage.database import Database


def config() -> Config:
    """Alembic's configuration, from the package itself."""
    made = Config()
    made.set_main_option("script_location", str(files("pontlevis.storage").joinpath("migrations")))
    return made


async def upgrade(database: Database) -> None:
    """Applies all migrations that are missing."""

    def apply(connection: Connection) -> None:
        alembic = config()
        alembic.attributes["connection"] = connection
        command.upgrade(alembic, "head")

    async with database.engine.begin() as connection:
        await connection.run_sync(apply)


def write_revision(connection: Connection, message: str, revision: str) -> None:
    """For developers: writes the migration from what ``connection`` has to what the tables say."""
    alembic = config()
    alembic.attributes["connection"] = connection
    command.revision(alembic, message=message, rev_id=revision, autogenerate=True)
