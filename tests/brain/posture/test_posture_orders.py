"""The operator's word: force, hold, release, trial, another policy; and restarts."""

from __future__ import annotations

import msgspec
import pytest
from posture_watch import FLOOD, IMPACT, STUFFING, Watch

from pontlevis.brain.posture.machine import PostureMachine
from pontlevis.brain.posture.policy import PosturePolicy
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import Posture, RegistrationMode

T0 = 1_740_000_000.0


NORMAL, ELEVATED = Posture.NORMAL, Posture.ELEVATED


UNDER_ATTACK, RECOVERING = Posture.UNDER_ATTACK, Posture.RECOVERING


OPEN, WAITLIST, SUSPENDED = RegistrationMode.OPEN, RegistrationMode.WAITLIST, RegistrationMode.SUSPENDED


def test_impact_holds_the_recovery_for_a_bounded_time() -> None:
    """Load alone keeps neither the bridge up nor the stage down for ever."""
    watch = Watch()
    watch.judge(60, STUFFING, FLOOD)
    assert watch.judge(540, IMPACT) == []
    (first,) = watch.judge(10, IMPACT)
    assert first.after.posture is RECOVERING
    assert "load alone" in first.reason
    assert watch.judge(2300, IMPACT) == []
    (second,) = watch.judge(200, IMPACT)
    assert second.after.registration_share == 0.25


def test_an_operator_forces_holds_and_releases() -> None:
    """An order stands against every finding until it is released; then the machine takes up from there."""
    watch = Watch()
    watch.judge(60, STUFFING, FLOOD)
    forced = watch.machine.force(watch.now, posture=NORMAL, reason="Launch event.", actor="ada", hold_s=3600)
    assert (forced.actor, forced.reason, forced.after.held_by) == ("ada", "Launch event.", "ada")
    assert watch.judge(600, STUFFING, FLOOD) == []
    assert watch.rung == (NORMAL, OPEN, 1.0)
    (released,) = watch.machine.release(watch.now, actor="ada", reason="It is an attack after all.")
    assert released.after.held_by is None
    watch.judge(1, STUFFING, FLOOD)
    assert watch.rung[0] is UNDER_ATTACK


def test_a_hold_ends_by_itself() -> None:
    """A forgotten hold does not outlive its time, nor the policy's longest."""
    watch = Watch()
    watch.machine.force(watch.now, posture=UNDER_ATTACK, reason="A hunch.", actor="ada", hold_s=100)
    watch.judge(100)
    (ended,) = [each for each in watch.judge(1) if each.before.held_by]
    assert ended.actor == "posture"
    assert "ada" in ended.reason
    watch.judge(300)
    assert watch.rung[0] is RECOVERING
    longest = watch.machine.force(watch.now, posture=NORMAL, reason="x", actor="ada", hold_s=None)
    assert longest.after.held_until == watch.now + 86_400


def test_a_hold_must_last() -> None:
    """A hold of no time is a mistake."""
    with pytest.raises(ValueError, match="longer than 0"):
        Watch().machine.force(T0, posture=NORMAL, reason="x", actor="ada", hold_s=0)


def test_releasing_what_is_not_held_changes_nothing() -> None:
    """No hold, no transition."""
    assert Watch().machine.release(T0, actor="ada", reason="x") == []


def test_a_forced_recovery_stays_in_its_first_stage_until_released() -> None:
    """What an operator holds does not move by itself."""
    watch = Watch()
    watch.machine.force(watch.now, posture=RECOVERING, reason="Careful.", actor="ada", hold_s=None)
    assert watch.judge(5000) == []
    assert watch.rung == (RECOVERING, WAITLIST, 0.05)
    watch.machine.release(watch.now, actor="ada", reason="Go on.")
    assert [each.after.registration_share for each in watch.judge(601)] == [0.25]


def test_a_hold_keeps_what_stands_stage_and_all() -> None:
    """To hold is not to force: recovery stays where it is, and goes on from there."""
    watch = Watch()
    watch.judge(60, STUFFING, FLOOD)
    watch.judge(1000)
    assert watch.rung == (RECOVERING, WAITLIST, 0.25)
    held = watch.machine.hold(watch.now, reason="Wait for the press.", actor="ada", hold_s=3000)
    assert (held.actor, held.reason, held.after.held_by) == ("ada", "Wait for the press.", "ada")
    assert "No relapse at 5%" in held.after.reason
    assert watch.judge(2900) == []
    assert watch.rung == (RECOVERING, WAITLIST, 0.25)
    watch.machine.release(watch.now, actor="ada", reason="Go on.")
    assert [each.after.registration_share for each in watch.judge(601)] == [0.5]


def test_an_order_can_be_tried_first_and_then_changes_nothing() -> None:
    """Force, hold and release say what they would do, marked as a dry run."""
    watch = Watch()
    before = watch.machine.state
    machine = watch.machine
    forced = machine.force(T0, posture=UNDER_ATTACK, reason="x", actor="ada", hold_s=60, dry_run=True)
    held = machine.hold(T0, reason="x", actor="ada", hold_s=60, dry_run=True)
    assert machine.release(T0, reason="x", actor="ada", dry_run=True) == []
    assert forced.after.registration is SUSPENDED
    assert (held.after.posture, held.after.held_by) == (NORMAL, "ada")
    assert forced.dry_run
    assert held.dry_run
    assert machine.state is before
    machine.force(T0, posture=UNDER_ATTACK, reason="x", actor="ada", hold_s=60)
    (let_go,) = machine.release(T0, reason="x", actor="ada", dry_run=True)
    assert let_go.after.held_by is None
    assert machine.state.held_by == "ada"


def test_an_operator_switches_the_dry_run_whatever_the_policy_says() -> None:
    """And back; over a restart as well."""
    watch = Watch()
    (change,) = watch.machine.set_dry_run(watch.now, True, actor="ada", reason="First week.")
    assert (change.actor, change.reason, change.after.dry_run_by) == ("ada", "First week.", "ada")
    assert all(each.dry_run for each in watch.judge(60, STUFFING, FLOOD))
    assert watch.rung == (NORMAL, OPEN, 1.0)
    assert watch.machine.planned.posture is UNDER_ATTACK
    assert PostureMachine(PosturePolicy(), watch.machine.state).dry_run
    watch.machine.set_dry_run(watch.now, None, actor="ada", reason="It knows its trade.")
    assert watch.machine.set_dry_run(watch.now, None, actor="ada", reason="Again.") == []
    watch.judge(2, STUFFING, FLOOD)
    assert watch.rung[0] is UNDER_ATTACK


def test_another_policy_is_taken_up_where_the_service_stands() -> None:
    """A shorter ramp has no third stage; what the rung means for registration changes at once, with a name."""
    watch = Watch()
    watch.judge(60, STUFFING, FLOOD)
    watch.judge(1600)
    assert watch.rung == (RECOVERING, WAITLIST, 0.5)
    ramp = PosturePolicy(ramp=(0.2, 1.0))
    (change,) = watch.machine.adopt(watch.now, ramp, reason="Shorter.", actor="ada")
    assert watch.rung == (RECOVERING, OPEN, 1.0)
    assert (change.actor, change.reason) == ("ada", "Shorter.")
    assert watch.machine.adopt(watch.now, ramp, reason="Again.", actor="ada") == []
    assert [each.after.posture for each in watch.judge(700)] == [NORMAL]


def test_a_state_written_under_a_longer_ramp_is_taken_up_under_a_shorter_one() -> None:
    """No stage that does not exist, whatever the file says now."""
    watch = Watch()
    watch.judge(60, STUFFING, FLOOD)
    watch.judge(2200)
    assert watch.machine.state.stage == 3
    again = Watch(PosturePolicy(ramp=(0.5, 1.0)), watch.machine.state)
    again.now = watch.now
    assert [each.after.posture for each in again.judge(1300)] == [NORMAL]


def test_a_dry_run_says_what_it_would_do_and_leaves_the_service_alone() -> None:
    """Transitions of a dry run carry the mark, and the state in force stays."""
    watch = Watch(PosturePolicy(dry_run=True))
    changes = watch.judge(60, STUFFING, FLOOD)
    assert [change.after.posture for change in changes] == [UNDER_ATTACK]
    assert all(change.dry_run for change in changes)
    assert watch.rung == (NORMAL, OPEN, 1.0)
    assert watch.machine.planned.posture is UNDER_ATTACK
    assert [change.after.posture for change in watch.judge(301)] == [RECOVERING]


def test_switched_off_it_never_moves_by_itself_and_still_obeys() -> None:
    """Without the machine the operator remains."""
    watch = Watch(PosturePolicy(enabled=False))
    assert watch.judge(600, STUFFING, FLOOD, IMPACT) == []
    watch.machine.force(watch.now, posture=UNDER_ATTACK, reason="By hand.", actor="ada", hold_s=10)
    assert watch.rung == (UNDER_ATTACK, SUSPENDED, 0.0)


def test_a_restart_takes_up_where_it_stopped() -> None:
    """The state survives as JSON; the evidence is counted anew, so that nothing opens too early."""
    watch = Watch()
    watch.judge(60, STUFFING, FLOOD)
    kept = msgspec.json.decode(msgspec.json.encode(watch.machine.state), type=PostureState)
    again = Watch(state=kept)
    again.now = watch.now + 5000
    assert again.judge(300) == []
    assert [each.after.posture for each in again.judge(1)] == [RECOVERING]


def test_a_stage_that_ended_while_nobody_watched_begins_anew() -> None:
    """Down for an hour in the first stage of recovery: the second opens ten minutes after the restart."""
    watch = Watch()
    watch.judge(60, STUFFING, FLOOD)
    watch.judge(301)
    again = Watch(state=watch.machine.state)
    again.now = watch.now + 3600
    (change,) = again.judge(700)
    assert change.at - (watch.now + 3600) == 600
    assert change.after.registration_share == 0.25
