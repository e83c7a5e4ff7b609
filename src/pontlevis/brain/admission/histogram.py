"""Quantiles of durations in constant memory."""

from bisect import bisect_left
from math import ceil, log

FIRST_S = 0.0005
RATIO = 1.1  # each bucket is a tenth wider than the one before: an error of 5 % at most
BUCKETS = 128  # up to 100 s
_LOG = log(RATIO)


class DurationHistogram:
    """Logarithmic buckets."""

    __slots__ = ("_buckets", "count", "total_s")

    def __init__(self) -> None:
        self._buckets = [0] * BUCKETS
        self.count = 0
        self.total_s = 0.0

    def add(self, seconds: float) -> None:
        index = 0 if seconds <= FIRST_S else min(BUCKETS - 1, ceil(log(seconds / FIRST_S) / _LOG))
        self._buckets[index] += 1
        self.count += 1
        self.total_s += seconds

    def quantile(self, share: float) -> float:
        """Upper edge of the bucket that holds the quantile, seconds; 0 of an empty histogram."""
        if not self.count:
            return 0.0
        rank = ceil(share * self.count)
        seen = 0
        for index, held in enumerate(self._buckets):
            seen += held
            if seen >= rank:
                return FIRST_S * RATIO**index if index else 0.0
        return FIRST_S * RATIO ** (BUCKETS - 1)

    def counts(self, edges: tuple[float, ...]) -> list[int]:
        """How many lie up to each edge and above the one before, then how many above the last; within a
        bucket's width. Empty for an empty histogram."""
        if not self.count:
            return []
        found = [0] * (len(edges) + 1)
        for index, held in enumerate(self._buckets):
            if held:
                found[bisect_left(edges, FIRST_S * RATIO ** (index - 0.5))] += held
        return found

    def clear(self) -> None:
        if self.count:
            self._buckets = [0] * BUCKETS
            self.count = 0
            self.total_s = 0.0
