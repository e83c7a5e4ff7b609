"""The few formulas that the detectors share."""

from collections.abc import Iterable
from math import log, sqrt

Z_999 = 3.09
"""Standard normal quantile of 99.9 %, one-sided."""
Z_90 = 1.28
"""The same of 90 %: for what only confirms."""


def share_at_least(part: float, whole: float, z: float = Z_999) -> float:
    """Lower confidence bound of the share ``part / whole``: Wilson's interval (JASA 1927). 0 for none."""
    if whole <= 0:
        return 0.0
    p = min(part / whole, 1.0)
    zz = z * z / whole
    centre = p + zz / 2
    spread = z * sqrt(max(p * (1 - p) / whole + zz / (4 * whole), 0.0))
    return max(0.0, (centre - spread) / (1 + zz))


def diversity(counts: Iterable[int], *, alone: int = 0) -> float:
    """How many equally frequent kinds would be as diverse: the inverse of Simpson's index (Nature 1949).

    The unbiased form, so that few observations do not look alike for being few. Infinite where no
    two are alike, 0 for fewer than two. ``alone``: so many more that are each of their own kind.
    """
    total = alone
    pairs = 0
    for count in counts:
        total += count
        pairs += count * (count - 1)
    if total < 2:
        return 0.0
    return total * (total - 1) / pairs if pairs else float("inf")


class Cusum:
    """Page's cumulative sum (Biometrika 1954) of the log-likelihood ratio of counts.

    Tests a Poisson rate of ``ratio`` times the usual one against the usual one, second by second;
    raised while the sum exceeds ``limit`` (nats). The sum is capped at twice the limit, so that the
    end of a long surge is noticed soon.
    """

    __slots__ = ("_limit", "_ratio", "sum")

    def __init__(self, ratio: float, limit: float) -> None:
        self._ratio = ratio
        self._limit = limit
        self.sum = 0.0

    def add(self, count: int, usual: float) -> bool:
        """Takes the count of one second and the usual rate per second; whether it is raised."""
        gain = count * log(self._ratio) - usual * (self._ratio - 1)
        self.sum = min(max(0.0, self.sum + gain), 2 * self._limit)
        return self.raised

    @property
    def raised(self) -> bool:
        return self.sum > self._limit


def confidence(signs: int, volume: float) -> float:
    """How sure a finding with so many independent signs over so many acts is; orders, not calibrated.

    Each independent sign lets three in ten innocent clusters pass; small volumes are trusted less.
    """
    miss = 0.3**signs * (1 + 30 / max(volume, 1.0))
    return round(max(0.0, min(0.999, 1 - miss)), 3)
