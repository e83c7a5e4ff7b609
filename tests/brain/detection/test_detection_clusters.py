"""Clusters: bounded, heavy ones never hidden, condemned ones peeled off."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pontlevis.brain.detection.cluster import REMEMBERS, Table, part
from pontlevis.brain.detection.columns import LOGIN_BAD, LOGIN_OK, LOGIN_UNKNOWN, WIDTH, Counts
from pontlevis.brain.detection.window import LONG, SIXTY

T0 = 1_740_000_000
BAD = (LOGIN_BAD, LOGIN_UNKNOWN)
WHOLE = (LOGIN_OK, *BAD)


def fill(table: Table[int], key: int, *, bad: int = 0, good: int = 0, second: int = T0) -> None:
    row = table.row(key, second, bad + good)
    assert row is not None
    row.slot[LOGIN_BAD] += bad
    row.slot[LOGIN_OK] += good


def everyone(*, bad: int, good: int) -> Counts:
    counts = [0] * WIDTH
    counts[LOGIN_BAD], counts[LOGIN_OK] = bad, good
    return counts


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 3)), max_size=600))
def test_a_table_never_holds_more_rows_than_it_may(steps: list[tuple[int, int]]) -> None:
    """Whatever keys arrive, in whatever order."""
    table: Table[int] = Table(32)
    second = T0
    for key, gap in steps:
        second += gap
        table.row(key, second, 1)
        if gap:
            table.prune(second)
        assert len(table.rows) <= 32


def test_a_heavy_cluster_finds_a_row_though_the_table_was_filled_first() -> None:
    """An attacker who scatters a thousand fingerprints does not hide the one that carries the load."""
    table: Table[int] = Table(64)
    for key in range(1000):
        table.row(key, T0, 1)
    for _ in range(300):
        table.row(0xBAD, T0 + 1, 1)
    table.prune(T0 + 2)
    assert 0xBAD in table.rows
    assert table.busiest(T0 + 2, 1)[0].key == 0xBAD


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(0, 12), st.integers(1, 9), st.sampled_from([0, 0, 1, 7, 40, 400])), max_size=80
    )
)
def test_the_busiest_are_those_that_adding_up_by_hand_says(steps: list[tuple[int, int, int]]) -> None:
    """Through any order of coming, fading and being forgotten, each row keeps its own weight."""
    table: Table[int] = Table(64)
    weights: dict[int, tuple[float, int]] = {}
    second = T0
    for key, count, gap in steps:
        second += gap
        if gap > 1:
            table.prune(second)
            weights = {key: (weight, at) for key, (weight, at) in weights.items() if at >= second - LONG}
        table.row(key, second, count)
        weight, at = weights.get(key, (0.0, second))
        weights[key] = (weight * REMEMBERS ** (second - at) + count, second)
        lately = {
            key: weight * REMEMBERS ** (second - at)
            for key, (weight, at) in weights.items()
            if at > second - SIXTY
        }
        views = table.busiest(second, 4)
        assert set(table.rows) == set(weights)
        found = [lately[view.key] for view in views]
        assert found == pytest.approx(sorted(lately.values(), reverse=True)[:4])
        assert len({view.key for view in views}) == len(views)


def test_whoever_was_loud_once_makes_room_for_who_is_busy_now() -> None:
    """To be looked at is no act: forty-eight bursts do not hide what goes on for an hour after them."""
    table: Table[int] = Table(64)
    for key in range(48):
        table.row(key, T0, 300)
    for second in range(1, 90):
        table.row(99, T0 + second, 5)
        keys = [view.key for view in table.busiest(T0 + second, 48)]
        table.prune(T0 + second)
        if second >= 30:
            assert keys[0] == 99
    assert keys == [99]
    assert list(table.rows) == [99]


def test_weights_hold_for_hours() -> None:
    """They are made light again before they grow too large."""
    table: Table[int] = Table(8)
    for second in range(0, 20_000, 7):
        table.row(1, T0 + second, 2)
        table.row(2, T0 + second, 1)
        assert [view.key for view in table.busiest(T0 + second, 2)] == [1, 2]
    table.row(2, T0 + 40_000, 1)
    assert [view.key for view in table.busiest(T0 + 40_000, 2)] == [2]


def test_idle_clusters_give_their_rows_back_after_ten_minutes_or_one_where_rows_are_scarce() -> None:
    """Rows go back to whoever comes next."""
    table: Table[int] = Table(8)
    for key in range(4):
        table.row(key, T0, 1)
    table.prune(T0 + 70)
    assert len(table.rows) == 4
    table.row(4, T0 + 70, 1)
    table.prune(T0 + 72)
    assert list(table.rows) == [4]
    table.row(5, T0 + 300, 1)
    table.prune(T0 + 671)
    assert list(table.rows) == [5]


def test_a_cluster_that_comes_twice_a_minute_is_counted_over_ten_minutes() -> None:
    """Though it is never among the busiest."""
    table: Table[int] = Table(64)
    for second in range(0, 600, 5):
        for key in range(2, 60):
            fill(table, key, good=1, second=T0 + second)
        if second % 30 == 0:
            fill(table, 1, bad=1, second=T0 + second)
        table.prune(T0 + second)
    (slow,) = table.most_in(BAD, T0 + 600)
    assert slow.key == 1
    assert 18 <= slow.long[LOGIN_BAD] <= 20
    assert slow.counts(600) == slow.long
    assert all(view.key != 1 for view in table.busiest(T0 + 600, 48))


def test_the_busiest_are_those_of_the_last_minute() -> None:
    """Yesterday's heavy cluster is not looked at."""
    table: Table[int] = Table(8)
    table.row(1, T0, 1000)
    table.row(2, T0 + 61, 5)
    assert [view.key for view in table.busiest(T0 + 62, 8)] == [2]


def test_a_cluster_in_which_nearly_everything_fails_is_condemned_and_the_rest_judged_again() -> None:
    """The peeled crowd does as well as ever: the cluster decides, not the service."""
    table: Table[int] = Table(8)
    fill(table, 1, bad=60, good=1)
    fill(table, 2, bad=8, good=92)
    parted = part(
        table.busiest(T0, 8),
        everyone(bad=68, good=93),
        10,
        bad=BAD,
        whole=WHOLE,
        least=15,
        share=0.5,
    )
    assert [view.key for view in parted.condemned] == [1]
    assert (parted.rest_bad, parted.rest_good) == (8, 92)
    assert parted.apart(0.3, 15)


def test_where_everybody_fails_nobody_stands_apart() -> None:
    """A fault of ours fails all alike."""
    table: Table[int] = Table(8)
    fill(table, 1, bad=60)
    fill(table, 2, bad=60)
    fill(table, 3, bad=12)
    parted = part(
        table.busiest(T0, 8), everyone(bad=132, good=0), 10, bad=BAD, whole=WHOLE, least=15, share=0.5
    )
    assert len(parted.condemned) == 2
    assert not parted.apart(0.3, 10)
