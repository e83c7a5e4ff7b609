"""A database with all tables, made once and copied: migrating anew for each test would take minutes in all."""

import shutil
import tempfile
from pathlib import Path

from pontlevis.storage.database import Database
from pontlevis.storage.migrate import upgrade

NAME = "pontlevis.db"
_made: list[Path] = []


async def migrated(directory: Path) -> None:
    """Puts one into ``directory``, where ``Database.in_directory`` finds it, unless there is one already."""
    if (directory / NAME).exists():
        return
    if not _made:
        made = Path(tempfile.mkdtemp(prefix="pontlevis-tables-"))
        database = Database.in_directory(made)
        await upgrade(database)
        await database.close()
        _made.append(made / NAME)
    shutil.copy(_made[0], directory / NAME)
