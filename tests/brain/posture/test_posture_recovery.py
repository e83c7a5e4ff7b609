"""The way down, relapses and waves."""

from __future__ import annotations

import pytest
from posture_watch import FLOOD, STUFFING, Watch

from pontlevis.brain.posture.policy import PosturePolicy
from pontlevis.brain.vocabulary import Posture, RegistrationMode

T0 = 1_740_000_000.0


NORMAL, ELEVATED = Posture.NORMAL, Posture.ELEVATED


UNDER_ATTACK, RECOVERING = Posture.UNDER_ATTACK, Posture.RECOVERING


OPEN, WAITLIST, SUSPENDED = RegistrationMode.OPEN, RegistrationMode.WAITLIST, RegistrationMode.SUSPENDED


def test_elevated_ends_after_two_minutes_of_calm() -> None:
    """Neither finding nor impact for two minutes: normal."""
    watch = Watch()
    watch.judge(3, STUFFING)
    watch.judge(120)
    assert watch.rung[0] is ELEVATED
    watch.judge(1)
    assert watch.rung[0] is NORMAL


def test_the_whole_way_down_takes_five_minutes_and_four_stages() -> None:
    """The first stage opens within ten minutes of the attack's end; each lasts ten."""
    watch = Watch()
    watch.judge(60, STUFFING, FLOOD)
    end = watch.now
    down = watch.judge(3000)
    assert [(round(each.at - end), each.after.posture, each.after.registration_share) for each in down] == [
        (300, RECOVERING, 0.05),
        (900, RECOVERING, 0.25),
        (1500, RECOVERING, 0.50),
        (2100, RECOVERING, 1.00),
        (2700, NORMAL, 1.00),
    ]
    assert [each.after.registration for each in down] == [WAITLIST, WAITLIST, WAITLIST, OPEN, OPEN]
    assert all(each.reason.endswith(".") for each in down)


def test_time_scale_shrinks_recovery_but_not_alarm() -> None:
    """A drill plays hours in seconds, and is alarmed as ever."""
    watch = Watch(PosturePolicy(time_scale=0.05))
    watch.judge(2, STUFFING)
    assert watch.rung[0] is NORMAL
    watch.judge(20, STUFFING, FLOOD)
    end = watch.now
    down = watch.judge(200)
    assert [round(each.at - end) for each in down] == [15, 45, 75, 105, 135]


def test_a_finding_in_recovery_steps_back_and_then_returns_to_under_attack() -> None:
    """A relapse costs a stage at once, then one each half minute, then the bridge."""
    watch = Watch()
    watch.judge(60, STUFFING, FLOOD)
    watch.judge(1600)
    assert watch.rung == (RECOVERING, WAITLIST, 0.5)
    back = watch.judge(70, STUFFING)
    assert [each.after.registration_share for each in back] == [0.25, 0.05, 0.0]
    assert watch.rung[0] is UNDER_ATTACK
    assert watch.machine.state.relapses == 1


def test_two_findings_in_recovery_return_to_under_attack_at_once() -> None:
    """The full alarm does not wait for steps."""
    watch = Watch()
    watch.judge(60, STUFFING, FLOOD)
    watch.judge(2500)
    assert watch.rung == (RECOVERING, OPEN, 1.0)
    watch.judge(2, STUFFING, FLOOD)
    assert watch.rung == (UNDER_ATTACK, SUSPENDED, 0.0)


def test_relapses_lengthen_the_way_down_within_bounds() -> None:
    """An attacker who comes back meets a slower bridge, yet the first stage opens within ten minutes."""
    watch = Watch()
    waits = []
    for _ in range(8):
        watch.judge(130, STUFFING, FLOOD)
        end = watch.now
        first = watch.judge(600)[0]
        waits.append(first.at - end)
        assert first.after.posture is RECOVERING
    assert waits == sorted(waits)
    assert waits[0] == 300
    assert waits[-1] == 540
    assert watch.machine.state.relapses == 7
    stage = watch.machine.state.next_stage_at
    assert stage is not None
    assert stage - (end + 540) == 1800


def test_an_attack_long_after_the_last_one_is_no_relapse() -> None:
    """Six hours of peace are forgiven."""
    watch = Watch()
    watch.judge(60, STUFFING, FLOOD)
    watch.judge(3500)
    watch.judge(130, STUFFING, FLOOD)
    assert watch.machine.state.relapses == 1
    watch.judge(6 * 3600 + 10)
    watch.judge(5, STUFFING, FLOOD)
    assert watch.machine.state.relapses == 0


@pytest.mark.parametrize(
    ("on_s", "off_s"), [(20, 40), (60, 240), (5, 30), (1, 9)], ids=["20/40", "60/240", "5/30", "1/9"]
)
def test_fast_pulses_do_not_flap(on_s: int, off_s: int) -> None:
    """Pulses shorter than the recovery change the posture twice at most."""
    watch = Watch()
    for _ in range(7200 // (on_s + off_s)):
        watch.judge(on_s, STUFFING, FLOOD)
        watch.judge(off_s)
    assert len(watch.seen) <= 2


@pytest.mark.parametrize("half_s", [2100, 3600])
def test_waves_of_35_and_60_minutes_change_posture_once_each_way(half_s: int) -> None:
    """Each wave is answered and left once; between them the bridge comes down in stages."""
    watch = Watch()
    for _ in range(3):
        watch.judge(half_s, STUFFING, FLOOD)
        watch.judge(half_s)
    ups = [each for each in watch.seen if each.after.posture is UNDER_ATTACK]
    assert len(ups) == 3
