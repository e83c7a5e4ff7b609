"""Dialogues about one source at a time: what it alone does, whom that convicts, and whom it must not."""

from __future__ import annotations

import random

from detection_dialogue import T0, Dialogue

from pontlevis.brain.detection.detection import Detection
from pontlevis.brain.detection.finding import DetectorName, Finding
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.detection.visitors import Visitors
from pontlevis.brain.observation import Kind, Observation, Outcome
from pontlevis.brain.posture.machine import PostureMachine
from pontlevis.brain.posture.policy import PosturePolicy
from pontlevis.brain.vocabulary import Posture, Standing, Verdict

PAGE, LOGIN, REQUEST = Kind.PAGE, Kind.LOGIN, Kind.REQUEST
OK, BAD, INVALID = Outcome.OK, Outcome.BAD_CREDENTIAL, Outcome.INVALID
HERE = "203.0.113.9"


def asks(
    dialogue: Dialogue, outcome: Outcome = OK, *, fingerprint: int = 7, target: int = 1, parameters: int = 0
) -> None:
    dialogue.detection.observe(
        Observation(dialogue.now, PAGE, outcome, HERE, fingerprint, target=target, parameters=parameters)
    )


def single(dialogue: Dialogue) -> Finding | None:
    found = [each for each in dialogue.tick().findings if each.detector is DetectorName.SINGLE_SOURCE]
    return found[0] if found else None


def test_six_failed_logins_in_a_burst_are_a_finding_and_a_decision() -> None:
    """CrowdSec's bound: five are forgiven, the sixth within ten seconds is not."""
    dialogue = Dialogue()
    for _ in range(5):
        dialogue.see(LOGIN, BAD, HERE, account="me")
    assert single(dialogue) is None
    dialogue.see(LOGIN, BAD, HERE, account="me")
    judgement = dialogue.tick()
    (finding,) = judgement.findings
    assert finding.sources == (HERE,)
    assert "6 log-ins failed in a burst" in finding.sentence
    (measure,) = judgement.measures
    assert (measure.value, measure.finding) == (HERE, finding.id)


def test_somebody_who_tries_slowly_is_forgiven() -> None:
    """One failure in ten seconds, for two minutes, does not add up."""
    dialogue = Dialogue()
    for second in range(120):
        if second % 10 == 0:
            dialogue.see(LOGIN, BAD, HERE, account="me")
        assert single(dialogue) is None


def guesses_patiently(dialogue: Dialogue, tries: int) -> list[Finding]:
    """Another account every half minute; the findings of the last tick."""
    found: tuple[Finding, ...] = ()
    for each in range(tries):
        dialogue.see(LOGIN, BAD, HERE, account=f"known{each}")
        for _ in range(30):
            found = dialogue.tick().findings or found
    return [each for each in found if each.hostile]


def test_whom_the_sequential_test_names_is_found_as_well_as_measured() -> None:
    """A decision that nobody said a word about would be one that no operator can check."""
    dialogue = Dialogue()
    assert guesses_patiently(dialogue, 6) == []
    dialogue.see(LOGIN, BAD, HERE, account="known6")
    judgement = dialogue.tick()
    (finding,) = judgement.findings
    assert (finding.detector, finding.sources, finding.local) == (DetectorName.SINGLE_SOURCE, (HERE,), True)
    assert "7 log-ins failed there" in finding.sentence
    assert judgement.verdict is Verdict.ATTACK
    (measure,) = judgement.measures
    assert (measure.value, measure.finding) == (HERE, finding.id)


def test_a_patient_guesser_is_not_told_where_stuffing_is_off_or_people_live() -> None:
    """The sequential test is the stuffing detector's business; a familiar place earns nothing."""
    off = Dialogue(DetectionPolicy(detectors_off=("credential_stuffing",)))
    assert guesses_patiently(off, 9) == []
    home = Dialogue()
    home.see(REQUEST, OK, HERE, account="owner", standing=Standing.ESTABLISHED)
    assert guesses_patiently(home, 9) == []


def test_a_house_in_which_most_log_in_is_honest() -> None:
    """An office of hundreds in its first minutes of the day, one in five mistypes."""
    for seed in range(100):
        rng = random.Random(seed)
        dialogue = Dialogue()
        for number in range(300):
            dialogue.see(LOGIN, BAD if rng.random() < 0.2 else OK, HERE, account=f"u{number}")
            if number % 10 == 9:
                assert single(dialogue) is None, seed


def test_when_everybody_fails_nobody_is_singled_out() -> None:
    """The fault is ours, or the attack is not one source's."""
    dialogue = Dialogue()
    for _ in range(20):
        dialogue.see(LOGIN, BAD)
    for _ in range(8):
        dialogue.see(LOGIN, BAD, HERE)
    assert single(dialogue) is None


def test_fast_and_in_vain_is_a_flood_and_fast_alone_is_not() -> None:
    """A house behind one address is fast too; a page that is not there is asked for once."""
    fast = Dialogue()
    for number in range(200):
        asks(fast, fingerprint=number % 30, target=number % 9)
    assert single(fast) is None
    vain = Dialogue()
    for number in range(60):
        asks(vain, INVALID, target=number)
    found = single(vain)
    assert found is not None
    assert "in vain" in found.sentence


def test_ever_new_fingerprints_tell_only_where_nothing_is_found() -> None:
    """Slow, all in vain, never the same browser twice."""
    dialogue = Dialogue()
    found = None
    for second in range(24):
        if second % 2 == 0:
            asks(dialogue, INVALID, fingerprint=second + 1)
        found = found or single(dialogue)
    assert found is not None
    assert "hardly one used twice" in found.sentence


def test_ever_new_parameter_names_on_one_path_are_a_flood_and_ever_new_values_are_not() -> None:
    """An application knows the names of its parameters, whatever people put into them."""
    values, names = Dialogue(), Dialogue()
    for number in range(60):
        asks(values, parameters=5)
        asks(names, parameters=number + 1)
    assert single(values) is None
    found = single(names)
    assert found is not None
    assert "sets of names" in found.sentence


def test_calls_of_the_api_are_judged_by_others() -> None:
    """A program with a mistyped key fails as fast as it can."""
    dialogue = Dialogue()
    for _ in range(200):
        dialogue.see(REQUEST, BAD, HERE)
    assert single(dialogue) is None


def test_a_familiar_source_is_never_accused() -> None:
    """Where somebody was served today nobody is a stranger."""
    dialogue = Dialogue()
    dialogue.see(REQUEST, OK, HERE, account="a", standing=Standing.ESTABLISHED)
    for number in range(100):
        asks(dialogue, INVALID, target=number)
    assert single(dialogue) is None


def test_the_posture_does_not_rise_for_a_single_source_and_learning_goes_on() -> None:
    """A measure answers it: the bridge is for everybody."""
    dialogue = Dialogue()
    machine = PostureMachine(PosturePolicy())
    for second in range(120):
        for number in range(60):
            asks(dialogue, INVALID, target=number)
        for _ in range(20):
            dialogue.see(REQUEST, OK, account="b", standing=Standing.PAID)
        judgement = dialogue.tick()
        assert judgement.verdict is (Verdict.ATTACK if judgement.hostile else Verdict.CALM)
        assert second < 1 or "A measure against those named answers it" in judgement.reason
        machine.tick(dialogue.now, judgement)
    assert machine.state.posture is Posture.NORMAL
    assert dialogue.detection._baseline.requests > 15


def test_switched_off_it_says_and_remembers_nothing() -> None:
    """By its name."""
    dialogue = Dialogue(DetectionPolicy(detectors_off=("single_source",)))
    for number in range(100):
        asks(dialogue, INVALID, target=number)
    assert single(dialogue) is None


def test_visitors_are_bounded_and_the_busy_ones_stay() -> None:
    """Those who only came by make room."""
    visitors = Visitors(100)
    for number in range(10_000):
        visitors.get(f"10.{number}", T0 + number / 1000).asked(T0 + number / 1000, 1, 0.5, bad=False)
        busy = visitors.get(HERE, T0 + number / 1000)
        busy.asked(T0 + number / 1000, 1, 0.5, bad=True)
        assert len(visitors.records) <= 100
    assert visitors.records[HERE].acts > 1000


def test_a_million_strangers_cost_it_no_more_than_its_ledger() -> None:
    """Each comes once."""
    detection = Detection(DetectionPolicy())
    for number in range(20_000):
        detection.observe(Observation(T0, PAGE, OK, f"10.{number >> 8}.{number & 255}", 1, target=3))
    assert len(detection._single._visitors.records) <= DetectionPolicy().max_visitors
