"""What one line of a log says, before it is known what it means here."""

from typing import TypeAlias

import msgspec

from pontlevis.brain.observation import Kind, Outcome


class Entry(msgspec.Struct, gc=False):
    """One line, read. What the log does not say stays empty."""

    at: float | None = None
    """Unix seconds; None where the line bears no time."""
    source: str = ""
    method: str = ""
    path: str = ""
    """With its query, as asked for."""
    status: int = 0
    """HTTP status; 0 where there is none."""
    agent: str = ""
    """User-Agent."""
    account: str = ""
    """Name of who authenticated, or tried to."""
    credential: str = ""
    """Which API key, never the key itself."""
    domain: str = ""
    tokens: int = 0
    size: int = 0
    """Bytes of the answer."""
    count: int = 1
    amount: float = 0.0
    """Of a rate series: the number of its row."""
    per_second: bool = False
    """Whether that is so many a second, and no count."""
    kind: Kind | None = None
    """Where the log itself says what was tried; else the mapping decides by path."""
    outcome: Outcome | None = None
    challenged: bool = False
    """Whether a password was asked for and given in this request (HTTP Basic), whatever its path."""


class Passed(msgspec.Struct):
    """A sound line that tells of nobody's act: a start, a warning, a session's end."""


PASSED = Passed()

Read: TypeAlias = Entry | Passed | None
"""What a reader makes of a line; None: it cannot read it."""
