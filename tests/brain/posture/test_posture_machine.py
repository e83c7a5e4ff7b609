"""The way up: which findings move the posture, and when."""

from __future__ import annotations

import msgspec
import pytest
from posture_watch import FLOOD, IMPACT, STUFFING, Watch, finding

from pontlevis.brain.detection.finding import DetectorName
from pontlevis.brain.posture.grounds import GROUNDS
from pontlevis.brain.posture.policy import PosturePolicy
from pontlevis.brain.vocabulary import Posture, RegistrationMode

T0 = 1_740_000_000.0


NORMAL, ELEVATED = Posture.NORMAL, Posture.ELEVATED


UNDER_ATTACK, RECOVERING = Posture.UNDER_ATTACK, Posture.RECOVERING


OPEN, WAITLIST, SUSPENDED = RegistrationMode.OPEN, RegistrationMode.WAITLIST, RegistrationMode.SUSPENDED


SURGE = finding(DetectorName.SIGNUP_SURGE)


SURE = finding(DetectorName.ROTATING_FLOOD, confidence=0.99)


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
