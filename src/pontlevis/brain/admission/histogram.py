"""Quantiles of durations in constant memory."""

from math import ceil, log

FIRST_S = 0.0005
RATIO = 1.1  # each bucket is a tenth wider than the one before: an error of 5 % at most
BUCKETS = 128  # up to 100 s
_LOG = log(RATIO)


class DurationHistogram:
    """Logarithmic buckets."""

    __slots__ = ("_buckets", "count")

    def __init__(self) -> None:
        self._buckets = [0] * BUCKETS
        self.count = 0

    def add(self, seconds: float) -> None:
        index = 0 if seconds <= FIRST_S else min(BUCKETS - 1, ceil(log(seconds / FIRST_S) / _LOG))
        self._buckets[index] += 1
        self.count += 1

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

    def clear(self) -> None:
        if self.count:
            self._buckets = [0] * BUCKETS
            self.count = 0
