"""Dialogues about stuffing that is low and slow: each source once, known accounts, many clients."""

from __future__ import annotations

import random

import pytest
from detection_dialogue import Dialogue

from pontlevis.brain.detection.finding import DetectorName
from pontlevis.brain.observation import Kind, Outcome
from pontlevis.brain.vocabulary import Standing

DETECTOR = DetectorName.CREDENTIAL_STUFFING
LOGIN, OK, BAD = Kind.LOGIN, Outcome.OK, Outcome.BAD_CREDENTIAL
ELDER = Standing.ESTABLISHED


class Office(Dialogue):
    """Existing users who log in from home, some of them from elsewhere, one in eight mistyping first."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.rng = random.Random(seed)
        self.again: list[tuple[float, str, str]] = []

    def second(self, *, logins: float = 0.5, fails: float = 0.12) -> None:
        rng = self.rng
        self.served([rng.randint(1, 200)])
        if rng.random() < logins:
            user = rng.randint(1, 200)
            away = rng.random() < 0.15
            self.log_in(f"user{user}", self.fresh() if away else f"10.0.0.{user}", fails)
        for each in [each for each in self.again if each[0] <= self.now]:
            self.again.remove(each)
            self.log_in(each[1], each[2], fails)
        self.tick()

    def log_in(self, account: str, source: str, fails: float) -> None:
        failed = self.rng.random() < fails
        self.see(
            LOGIN, BAD if failed else OK, source, account=account, standing=ELDER,
            fingerprint=0xC0 + self.rng.randrange(9),
        )  # fmt: skip
        if failed and self.rng.random() < 0.8:
            self.again.append((self.now + self.rng.uniform(4, 40), account, source))

    def guess(self, number: int) -> None:
        self.see(
            LOGIN, BAD, account=f"victim{number}", standing=ELDER, fingerprint=0xC0 + self.rng.randrange(40)
        )

    @property
    def accused(self) -> bool:
        return any(each.hostile for each in self.judgements)


@pytest.mark.parametrize("seed", range(3))
def test_guesses_below_the_usual_log_ins_are_found_within_minutes(seed: int) -> None:
    """One guess in eight seconds where one log-in in two is usual: an eighth of all, each from a new address."""
    office = Office(seed)
    for _ in range(600):
        office.second()
    assert not office.accused
    began = office.now
    number = 0
    while not office.accused and office.now - began < 900:
        if office.rng.random() < 0.125:
            number += 1
            office.guess(number)
        office.second()
    assert office.accused
    assert office.now - began <= 420
    finding = office.said(DETECTOR)
    assert finding is not None
    assert "log-ins of unfamiliar sources at accounts that are not new in 10 min" in finding.sentence
    assert "nobody tries again at" in finding.sentence


@pytest.mark.parametrize("seed", range(2))
def test_people_who_travel_and_mistype_are_not_accused(seed: int) -> None:
    """Everybody from elsewhere, twice the usual failures: they try again and get in."""
    office = Office(seed)
    for _ in range(300):
        office.second()
    for _ in range(900):
        user = office.rng.randint(1, 200)
        if office.rng.random() < 0.3:
            office.log_in(f"user{user}", office.fresh(), 0.25)
        office.second()
    assert not office.accused


def test_a_fault_of_ours_right_after_a_start_is_not_accused() -> None:
    """Nobody is familiar yet and every password fails; but whoever fails tries again."""
    office = Office(1)
    for second in range(240):
        for index in range(2):
            user = (second * 2 + index) // 3 % 200
            office.see(
                LOGIN,
                BAD,
                f"10.1.{user}.9",
                account=f"user{user}",
                standing=ELDER,
                fingerprint=0xC0 + user % 9,
            )
        office.tick()
    assert not office.accused


def test_what_nobody_follows_up_is_a_sign_though_each_account_is_tried_twice() -> None:
    """Two guesses at each account: no honest share of them gets in later."""
    office = Office(4)
    for _ in range(400):
        office.second(logins=1.0)
    for second in range(900):
        if second % 4 == 0:
            office.guess(second // 8)
        office.second(logins=1.0)
    assert office.accused
    sentences = {f.sentence for j in office.judgements for f in j.findings if f.hostile}
    assert any("got in within five minutes" in sentence for sentence in sentences)


def test_stuffing_below_one_in_thirty_seconds_stays_unseen() -> None:
    """What is lost, on purpose: twenty tries in ten minutes say nothing about a share."""
    office = Office(5)
    for second in range(1200):
        if second % 30 == 0:
            office.guess(second)
        office.second()
    assert not office.accused


def test_failures_from_everywhere_beyond_all_who_ever_log_in_like_that_tell_in_seconds() -> None:
    """Three known accounts a second, each once, while the owners log in from home as usual."""
    office = Office(2)
    for _ in range(660):
        office.second()
    for second in range(6):
        for index in range(3):
            office.guess(3 * second + index)
        office.second()
    assert office.accused
    finding = office.said(DETECTOR)
    assert finding is not None
    assert "log in like that usually" in finding.sentence


def test_offices_that_have_moved_and_mistype_are_not_accused() -> None:
    """Eighteen colleagues at four new addresses, whose passwords have all expired: they do not come from everywhere."""
    office = Office(3)
    for _ in range(660):
        office.second()
    for number in range(18):
        office.see(
            LOGIN, BAD, f"44.{number % 4}.2.3", account=f"user{number}", standing=ELDER, fingerprint=0xC0 + number % 9
        )  # fmt: skip
        if number % 3 == 2:
            office.second()
    assert not office.accused
