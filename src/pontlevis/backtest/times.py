"""Times as logs write them, to Unix seconds. Repeated ones cost a dictionary's look-up."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache

MONTHS = {name: number for number, name in enumerate(
    ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
)}  # fmt: skip
_SYSLOG = re.compile(r"([A-Z][a-z]{2}) +(\d{1,2}) (\d\d):(\d\d):(\d\d)")
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s?(Z|UTC|[+-]\d\d:?\d\d)?$"
)
_LOOSE = re.compile(
    r"(?:(\d{4})[-/](\d\d?)[-/](\d\d?)|(\d\d?)\.(\d\d?)\.(\d{4}))(?:,? +(\d\d?):(\d\d)(?::(\d\d))?)?$"
)
"""A day with or without a time, the year first, or day, month and year between full stops. With the month first and
slashes it could be either: such a time is broken."""
EPOCH_LEAST, EPOCH_MOST = 1e8, 1e11
"""Seconds from 1973 to 5138; a greater number is in milli-, micro- or nanoseconds."""
OLDEST, NEWEST = 0.0, 32_503_680_000.0
"""1970 to 3000: whatever lies outside is a broken line."""
BACK_S = 86_400.0 * 180
"""A syslog time without a year that goes back by more than half a year begins a new one."""


@lru_cache(maxsize=4096)
def clf(text: str, zone: tzinfo = UTC) -> float | None:
    """``10/Oct/2023:08:32:31 +0000``, without an offset in ``zone``; None for anything else."""
    try:
        day, month, year = int(text[0:2]), MONTHS[text[3:6]], int(text[7:11])
        at = datetime(
            year, month, day, int(text[12:14]), int(text[15:17]), min(59, int(text[18:20])),
            tzinfo=UTC if len(text) > 20 else zone,
        )  # fmt: skip
        shift = int(text[22:24]) * 3600 + int(text[24:26]) * 60 if len(text) > 20 else 0
    except (ValueError, KeyError):
        return None
    return _within(at.timestamp() + (shift if text[21:22] == "-" else -shift))


@lru_cache(maxsize=4096)
def iso(text: str, zone: tzinfo = UTC) -> float | None:
    """RFC 3339 and its common looser forms; without an offset it is taken to be in ``zone``."""
    found = _ISO.match(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    try:
        at = datetime(
            int(year), int(month), int(day), int(hour), int(minute), min(59, int(second or 0)),
            tzinfo=_offset(offset) if offset else zone,
        )  # fmt: skip
        return _within(at.timestamp() + (float(f"0.{fraction}") if fraction else 0.0))
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=4096)
def loose(text: str, zone: tzinfo = UTC) -> float | None:
    """What spreadsheets write: ``2024-02-01``, ``2024/02/01 10:00``, ``01.02.2024 10:00:00``, in ``zone``."""
    found = _LOOSE.match(text)
    if found is None:
        return None
    year, month, day = (found[1], found[2], found[3]) if found[1] else (found[6], found[5], found[4])
    try:
        at = datetime(
            int(year), int(month), int(day), int(found[7] or 0), int(found[8] or 0), min(59, int(found[9] or 0)),
            tzinfo=zone,
        )  # fmt: skip
        return _within(at.timestamp())
    except (ValueError, OverflowError):
        return None


def number(value: float) -> float | None:
    """Unix time in seconds, milliseconds, microseconds or nanoseconds, by its size."""
    if not abs(value) < 1e20:
        return None
    while value > EPOCH_MOST:
        value /= 1000
    return _within(value) if value >= EPOCH_LEAST else None


def any_time(value: object, zone: tzinfo) -> float | None:
    """A time of whatever sort: a number, digits, RFC 3339, Common Log Format."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return number(value)
    if not isinstance(value, str) or not value or len(value) > 64:
        return None
    text = value.strip("[] ")
    read = iso(text, zone)
    if read is not None:
        return read
    if len(text) >= 20 and text[2:3] == "/":
        return clf(text, zone)
    try:
        return number(float(text))
    except ValueError:
        return loose(text, zone)


class Yearless:
    """Syslog times, which bear no year: the first is in ``year``; after December comes the next."""

    def __init__(self, year: int, zone: tzinfo) -> None:
        self._year = year
        self._zone = zone
        self._last: float | None = None
        self._text = ""
        self._end = 0

    def read(self, line: str) -> tuple[float, int] | None:
        """The time with which ``line`` begins, and where it ends; None where it begins otherwise."""
        text = line[:15]
        if text == self._text and self._last is not None:
            return self._last, self._end
        found = _SYSLOG.match(line)
        if found is None or found[1] not in MONTHS:
            return None
        at = self._at(found)
        if at is None:
            return None
        if self._last is not None and at < self._last - BACK_S:
            self._year += 1
            at = self._at(found) or at
        self._last = at
        self._text, self._end = text, found.end()
        return at, self._end

    def _at(self, found: re.Match[str]) -> float | None:
        _, day, hour, minute, second = found.groups()
        try:
            month = MONTHS[found[1]]
            whole = datetime(
                self._year, month, int(day), int(hour), int(minute), min(59, int(second)), tzinfo=self._zone
            )
        except ValueError:
            return None
        return _within(whole.timestamp())


def shown(at: float) -> str:
    """ISO 8601 in UTC, to the second or as fine as it is."""
    try:
        return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return f"{at:.0f}"


def _offset(text: str) -> tzinfo:
    if text in ("Z", "UTC"):
        return UTC
    digits = text[1:].replace(":", "")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return timezone(timedelta(minutes=minutes if text[0] == "+" else -minutes))


def _within(at: float) -> float | None:
    return at if OLDEST <= at <= NEWEST else None
