"""People, crowds and attackers in virtual time, for the scenarios of detection.

Synthetic: no labelled record of a sign-up flood or of credential stuffing is public. A crowd's
fingerprints follow a skewed distribution with a leader at 25 to 35 %, its mail domains one with 40
to 60 %, its addresses are scattered.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from pontlevis.brain.detection.detection import Detection
from pontlevis.brain.detection.judgement import Judgement
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.observation import BandSample, Kind, Observation, Outcome, ServiceSample
from pontlevis.brain.posture.machine import PostureMachine
from pontlevis.brain.posture.policy import PosturePolicy
from pontlevis.brain.posture.state import Transition
from pontlevis.brain.vocabulary import Posture, RegistrationMode, Standing

START = 1_740_000_000.0
BATCH_S = 0.25
COMMON = ("outlook.com", "yahoo.com", "icloud.com", "hotmail.com", "proton.me")


@dataclass
class Played:
    """What a scenario came to."""

    judgements: list[Judgement] = field(default_factory=list)
    transitions: list[Transition] = field(default_factory=list)
    observations: int = 0

    def first_finding(self, since: float) -> float | None:
        """Seconds from ``since`` to the first hostile finding."""
        at = next((each.at for each in self.judgements if each.hostile), None)
        return None if at is None else at - since

    def first(self, posture: Posture, since: float) -> float | None:
        """Seconds from ``since`` to that posture."""
        at = next((each.at for each in self.transitions if each.after.posture is posture), None)
        return None if at is None else at - since

    @property
    def suspended(self) -> bool:
        return any(each.after.registration is RegistrationMode.SUSPENDED for each in self.transitions)

    @property
    def measured(self) -> set[str]:
        return {measure.value for each in self.judgements for measure in each.measures}


class Town:
    """A virtual clock, who acts on it, and the brain that watches."""

    def __init__(
        self,
        seed: int,
        *,
        detection: DetectionPolicy | None = None,
        posture: PosturePolicy | None = None,
        protected: frozenset[str] = frozenset(),
    ) -> None:
        self.rng = random.Random(seed)
        self.now = START
        self.detection = Detection(detection or DetectionPolicy(), protected)
        self.machine = PostureMachine(posture or PosturePolicy())
        self.bans: dict[str, float] = {}
        self.played = Played()
        self.full = 0.0
        """Share of newcomers' calls that a full service turns away."""
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._batch: list[Observation] = []
        self._accounts = count()
        self._prints = self._draw_prints()
        self._gmail = self.rng.uniform(0.40, 0.60)
        self.existing_sources: list[str] = []
        self.honest: set[str] = set()
        """Addresses and accounts of everybody who means well."""

    # The clock

    def at(self, delay: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (self.now + delay, next(self._order), act))

    def run(self, seconds: float) -> Played:
        """Plays on for so long: acts, a batch every quarter of a second, a tick each second."""
        end = self.now + seconds
        while self.now < end - 1e-9:
            stop = self.now + BATCH_S
            while self._queue and self._queue[0][0] < stop:
                self.now, _, act = heapq.heappop(self._queue)
                act()
            self.now = stop
            for observation in self._batch:
                self.detection.observe(observation)
            self.played.observations += len(self._batch)
            self._batch.clear()
            if abs(self.now - round(self.now)) < 1e-6:
                self._tick()
        return self.played

    def _tick(self) -> None:
        judgement = self.detection.tick(self.now, posture=self.machine.state.posture)
        self.played.judgements.append(judgement)
        for measure in judgement.measures:
            self.bans[measure.value] = self.now + measure.duration_s
        self.played.transitions += self.machine.tick(self.now, judgement)

    def see(
        self,
        kind: Kind,
        outcome: Outcome,
        source: str,
        *,
        fingerprint: int = 0,
        account: str = "",
        standing: Standing = Standing.ANONYMOUS,
        domain: str = "",
        tokens: int = 0,
    ) -> Outcome:
        """One act, as the gateway would report it: a source under a decision is refused."""
        if self.bans.get(source, 0.0) > self.now or self.bans.get(account, 0.0) > self.now:
            outcome = Outcome.REFUSED
        self._batch.append(
            Observation(
                self.now, kind, outcome, source, fingerprint, account, standing.value, domain, 1, tokens
            )
        )
        return outcome

    def poisson(
        self,
        rate: float,
        act: Callable[[], None],
        *,
        start: float = 0.0,
        stop: float = float("inf"),
        rise_s: float = 0.0,
    ) -> None:
        """Acts at ``rate`` a second between two times since START, rising linearly at first."""
        rng = self.rng

        def again() -> None:
            since = self.now - START - start
            if since + start >= stop:
                return
            if since >= rise_s or rng.random() < (since + 0.5) / (rise_s + 0.5):
                act()
            self.at(rng.expovariate(rate), again)

        self.at(max(0.0, start - (self.now - START)) + rng.expovariate(rate), again)

    # People

    def _draw_prints(self) -> list[float]:
        lead = self.rng.uniform(0.25, 0.35)
        tail = [1 / (rank + 1.5) for rank in range(39)]
        scale = (1 - lead) / sum(tail)
        return [lead, *(share * scale for share in tail)]

    def browser(self) -> int:
        """A fingerprint as crowds have them."""
        return 0xB0000000 + self.rng.choices(range(40), self._prints)[0]

    def address(self) -> str:
        """A scattered address."""
        rng = self.rng
        return f"{rng.randint(11, 126)}.{rng.randint(0, 255)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}"

    def domain(self) -> str:
        """A mail domain as crowds have them."""
        draw = self.rng.random()
        if draw < self._gmail:
            return "gmail.com"
        if draw < self._gmail + 0.22:
            return self.rng.choice(COMMON)
        return f"company{int(self.rng.paretovariate(0.6)) % 5000}.example"

    def account(self) -> str:
        return f"acct{next(self._accounts):08d}"

    def calm(self, *, users: int = 60, requests: float = 4.0, signups: float = 0.2) -> None:
        """A small honest service."""
        people = []
        for index in range(users):
            source = f"10.9.{index // 250}.{index % 250 + 1}"
            standing = Standing.PAID if index % 5 == 0 else Standing.ESTABLISHED
            people.append((source, 0xC0000000 + index % 7, self.account(), standing))
        self.existing_sources = [source for source, *_ in people]
        self.honest.update(self.existing_sources)

        def call() -> None:
            source, fingerprint, account, standing = self.rng.choice(people)
            tokens = int(self.rng.lognormvariate(6.2, 1.0))
            self.see(
                Kind.REQUEST,
                Outcome.OK,
                source,
                fingerprint=fingerprint,
                account=account,
                standing=standing,
                tokens=tokens,
            )

        def login() -> None:
            source, fingerprint, account, standing = self.rng.choice(people)
            failed = self.rng.random() < 0.08
            outcome = Outcome.BAD_CREDENTIAL if failed else Outcome.OK
            self.see(Kind.LOGIN, outcome, source, fingerprint=fingerprint, account=account, standing=standing)

        self.poisson(requests, call)
        self.poisson(0.3, login)
        self.poisson(signups, self.newcomer)

    def crowd(self, start: float, stop: float, *, times: float, usual: float = 0.2) -> None:
        """A viral surge of honest sign-ups, over a few seconds of rise."""
        self.poisson(times * usual, self.newcomer, start=start, stop=stop, rise_s=6.0)

    def newcomer(
        self,
        *,
        source: str = "",
        fingerprint: int = 0,
        domain: str = "",
        calls: int = 0,
        pause_s: float = 14.0,
    ) -> None:
        """Signs up, logs in, chats a little, reads. ``calls`` and ``pause_s`` are for who does more.

        Turned away by a full service, they try again in a few seconds, up to ten times.
        """
        source = source or self.address()
        fingerprint = fingerprint or self.browser()
        domain = domain or self.domain()
        account = self.account()
        self.honest |= {source, account}
        rng = self.rng
        self.see(Kind.PAGE, Outcome.OK, source, fingerprint=fingerprint)
        retries = 10
        chats = calls or min(12, int(rng.expovariate(1 / 2.5)) + 1)

        def sign_up() -> None:
            mode, share = self.machine.state.registration, self.machine.state.registration_share
            suspended = mode is RegistrationMode.SUSPENDED or rng.random() >= share
            if rng.random() < 0.06 and not suspended:
                self.see(Kind.SIGNUP, Outcome.INVALID, source, fingerprint=fingerprint, domain=domain)
                self.at(rng.uniform(4, 15), sign_up)
                return
            outcome = Outcome.REFUSED if suspended else Outcome.OK
            self.see(
                Kind.SIGNUP,
                outcome,
                source,
                fingerprint=fingerprint,
                domain=domain,
                account="" if suspended else account,
            )
            if not suspended:
                self.at(rng.uniform(1, 6), log_in)

        def log_in() -> None:
            draw = rng.random()
            if draw < 0.13:
                wrong = Outcome.UNKNOWN_USER if draw < 0.03 else Outcome.BAD_CREDENTIAL
                tried = "" if wrong is Outcome.UNKNOWN_USER else account
                self.see(Kind.LOGIN, wrong, source, fingerprint=fingerprint, account=tried, domain=domain)
                self.at(rng.uniform(3, 12), log_in)
                return
            self.see(
                Kind.LOGIN,
                Outcome.OK,
                source,
                fingerprint=fingerprint,
                account=account,
                standing=Standing.NEW,
                domain=domain,
            )
            self.at(rng.uniform(2, 10), chat)

        def chat() -> None:
            nonlocal chats, retries
            tokens = int(rng.lognormvariate(6.0, 1.0))
            full = rng.random() < self.full
            self.see(
                Kind.REQUEST,
                Outcome.REFUSED if full else Outcome.OK,
                source,
                fingerprint=fingerprint,
                account=account,
                standing=Standing.NEW,
                tokens=tokens,
            )
            if full and retries > 0:
                retries -= 1
                self.at(rng.uniform(1.0, 4.0), chat)
                return
            chats -= 1
            if chats > 0:
                self.at(pause_s * (0.3 + rng.expovariate(1 / 0.9)), chat)

        self.at(rng.uniform(1, 8), sign_up)

    # Attackers

    def fleet(self, size: int) -> list[str]:
        """Addresses of a botnet."""
        return [self.address() for _ in range(size)]

    def bot_signups(
        self,
        start: float,
        stop: float,
        *,
        rate: float,
        fingerprints: int = 3,
        sources: int = 300,
        domains: str = "gmail",
        drain: bool = True,
    ) -> None:
        """A sign-up flood whose accounts drain tokens at once."""
        fleet = self.fleet(sources)
        rng = self.rng

        def sign_up() -> None:
            source, fingerprint, account = (
                rng.choice(fleet),
                0xBAD00000 + rng.randrange(fingerprints),
                self.account(),
            )
            domain = {
                "gmail": "gmail.com",
                "few": f"drop{rng.randrange(2)}.example",
                "random": f"{rng.randrange(10**9)}.example",
            }[domains]
            mode, share = self.machine.state.registration, self.machine.state.registration_share
            suspended = mode is RegistrationMode.SUSPENDED or rng.random() >= share
            outcome = self.see(
                Kind.SIGNUP,
                Outcome.REFUSED if suspended else Outcome.OK,
                source,
                fingerprint=fingerprint,
                domain=domain,
                account="" if suspended else account,
            )
            if outcome is Outcome.OK and drain:
                self.at(rng.uniform(0.3, 1.5), lambda: self._drain(source, fingerprint, account, stop))

        self.poisson(rate, sign_up, start=start, stop=stop)

    def _drain(self, source: str, fingerprint: int, account: str, stop: float) -> None:
        if self.now - START >= stop:
            return
        self.see(
            Kind.REQUEST,
            Outcome.OK,
            source,
            fingerprint=fingerprint,
            account=account,
            standing=Standing.NEW,
            tokens=2200,
        )
        self.at(self.rng.uniform(0.8, 2.0), lambda: self._drain(source, fingerprint, account, stop))

    def stuffing(
        self,
        start: float,
        stop: float,
        *,
        rate: float,
        sources: int = 400,
        fingerprints: int = 4,
        unknown: float = 0.5,
        hits: float = 0.02,
    ) -> None:
        """Lists of passwords tried from many addresses."""
        fleet = self.fleet(sources)
        rng = self.rng

        def guess() -> None:
            source, fingerprint = rng.choice(fleet), 0xBAD10000 + rng.randrange(fingerprints)
            draw = rng.random()
            victim = f"victim{rng.randrange(10**6)}"
            # What the service reports is the standing of the account that was tried.
            standing = Standing.ESTABLISHED
            if draw < hits:
                outcome = Outcome.OK
            elif draw < hits + unknown:
                outcome, victim = Outcome.UNKNOWN_USER, f"nobody{rng.randrange(10**6)}"
                standing = Standing.ANONYMOUS
            else:
                outcome = Outcome.BAD_CREDENTIAL
            self.see(Kind.LOGIN, outcome, source, fingerprint=fingerprint, account=victim, standing=standing)

        self.poisson(rate, guess, start=start, stop=stop)

    def flood(
        self,
        start: float,
        stop: float,
        *,
        rate: float,
        sources: int = 500,
        fingerprints: int = 3,
        made_up: float = 0.7,
    ) -> None:
        """Calls with made-up keys, or none, from rotating addresses."""
        fleet = self.fleet(sources)
        rng = self.rng

        def call() -> None:
            bad = rng.random() < made_up
            self.see(
                Kind.REQUEST,
                Outcome.BAD_CREDENTIAL if bad else Outcome.REFUSED,
                rng.choice(fleet),
                fingerprint=0xBAD20000 + rng.randrange(fingerprints),
                tokens=900,
            )

        self.poisson(rate, call, start=start, stop=stop)

    def served_badly(self, at: float, *, wait_s: float = 3.0) -> None:
        """One sample in which existing users wait."""
        band = BandSample(Standing.ESTABLISHED.value, 5, 5, 0, 0, 3, 2, wait_s, wait_s + 1, 500)
        self.detection.sample(ServiceSample(at, 1.0, [band]))
