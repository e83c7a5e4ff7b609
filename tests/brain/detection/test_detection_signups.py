"""Sign-ups in number: a crowd, bots, and bots within a crowd."""

from __future__ import annotations

from detection_deeds import crowd
from detection_dialogue import T0, Dialogue

from pontlevis.brain.detection.finding import DetectorName
from pontlevis.brain.observation import Kind, Outcome
from pontlevis.brain.vocabulary import Verdict

SIGNUP, LOGIN, REQUEST = Kind.SIGNUP, Kind.LOGIN, Kind.REQUEST


OK, BAD, UNKNOWN = Outcome.OK, Outcome.BAD_CREDENTIAL, Outcome.UNKNOWN_USER


SURGE, STUFFING = DetectorName.SIGNUP_SURGE, DetectorName.CREDENTIAL_STUFFING


def test_a_crowd_of_sign_ups_is_a_crowd() -> None:
    """Fifty times the usual, as diverse as people: said, and not held against them."""
    dialogue = Dialogue()
    for second in range(60):
        crowd(dialogue, second, 10)
        judgement = dialogue.tick()
        assert not judgement.hostile
        assert judgement.measures == ()
    assert judgement.verdict is Verdict.CROWD
    finding = dialogue.said(SURGE)
    assert finding is not None
    assert finding.sentence.endswith("as diverse as people are: a crowd.")


def test_an_app_whose_users_all_look_alike_is_still_a_crowd() -> None:
    """One sign convicts nobody: the most downloaded app has one fingerprint a platform."""
    dialogue = Dialogue()
    for _ in range(60):
        for number in range(8):
            dialogue.see(SIGNUP, fingerprint=number % 2 + 1, domain="gmail.com")
        assert not dialogue.tick().hostile


def test_a_school_that_registers_at_once_is_one_house() -> None:
    """One prefix, one domain, one browser: a single explanation, a single sign."""
    dialogue = Dialogue()
    for second in range(40):
        for number in range(4):
            source = f"198.51.100.{(second * 4 + number) % 200}"
            dialogue.see(SIGNUP, source=source, fingerprint=7, domain="school.example")
        assert not dialogue.tick().hostile
    finding = dialogue.said(SURGE)
    assert finding is not None
    assert "one house would explain that" in finding.sentence


def test_bots_with_few_fingerprints_and_few_domains_are_accused() -> None:
    """Alike in two independent ways, from scattered prefixes."""
    dialogue = Dialogue()
    for second in range(6):
        for number in range(8):
            source = f"{45 + number}.{second}.9.1"
            dialogue.see(SIGNUP, source=source, fingerprint=0xBAD + number % 2, domain="drop.example")
        dialogue.tick()
    finding = dialogue.said(SURGE)
    assert finding is not None
    assert finding.hostile
    assert finding.since <= T0 + 5
    assert set(finding.fingerprints) == {0xBAD, 0xBAE}
    assert "at drop.example" in finding.sentence


def test_bots_within_a_crowd_are_peeled_off() -> None:
    """The crowd remains a crowd; the cluster with its own domain and malformed forms is named."""
    dialogue = Dialogue()
    for second in range(12):
        crowd(dialogue, second, 8)
        for number in range(3):
            outcome = OK if number == 0 and second % 2 else Outcome.INVALID
            dialogue.see(
                SIGNUP,
                outcome,
                source=f"{45 + number}.{second}.9.1",
                fingerprint=0xBAD,
                domain="drop.example",
            )
        judgement = dialogue.tick()
    assert judgement.verdict is Verdict.CROWD_AND_ATTACK
    finding = dialogue.said(SURGE)
    assert finding is not None
    assert finding.fingerprints == (0xBAD,)


def challenged(dialogue: Dialogue, second: int, *, bots: int, people: int, wrong: int = 0) -> None:
    """So many are asked for a challenge; people solve it five seconds later."""
    for index in range(bots):
        outcome = Outcome.CHALLENGE_FAILED if index < wrong else Outcome.CHALLENGED
        dialogue.see(SIGNUP, outcome, fingerprint=0xBAD)
    for index in range(people):
        browser = [1, 1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 8][(second * people + index) % 12]
        dialogue.see(SIGNUP, Outcome.CHALLENGED, fingerprint=browser)
        if second >= 5 and (second + index) % 5:
            dialogue.see(SIGNUP, fingerprint=browser, domain="gmail.com", account=f"p{second}-{index}")


def test_challenges_that_a_client_ignores_or_fails_are_a_sign_against_it() -> None:
    """With the likeness of their client it is the second."""
    dialogue = Dialogue()
    for second in range(40):
        challenged(dialogue, second, bots=6, people=0, wrong=2)
        dialogue.tick()
    finding = dialogue.said(SURGE)
    assert finding is not None
    assert finding.hostile
    assert "186 were asked for a challenge and 0 solved it (80 solutions were wrong)" in finding.sentence


def test_a_crowd_that_solves_its_challenges_is_a_crowd() -> None:
    """Each is counted twice, once asked and once let in; one in five gives up."""
    dialogue = Dialogue()
    for second in range(60):
        challenged(dialogue, second, bots=0, people=8)
        assert not dialogue.tick().hostile


def test_a_client_that_ignores_challenges_is_told_from_a_crowd_that_solves_them() -> None:
    """Both at once: the crowd is none the worse for it."""
    dialogue = Dialogue()
    for second in range(40):
        challenged(dialogue, second, bots=3, people=8)
        judgement = dialogue.tick()
    finding = dialogue.said(SURGE)
    assert finding is not None
    assert finding.hostile
    assert finding.fingerprints == (0xBAD,)
    assert judgement.verdict is Verdict.CROWD_AND_ATTACK
