"""The few formulas that the detectors share."""

from collections.abc import Iterable
from math import exp, log, sqrt

Z_999 = 3.09
"""Standard normal quantile of 99.9 %, one-sided."""
Z_99 = 2.326
"""The same of 99 %."""
_MISS_99 = 0.01
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


def rate_at_least(count: float, z: float = Z_999) -> float:
    """Lower confidence bound of the mean of a Poisson count, by Anscombe's variance-stabilising root
    (Biometrika 1948). 0 for few, and where one count was taken off another and less than nothing is left.
    """
    return 0.0 if count <= 0 else max(0.0, max(0.0, sqrt(count + 0.375) - z / 2) ** 2 - 0.375)


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


def share_at_most(part: float, whole: float, z: float = Z_99) -> float:
    """Upper 99 % bound of the share ``part / whole``: of its Beta posterior under a flat prior.

    The quantile of Beta(part + 1, whole - part + 1) by Cornish and Fisher's expansion as given by
    Abramowitz and Stegun, 26.5.22; within a point of the exact one from 10 acts on, and exact where
    ``part`` is 0. 1 for none.
    """
    if whole <= 0:
        return 1.0
    part = min(max(part, 0.0), whole)
    if part == 0:
        return float(1 - _MISS_99 ** (1 / (whole + 1)))
    a, b = part + 1.0, whole - part + 1.0
    ra, rb = 1 / (2 * a - 1), 1 / (2 * b - 1)
    mean_term = (z * z - 3) / 6
    h = 2 / (ra + rb)
    w = -z * sqrt(h + mean_term) / h - (rb - ra) * (mean_term + 5 / 6 - 2 / (3 * h))
    return a / (a + b * exp(2 * w))


class Usual:
    """Exponentially weighted mean over time, from 0 on: what rises at a start is not taken for usual."""

    __slots__ = ("_time_constant", "mean")

    def __init__(self, time_constant_s: float) -> None:
        self._time_constant = time_constant_s
        self.mean = 0.0

    def add(self, value: float, dt: float) -> None:
        """Takes a value that stood for ``dt`` seconds."""
        self.mean += min(1.0, max(0.0, dt) / self._time_constant) * (value - self.mean)


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

    def add(self, count: int, usual: float, dispersion: float = 1.0) -> bool:
        """Takes the count of one second and the usual rate per second; whether it is raised.

        ``dispersion`` is the usual ratio of variance to mean, 1 for Poisson: real counts are burstier, and
        the quasi-likelihood divides by it (Wedderburn, Biometrika 1974).
        """
        gain = (count * log(self._ratio) - usual * (self._ratio - 1)) / dispersion
        self.sum = min(max(0.0, self.sum + gain), 2 * self._limit)
        return self.raised

    @property
    def raised(self) -> bool:
        return self.sum > self._limit


class BernoulliCusum:
    """Page's cumulative sum (Biometrika 1954) of the log-likelihood ratio of trials that are one thing or not.

    Raised while the sum exceeds ``limit`` (nats); capped at twice that, and never below 0.
    """

    __slots__ = ("_limit", "sum")

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self.sum = 0.0

    def add(self, ones: int, trials: int, usual: float, other: float) -> bool:
        """Takes trials of which ``ones`` were it: ``other`` against the ``usual`` share; whether it is raised.

        A trial may end in a later tick than it began, so that there may be more ``ones`` than ``trials``.
        """
        gain = ones * log(other / usual) + max(0, trials - ones) * log((1 - other) / (1 - usual))
        self.sum = min(max(0.0, self.sum + gain), 2 * self._limit)
        return self.raised

    def reset(self) -> None:
        """Begins anew."""
        self.sum = 0.0

    @property
    def raised(self) -> bool:
        return self.sum > self._limit


def confidence(signs: int, volume: float) -> float:
    """How sure a finding with so many independent signs over so many acts is; orders, not calibrated.

    Each independent sign lets three in ten innocent clusters pass; small volumes are trusted less.
    """
    miss = 0.3**signs * (1 + 30 / max(volume, 1.0))
    return round(max(0.0, min(0.999, 1 - miss)), 3)
