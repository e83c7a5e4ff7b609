"""The formulas of detection against what they are for."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pontlevis.brain.detection.statistics import Cusum, confidence, diversity, share_at_least


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 10_000))
def test_the_bound_lies_below_the_share_and_within_0_and_1(part: int, whole: int) -> None:
    """A lower bound never says more than was seen."""
    part = min(part, whole)
    bound = share_at_least(part, whole)
    assert 0.0 <= bound <= part / whole + 1e-12


def test_the_bound_rises_with_the_number_of_acts() -> None:
    """Nine in ten of ten say less than nine in ten of a thousand."""
    bounds = [share_at_least(0.9 * n, n) for n in (10, 30, 100, 1000)]
    assert bounds == sorted(bounds)
    assert bounds[0] < 0.5 < bounds[1]
    assert share_at_least(0, 0) == 0.0


def test_fifteen_bad_acts_of_fifteen_are_surely_more_than_half() -> None:
    """The smallest cluster that may be condemned can be."""
    assert share_at_least(15, 15) > 0.6
    assert share_at_least(12, 15) < 0.5


def test_diversity_counts_equally_frequent_kinds() -> None:
    """Four kinds of equal size are as diverse as four."""
    assert abs(diversity([1000] * 4) - 4) < 0.01
    assert diversity([50]) == 1.0
    assert diversity([1, 1, 1]) == float("inf")
    assert diversity([], alone=5) == float("inf")
    assert diversity([]) == 0.0
    assert diversity([10, 10], alone=80) > diversity([10, 10])


@pytest.mark.parametrize(("acts", "bound", "at_most"), [(20, 2.2, 0.01), (60, 3.5, 0.01), (500, 3.5, 0.0)])
@pytest.mark.parametrize("lead", [0.25, 0.35])
def test_an_honest_crowd_is_hardly_ever_poor_in_fingerprints(
    acts: int, bound: float, at_most: float, lead: float
) -> None:
    """A leader at 25 to 35 % and a long tail: one small sample in a hundred may fall below; it is one sign of two."""
    rng = random.Random(acts)
    weights = [lead, *((1 - lead) / 20 for _ in range(20))]
    poor = 0
    for _ in range(2_000):
        counts = [0] * 21
        for pick in rng.choices(range(21), weights, k=acts):
            counts[pick] += 1
        poor += diversity(counts) <= bound
    assert poor / 2_000 <= at_most


def test_a_threefold_rate_raises_the_sum_within_seconds_and_calm_does_not() -> None:
    """Page's test: quick on a surge, silent for an hour of the usual."""
    rng = random.Random(7)
    calm = Cusum(3.0, 8.0)
    assert not any(calm.add(sum(rng.random() < 0.05 for _ in range(10)), 0.5) for _ in range(3600))
    surge = Cusum(3.0, 8.0)
    seconds = next(second for second in range(60) if surge.add(4, 0.5))
    assert seconds <= 3


def test_the_sum_is_capped_so_that_the_end_of_a_surge_is_noticed() -> None:
    """An hour of attack is forgotten as fast as a minute."""
    cusum = Cusum(3.0, 8.0)
    for _ in range(3600):
        cusum.add(50, 0.5)
    seconds = next(second for second in range(60) if not cusum.add(0, 0.5))
    assert seconds <= 10


def test_confidence_rises_with_signs_and_volume_and_only_three_signs_are_sure() -> None:
    """The figure orders findings; two signs never reach what is enough alone."""
    assert confidence(2, 1e9) < 0.97
    assert confidence(3, 20) < 0.97 <= confidence(3, 400)
    assert confidence(4, 30) >= 0.97
    assert confidence(3, 30) < confidence(3, 3000)
