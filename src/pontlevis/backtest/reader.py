"""What every reader of a format is, and what it is told."""

from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Protocol

from pontlevis.backtest.entry import Read


@dataclass(frozen=True)
class Reading:
    """What the operator said of the logs that they themselves do not."""

    zone: tzinfo = UTC
    """Of times that bear no offset."""
    year: int = 1970
    """Of the first line, where times bear no year."""
    fields: dict[str, str] = field(default_factory=dict)
    """For JSON lines: the path of our field's value in the log's object."""
    series: str = "request"
    """What a rate series counts."""


class Reader(Protocol):
    """Reads the lines of one file, in order; may remember what one line says about the next."""

    name: str

    def read(self, line: bytes) -> Read:
        """One line without its end, at most as long as the file's opener lets through. Never raises."""
        ...
