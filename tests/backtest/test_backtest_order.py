"""Lines out of order, clocks that jump, files that follow one another."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pontlevis.backtest.logs import LogReading, ReadOptions
from pontlevis.backtest.order import AGREED, MOST_HELD, Reorder

T0 = 1_700_000_000.0


def run(times: list[float], window: float = 5.0) -> tuple[list[float], Reorder[int]]:
    order: Reorder[int] = Reorder(window)
    return [at for at, _ in order.run((at, number) for number, at in enumerate(times))], order


def test_lines_within_the_window_are_put_into_order() -> None:
    """To the second; within a second they stay as they came."""
    got, order = run([T0, T0 + 3, T0 + 1, T0 + 2, T0 + 9, T0 + 20])
    assert [int(each - T0) for each in got] == [0, 1, 2, 3, 9, 20]
    assert order.disorder.late == 0


def test_a_straggler_is_left_out_and_counted() -> None:
    """It would count as now, which it is not."""
    got, order = run([T0, T0 + 100, T0 + 200, T0 + 10, T0 + 201])
    assert [int(each - T0) for each in got] == [0, 100, 200, 201]
    assert order.disorder.late == 1


def test_a_clock_set_back_does_not_stop_the_replay() -> None:
    """An hour back, as in autumn: what follows goes on from where the log was."""
    first = [T0 + n for n in range(4000)]
    again = [T0 + 400 + n for n in range(3000)]
    got, order = run(first + again)
    assert len(got) == 7000
    assert order.disorder.set_back == 1
    assert got == sorted(got)
    assert 6990 < got[-1] - T0 < 7010


def test_one_line_from_the_future_does_not_swallow_the_rest() -> None:
    """It waits at the end until all others have gone by."""
    got, order = run([T0, T0 + 10**8, *(T0 + n for n in range(1, 1000))])
    assert len(got) == 1001
    assert got == sorted(got)
    assert order.disorder.late == 0


@given(st.lists(st.floats(0, 5000), max_size=400), st.integers(0, 60))
def test_time_never_goes_back_and_nothing_is_lost_uncounted(offsets: list[float], window: int) -> None:
    """Whatever order they come in."""
    got, order = run([T0 + each for each in offsets], window)
    seconds = [int(each) for each in got]
    assert seconds == sorted(seconds)
    assert len(got) + order.disorder.late == len(offsets)


def test_what_is_held_back_is_bounded() -> None:
    """A busy log goes on before its window is over."""
    order: Reorder[int] = Reorder(3600)
    gone = held = 0
    for number in range(MOST_HELD + 5000):
        gone += sum(1 for _ in order.push(T0 + number / 1000, number))
        held = max(held, number + 1 - gone)
    assert held <= MOST_HELD + 1001
    assert AGREED < MOST_HELD


def line(at: int, source: str) -> str:
    return f'{source} - - [10/Oct/2023:08:{at // 60:02}:{at % 60:02} +0000] "GET / HTTP/1.1" 200 1\n'


def test_rotated_files_are_read_in_order_and_parallel_ones_side_by_side(tmp_path: Path) -> None:
    """By their first times, whatever order they are named in."""
    (tmp_path / "new").write_text("".join(line(at, "192.0.2.1") for at in range(300, 600)))
    (tmp_path / "old").write_text("".join(line(at, "192.0.2.1") for at in range(300)))
    (tmp_path / "other").write_text("".join(line(at, "192.0.2.2") for at in range(0, 600, 2)))
    reading = LogReading([tmp_path / name for name in ("new", "other", "old")], ReadOptions())
    observations = list(reading.observations())
    assert len(observations) == 900
    assert [each.at for each in observations] == sorted(each.at for each in observations)
    assert reading.disorder == (0, 0, 0.0)
