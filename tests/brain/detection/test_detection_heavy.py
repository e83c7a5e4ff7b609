"""Heavy hitters and distinct counts: exact while few, bounded above, and the same on two nodes as on one."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pontlevis.brain.detection.distinct import SlidingDistinct
from pontlevis.brain.detection.heavy import EXACT, Dimension, Heavies, Heavy, HeavyState, SlidingHeavy
from pontlevis.brain.observation import Kind, Observation, Outcome

ERROR = 3.5 / 2**9
"""Of the whole weight: the sketch's bound."""


def weighed(items: list[tuple[str, int]]) -> Heavy:
    heavy = Heavy()
    for key, weight in items:
        heavy.add(key, weight)
    return heavy


acts = st.lists(st.tuples(st.integers(0, 2000).map(str), st.integers(1, 50)), max_size=900)


@settings(max_examples=40, deadline=None)
@given(acts, acts)
def test_two_nodes_merged_are_as_one_that_saw_all(
    first: list[tuple[str, int]], second: list[tuple[str, int]]
) -> None:
    """The true weight lies within the stated bounds, which are as narrow as the sketch promises."""
    whole = weighed(first)
    whole.merge(weighed(second))
    truth: Counter[str] = Counter()
    for key, weight in first + second:
        truth[key] += weight
    total = sum(truth.values())
    assert whole.total == total
    listed = {each.key: each for each in whole.heaviest(10_000)}
    for key, weight in truth.items():
        if weight > ERROR * total:
            assert key in listed
    for key, each in listed.items():
        assert each.least <= truth[key] <= each.most
        assert each.most - each.least <= ERROR * total
    if len(truth) <= EXACT:
        assert {key: each.weight for key, each in listed.items()} == dict(truth)


def test_a_sketch_travels_to_another_node_and_back() -> None:
    """Exact or not."""
    for count in (5, 3000):
        heavy = weighed([(f"k{number}", 1 + number % 7) for number in range(count)] + [("big", 100_000)])
        again = Heavy.of(heavy.state())
        assert again.total == heavy.total
        assert again.heaviest(1) == heavy.heaviest(1)
    with pytest.raises(ValueError, match="no sketch"):
        Heavy.of(HeavyState(None, b"x"))


def test_windows_forget_block_by_block() -> None:
    """What happened half a minute ago is in the minute, not in the ten seconds; after ten minutes in nothing."""
    sliding = SlidingHeavy()
    sliding.turn(1200)
    sliding.now.add("early", 5)
    sliding.turn(1230)
    sliding.now.add("late", 3)
    assert [each.key for each in sliding.over(10).heaviest(5)] == ["late"]
    assert [each.key for each in sliding.over(60).heaviest(5)] == ["early", "late"]
    sliding.turn(1500)
    assert sliding.over(60).heaviest(5) == []
    assert [each.key for each in sliding.over(600).heaviest(5)] == ["early", "late"]
    sliding.turn(1980)
    assert sliding.over(600).heaviest(5) == []


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9)), max_size=60))
def test_ten_minutes_hold_all_that_is_younger_and_nothing_much_older(steps: list[tuple[int, int]]) -> None:
    """A window reaches back its length, and at most a minute and ten seconds more."""
    sliding = SlidingHeavy()
    second = 6000
    seen = []
    for gap, weight in steps:
        second += gap
        sliding.turn(second)
        sliding.now.add("k", weight)
        seen.append((second, weight))
    for seconds, block in ((10, 10), (60, 10), (600, 60)):
        least = sum(weight for at, weight in seen if at > second - seconds)
        most = sum(weight for at, weight in seen if at >= second - seconds - block)
        assert least <= sliding.over(seconds).total <= most


def test_each_dimension_weighs_what_it_says() -> None:
    """Tokens by account, calls by key and source, bytes, failures, domains."""
    heavies = Heavies()
    at = 1_740_000_000.0
    request, login, signup = Kind.REQUEST, Kind.LOGIN, Kind.SIGNUP
    for o, column, known in (
        (Observation(at, request, Outcome.OK, "192.0.2.1", 1, "ada", 3, "", 2, 900, "key1", 4000), 7, True),
        (Observation(at, request, Outcome.BAD_CREDENTIAL, "192.0.2.2", 1, count=7), 9, False),
        (Observation(at, login, Outcome.UNKNOWN_USER, "192.0.2.3", 1, "bob", count=4), 5, False),
        (Observation(at, signup, Outcome.OK, "192.0.2.4", 1, "eve", 1, "a.example"), 0, False),
    ):
        heavies.take(o, column, int(at), known=known)
    found = {each: [(w.key, w.weight) for w in heavies.over(each, 60).heaviest(3)] for each in Dimension}
    assert found == {
        Dimension.TOKENS_BY_ACCOUNT: [("ada", 900)],
        Dimension.CALLS_BY_KEY: [("key1", 2)],
        Dimension.CALLS_BY_SOURCE: [("192.0.2.2", 7)],
        Dimension.BYTES_BY_SOURCE: [("192.0.2.1", 4000)],
        Dimension.FAILURES_BY_ACCOUNT: [("bob", 4)],
        Dimension.SIGNUPS_BY_DOMAIN: [("a.example", 1)],
    }


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 400)), max_size=300),
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 400)), max_size=300),
)
def test_distinct_counts_of_two_nodes_are_those_of_one(
    first: list[tuple[int, int]], second: list[tuple[int, int]]
) -> None:
    """Exactly while few, within HyperLogLog's error above."""
    one, two, both = (SlidingDistinct(1, 10) for _ in range(3))
    for counter, seen in ((one, first), (two, second)):
        for at, key in sorted(seen):
            counter.add(str(key), 1000 + at)
    for at, key in sorted(first + second):
        both.add(str(key), 1000 + at)
    one.merge(two, 1030)
    assert one.count(1030) == pytest.approx(both.count(1030), rel=0.12, abs=0.5)
    with pytest.raises(ValueError, match="shape"):
        one.merge(SlidingDistinct(10, 6), 1030)
