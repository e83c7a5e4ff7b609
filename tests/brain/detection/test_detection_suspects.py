"""Dialogues about single sources: who mistypes, who guesses."""

from __future__ import annotations

import random
from math import log

from pontlevis.brain.detection.suspects import Suspects

T0 = 1_740_000_000.0
HALF_LIFE_S = 900.0
ALONE = log(0.99 / 0.0001)
"""The bound without an attack, as the policy has it."""


def test_seven_failures_at_seven_accounts_are_a_guesser() -> None:
    """A list is tried: each name is new."""
    suspects = Suspects(100, 60.0, HALF_LIFE_S)
    for number in range(1, 8):
        record = suspects.failed("203.0.113.9", f"u{number}", 1, T0 + number)
        assert (record.odds >= ALONE) == (number == 7)


def test_somebody_who_forgot_a_password_has_a_dozen_tries_at_the_same_account() -> None:
    """The same name again says little."""
    suspects = Suspects(100, 60.0, HALF_LIFE_S)
    record = suspects.touch("203.0.113.9", T0)
    record.login_failed("me", 12)
    assert record.odds < ALONE
    record.login_failed("me", 4)
    assert record.odds >= ALONE


def test_success_clears_and_one_hit_among_many_misses_does_not() -> None:
    """A shared address where most log in is honest; a guesser's hit protects nobody."""
    suspects = Suspects(100, 60.0, HALF_LIFE_S)
    suspects.touch("203.0.113.9", T0).login_failed("a", 1)
    assert suspects.logged_in("203.0.113.9", 1, T0)
    for number in range(6):
        suspects.touch("198.51.100.7", T0).login_failed(f"u{number}", 1)
    assert not suspects.logged_in("198.51.100.7", 1, T0)
    assert suspects.logged_in("192.0.2.1", 1, T0)


def test_a_shared_address_with_the_usual_failures_is_not_taken_for_a_guesser() -> None:
    """An office of thousands, 15 % failures, each somebody else: a few in a thousand offices at most."""
    wrong = 0
    for seed in range(300):
        rng = random.Random(seed)
        suspects = Suspects(10, 60.0, HALF_LIFE_S)
        record = suspects.touch("203.0.113.9", T0)
        for number in range(400):
            if rng.random() < 0.15:
                record.login_failed(f"u{number}", 1)
            else:
                suspects.logged_in("203.0.113.9", 1, T0)
            if record.odds >= ALONE:
                wrong += 1
                break
    assert wrong <= 3


def test_the_ledger_is_bounded_and_forgets_those_quiet_longest() -> None:
    """A million sources with one try each leave the ledger as large as it may be."""
    suspects = Suspects(1000, 60.0, HALF_LIFE_S)
    for number in range(20_000):
        suspects.touch(f"10.{number}", T0 + number / 100)
        suspects.touch("203.0.113.9", T0 + number / 100)
        assert len(suspects.records) <= 1000
    assert "203.0.113.9" in suspects.records
    assert "10.0" not in suspects.records


def test_made_up_keys_count_within_a_minute() -> None:
    """A client that errs now and then is not a flood."""
    suspects = Suspects(10, 60.0, HALF_LIFE_S)
    record = suspects.touch("203.0.113.9", T0)
    record.bad_keys = 5
    assert suspects.touch("203.0.113.9", T0 + 61).bad_keys == 0


def test_what_people_behind_one_address_mistype_does_not_add_up_over_hours() -> None:
    """One in a quarter of an hour, another account each time, nobody's success between them: never enough. One in
    two minutes is."""
    for every_s, guesses in ((900, False), (120, True)):
        suspects = Suspects(10, 60.0, HALF_LIFE_S)
        odds = [
            suspects.failed("203.0.113.9", f"u{number}", 1, T0 + every_s * number).odds
            for number in range(96)
        ]
        assert (max(odds) >= ALONE) is guesses


def test_old_failures_are_not_told_of_when_their_odds_are_gone() -> None:
    """The reason of a measure names what led to it."""
    suspects = Suspects(10, 60.0, HALF_LIFE_S)
    for number in range(4):
        suspects.failed("203.0.113.9", f"u{number}", 1, T0)
    assert suspects.failed("203.0.113.9", "later", 1, T0 + 12 * HALF_LIFE_S).failures == 1
