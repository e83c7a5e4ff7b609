"""A distribution of positive numbers as a handful of measured quantiles."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

_MIDPOINTS = 400  # of the sum that stands for the mean; its error is below one part in a thousand


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Points ``(share below, value)``, rising in both, from share 0 to share 1; straight in log between them."""

    points: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        shares = [share for share, _ in self.points]
        values = [value for _, value in self.points]
        if len(self.points) < 2 or shares[0] != 0.0 or shares[-1] != 1.0:
            raise ValueError("quantiles run from share 0 to share 1")
        if not (_rising(shares) and _rising(values)) or len(set(shares)) != len(shares) or values[0] <= 0:
            raise ValueError("quantiles are positive and rise")

    def at(self, share: float) -> float:
        """The value that ``share`` of all lie below; ``share`` is 0 to 1."""
        place = min(bisect_right(self.points, share, key=_share), len(self.points) - 1)
        (low_share, low), (high_share, high) = self.points[place - 1], self.points[place]
        along = min(1.0, max(0.0, (share - low_share) / (high_share - low_share)))
        return float(math.exp(math.log(low) + along * (math.log(high) - math.log(low))))

    def mean(self) -> float:
        """Mean of the whole distribution."""
        return sum(self.at((each + 0.5) / _MIDPOINTS) for each in range(_MIDPOINTS)) / _MIDPOINTS


def _share(point: tuple[float, float]) -> float:
    return point[0]


def _rising(values: Sequence[float]) -> bool:
    return all(low <= high for low, high in pairwise(values))
