"""Rate series, ``time,count``: how many there were in each interval, and nothing else."""

from pontlevis.backtest.entry import PASSED, Entry, Read
from pontlevis.backtest.reader import Reading
from pontlevis.backtest.times import any_time
from pontlevis.brain.observation import Kind, Outcome

SEPARATORS = (",", ";", "\t")
MOST = 1e9
"""A count above is a broken line."""
TIMES = ("time", "timestamp", "ts", "date", "at", "datetime", "bucket")
COUNTS = ("count", "value", "requests", "rate", "n", "total", "hits")


class Series:
    """Rows of at least two columns; the first row may name them."""

    name = "series"

    def __init__(self, reading: Reading) -> None:
        self._zone = reading.zone
        self._kind = Kind(reading.series)
        self._columns = (0, 1)
        self._separator = ","
        self._last: float | None = None
        self._begun = False

    def read(self, line: bytes) -> Read:
        """One row; its count belongs to the time up to the next row."""
        text = line.decode("utf-8", "replace").strip().lstrip("\ufeff")
        if not self._begun:
            self._separator = next((each for each in SEPARATORS if each in text), ",")
        cells = [cell.strip().strip('"') for cell in text.split(self._separator, 64)]
        if len(cells) < 2:
            return None
        if not self._begun:
            self._begun = True
            if self._named([cell.lower() for cell in cells]):
                return PASSED
        time, count = self._columns
        if max(time, count) >= len(cells):
            return None
        at = any_time(cells[time], self._zone)
        try:
            number = float(cells[count])
        except ValueError:
            return None
        if at is None or not 0 <= number <= MOST:
            return None
        return Entry(at=at, kind=self._kind, outcome=Outcome.OK, count=round(number))

    def _named(self, names: list[str]) -> bool:
        """Takes the header, if this is one."""
        if any_time(names[0], self._zone) is not None:
            return False
        time = next((at for at, name in enumerate(names) if name in TIMES), 0)
        count = next((at for at, name in enumerate(names) if name in COUNTS and at != time), 1)
        self._columns = (time, count)
        return True
