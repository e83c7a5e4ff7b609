"""Who is asked for a challenge at log-in and never solves it; and crowds, who do, or who have other reasons."""

from __future__ import annotations

from random import Random

import pytest
from detection_dialogue import Dialogue

from pontlevis.brain.detection.finding import DetectorName, Finding
from pontlevis.brain.observation import Kind, Outcome
from pontlevis.brain.vocabulary import Standing

SIGNUP, LOGIN = Kind.SIGNUP, Kind.LOGIN
OK, BAD, REFUSED = Outcome.OK, Outcome.BAD_CREDENTIAL, Outcome.REFUSED
ASKED, WRONG = Outcome.CHALLENGED, Outcome.CHALLENGE_FAILED
STUFFING = DetectorName.CREDENTIAL_STUFFING
GUESSERS = 0xBAD
DIVERSE, FEW, APP = [35, 20, 15, 10, 8, 6, 4, 2], [70, 12, 8, 4, 2, 2, 1, 1], [1]
"""Shares of browsers: as they are, where one leads, and of an app."""


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


def picked(chance: Random, shares: list[int]) -> int:
    return 100 + len(shares) * 10 + chance.choices(range(len(shares)), shares)[0]


@pytest.mark.parametrize("tried_before", [6, 12])
def test_guessers_who_are_asked_before_their_failures_are_enough_are_found_all_the_same(
    tried_before: int,
) -> None:
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
            source, account = chance.choice(guessers), f"u{second}-{number}"
            dialogue.see(LOGIN, ASKED, source, account=account, fingerprint=GUESSERS)
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
    assert f"{tried_before} of their {tried_before} tries that were looked at failed" in finding.sentence
    assert finding.figures["solved"] == 0
    assert finding.sources
    assert set(finding.sources) <= set(guessers)


@pytest.mark.parametrize("outcome", [OK, REFUSED])
@pytest.mark.parametrize("shares", [DIVERSE, FEW, APP])
@pytest.mark.parametrize("takes_s", [2, 5, 12])
@pytest.mark.parametrize("new", [True, False])
def test_a_crowd_whose_pages_are_older_than_the_challenge_is_not_accused(
    outcome: Outcome, shares: list[int], takes_s: int, *, new: bool
) -> None:
    """Everybody is turned away once and fills the form in again; one in eight mistypes, and who has a second factor
    is told of as refused (four in ten). The challenge may come in their first second, when no row knows their browser yet."""
    chance = Random(takes_s)
    dialogue = Dialogue()
    usual_log_ins(dialogue, chance, 30)
    if not new:
        for _ in range(20):
            for _ in range(2):
                dialogue.see(
                    LOGIN, OK, account="p", standing=Standing.NEW, fingerprint=picked(chance, shares)
                )
            dialogue.tick()
    due: dict[int, list[tuple[str, int]]] = {}
    for second in range(40):
        for number in range(chance.randint(20, 40)):
            source, headers = dialogue.fresh(), picked(chance, shares)
            dialogue.see(LOGIN, ASKED, source, account=f"c{second}-{number}", fingerprint=headers)
            if chance.random() < 0.7:
                back = second + takes_s + chance.choice((0, 0, 1, 3))
                due.setdefault(back, []).append((source, headers))
        for source, headers in due.pop(second, []):
            how = BAD if chance.random() < 0.125 else outcome if chance.random() < 0.4 else OK
            dialogue.see(
                LOGIN, how, source, account=source, standing=Standing.NEW, fingerprint=headers, solved=True
            )
        dialogue.tick()
        assert accused(dialogue) is None


@pytest.mark.parametrize("asked", [ASKED, WRONG])
@pytest.mark.parametrize("shares", [DIVERSE, FEW, APP])
def test_a_challenge_that_nobody_can_solve_is_a_fault_of_ours(asked: Outcome, shares: list[int]) -> None:
    """An eighth had mistyped before it was there, as always."""
    chance = Random(1)
    dialogue = Dialogue()
    usual_log_ins(dialogue, chance, 30)
    for second in range(60):
        for number in range(30):
            mistyped = chance.random() < 0.125
            outcome = asked if second >= 20 else BAD if mistyped else OK
            name = f"c{second}-{number}"
            headers = picked(chance, shares)
            dialogue.see(LOGIN, outcome, account=name, standing=Standing.NEW, fingerprint=headers)
        dialogue.tick()
        assert accused(dialogue) is None


def test_a_campus_that_solves_is_not_accused_though_people_were_served_there() -> None:
    """A familiar address, accounts that are new to it, one sort of machine."""
    dialogue = Dialogue()
    dialogue.served(range(20))
    usual_log_ins(dialogue, Random(1), 30)
    asked: list[str] = []
    for second in range(30):
        for number in range(8):
            name = f"s{second}-{number}"
            dialogue.see(LOGIN, ASKED, "10.0.0.1", account=name, fingerprint=0xCA)
            asked.append(name)
        if second >= 1:
            for name in asked[:8]:
                dialogue.see(
                    LOGIN,
                    OK,
                    "10.0.0.1",
                    account=name,
                    standing=Standing.RECENT,
                    fingerprint=0xCA,
                    solved=True,
                )
            asked = asked[8:]
        dialogue.tick()
        assert accused(dialogue) is None


@pytest.mark.parametrize("pace", [2, 4])
def test_somebodys_program_that_cannot_solve_it_is_no_list_of_passwords(pace: int) -> None:
    """With an old password, too: one source, one account."""
    dialogue = Dialogue()
    usual_log_ins(dialogue, Random(1), 30)
    for second in range(60):
        outcome = BAD if second < 2 else ASKED
        for _ in range(pace):
            dialogue.see(LOGIN, outcome, "203.0.113.9", account="cron", fingerprint=GUESSERS)
        dialogue.see(LOGIN, OK, account=f"p{second}", standing=Standing.NEW, fingerprint=second % 8)
        dialogue.tick()
        assert accused(dialogue) is None
