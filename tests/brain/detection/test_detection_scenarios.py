"""Scenarios in virtual time, with detection and posture together. Traffic is synthetic."""

from __future__ import annotations

import pytest
from virtual_traffic import START, Town

from pontlevis.brain.detection.finding import DetectorName
from pontlevis.brain.observation import Kind, Outcome
from pontlevis.brain.posture.ladder import SHUT
from pontlevis.brain.posture.policy import PosturePolicy
from pontlevis.brain.vocabulary import Posture, RegistrationMode, Verdict
from pontlevis.simulation.attacks.shape import ServiceShape

CALM_S = 12.0
"""All the calm that the brain gets: floors must carry."""
FINDING_S = 5.0
POSTURE_S = 10.0


def town(seed: int, *, time_scale: float = 1.0, capacity: float = 24_000.0) -> Town:
    """A small service; ``capacity`` of its engines in tokens a second."""
    made = Town(seed, posture=PosturePolicy(time_scale=time_scale), shape=ServiceShape(capacity=capacity))
    made.calm()
    return made


@pytest.mark.parametrize("seed", range(24))
def test_a_flash_crowd_alone_never_closes_registration(seed: int) -> None:
    """Ten to fifty times the usual sign-ups, honest: no accusation, no measure, no change of posture."""
    place = town(seed)
    times = (10, 20, 50)[seed % 3]
    place.crowd(CALM_S, 70.0, times=times)
    played = place.run(80)
    assert not played.suspended
    assert played.transitions == []
    assert not any(judgement.hostile for judgement in played.judgements)
    assert not played.measured
    # Ten times so few that the floors of what is usual may hide it.
    assert times == 10 or Verdict.CROWD in {judgement.verdict for judgement in played.judgements}


@pytest.mark.parametrize("seed", range(2))
def test_a_crowd_that_overloads_the_service_and_tries_again_is_a_crowd(seed: int) -> None:
    """Nine in ten calls turned away, existing users wait: busy, elevated at most, and never closed."""
    place = town(seed, capacity=1_500.0)
    place.crowd(CALM_S, 90.0, times=50)
    for second in range(20, 100):
        place.at(second, lambda: place.served_badly(place.now))
    played = place.run(100)
    assert not played.suspended
    assert not any(judgement.hostile for judgement in played.judgements)
    assert {each.after.posture for each in played.transitions} == {Posture.ELEVATED}
    assert not played.measured


def test_a_crowd_of_which_some_run_scripts_is_a_crowd() -> None:
    """Developers who sign up in a browser and call without pause are heavy, and no cluster."""
    for seed in range(3):
        place = town(seed)
        place.crowd(CALM_S, 80.0, times=40)
        place.poisson(1.5, lambda: place.script(calls=60, pause_s=0.7), start=CALM_S, stop=80.0)  # noqa: B023
        played = place.run(90)
        assert not any(judgement.hostile for judgement in played.judgements)
        assert place.wrong_measures == 0


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("fingerprints", "domains"), [(1, "gmail"), (3, "gmail"), (8, "random"), (3, "few")])
def test_bots_that_sign_up_and_drain_suspend_registration(seed: int, fingerprints: int, domains: str) -> None:
    """Whatever their addresses look like: accounts used up at once tell, once they are used."""
    place = town(seed)
    place.bot_signups(CALM_S, 60.0, rate=8, fingerprints=fingerprints, domains=domains)
    played = place.run(40)
    found = played.first_finding(START + CALM_S)
    closed = played.first(Posture.UNDER_ATTACK, START + CALM_S)
    assert found is not None
    assert found <= 12
    assert closed is not None
    assert closed <= 14
    assert place.wrong_measures == 0


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    ("rate", "sources", "fingerprints", "unknown"),
    [(20, 400, 4, 0.5), (30, 5000, 30, 0.5), (30, 5000, 200, 0.0), (10, 2000, 3, 0.2)],
)
def test_stuffing_with_one_try_a_source_is_found_at_once(
    seed: int, rate: float, sources: int, fingerprints: int, unknown: float
) -> None:
    """From hundreds to thousands of addresses, also against known accounts only. Log-ins alone close no door."""
    place = town(seed)
    place.stuffing(
        CALM_S, 60.0, rate=rate, sources=sources, fingerprints=fingerprints, unknown=unknown, hits=0.02
    )
    played = place.run(40)
    found = played.first_finding(START + CALM_S)
    raised = played.transitions[0].at - START - CALM_S
    assert found is not None
    assert found <= FINDING_S
    assert raised <= POSTURE_S
    assert {each.after.posture for each in played.transitions} == {Posture.ELEVATED}
    assert all(each.after.registration is RegistrationMode.OPEN for each in played.transitions)
    assert place.wrong_measures == 0


@pytest.mark.parametrize("seed", range(3))
def test_a_short_burst_right_after_a_start_is_over_when_it_ends(seed: int) -> None:
    """Ten minutes' counts cover only what was seen, so that a young service forgets as fast as an old one."""
    place = town(seed)
    place.stuffing(CALM_S, 24.0, rate=12)
    played = place.run(60)
    last = max(each.at for each in played.judgements if each.hostile)
    assert last - START <= 24.0 + 20.0


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("fingerprints", "made_up"), [(3, 0.7), (200, 0.7), (3, 0.0), (1, 1.0)])
def test_a_rotating_flood_is_found_at_once_and_its_sources_named(
    seed: int, fingerprints: int, made_up: float
) -> None:
    """Made-up keys or none, few fingerprints or many."""
    place = town(seed)
    place.flood(CALM_S, 60.0, rate=80, fingerprints=fingerprints, made_up=made_up)
    played = place.run(50)
    found = played.first_finding(START + CALM_S)
    assert found is not None
    assert found <= FINDING_S
    assert played.transitions[0].at - START - CALM_S <= POSTURE_S
    assert len(played.measured) >= 250
    assert place.wrong_measures == 0


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("bots", [2.0, 5.0, 20.0])
def test_bots_within_a_crowd_are_told_from_it(seed: int, bots: float) -> None:
    """Crowd to bots 5:1 to 1:2: both are said, the door closes, no honest newcomer is measured.

    The fewest are seen by their tokens alone: one witness, so that newcomers wait instead of being turned away.
    """
    place = town(seed)
    place.crowd(CALM_S, 90.0, times=50)
    place.bot_signups(20.0, 90.0, rate=bots)
    played = place.run(90)
    found = played.first_finding(START + 20.0)
    assert found is not None
    # So many that the service is full are turned away, and who is turned away looks less greedy.
    assert found <= (12 if bots == 5 else 20)
    assert played.suspended or bots < 3
    assert any(each.after.registration in SHUT for each in played.transitions)
    assert Verdict.CROWD_AND_ATTACK in {judgement.verdict for judgement in played.judgements}
    assert place.wrong_measures == 0


@pytest.mark.parametrize("seed", range(3))
def test_the_january_case_in_two_minutes(seed: int) -> None:
    """Surge, flood, stuffing, bots, then a wave a hundredfold; then it ends, and the bridge comes down."""
    place = town(seed, time_scale=0.05)
    place.crowd(10.0, 110.0, times=20)
    place.flood(18.0, 70.0, rate=40)
    place.stuffing(26.0, 70.0, rate=15)
    place.bot_signups(34.0, 70.0, rate=6)
    place.flood(50.0, 70.0, rate=1500, sources=3000)
    played = place.run(230)
    attack = START + 18.0
    found, closed = played.first_finding(attack), played.first(Posture.UNDER_ATTACK, attack)
    assert found is not None
    assert found <= FINDING_S
    raised = played.first(Posture.ELEVATED, attack)
    assert raised is not None
    assert raised <= POSTURE_S
    assert closed is not None
    # The flood alone is one witness; the log-ins that begin eight seconds later are the second.
    assert closed - 8.0 <= POSTURE_S
    reopened = played.first(Posture.RECOVERING, START + 70.0)
    assert reopened is not None
    assert reopened <= 40
    assert place.machine.state.registration is RegistrationMode.OPEN
    assert place.machine.state.posture is Posture.NORMAL
    assert place.wrong_measures == 0
    detectors = {
        each.detector for judgement in played.judgements for each in judgement.findings if each.hostile
    }
    assert {DetectorName.ROTATING_FLOOD, DetectorName.CREDENTIAL_STUFFING} <= detectors


def test_reopening_begins_within_ten_minutes_though_the_crowd_stays() -> None:
    """At real time scale; honest people who are turned away meanwhile do not keep the bridge up."""
    place = town(1)
    place.crowd(10.0, 900.0, times=10)
    place.flood(20.0, 80.0, rate=60)
    place.stuffing(20.0, 80.0, rate=15)
    place.bot_signups(25.0, 80.0, rate=8)
    played = place.run(700)
    reopened = played.first(Posture.RECOVERING, START + 80.0)
    assert reopened is not None
    assert 300 <= reopened <= 600


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize(("on_s", "off_s"), [(20, 40), (5, 30)])
def test_a_pulsing_flood_does_not_make_the_bridge_flap(on_s: int, off_s: int, both: bool) -> None:
    """Up once, and up it stays."""
    place = town(2)
    for start in range(20, 600, on_s + off_s):
        place.flood(start, start + on_s, rate=50, sources=300)
        if both:
            place.stuffing(start, start + on_s, rate=20)
    played = place.run(600)
    if not both:
        assert [each.after.posture for each in played.transitions] == [Posture.ELEVATED]
        return
    assert len([each for each in played.transitions if each.after.posture is Posture.UNDER_ATTACK]) == 1
    assert len(played.transitions) <= 2


def test_a_fault_of_ours_is_not_called_an_attack() -> None:
    """Every password fails for those whom we know: said, and nobody is accused."""
    place = town(3)
    place.remember()

    def fail() -> None:
        source, browser, account, standing = place.resident()
        place.see(
            Kind.LOGIN,
            Outcome.BAD_CREDENTIAL,
            source,
            fingerprint=browser,
            account=account,
            standing=standing,
        )

    place.poisson(5, fail, start=60.0, stop=150.0)
    played = place.run(150)
    assert not any(judgement.hostile for judgement in played.judgements)
    said = {each.sentence[-17:] for judgement in played.judgements for each in judgement.findings}
    assert "a fault of ours." in {each[-16:] for each in said}
