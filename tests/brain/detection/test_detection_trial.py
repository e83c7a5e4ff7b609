"""Dialogues about detectors on trial, and switched off."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from detection_dialogue import Dialogue
from test_detection_leaked_keys import history, steal

from pontlevis.brain.detection.finding import DetectorName
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.observation import Kind, Outcome
from pontlevis.brain.posture.evidence import Evidence
from pontlevis.brain.posture.policy import PosturePolicy
from pontlevis.brain.vocabulary import Standing, Verdict


def flood(dialogue: Dialogue) -> None:
    for _ in range(8):
        for number in range(12):
            dialogue.see(Kind.REQUEST, Outcome.BAD_CREDENTIAL, fingerprint=0xBAD + number % 2, count=3)
        dialogue.tick()


def stuffing(dialogue: Dialogue) -> None:
    """From a dozen sources: what one alone does is another detector's business too."""
    for second in range(8):
        for number in range(12):
            account = f"u{second}-{number}"
            dialogue.see(Kind.LOGIN, Outcome.UNKNOWN_USER, f"203.0.113.{number}", account=account)
        dialogue.tick()


def guessing(dialogue: Dialogue) -> None:
    for second in range(8):
        for number in range(12):
            account = f"u{second}-{number}"
            dialogue.see(Kind.LOGIN, Outcome.UNKNOWN_USER, "203.0.113.7", account=account)
        dialogue.tick()


def theft(dialogue: Dialogue) -> None:
    history(dialogue)
    steal(dialogue, 7)


def slow(dialogue: Dialogue) -> None:
    for _ in range(12):
        dialogue.see(Kind.PAGE, Outcome.SLOW, "203.0.113.9", fingerprint=0, count=4)
        dialogue.tick()


def impact(dialogue: Dialogue) -> None:
    for _ in range(5):
        dialogue.sample(wait_p99_s=9.0)
        dialogue.tick()


CASES: list[tuple[DetectorName, Callable[[Dialogue], None]]] = [
    (DetectorName.ROTATING_FLOOD, flood),
    (DetectorName.CREDENTIAL_STUFFING, stuffing),
    (DetectorName.LEAKED_KEY, theft),
    (DetectorName.SLOW_CLIENTS, slow),
    (DetectorName.IMPACT, impact),
]
NAMES = [name.value for name, _ in CASES]


@pytest.mark.parametrize(("name", "act"), CASES, ids=NAMES)
def test_a_detector_on_trial_is_heard_and_moves_nothing(
    name: DetectorName, act: Callable[[Dialogue], None]
) -> None:
    """Marked as such, without an accusation, a measure, a verdict or a word to the posture."""
    dialogue = Dialogue(DetectionPolicy(detectors_dry_run=(name.value,)))
    act(dialogue)
    finding = dialogue.said(name)
    assert finding is not None
    assert finding.dry_run
    assert not finding.hostile
    assert finding.sentence.startswith("Dry run, nothing follows from it; ")
    evidence = Evidence(PosturePolicy())
    for judgement in dialogue.judgements:
        assert judgement.measures == ()
        assert judgement.verdict is Verdict.CALM
        evidence.take(judgement.at, judgement)
        assert evidence.quiet


@pytest.mark.parametrize(("name", "act"), CASES, ids=NAMES)
def test_a_detector_that_acts_says_the_same_in_earnest(
    name: DetectorName, act: Callable[[Dialogue], None]
) -> None:
    """The trial tells what would have been."""
    dialogue = Dialogue()
    act(dialogue)
    finding = dialogue.said(name)
    assert finding is not None
    assert not finding.dry_run
    trial = Dialogue(DetectionPolicy(detectors_dry_run=(name.value,)))
    act(trial)
    heard = trial.said(name)
    assert heard is not None
    assert finding.sentence.split(" Turned away")[0] in heard.sentence or name is DetectorName.ROTATING_FLOOD
    assert finding.hostile or name is DetectorName.IMPACT


@pytest.mark.parametrize(("name", "act"), CASES, ids=NAMES)
def test_a_detector_that_is_switched_off_says_and_proposes_nothing(
    name: DetectorName, act: Callable[[Dialogue], None]
) -> None:
    """Nor do the deeds that are its business earn anybody a measure."""
    dialogue = Dialogue(DetectionPolicy(detectors_off=(name.value,)))
    act(dialogue)
    assert dialogue.said(name) is None
    assert not any(judgement.measures for judgement in dialogue.judgements)


@pytest.mark.parametrize(
    ("silent", "named"),
    [
        (("credential_stuffing",), {"203.0.113.7"}),
        (("single_source",), {"203.0.113.7"}),
        (("credential_stuffing", "single_source"), set()),
    ],
)
def test_one_source_that_guesses_is_the_business_of_two_detectors(
    silent: tuple[str, ...], named: set[str]
) -> None:
    """Each judges it by rules of its own; only where both are silent does nothing follow."""
    for policy in (DetectionPolicy(detectors_off=silent), DetectionPolicy(detectors_dry_run=silent)):
        dialogue = Dialogue(policy)
        guessing(dialogue)
        measures = [each for judgement in dialogue.judgements for each in judgement.measures]
        assert {each.value for each in measures} == named


def test_an_unknown_detector_cannot_be_put_on_trial() -> None:
    """A slip of the pen must not pass for a trial."""
    with pytest.raises(ValueError, match=r"detectors_dry_run: no detector is called 'sleeper'"):
        DetectionPolicy(detectors_dry_run=("sleeper",))


def test_a_trial_does_not_lend_its_accusations_to_others() -> None:
    """A flood on trial is no sign against the sign-ups of the same client."""
    dialogue = Dialogue(DetectionPolicy(detectors_dry_run=("rotating_flood",)))
    for second in range(12):
        for number in range(12):
            dialogue.see(Kind.REQUEST, Outcome.BAD_CREDENTIAL, fingerprint=0xBAD, count=3)
            if number < 4:
                account = f"n{second}-{number}"
                dialogue.see(
                    Kind.SIGNUP, fingerprint=0xBAD, domain="gmail.com", account=account, standing=Standing.NEW
                )
        dialogue.tick()
        assert not dialogue.judgements[-1].hostile
