"""Deeds that several of the dialogues with detection play."""

from __future__ import annotations

from detection_dialogue import Dialogue

from pontlevis.brain.observation import Kind, Outcome

SIGNUP, LOGIN, REQUEST = Kind.SIGNUP, Kind.LOGIN, Kind.REQUEST


OK, BAD, UNKNOWN = Outcome.OK, Outcome.BAD_CREDENTIAL, Outcome.UNKNOWN_USER


def crowd(dialogue: Dialogue, second: int, people: int) -> None:
    """Honest sign-ups: twelve browsers of unequal share, large providers, fresh addresses."""
    for index in range(people):
        browser = [1, 1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 8][(second * people + index) % 12]
        domain = ["gmail.com", "gmail.com", "outlook.com", f"firm{second}-{index}.example"][index % 4]
        dialogue.see(SIGNUP, fingerprint=browser, domain=domain, account=f"c{second}-{index}")


def flood(
    dialogue: Dialogue, seconds: int, *, outcome: Outcome = BAD, each: int = 12, prints: int = 2
) -> None:
    for _ in range(seconds):
        for number in range(each):
            dialogue.see(REQUEST, outcome, fingerprint=0xBAD + number % prints)
        dialogue.tick()
