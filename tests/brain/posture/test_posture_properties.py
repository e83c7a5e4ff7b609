"""What holds for every sequence of judgements and orders."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from pontlevis.brain.detection.finding import DetectorName, Finding
from pontlevis.brain.detection.judgement import Judgement
from pontlevis.brain.posture.evidence import NO_REASON_TO_RISE
from pontlevis.brain.posture.ladder import registration
from pontlevis.brain.posture.machine import PostureMachine
from pontlevis.brain.posture.policy import PosturePolicy
from pontlevis.brain.posture.state import PostureState, Transition
from pontlevis.brain.vocabulary import Posture, RegistrationMode, Verdict

T0 = 1_740_000_000.0
POLICY = PosturePolicy(time_scale=0.02)

spell = st.tuples(
    st.sets(st.sampled_from(sorted(DetectorName)), max_size=4),
    st.floats(min_value=0.5, max_value=0.999),
    st.integers(min_value=1, max_value=20),
)


@dataclass
class Moment:
    """One tick and what it led to."""

    now: float
    hostile: bool
    signups: bool
    """A finding about sign-ups is among them."""
    before: PostureState
    after: PostureState
    changes: list[Transition]


def play(machine: PostureMachine, spells: list[tuple[set[DetectorName], float, int]]) -> list[Moment]:
    """Each spell's findings for so many seconds."""
    now, moments = T0, []
    for detectors, confidence, seconds in spells:
        for _ in range(seconds):
            findings = tuple(
                Finding(f"{each}:1", each, now, now, confidence, each is not DetectorName.IMPACT, "Seen.", {})
                for each in sorted(detectors)
            )
            hostile = any(each.hostile and each.detector not in NO_REASON_TO_RISE for each in findings)
            verdict = Verdict.ATTACK if hostile else Verdict.CALM
            before = machine.state
            changes = machine.tick(now, Judgement(now, verdict, "as it is", findings))
            moments.append(
                Moment(now, hostile, DetectorName.SIGNUP_SURGE in detectors, before, machine.state, changes)
            )
            now += 1
    return moments


@settings(deadline=None, max_examples=150)
@given(st.lists(spell, max_size=40))
def test_under_attack_ends_only_when_the_evidence_is_gone_and_the_dwell_is_over(
    spells: list[tuple[set[DetectorName], float, int]],
) -> None:
    """Never before the scaled time without a hostile finding, never before the shortest stay."""
    quiet_since: float | None = None
    for moment in play(PostureMachine(POLICY), spells):
        if moment.hostile:
            quiet_since = None
        elif quiet_since is None:
            quiet_since = moment.now
        left = (
            moment.before.posture is Posture.UNDER_ATTACK and moment.after.posture is not Posture.UNDER_ATTACK
        )
        if left:
            assert quiet_since is not None
            assert moment.now - quiet_since >= POLICY.scaled(POLICY.evidence_gone_s)
            assert moment.now - moment.before.since >= POLICY.scaled(POLICY.under_attack_dwell_s)
            assert moment.after.posture is Posture.RECOVERING


@settings(deadline=None, max_examples=150)
@given(st.lists(spell, max_size=40))
def test_the_share_never_rises_while_something_hostile_is_found(
    spells: list[tuple[set[DetectorName], float, int]],
) -> None:
    """Reopening is for quiet seconds; in elevated the door follows the sign-ups alone."""
    for moment in play(PostureMachine(POLICY), spells):
        if moment.hostile and moment.after.registration_share > moment.before.registration_share:
            assert moment.before.posture is moment.after.posture is Posture.ELEVATED
            assert moment.before.signups_accused
            assert not moment.signups


@settings(deadline=None, max_examples=100)
@given(st.lists(spell, max_size=40))
def test_every_state_is_a_rung_of_the_ladder_and_every_change_says_why(
    spells: list[tuple[set[DetectorName], float, int]],
) -> None:
    """Registration always is what posture and stage say; a tick changes one thing at most."""
    for moment in play(PostureMachine(POLICY), spells):
        state = moment.after
        assert (state.registration, state.registration_share) == registration(
            POLICY, state.posture, state.stage, accused=state.signups_accused
        )
        assert (state.posture is Posture.RECOVERING) or state.stage == 0
        assert len(moment.changes) <= 1
        for change in moment.changes:
            assert change.reason
            assert change.before != change.after


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.just({DetectorName.IMPACT}), st.just(0.9), st.integers(1, 60)), max_size=20))
def test_without_an_accusation_registration_is_never_closed(
    spells: list[tuple[set[DetectorName], float, int]],
) -> None:
    """Impact accuses nobody."""
    for moment in play(PostureMachine(POLICY), spells):
        assert moment.after.registration is RegistrationMode.OPEN


@settings(deadline=None, max_examples=100)
@given(st.lists(spell, max_size=30), st.sampled_from(sorted(Posture)), st.integers(1, 400))
def test_a_hold_is_never_overruled(
    spells: list[tuple[set[DetectorName], float, int]], posture: Posture, hold_s: int
) -> None:
    """Until it ends, whatever is found."""
    machine = PostureMachine(POLICY)
    machine.force(T0, posture=posture, reason="An order.", actor="ada", hold_s=hold_s)
    for moment in play(machine, spells):
        if moment.now < T0 + hold_s:
            assert moment.after.posture is posture
            assert moment.changes == []


@settings(deadline=None, max_examples=60)
@given(st.lists(spell, max_size=30))
def test_the_same_judgements_lead_to_the_same_postures(
    spells: list[tuple[set[DetectorName], float, int]],
) -> None:
    """Nothing but what it is told moves the machine."""
    one = [moment.after for moment in play(PostureMachine(POLICY), spells)]
    other = [moment.after for moment in play(PostureMachine(POLICY), spells)]
    assert one == other


# -- waves and pulses, at real time scale, many seeds

VECTORS = st.sampled_from(
    [
        {DetectorName.CREDENTIAL_STUFFING},
        {DetectorName.SIGNUP_SURGE},
        {DetectorName.ROTATING_FLOOD, DetectorName.CREDENTIAL_STUFFING},
        {DetectorName.SIGNUP_SURGE, DetectorName.TOKEN_DRAIN},
    ]
)


def waves(
    machine: PostureMachine, detectors: set[DetectorName], lengths: list[tuple[int, int]]
) -> list[Moment]:
    return play(machine, [each for on, off in lengths for each in ((detectors, 0.9, on), (set(), 0.9, off))])


@settings(deadline=None, max_examples=40)
@given(VECTORS, st.lists(st.tuples(st.integers(120, 600), st.integers(120, 600)), min_size=3, max_size=8))
def test_pulses_of_two_to_ten_minutes_do_not_make_it_flap(
    detectors: set[DetectorName], pulses: list[tuple[int, int]]
) -> None:
    """Two changes a pulse at most; once an attack was seen, five in a hundred are let in between, never more."""
    moments = waves(PostureMachine(PosturePolicy()), detectors, pulses)
    changes = [change for moment in moments for change in moment.changes]
    assert len(changes) <= 2 * len(pulses) + 1
    if len(detectors) == 1:
        # Elevated comes and goes three times at most before its calm outlasts every pause.
        assert len(changes) <= 7
    attacked = False
    last = max(n for n, moment in enumerate(moments) if moment.hostile)
    for moment in moments[:last]:
        attacked = attacked or moment.after.posture is Posture.UNDER_ATTACK
        if attacked:
            assert moment.after.registration_share <= 0.05


@settings(deadline=None, max_examples=12)
@given(
    st.sampled_from([2100, 3600]),
    st.integers(2, 4),
    st.lists(st.integers(-300, 300), min_size=8, max_size=8),
)
def test_waves_of_35_and_60_minutes_are_answered_once_each(
    half_s: int, number: int, jitter: list[int]
) -> None:
    """Never open during a wave that it has seen; a way down that grows slower; changes bounded by its stages."""
    lengths = [(half_s + jitter[2 * n], half_s + jitter[2 * n + 1]) for n in range(number)]
    policy = PosturePolicy()
    moments = waves(
        PostureMachine(policy), {DetectorName.ROTATING_FLOOD, DetectorName.CREDENTIAL_STUFFING}, lengths
    )
    ups = [
        change
        for moment in moments
        for change in moment.changes
        if change.after.posture is Posture.UNDER_ATTACK
    ]
    assert len(ups) == number
    assert sum(len(moment.changes) for moment in moments) <= number * (2 + len(policy.ramp))
    begun = 0.0
    for moment in moments:
        begun = begun + 1 if moment.hostile else 0
        if begun > 2:
            assert moment.after.registration is RegistrationMode.SUSPENDED
    highest = []
    now = 0
    for on, off in lengths:
        highest.append(max(each.after.registration_share for each in moments[now + on : now + on + off]))
        now += on + off
    assert highest[-1] <= max(highest[0], 0.5)
