"""Who is asked for a challenge at log-in and never solves it; and crowds, who do."""

from __future__ import annotations

from random import Random

import pytest
from detection_dialogue import Dialogue

from pontlevis.brain.detection.finding import DetectorName, Finding
from pontlevis.brain.observation import Kind, Outcome
from pontlevis.brain.vocabulary import Standing

SIGNUP, LOGIN = Kind.SIGNUP, Kind.LOGIN
OK, BAD, ASKED = Outcome.OK, Outcome.BAD_CREDENTIAL, Outcome.CHALLENGED
STUFFING = DetectorName.CREDENTIAL_STUFFING
GUESSERS = 0xBAD


def accused(dialogue: Dialogue) -> Finding | None:
    finding = dialogue.said(STUFFING)
    return finding if finding is not None and finding.hostile else None


def usual_log_ins(dialogue: Dialogue, chance: Random, seconds: int) -> None:
    for _ in range(seconds):
        if chance.random() < 0.8:
            dialogue.see(
                LOGIN, OK, account="somebody", standing=Standing.NEW, fingerprint=chance.randrange(8)
            )
        dialogue.tick()


@pytest.mark.parametrize("tried_before", [0, 10])
def test_guessers_who_are_asked_before_their_failures_tell_are_found_all_the_same(tried_before: int) -> None:
    """Newcomers log in meanwhile, some with the guessers' headers: where the account was just made nobody is asked."""
    chance = Random(tried_before)
    dialogue = Dialogue()
    usual_log_ins(dialogue, chance, 30)
    guessers = [dialogue.fresh() for _ in range(40)]
    for number in range(tried_before):
        dialogue.see(LOGIN, BAD, guessers[number], account=f"t{number}", fingerprint=GUESSERS)
    dialogue.see(LOGIN, BAD, "198.51.100.7", account="mistyped", fingerprint=3)
    for second in range(6):
        for number in range(15):
            dialogue.see(
                LOGIN, ASKED, chance.choice(guessers), account=f"u{second}-{number}", fingerprint=GUESSERS
            )
        for number in range(8):
            home, name = dialogue.fresh(), f"n{second}-{number}"
            headers = GUESSERS if number < 2 else chance.randrange(8)
            dialogue.see(SIGNUP, OK, home, account=name, fingerprint=headers)
            dialogue.see(LOGIN, OK, home, account=name, standing=Standing.NEW, fingerprint=headers)
        dialogue.tick()
    finding = accused(dialogue)
    assert finding is not None
    assert finding.fingerprints == (GUESSERS,)
    assert "asked for a challenge" in finding.sentence
    assert finding.sources
    assert set(finding.sources) <= set(guessers)
    assert len(finding.sources) > 20
    assert finding.figures["solved_at_most"] == 0


@pytest.mark.parametrize("seed", range(20))
def test_a_crowd_whose_pages_are_older_than_the_challenge_is_not_accused(seed: int) -> None:
    """Everybody is turned away once, and seven in ten come back within seconds, one in eight with a wrong password."""
    chance = Random(seed)
    dialogue = Dialogue()
    usual_log_ins(dialogue, chance, 30)
    due: dict[int, list[tuple[str, int]]] = {}
    for second in range(40):
        for number in range(chance.randint(20, 40)):
            source = dialogue.fresh()
            headers = chance.choices(range(8), [35, 20, 15, 10, 8, 6, 4, 2])[0]
            dialogue.see(LOGIN, ASKED, source, account=f"c{second}-{number}", fingerprint=headers)
            if chance.random() < 0.7:
                due.setdefault(second + chance.choice((1, 2, 2, 3)), []).append((source, headers))
        for source, headers in due.pop(second, []):
            outcome = BAD if chance.random() < 0.125 else OK
            dialogue.see(LOGIN, outcome, source, account=source, standing=Standing.NEW, fingerprint=headers)
        dialogue.tick()
        assert accused(dialogue) is None


@pytest.mark.parametrize("seed", range(5))
def test_a_challenge_that_nobody_can_solve_is_a_fault_of_ours(seed: int) -> None:
    chance = Random(seed)
    dialogue = Dialogue()
    usual_log_ins(dialogue, chance, 30)
    for second in range(30):
        for number in range(30):
            headers = chance.choices(range(8), [35, 20, 15, 10, 8, 6, 4, 2])[0]
            dialogue.see(LOGIN, ASKED, account=f"c{second}-{number}", fingerprint=headers)
        dialogue.tick()
        assert accused(dialogue) is None


def test_few_who_are_asked_are_not_accused() -> None:
    """A program of somebody's that cannot solve it, at the pace of the usual log-ins."""
    dialogue = Dialogue()
    usual_log_ins(dialogue, Random(1), 30)
    for second in range(60):
        dialogue.see(LOGIN, ASKED, account="cron", fingerprint=GUESSERS)
        dialogue.see(LOGIN, ASKED, account="cron", fingerprint=GUESSERS)
        dialogue.see(LOGIN, OK, account=f"p{second}", standing=Standing.NEW, fingerprint=second % 8)
        dialogue.tick()
        assert accused(dialogue) is None
