"""Dialogues with the posture machine: this is judged, that happens."""

from __future__ import annotations

import msgspec
import pytest

from pontlevis.brain.detection.finding import DetectorName, Finding
from pontlevis.brain.detection.judgement import Judgement
from pontlevis.brain.posture.grounds import GROUNDS
from pontlevis.brain.posture.machine import PostureMachine
from pontlevis.brain.posture.policy import PosturePolicy
from pontlevis.brain.posture.state import PostureState, Transition
from pontlevis.brain.vocabulary import Posture, RegistrationMode, Verdict

T0 = 1_740_000_000.0
NORMAL, ELEVATED = Posture.NORMAL, Posture.ELEVATED
UNDER_ATTACK, RECOVERING = Posture.UNDER_ATTACK, Posture.RECOVERING
OPEN, WAITLIST, SUSPENDED = RegistrationMode.OPEN, RegistrationMode.WAITLIST, RegistrationMode.SUSPENDED


def finding(detector: DetectorName, *, confidence: float = 0.91) -> Finding:
    hostile = detector is not DetectorName.IMPACT
    return Finding(
        f"{detector.value}:1", detector, T0, T0, confidence, hostile, f"{detector.value} is seen.", {}
    )


STUFFING = finding(DetectorName.CREDENTIAL_STUFFING)
FLOOD = finding(DetectorName.ROTATING_FLOOD)
SURGE = finding(DetectorName.SIGNUP_SURGE)
SURE = finding(DetectorName.ROTATING_FLOOD, confidence=0.99)
IMPACT = finding(DetectorName.IMPACT)


class Watch:
    """A machine and a clock that ticks."""

    def __init__(self, policy: PosturePolicy | None = None, state: PostureState | None = None) -> None:
        self.machine = PostureMachine(policy or PosturePolicy(), state)
        self.now = T0
        self.seen: list[Transition] = []

    def judge(self, seconds: float, *findings: Finding) -> list[Transition]:
        """The same findings for so many seconds, one tick each."""
        news: list[Transition] = []
        for _ in range(round(seconds)):
            hostile = any(each.hostile for each in findings)
            verdict = Verdict.ATTACK if hostile else Verdict.OVERLOAD if findings else Verdict.CALM
            judgement = Judgement(self.now, verdict, "as it is", findings)
            news += self.machine.tick(self.now, judgement)
            self.now += 1
        self.seen += news
        return news

    @property
    def rung(self) -> tuple[Posture, RegistrationMode, float]:
        state = self.machine.state
        return state.posture, state.registration, state.registration_share


def test_one_hostile_finding_elevates_after_two_seconds_and_registration_stays_open() -> None:
    """One detector alone raises attention, not the bridge."""
    watch = Watch()
    assert watch.judge(2, STUFFING) == []
    (change,) = watch.judge(1, STUFFING)
    assert change.after.posture is ELEVATED
    assert "credential_stuffing is seen." in change.reason
    assert change.findings == ("credential_stuffing:1",)
    watch.judge(600, STUFFING)
    assert watch.rung == (ELEVATED, OPEN, 1.0)


def test_two_detectors_that_agree_suspend_registration_within_two_ticks() -> None:
    """Independent findings are an attack."""
    watch = Watch()
    changes = watch.judge(2, STUFFING, FLOOD)
    assert [change.after.posture for change in changes] == [UNDER_ATTACK]
    assert watch.rung == (UNDER_ATTACK, SUSPENDED, 0.0)
    assert "Independent findings agree" in changes[0].reason


def test_one_finding_with_impact_is_an_attack() -> None:
    """A hostile finding while existing users wait needs no second witness."""
    watch = Watch()
    watch.judge(2, STUFFING, IMPACT)
    assert watch.rung[0] is UNDER_ATTACK


def test_one_finding_however_sure_is_no_attack() -> None:
    """A confidence is not calibrated: one witness raises attention for as long as it speaks, and never the bridge."""
    watch = Watch()
    watch.judge(600, SURE)
    assert watch.rung == (ELEVATED, OPEN, 1.0)


def test_the_same_calls_counted_by_two_detectors_are_one_witness() -> None:
    """A flood without keys and the drain that those same calls are: elevated, until somebody else speaks."""
    drain = msgspec.structs.replace(finding(DetectorName.TOKEN_DRAIN), figures={"anonymous_token_share": 0.9})
    watch = Watch()
    watch.judge(600, FLOOD, drain)
    assert watch.rung[0] is ELEVATED
    watch.judge(2, FLOOD, drain, STUFFING)
    assert watch.rung[0] is UNDER_ATTACK


def test_a_single_source_moves_nothing_and_is_no_second_witness() -> None:
    """A decision against one address is enough for it, and its log-ins are among those that stuffing counts."""
    watch = Watch()
    assert watch.judge(600, finding(DetectorName.SINGLE_SOURCE)) == []
    watch.judge(600, STUFFING, finding(DetectorName.SINGLE_SOURCE))
    assert watch.rung[0] is ELEVATED


def test_tokens_that_accounts_drain_are_another_witness_than_their_sign_ups() -> None:
    """Many sign-ups are one act, what the accounts then use is another."""
    watch = Watch()
    watch.judge(2, SURGE, finding(DetectorName.TOKEN_DRAIN))
    assert watch.rung[0] is UNDER_ATTACK


@pytest.mark.parametrize("detector", list(DetectorName))
def test_every_detector_has_a_ground(detector: DetectorName) -> None:
    """Whoever adds a detector says on which acts it rests."""
    assert detector.value in GROUNDS


def test_accused_sign_ups_send_newcomers_to_the_waitlist_and_two_calm_minutes_let_them_in_again() -> None:
    """One finding does not suspend; it asks for less. Whatever else goes on, the door follows the sign-ups."""
    watch = Watch()
    watch.judge(3, STUFFING)
    assert watch.rung == (ELEVATED, OPEN, 1.0)
    alone = Watch()
    alone.judge(3, SURGE)
    assert alone.rung == (ELEVATED, WAITLIST, 0.0)
    alone.judge(120)
    assert alone.rung == (ELEVATED, WAITLIST, 0.0)
    (change,) = alone.judge(1)
    assert (change.after.posture, change.after.registration) == (NORMAL, OPEN)


def test_in_elevated_the_door_follows_the_sign_ups_alone() -> None:
    """Stuffing that goes on for an hour does not keep people on the waitlist whose sign-ups nobody accuses any more."""
    watch = Watch(PosturePolicy(agreement_s=1e6))
    watch.judge(10, STUFFING)
    (shut,) = watch.judge(3, STUFFING, SURGE)
    assert (shut.before.registration, shut.after.registration) == (OPEN, WAITLIST)
    (opened,) = watch.judge(130, STUFFING)
    assert (opened.after.posture, opened.after.registration) == (ELEVATED, OPEN)
    assert "accused the sign-ups for 120 s" in opened.reason


def test_an_alarm_that_comes_back_takes_longer_to_end_within_a_bound() -> None:
    """Two minutes of calm, then four, eight, fifteen and no more."""
    watch = Watch()
    lengths = []
    for _ in range(6):
        watch.judge(5, STUFFING)
        begin = watch.now
        lengths.append(round(watch.judge(1000)[0].at - begin))
    assert lengths == [120, 240, 480, 900, 900, 900]
    watch.judge(22_000)
    watch.judge(5, STUFFING)
    begin = watch.now
    assert round(watch.judge(1000)[0].at - begin) == 120


def test_impact_alone_is_busy_and_never_more() -> None:
    """Load elevates after ten seconds; it never closes registration."""
    watch = Watch()
    watch.judge(10, IMPACT)
    assert watch.rung[0] is NORMAL
    watch.judge(3000, IMPACT)
    assert watch.rung == (ELEVATED, OPEN, 1.0)


def test_a_gap_of_one_second_starts_the_count_again() -> None:
    """What flickers does not stand."""
    watch = Watch()
    for _ in range(20):
        watch.judge(2, STUFFING)
        watch.judge(1)
    assert watch.seen == []


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


def test_the_elevated_mode_is_a_setting() -> None:
    """A service with a challenge asks for it as soon as one finding stands."""
    watch = Watch(PosturePolicy(elevated_registration=RegistrationMode.CHALLENGE))
    watch.judge(3, STUFFING)
    assert watch.rung == (ELEVATED, RegistrationMode.CHALLENGE, 1.0)


@pytest.mark.parametrize(
    "ramp", [(), (0.5, 0.25, 1.0), (0.05, 0.5), (0.0, 1.0)], ids=["empty", "falls", "ends early", "nothing"]
)
def test_a_ramp_must_rise_to_all(ramp: tuple[float, ...]) -> None:
    """Recovery ends with everybody let in."""
    with pytest.raises(ValueError, match="ramp"):
        PosturePolicy(ramp=ramp)


@pytest.mark.parametrize("name", ["elevated_calm", "evidence_gone", "stage"])
def test_a_longest_time_is_not_shorter_than_the_time_it_bounds(name: str) -> None:
    """The file contradicts itself; nothing starts."""
    with pytest.raises(ValueError, match=f"{name}_max_s must not be less"):
        PosturePolicy(**{f"{name}_max_s": 1.0})  # type: ignore[arg-type]


def test_time_must_go_on() -> None:
    """A scale of nothing would recover at once."""
    with pytest.raises(ValueError, match="time_scale"):
        PosturePolicy(time_scale=0.0)
