"""Rate series, ``time,count``: how many there were in each interval, and nothing else."""

import csv
import re

from pontlevis.backtest.entry import PASSED, Entry, Read
from pontlevis.backtest.reader import Reading
from pontlevis.backtest.times import any_time
from pontlevis.brain.observation import Kind, Outcome

SEPARATORS = (";", "\t", ",")
"""A comma last: where there is another, it stands within numbers."""
MOST = 1e9
"""A count above is a broken line."""
MOST_COLUMNS = 64
TIMES = (
    "time",
    "timestamp",
    "ts",
    "date",
    "at",
    "datetime",
    "bucket",
    "_time",
    "minute",
    "hour",
    "day",
    "zeit",
    "heure",
)
COUNTS = ("count", "value", "requests", "n", "total", "hits", "number", "anzahl", "nombre")
RATES = re.compile(r"rate|rps|qps|req/s|reqps|.*(?:per[ _]s(?:ec(?:ond)?)?|/s(?:ec)?)")
"""Columns with numbers a second, as monitoring systems write them, instead of counts."""
_NUMBER = re.compile(
    r"\d{1,3}(?:([,.'\u00a0\u202f ])\d{3}(?:\1\d{3})*)?(?:\.\d+)?|\d+(?:\.\d*)?(?:[eE][+-]?\d{1,3})?|\.\d+"
)


class Series:
    """Rows of at least two columns; the first row may name them."""

    name = "series"

    def __init__(self, reading: Reading) -> None:
        self._zone = reading.zone
        self._kind = Kind(reading.series)
        self._columns = (0, 1)
        self._separator = ""
        self._per_second = False
        self._begun = False

    def read(self, line: bytes) -> Read:
        """One row; its count belongs to the time up to the next row."""
        text = line.decode("utf-8", "replace").strip()
        if not self._separator:
            if text.startswith("sep=") and len(text) == 5:
                self._separator = text[4]
                return PASSED
            self._separator = next((each for each in SEPARATORS if each in text), ",")
        try:
            cells = next(csv.reader([text], delimiter=self._separator, skipinitialspace=True))
        except (csv.Error, StopIteration):
            return None
        cells = [cell.strip() for cell in cells]
        if not 2 <= len(cells) <= MOST_COLUMNS:
            return None
        if not self._begun:
            self._begun = True
            if self._named([cell.lower() for cell in cells]):
                return PASSED
        time, count = self._columns
        if max(time, count) >= len(cells):
            return None
        at = any_time(cells[time], self._zone)
        number = _count(cells[count])
        if at is None or number is None:
            return None
        return Entry(
            at=at,
            kind=self._kind,
            outcome=Outcome.OK,
            count=round(number),
            amount=number,
            per_second=self._per_second,
        )

    def _named(self, names: list[str]) -> bool:
        """Takes the header, if this is one."""
        if any(any_time(name, self._zone) is not None for name in names[:2]) and any(
            _count(name) is not None for name in names[:2]
        ):
            return False
        time = next((at for at, name in enumerate(names) if name in TIMES), 0)
        rest = [(at, name) for at, name in enumerate(names) if at != time]
        self._columns = (time, rest[0][0])
        for at, name in rest:
            if name in COUNTS:
                self._columns = (time, at)
                return True
        for at, name in rest:
            if RATES.fullmatch(name):
                self._columns, self._per_second = (time, at), True
                return True
        return True


def _count(text: str) -> float | None:
    """A number as people and programs write it: ``1200``, ``1,200``, ``1.2e3``; None for anything else."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    number = float(text.replace(found[1], "") if found[1] and found[1] != "." else text)
    return number if number <= MOST else None
