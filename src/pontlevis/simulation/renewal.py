"""Arrivals of one user as a renewal process: mean gap one, a chosen burstiness.

Production load is bursty client by client; Gamma and Weibull gaps fit it (ServeGen, Xiang et al., 2025,
§3). A coefficient of variation of one is Poisson, above one comes in bursts.
"""

import math
import random
from functools import lru_cache
from typing import Literal

Pattern = Literal["gamma", "weibull"]

LEAST_CV = 0.05  # below it gaps are as good as regular, and a Gamma's shape would be beyond 400
MOST_CV = 20.0  # the burstiest ten minutes of any client in the DeepSeek-R1 traces


class Renewal:
    """Gaps of mean one and coefficient of variation ``cv``, which is held within 0.05 and 20."""

    __slots__ = ("_pattern", "_rng", "_scale", "_shape")

    def __init__(self, pattern: Pattern, cv: float, rng: random.Random) -> None:
        self._pattern = pattern
        self._rng = rng
        self._shape, self._scale = _parameters(pattern, min(MOST_CV, max(LEAST_CV, cv)))

    def gap(self) -> float:
        """To the next arrival."""
        if self._pattern == "gamma":
            return self._rng.gammavariate(self._shape, self._scale)
        return self._rng.weibullvariate(self._scale, self._shape)

    def first(self) -> float:
        """To the first arrival for somebody who begins to look at any moment.

        The gap that covers a random moment is length-biased, and the moment lies anywhere in it. So no
        drawing begins with every bursty user arriving at once. A length-biased Gamma has one more in its
        shape; a length-biased Weibull is the power of such a Gamma.
        """
        if self._pattern == "gamma":
            covering = self._rng.gammavariate(self._shape + 1.0, self._scale)
        else:
            power = 1.0 / self._shape
            covering = self._scale * self._rng.gammavariate(1.0 + power, 1.0) ** power
        return covering * self._rng.random()


def _parameters(pattern: Pattern, cv: float) -> tuple[float, float]:
    """Shape and scale of mean one."""
    if pattern == "gamma":
        return 1.0 / (cv * cv), cv * cv
    shape = _weibull_shape(round(cv, 2))
    return shape, 1.0 / math.gamma(1.0 + 1.0 / shape)


@lru_cache(maxsize=2048)
def _weibull_shape(cv: float) -> float:
    """The shape whose coefficient of variation is ``cv``; it falls as the shape rises, so halve the interval."""
    low, high = 0.1, 40.0
    for _ in range(60):
        middle = math.sqrt(low * high)
        spread = math.lgamma(1.0 + 2.0 / middle) - 2.0 * math.lgamma(1.0 + 1.0 / middle)
        if math.expm1(min(spread, 700.0)) > cv * cv:
            low = middle
        else:
            high = middle
    return math.sqrt(low * high)
