"""Dialogues with detection as a whole: findings that go on, what is switched off, what is learned."""

from __future__ import annotations

import pytest
from detection_deeds import crowd, flood
from detection_dialogue import Dialogue

from pontlevis.brain.detection.finding import DetectorName
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.observation import Kind, Observation, Outcome
from pontlevis.brain.vocabulary import Posture, Standing, Verdict

SIGNUP, LOGIN, REQUEST = Kind.SIGNUP, Kind.LOGIN, Kind.REQUEST


OK, BAD, UNKNOWN = Outcome.OK, Outcome.BAD_CREDENTIAL, Outcome.UNKNOWN_USER


SURGE, STUFFING = DetectorName.SIGNUP_SURGE, DetectorName.CREDENTIAL_STUFFING


FLOOD, DRAIN, IMPACT = DetectorName.ROTATING_FLOOD, DetectorName.TOKEN_DRAIN, DetectorName.IMPACT


def test_a_finding_keeps_its_name_while_it_goes_on_and_its_time_tells_when_it_was_confirmed() -> None:
    """One attack, one identifier."""
    dialogue = Dialogue()
    flood(dialogue, 20)
    ids = {each.id for judgement in dialogue.judgements for each in judgement.findings if each.hostile}
    assert len(ids) == 1
    finding = dialogue.said(FLOOD)
    assert finding is not None
    assert finding.at == dialogue.now
    assert finding.id == f"rotating_flood:{finding.since:.0f}"


def test_detection_that_is_switched_off_is_always_calm() -> None:
    """Nothing is counted, nothing is said."""
    dialogue = Dialogue(DetectionPolicy(enabled=False))
    flood(dialogue, 10)
    assert {each.verdict for each in dialogue.judgements} == {Verdict.CALM}
    assert not any(each.findings or each.measures for each in dialogue.judgements)


def test_a_detector_that_is_switched_off_says_nothing() -> None:
    """Each alone can be silenced."""
    dialogue = Dialogue(DetectionPolicy(detectors_off=("rotating_flood",)))
    flood(dialogue, 10)
    assert dialogue.said(FLOOD) is None


def test_an_unknown_detector_cannot_be_switched_off() -> None:
    """A typing error in the settings is told."""
    with pytest.raises(ValueError, match="floods"):
        DetectionPolicy(detectors_off=("floods",))


def test_an_attack_teaches_nothing() -> None:
    """What is usual after an hour of attack under a posture is what was usual before."""
    dialogue = Dialogue()
    dialogue.posture = Posture.UNDER_ATTACK
    flood(dialogue, 120)
    finding = dialogue.said(FLOOD)
    assert finding is not None
    assert finding.figures["usual_turned_away"] == 10


def test_the_rise_of_an_attack_teaches_nothing_either() -> None:
    """The seconds before the first finding are not learned: half a minute must pass first."""
    dialogue = Dialogue()
    for second in range(40):
        for number in range(1 + second // 10):
            dialogue.see(SIGNUP, fingerprint=number, domain="gmail.com")
        dialogue.tick()
    for second in range(5):
        crowd(dialogue, second, 20)
        dialogue.tick()
    finding = dialogue.said(SURGE)
    assert finding is not None
    assert finding.figures["usual_signups"] <= 20


def test_observations_from_a_wrong_clock_do_not_wipe_the_windows() -> None:
    """A worker a year ahead counts as now; one behind as well."""
    dialogue = Dialogue()
    flood(dialogue, 6)
    now = dialogue.now
    dialogue.now = now + 31_536_000
    dialogue.see(REQUEST, BAD, fingerprint=0xBAD)
    dialogue.now = now - 31_536_000
    dialogue.see(REQUEST, BAD, fingerprint=0xBAD)
    dialogue.now = now
    finding = dialogue.said(FLOOD)
    assert dialogue.tick().hostile
    assert finding is not None


def test_merged_observations_without_a_source_are_counted_and_name_nobody() -> None:
    """A gateway whose batch was full sends sums."""
    dialogue = Dialogue()
    flood(dialogue, 6)
    for kind in (REQUEST, LOGIN, SIGNUP, Kind.PAGE):
        for outcome in Outcome:
            for standing in Standing:
                dialogue.detection.observe(
                    Observation(dialogue.now, kind, outcome, "", 0, "", standing.value, "", 500, 1000)
                )
    judgement = dialogue.tick()
    assert all(measure.value for measure in judgement.measures)
