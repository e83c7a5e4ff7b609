"""Windows, distinct counts and familiar sources against the plain way to keep them."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pontlevis.brain.detection.columns import LOGIN_OK, WIDTH
from pontlevis.brain.detection.distinct import SlidingDistinct
from pontlevis.brain.detection.familiar import Familiar
from pontlevis.brain.detection.window import Window
from pontlevis.brain.detection.worst import Worst

T0 = 1_740_000_000

pauses = st.integers(0, 15) | st.integers(0, 700)
gaps = st.lists(st.tuples(pauses, st.integers(1, 5)), max_size=120)


@settings(deadline=None, max_examples=120)
@given(gaps)
def test_a_window_holds_what_came_within_it_and_nothing_older(steps: list[tuple[int, int]]) -> None:
    """Ten seconds exactly; a minute and ten minutes less at most one block."""
    window = Window(T0, fresh=True)
    second = T0
    events: list[tuple[int, int]] = []
    for gap, count in steps:
        second += gap
        window.advance(second)
        window.slot[LOGIN_OK] += count
        events.append((second, count))

        held = {
            length: sum(n for at, n in events if at > second - length) for length in (10, 50, 60, 540, 600)
        }
        assert window.ten[LOGIN_OK] == held[10]
        assert held[50] <= window.sixty[LOGIN_OK] <= held[60]
        assert held[540] <= window.long[LOGIN_OK] <= held[600]


@settings(deadline=None, max_examples=100)
@given(gaps)
def test_fresh_counts_add_up_to_everything(steps: list[tuple[int, int]]) -> None:
    """What each tick sees as new is seen once."""
    window = Window(T0, fresh=True)
    second, total, fresh = T0, 0, 0
    for index, (gap, count) in enumerate(steps):
        second += gap
        window.advance(second)
        window.slot[LOGIN_OK] += count
        total += count
        if index % 3 == 0:
            fresh += window.take_fresh()[LOGIN_OK]
    assert fresh + window.take_fresh()[LOGIN_OK] == total


def test_a_long_silence_empties_every_window() -> None:
    """After eleven minutes nothing is left."""
    window = Window(T0, fresh=True)
    window.slot[LOGIN_OK] += 9
    window.advance(T0 + 660)
    assert window.ten == window.sixty == window.long == [0] * WIDTH


def test_a_step_back_in_time_changes_nothing() -> None:
    """A clock that is set back does not open old slots."""
    window = Window(T0)
    window.advance(T0 - 100)
    assert window.second == T0


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 60)), max_size=200))
def test_few_distinct_ones_are_counted_exactly(steps: list[tuple[int, int]]) -> None:
    """Below the bound it is a set."""
    distinct = SlidingDistinct(1, 10)
    second = T0
    seen: list[tuple[int, int]] = []
    for gap, key in steps:
        second += gap
        distinct.add(f"s{key}", second)
        seen.append((second, key))
    expected = len({key for at, key in seen if at > second - 10})
    assert distinct.count(second) == expected


def test_many_distinct_ones_are_counted_within_five_percent() -> None:
    """Above the bound it is a sketch, also over slots of both sorts."""
    distinct = SlidingDistinct(1, 10)
    for index in range(40_000):
        distinct.add(f"10.{index}", T0 + index // 5000)
    distinct.add("10.0", T0 + 9)
    assert abs(distinct.count(T0 + 9) - 40_000) < 2_000
    assert distinct.count(T0 + 9, last=1) == 1
    assert distinct.count(T0 + 30) == 0


def test_the_familiar_are_never_forgotten_early_and_strangers_rarely_taken_for_them() -> None:
    """No false negative within the time kept; about one false positive in a hundred at most."""
    familiar = Familiar(3600.0)
    for index in range(100_000):
        familiar.add(f"10.{index}", T0 + index / 100)
    assert all(f"10.{index}" in familiar for index in range(0, 100_000, 7))
    wrong = sum(f"99.{index}" in familiar for index in range(20_000))
    assert wrong < 200


def test_the_familiar_are_forgotten_after_two_generations() -> None:
    """Kept for an hour at least, for two at most."""
    familiar = Familiar(3600.0)
    familiar.add("10.0.0.1", T0)
    familiar.add("10.0.0.2", T0 + 3700)
    assert "10.0.0.1" in familiar
    familiar.add("10.0.0.3", T0 + 7400)
    assert "10.0.0.1" not in familiar
    familiar.add("10.0.0.4", T0 + 90_000)
    assert "10.0.0.3" not in familiar


def test_the_worst_sources_are_found_among_very_many() -> None:
    """A heavy source stands first, however many light ones come; one we serve is never named."""
    worst, served = Worst(), Familiar(3600.0)
    served.add("10.0.0.2", T0)
    for index in range(30_000):
        worst.add(f"99.{index}", 1, T0 + index // 1000)
        if index % 50 == 0:
            worst.add("10.0.0.1", 1, T0 + index // 1000)
            worst.add("10.0.0.2", 2, T0 + index // 1000)
    few = worst.worst(T0 + 31, 3, served)
    listed = worst.worst(T0 + 31, 1000, served)
    assert few == listed[:3]
    assert len(listed) > 3
    assert listed[0] == "10.0.0.1"
    assert "10.0.0.2" not in listed
    assert len(listed) <= 1000
    assert worst.worst(T0 + 400, 1000, served) == ()
