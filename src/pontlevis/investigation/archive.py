"""The evidence of a time, opened for questions: only the files that the manifest names, read in place."""

import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from pontlevis.evidence.manifest import FileLine, GoneLine, lines
from pontlevis.evidence.parquet import connect, reading
from pontlevis.evidence.rows import COLUMNS
from pontlevis.investigation.no_answer import NoEvidence

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Row = tuple[object, ...]


class Archive:
    """Views ``events`` (from ``since`` up to ``until``, Unix seconds) and ``before`` (``before_s`` ahead of it).

    A context manager. Raises ``NoEvidence`` where no file holds anything of that time, and ``Broken``.
    """

    def __init__(
        self,
        store: Path,
        since: float,
        until: float,
        *,
        before_s: float = 0.0,
        threads: int = 2,
        memory_mib: int = 1_024,
    ) -> None:
        self.since = since
        self.until = until
        found = [each for each in files(store) if each.until >= since - before_s and each.since <= until]
        now = [each for each in found if each.until >= since]
        earlier = [each for each in found if each.since < since]
        if not now:
            raise NoEvidence(str(store))
        self.files = len(now)
        self.rows = sum(each.rows for each in found if each.until >= since)
        self.bytes = sum(each.bytes for each in found if each.until >= since)
        self.dropped = sum(each.dropped for each in found if each.until >= since)
        self._store = store
        self.first = min(each.since for each in found)
        """Of the evidence there is, within the time asked for and before it."""
        self._spill = Path(tempfile.mkdtemp(prefix="ask-", dir=store))
        self.connection: DuckDBPyConnection = connect(
            threads=threads, memory=f"{memory_mib}MB", spill=self._spill
        )
        self._view("events", now, since, until)
        self._view("before", earlier, since - before_s, since - 1e-6)

    def __enter__(self) -> "Archive":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connection.close()
        shutil.rmtree(self._spill, ignore_errors=True)

    def ask(self, query: str, *values: object) -> list[Row]:
        """Rows of a query; ``values`` fill its question marks."""
        found: list[Row] = self.connection.execute(query, list(values) if values else None).fetchall()
        return found

    def _view(self, name: str, entered: list[FileLine], since: float, until: float) -> None:
        if entered:
            of = reading([(self._store / each.file, each.layout) for each in entered])
        else:
            nothing = ", ".join(f'NULL::{kind} "{column}"' for column, kind in COLUMNS.items())
            of = f"(SELECT {nothing} LIMIT 0)"
        self.ask(
            f"""CREATE VIEW "{name}" AS SELECT * FROM {of}
                WHERE ts >= make_timestamp({int(since * 1e6)}) AND ts <= make_timestamp({int(until * 1e6)})"""
        )


def files(store: Path) -> list[FileLine]:
    """Files of events that the manifest says are there. Raises ``Broken`` where its chain does not hold."""
    there: dict[str, FileLine] = {}
    for placed in lines(store):
        if isinstance(placed.line, FileLine):
            there[placed.line.file] = placed.line
        elif isinstance(placed.line, GoneLine):
            for name in placed.line.files:
                there.pop(name, None)
    return [each for each in there.values() if (store / each.file).exists()]
