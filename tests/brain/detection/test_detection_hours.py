"""What is usual: hours of the week, restarts, and who may not teach it."""

from __future__ import annotations

import msgspec
import pytest
from detection_dialogue import T0, Dialogue
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pontlevis.brain.detection import columns as c
from pontlevis.brain.detection.baseline import Baseline
from pontlevis.brain.detection.detection import Detection, DetectionState
from pontlevis.brain.detection.hours import Hours
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.detection.statistics import Cusum, rate_at_least
from pontlevis.brain.observation import Kind, Outcome
from pontlevis.brain.vocabulary import Posture, Standing

HOUR, DAY = 3600.0, 86_400.0
BAD = Outcome.BAD_CREDENTIAL
MONDAY = 1_739_145_600.0  # 2025-02-10 00:00 UTC


def hours(weeks: int = 8) -> Hours:
    return Hours(1, weeks=weeks, least_s=900)


def lived(target: Hours, days: int, rate: float = 4.0, *, start: float = MONDAY) -> float:
    """So many days with ``rate`` by night and three times that from 8 to 20 h; the time after."""
    for hour in range(days * 24):
        busy = 8 <= hour % 24 < 20
        target.learn(start + hour * HOUR + 1, [3 * rate if busy else rate], 1800)
    return start + days * DAY


def test_nothing_is_said_before_seven_days() -> None:
    """And then at once, from the same hour of the other days."""
    early = hours()
    assert early.usual(0, lived(early, 6)) is None
    late = hours()
    now = lived(late, 8)
    noon = late.usual(0, now + 12 * HOUR)
    night = late.usual(0, now + 3 * HOUR)
    assert noon is not None
    assert night is not None
    assert (noon.median, night.median) == (12.0, 4.0)
    assert noon.spread == 3.0


def test_between_two_hours_it_goes_over_smoothly() -> None:
    """At eight sharp it is halfway from night to day."""
    learned = hours()
    now = lived(learned, 10)
    at_eight = learned.usual(0, now + 8 * HOUR)
    assert at_eight is not None
    assert at_eight.median == pytest.approx(8.0)


def test_one_wild_week_moves_no_median() -> None:
    """A launch, or an attack that nobody noticed, counts as one hour among others."""
    learned = hours()
    now = lived(learned, 28)
    lived(learned, 7, rate=400.0, start=now)
    usual = learned.usual(0, now + 8 * DAY + 3 * HOUR)
    assert usual is not None
    assert usual.median == 4.0


def test_an_hour_that_was_hardly_calm_is_not_remembered() -> None:
    """Ten minutes of it say nothing."""
    learned = hours()
    for hour in range(24 * 9):
        learned.learn(MONDAY + hour * HOUR + 1, [5.0], 600)
    assert learned.usual(0, MONDAY + 9 * DAY) is None
    assert learned.days == 0


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 30 * HOUR), st.floats(0, 1e6)), max_size=60), st.integers(1, 3))
def test_its_memory_is_bounded_whatever_it_is_told(told: list[tuple[float, float]], weeks: int) -> None:
    """Never more values than weeks times 168; time that runs backwards does no harm."""
    learned = hours(weeks)
    now = MONDAY
    for gap, value in told:
        now += gap - HOUR
        learned.learn(now, [value], 1000)
    values = learned.state().values[0]
    assert len(values) == 168
    assert all(len(each) <= weeks for each in values)


def taught(baseline: Baseline, start: float, seconds: int, signups: int, *, step: int = 60) -> float:
    """Calm time with so many sign-ups a second, told in larger steps; the time after."""
    for at in range(0, seconds, step):
        counts = [0] * c.WIDTH
        counts[c.SIGNUP_OK] = signups * step
        baseline.learn(start + at, counts, strangers=5, dt=step, crowd=False)
    return start + seconds


def test_usual_is_the_larger_of_the_floor_and_half_the_recent_mean_half_the_hours_median() -> None:
    """The stated rule, in figures."""
    baseline = Baseline(DetectionPolicy())
    now = taught(baseline, T0, int(8 * DAY), 10)
    now = taught(baseline, now, 3600, 14, step=10)
    baseline.turn(now)
    assert baseline.hourly
    assert baseline.signups == pytest.approx((10 + 14) / 2, rel=0.02)
    assert baseline.logins == DetectionPolicy().usual_logins


def test_a_slow_teacher_is_drawn_back_to_what_the_hour_is_used_to() -> None:
    """However far the recent mean was pushed, three spreads of the median is all that counts of it."""
    baseline = Baseline(DetectionPolicy())
    now = taught(baseline, T0, int(8 * DAY), 10)
    now = taught(baseline, now, 3600, 300, step=10)
    baseline.turn(now)
    assert baseline.signups == pytest.approx((10 + 17.5) / 2, rel=0.02)


def test_after_a_restart_the_hour_carries_until_the_recent_mean_is_learned_anew() -> None:
    """A state goes through bytes; a day later only the hours are believed."""
    baseline = Baseline(DetectionPolicy())
    now = taught(baseline, T0, int(9 * DAY), 10)
    kept = msgspec.msgpack.decode(msgspec.msgpack.encode(baseline.state()), type=type(baseline.state()))
    again = Baseline(DetectionPolicy())
    again.restore(kept, now + DAY)
    again.turn(now + DAY)
    assert again.signups == pytest.approx(10, rel=0.01)
    assert again.days == baseline.days > 8


@pytest.mark.parametrize("posture", [Posture.ELEVATED, Posture.UNDER_ATTACK, Posture.RECOVERING])
def test_nothing_is_learned_while_the_posture_is_elevated_or_worse(posture: Posture) -> None:
    """An attacker cannot teach it."""
    dialogue = Dialogue()
    dialogue.posture = posture
    for _ in range(90):
        dialogue.served(range(12))
        dialogue.tick()
    before = dialogue.detection.baseline.state()
    assert before.seen == 0
    assert before.rates["requests"] == 0
    dialogue.posture = Posture.NORMAL
    for _ in range(90):
        dialogue.served(range(12))
        dialogue.tick()
    assert dialogue.detection.baseline.state().rates["requests"] == pytest.approx(12)


def test_a_detection_takes_up_where_another_stopped() -> None:
    """What is usual, and who vouches for which place; a day later nobody does."""
    dialogue = Dialogue()
    for _ in range(90):
        dialogue.see(Kind.REQUEST, source="203.0.113.9", account="ada", standing=Standing.PAID, tokens=10)
        dialogue.tick()
    state = msgspec.msgpack.encode(dialogue.detection.state(dialogue.now))
    for later, vouched in ((60.0, True), (100_000.0, False)):
        again = Dialogue()
        again.now = dialogue.now + later
        again.detection.restore(msgspec.msgpack.decode(state, type=DetectionState), again.now)
        for number in range(20):
            again.see(Kind.LOGIN, source="203.0.113.9", account=f"u{number}", outcome=BAD)
            again.tick()
        measures = [each.value for judgement in again.judgements for each in judgement.measures]
        assert measures == ([] if vouched else ["203.0.113.9"])


def test_hours_of_fewer_signals_are_taken_up() -> None:
    """A service that counts one more signal than before keeps what it has learned of the others."""
    target = Hours(1, weeks=8, least_s=900)
    now = lived(target, 8)
    again = Hours(2, weeks=8, least_s=900)
    again.restore(target.state())
    kept = again.usual(0, now + 12 * HOUR)
    assert kept is not None
    assert kept.median == 12.0
    assert again.usual(1, now + 12 * HOUR) is None
    again.learn(now + 1, [4.0, 2.0], 1800)


def test_a_state_of_another_shape_is_passed_over() -> None:
    """A newer service may count more signals: then the hours are learned anew."""
    state = Detection(DetectionPolicy()).state(T0)
    state.baseline.hours.sums.append(1.0)
    again = Detection(DetectionPolicy())
    again.restore(state, T0)
    assert len(again.state(T0).baseline.hours.sums) == 6


def test_bursty_counts_raise_the_test_later_than_steady_ones() -> None:
    """The same surge, at four times the variance that Poisson says."""
    steady, bursty = Cusum(3.0, 8.0), Cusum(3.0, 8.0)
    assert [steady.add(5, 1.0) for _ in range(4)].index(True) == 2
    assert not any(bursty.add(5, 1.0, 4.0) for _ in range(4))


@given(st.integers(0, 100_000))
@example(2)
def test_a_rates_lower_bound_is_below_it_and_grows_with_it(count: int) -> None:
    """Never above what was counted, nor negative; also where less than nothing is left of a count."""
    assert 0.0 <= rate_at_least(count) <= count
    assert rate_at_least(-1 - count) == 0.0
    assert rate_at_least(count) <= rate_at_least(count + 1)
