"""A rate series' rows over the time that each is about."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from statistics import median

from pontlevis.backtest.entry import Entry

MOST_BACKWARDS = 2_000_000
"""Rows that are turned round where the newest stands first: nearly four years of minutes, 34 MB."""
LONGEST_ROW_S = 86_400.0
"""A row is spread over at most a day."""
ONLY_ROW_S = 60.0
"""What a single row is taken to be about."""
POINTS = 3600
"""A row becomes at most so many moments."""
GAP = 1.5
"""A row that the next follows later than so many times the usual is about the usual length: the rest is a gap."""

Row = tuple[float, Entry]


class Spread:
    """Turns rows into acts. ``times``: those of the first rows, which tell how far apart rows are and which way they go."""

    def __init__(self, times: Sequence[float]) -> None:
        steps = [after - before for before, after in pairwise(times) if after != before]
        self._usual = min(median(map(abs, steps)), LONGEST_ROW_S) if steps else ONLY_ROW_S
        self.backwards = sum(step < 0 for step in steps) > len(steps) / 2
        self.left_out = 0
        """Rows beyond the bound of those that can be turned round."""
        self._carried = 0.0

    def acts(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Each row's count in parts, by time as far as the rows are."""
        last: Row | None = None
        for row in self._forwards(rows) if self.backwards else rows:
            if last is not None:
                yield from self._parts(last, row[0] - last[0])
            last = row
        if last is not None:
            yield from self._parts(last, self._usual)

    def _forwards(self, rows: Iterable[Row]) -> Iterator[Row]:
        times, amounts = array("d"), array("d")
        like = Entry()
        for at, entry in rows:
            like = entry
            if len(times) >= MOST_BACKWARDS:
                self.left_out += 1
                continue
            times.append(at)
            amounts.append(entry.amount)
        for at, amount in zip(reversed(times), reversed(amounts), strict=True):
            yield at, Entry(kind=like.kind, outcome=like.outcome, amount=amount, per_second=like.per_second)

    def _parts(self, row: Row, step: float) -> Iterator[Row]:
        at, entry = row
        length = min(LONGEST_ROW_S, step if 0 < step <= GAP * self._usual else self._usual)
        whole = entry.amount * length if entry.per_second else entry.amount
        moments = max(1, min(POINTS, int(length)))
        for moment in range(moments):
            self._carried += whole / moments
            # A hair, so that a sum of parts that make a whole is one.
            due = int(self._carried + 1e-6)
            if due:
                self._carried -= due
                yield at + length * moment / moments, Entry(kind=entry.kind, outcome=entry.outcome, count=due)
