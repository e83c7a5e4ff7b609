"""Dialogues about accounts that sleep, and that wake up together."""

from __future__ import annotations

import random

import pytest
from detection_dialogue import Dialogue
from hypothesis import given, settings
from hypothesis import strategies as st

from pontlevis.brain.detection.cohorts import Cohorts, Tally
from pontlevis.brain.detection.finding import DetectorName
from pontlevis.brain.detection.statistics import share_at_most
from pontlevis.brain.observation import Kind
from pontlevis.brain.vocabulary import Standing, Verdict

DETECTOR = DetectorName.SLEEPER_ACCOUNTS
SIGNUP, LOGIN, REQUEST = Kind.SIGNUP, Kind.LOGIN, Kind.REQUEST
DOMAINS = ("gmail.com", "gmail.com", "outlook.com", "firm{}.example")
STEP_S = 10


class Village(Dialogue):
    """A service with people who sign up, and mostly come back."""

    def __init__(self, seed: int, *, used: float = 0.6) -> None:
        super().__init__()
        self.rng = random.Random(seed)
        self.used = used
        self.later: list[tuple[float, str, str, int]] = []
        self.number = 0

    def person(self, *, use: float | None = None, domain: str = "", source: str = "", client: int = 0) -> str:
        """Signs up, logs in; used later with the usual chance."""
        self.number += 1
        rng, account = self.rng, f"p{self.number}"
        source, client = source or self.fresh(), client or 1 + min(8, int(rng.expovariate(0.5)))
        domain = domain or rng.choice(DOMAINS).format(self.number)
        self.see(SIGNUP, source=source, fingerprint=client, domain=domain, account=account)
        if rng.random() < 0.9:
            self.see(LOGIN, source=source, fingerprint=client, account=account, standing=Standing.NEW)
        if rng.random() < (self.used if use is None else use):
            self.later.append((self.now + rng.uniform(20, 400), account, source, client))
        return account

    def live(self, seconds: float, *, every: float = 60.0) -> None:
        """Goes on for so long; somebody signs up every so many seconds."""
        end = self.now + seconds
        while self.now < end:
            if self.rng.random() < STEP_S / every:
                self.person()
            self.step()

    def step(self) -> None:
        """Ten seconds pass."""
        due = [each for each in self.later if each[0] <= self.now]
        self.later = [each for each in self.later if each[0] > self.now]
        for _, account, source, client in due:
            self.see(
                REQUEST, source=source, fingerprint=client, account=account, standing=Standing.NEW, tokens=300
            )
        self.served([1, 2])
        self.tick(STEP_S)

    @property
    def accused(self) -> bool:
        return any(each.hostile for judgement in self.judgements for each in judgement.findings)


def bot(village: Village, number: int, *, client: int, domain: str) -> None:
    village.see(SIGNUP, source=village.fresh(), fingerprint=client, domain=domain, account=f"bot{number}")


@pytest.mark.parametrize("seed", range(1, 3))
def test_the_index_flood_is_found_while_it_goes_on(seed: int) -> None:
    """207 accounts in four hours at one throwaway domain, never used; people sign up meanwhile."""
    village = Village(seed)
    village.live(2 * 3600)
    began = village.now
    for number in range(207):
        bot(village, number, client=0xBAD, domain="drop.example")
        for _ in range(7):
            if village.rng.random() < 0.15:
                village.person()
            village.step()
    found = next(
        each.at
        for each in village.judgements
        if any(f.hostile and f.detector is DETECTOR for f in each.findings)
    )
    assert found - began <= 3600
    finding = next(f for f in village.judgements[-1].findings if f.detector is DETECTOR)
    assert finding.hostile
    assert finding.figures["used"] == 0
    assert "0 % were ever used (usual" in finding.sentence
    assert 0xBAD in finding.fingerprints
    assert village.judgements[-1].verdict is Verdict.ATTACK


@pytest.mark.parametrize("seed", range(1, 3))
def test_a_cluster_of_one_client_at_large_providers_is_told_from_the_people_beside_it(seed: int) -> None:
    """Scattered addresses at gmail.com: what they share is the client, and that nobody comes back."""
    village = Village(seed)
    village.live(3 * 3600)
    for number in range(240):
        bot(village, number, client=0xBAD, domain="gmail.com")
        if number % 4 == 0:
            village.person()
        village.step()
    finding = village.said(DETECTOR)
    assert finding is not None
    assert finding.hostile
    assert finding.fingerprints == (0xBAD,)
    assert "of fingerprint 00000bad made 10 to 60 minutes ago 0 % were ever used" in finding.sentence


@pytest.mark.parametrize("seed", range(1, 3))
def test_bots_with_many_clients_at_large_providers_show_as_a_surge_that_nobody_of_came_back(
    seed: int,
) -> None:
    """Nothing is alike; that there are so many, and none of them even logged in, tells."""
    village = Village(seed)
    village.live(3 * 3600)
    for number in range(600):
        bot(village, number, client=1 + number % 12, domain=DOMAINS[number % 3])
        if number % 4 == 0:
            village.person()
        if number % 2:
            village.step()
    finding = village.said(DETECTOR)
    assert finding is not None
    assert finding.hostile
    assert finding.fingerprints == ()
    assert "ever logged in (usual" in finding.sentence


def test_a_service_of_which_the_mail_is_late_is_not_accused_for_its_crowd() -> None:
    """Nobody of a surge gets as far as a call, but people try to log in."""
    village = Village(7)
    village.live(3 * 3600)
    for _ in range(240):
        village.person(use=0)
        village.person(use=0)
        village.step()
    finding = village.said(DETECTOR)
    assert finding is not None
    assert not village.accused


def test_people_who_do_not_come_back_at_once_are_not_accused() -> None:
    """A calm service of which two in five never use their account."""
    for seed in range(2):
        village = Village(seed, used=0.6)
        village.live(3 * 3600, every=25)
        assert not village.accused
        assert village.said(DETECTOR) is None


@pytest.mark.parametrize("seed", range(2))
def test_a_crowd_that_is_curious_and_comes_back_half_as_often_is_not_accused(seed: int) -> None:
    """Forty times the usual for half an hour; 45 % use the service where 60 % usually do."""
    village = Village(seed)
    village.live(3600)
    for _ in range(180):
        for _ in range(6):
            village.person(use=0.45)
        village.step()
    village.live(3600)
    assert not village.accused


def test_a_class_that_signs_up_for_tomorrow_is_one_house() -> None:
    """Forty pupils, one school, one sort of computer; and they all wake up at the same hour."""
    village = Village(1)
    village.live(2 * 3600)
    pupils = []
    for number in range(40):
        account = village.person(use=0, domain="school.example", source=f"198.51.100.{number % 30}", client=7)
        pupils.append(account)
        village.step()
    village.live(1200)
    finding = village.said(DETECTOR)
    assert finding is None or "one house would explain that" in finding.sentence
    village.live(3 * 3600)
    for number, account in enumerate(pupils):
        village.see(
            REQUEST, source=f"198.51.100.{number % 30}", fingerprint=7, account=account, standing=Standing.NEW
        )
        village.step()
    assert not village.accused
    assert not any(each.measures for each in village.judgements)


def test_a_browser_for_which_our_page_is_broken_accuses_nobody() -> None:
    """As many sign-ups with it as ever, and none of them gets any further."""
    village = Village(3)
    village.live(3 * 3600, every=30)
    for step in range(900):
        if step % 3 == 0:
            client = 1 + min(8, int(village.rng.expovariate(0.5)))
            village.person(use=0.0 if client == 1 else None, client=client)
        village.step()
    assert not village.accused


def test_sleepers_that_wake_up_together_are_a_sign_of_their_own() -> None:
    """Made within the hour, asleep for hours, then used by one client from many places."""
    village = Village(2)
    village.live(3600)
    for number in range(60):
        village.see(
            SIGNUP,
            source=village.fresh(),
            fingerprint=1 + number % 9,
            domain="gmail.com",
            account=f"bot{number}",
        )
        village.step()
    village.live(5 * 3600)
    before = len(village.judgements)
    for number in range(60):
        village.see(
            REQUEST, source=village.fresh(), fingerprint=0xBAD, account=f"bot{number}", standing=Standing.NEW,
            tokens=4000,
        )  # fmt: skip
        if number % 2:
            village.step()
    finding = village.said(DETECTOR)
    assert finding is not None
    assert finding.hostile
    assert "accounts more than an hour old were used for the first time within 10 min" in finding.sentence
    named = {measure.value for each in village.judgements[before:] for measure in each.measures}
    assert named
    assert all(value.startswith("bot") for value in named)


def test_people_whom_a_newsletter_wakes_are_not_accused() -> None:
    """Many old accounts at once, as diverse as people, made over the whole day."""
    village = Village(4)
    people = []
    for _ in range(90):
        people.append(village.person(use=0))
        for _ in range(30):
            village.step()
    for account in people:
        client = 1 + min(8, int(village.rng.expovariate(0.5)))
        village.see(
            REQUEST,
            source=village.fresh(),
            fingerprint=client,
            account=account,
            standing=Standing.NEW,
            tokens=300,
        )
        village.step() if village.rng.random() < 0.4 else None
    finding = village.said(DETECTOR)
    assert finding is None or not finding.hostile
    assert not village.accused


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("mul"), st.integers(0, 40), st.integers(0, 900)), max_size=200))
def test_a_cohort_never_counts_more_used_than_made(acts: list[tuple[str, int, int]]) -> None:
    """Whatever comes in which order, with a ledger far too small."""
    cohorts = Cohorts(8)
    now = 1_740_000_000.0
    for word, number, later in acts:
        now += later
        account = f"a{number}"
        if word == "m":
            cohorts.made(account, now, number % 3, f"d{number % 4}", f"p{number % 7}")
        elif word == "u":
            cohorts.used(account, now, "s", "p", 1)
        else:
            cohorts.logged_in(account)
        cohorts.age(now, learn=True)
        whole = Tally()
        between, _ = cohorts.between(now, 86_400, 600)
        for tally in (*between.values(), *(tally for _, tally in cohorts.lately(now))):
            assert 0 <= tally.used <= tally.made
            assert 0 <= tally.logged_in <= tally.made
            whole.add(tally)
        assert len(cohorts.asleep) <= 8
        assert 0.2 <= cohorts.used_share <= 0.95


@given(st.integers(1, 3000), st.floats(0, 1))
def test_the_upper_bound_of_a_share_is_above_it_and_falls_with_more_acts(whole: int, part: float) -> None:
    """A bound that is no bound would accuse."""
    count = round(part * whole)
    bound = share_at_most(count, whole)
    assert count / whole <= bound + 0.011
    assert bound <= 1.0
    assert share_at_most(10 * count, 10 * whole) <= bound + 0.011
