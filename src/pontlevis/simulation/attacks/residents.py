"""Existing users: people in sittings, heavy API users in bursts, and the noise that any address has."""

import math
from dataclasses import dataclass

from pontlevis.brain.observation import Kind, Observation, Outcome
from pontlevis.brain.vocabulary import Posture, Standing
from pontlevis.simulation.attacks.clock import START
from pontlevis.simulation.attacks.ledger import Party
from pontlevis.simulation.attacks.town import BYTES_PER_TOKEN, Town

HEAVY = 0.08
"""Share of accounts that call through the API, and ask for most."""
DAY_S = 86_400.0
BEFORE_S = 6 * 3600.0
"""What the brain has seen before a case begins, where it did not just start."""
SOLVES = 0.97
"""Chance that a challenge is solved with the first try: few have a page open from before it was asked for, or no JavaScript."""
BURSTS_BEFORE = 40
"""Of a heavy user in that time."""


@dataclass(slots=True)
class Resident:
    """One existing user."""

    account: str
    standing: Standing
    source: str
    browser: int
    sdk: int
    server: str
    """Where the API client runs."""


class Residents:
    """Those who have an account: one in five pays, one in six is recent."""

    def __init__(self, town: Town) -> None:
        self._town = town
        rng, people = town.rng, town.people
        self._phase = rng.uniform(0, DAY_S)
        self.all = []
        for _ in range(town.shape.residents):
            draw = rng.random()
            standing = (
                Standing.PAID if draw < 0.2 else Standing.RECENT if draw > 0.84 else Standing.ESTABLISHED
            )
            home = people.address()
            server = people.scattered() if rng.random() < 0.6 else home
            self.all.append(Resident(town.account(), standing, home, people.browser(), people.sdk(), server))
        self.heavy = self.all[: max(1, int(len(self.all) * HEAVY))]

    def begin(self) -> None:
        """From now on they use the service as on any day."""
        town, shape = self._town, self._town.shape
        for resident in self.all:
            # They were here yesterday.
            town.doors.known |= {resident.source, resident.server}
        clock, rng = town.clock, town.rng
        clock.poisson(rng, shape.sessions, lambda: self.sit(rng.choice(self.all)), level=self._day)
        clock.poisson(rng, shape.bursts, lambda: self.burst(rng.choice(self.heavy)))
        if shape.noise:
            clock.poisson(rng, shape.noise, self._noise)

    def yesterday(self) -> None:
        """Lets the brain have seen the last hours: most residents once or twice, heavy ones in their bursts."""
        town, rng = self._town, self._town.rng
        seen = [(rng.uniform(0, BEFORE_S), rng.choice(self.all), 1) for _ in range(2 * len(self.all))]
        seen += [
            (rng.uniform(0, BEFORE_S), who, int(rng.expovariate(1 / town.shape.burst_calls)) + 1)
            for who in self.heavy
            for _ in range(BURSTS_BEFORE)
        ]
        ticked = 0.0
        for since, who, calls in sorted(seen, key=lambda each: each[0]):
            while since - ticked >= 60.0:
                ticked += 60.0
                town.detection.tick(START - BEFORE_S + ticked, posture=Posture.NORMAL)
            # Merged into one observation, as the gateway merges what is alike.
            places = (
                [(who.server, who.sdk)] if calls > 1 else [(who.source, who.browser), (who.server, who.sdk)]
            )
            for source, fingerprint in places:
                tokens = sum(int(rng.lognormvariate(6.2, 1.0)) for _ in range(calls))
                town.detection.observe(
                    Observation(
                        at=START - BEFORE_S + since,
                        kind=Kind.REQUEST,
                        outcome=Outcome.OK,
                        source=source,
                        fingerprint=fingerprint,
                        account=who.account,
                        standing=who.standing.value,
                        count=calls,
                        tokens=tokens,
                        credential=f"key-{who.account}",
                        bytes=BYTES_PER_TOKEN * tokens,
                        in_flight=min(calls, 8),
                    )
                )

    def _day(self, since: float) -> float:
        """A diurnal cycle: at night a third of what the day has."""
        return 0.67 + 0.33 * math.sin(2 * math.pi * (since + self._phase) / DAY_S)

    def sit(self, who: Resident) -> None:
        """Somebody comes back: one in three must log in, one in twenty from where they never were."""
        town, rng = self._town, self._town.rng
        home = rng.random() > 0.05
        source = who.source if home else town.people.address()
        chats = min(15, int(rng.expovariate(1 / 3.0)) + 1)
        tries = 6

        def log_in() -> None:
            nonlocal tries
            tries -= 1
            draw = rng.random()
            wrong = draw < town.people.mistyped
            lost = draw < 0.02
            said = Outcome.UNKNOWN_USER if lost else Outcome.BAD_CREDENTIAL if wrong else Outcome.OK
            ended = town.see(
                Party.RESIDENT, Kind.LOGIN, said, source, fingerprint=who.browser, person=who.account,
                account=f"name:{who.account}" if lost else who.account,
                standing=Standing.ANONYMOUS if lost else who.standing, home=home, solves=rng.random() < SOLVES,
            )  # fmt: skip
            if ended is Outcome.OK:
                town.clock.at(rng.uniform(1, 6), chat)
            elif tries > 0:
                refused = ended is Outcome.REFUSED
                town.clock.at(rng.uniform(5, 30) if refused else rng.uniform(3, 12), log_in)

        def chat() -> None:
            nonlocal chats
            self.call(who, source, who.browser)
            chats -= 1
            if chats > 0:
                town.clock.at(3 + rng.expovariate(1 / 15), chat)

        if not home or rng.random() < 0.33:
            log_in()
        else:
            chat()

    def burst(self, who: Resident, calls: int = 0, pause_s: float = 0.35) -> None:
        """A heavy user's script; turned away, it backs off as the libraries do."""
        town, rng = self._town, self._town.rng
        left = calls or int(rng.expovariate(1 / town.shape.burst_calls)) + 1
        backoff = 0.5

        def call() -> None:
            nonlocal left, backoff
            ended = self.call(who, who.server, who.sdk)
            backoff = 0.5 if ended is Outcome.OK else min(8.0, 2 * backoff)
            left -= 1
            if left > 0:
                wait = pause_s if ended is Outcome.OK else backoff
                town.clock.at(wait * (0.3 + rng.expovariate(1 / 0.7)), call)

        call()

    def call(self, who: Resident, source: str, fingerprint: int, outcome: Outcome = Outcome.OK) -> Outcome:
        """One call with a good key or session."""
        tokens = int(self._town.rng.lognormvariate(6.2, 1.0))
        return self._town.see(
            Party.RESIDENT, Kind.REQUEST, outcome, source, fingerprint=fingerprint, account=who.account,
            standing=who.standing, tokens=tokens,
        )  # fmt: skip

    def broken_call(self, who: Resident, source: str) -> Outcome:
        """One call whose key arrives damaged: nobody can tell whose it was."""
        return self._town.see(
            Party.RESIDENT, Kind.REQUEST, Outcome.BAD_CREDENTIAL, source, fingerprint=who.sdk, person=who.account
        )  # fmt: skip

    def _noise(self) -> None:
        town, rng = self._town, self._town.rng
        bad = rng.random() < 0.4
        town.see(
            Party.NOISE, Kind.REQUEST, Outcome.BAD_CREDENTIAL if bad else Outcome.INVALID,
            town.people.scattered(), fingerprint=rng.getrandbits(32) | 1,
        )  # fmt: skip
