"""Honest people who sign up: alone, in a crowd, from one house, after a campaign."""

from collections.abc import Callable

from pontlevis.brain.observation import Kind, Outcome
from pontlevis.brain.vocabulary import Standing
from pontlevis.simulation.attacks.browsing import CACHED, FRONT, load
from pontlevis.simulation.attacks.ledger import Party
from pontlevis.simulation.attacks.town import Town

DEVELOPERS = 0.06
"""Sign up in a browser, make a key and run a script at once."""
SOLVES = 0.97
"""Chance that a challenge, where one is asked for, is solved."""
FIRST_LOOK_S = (2.0, 25.0)
"""From the first page to the sign-up."""
GIVES_UP = 0.45
"""Chance to leave for good after having been turned away."""


class Newcomers:
    """Makes them; each is on their own from then on."""

    def __init__(self, town: Town) -> None:
        self._town = town

    def begin(self) -> None:
        """The usual trickle."""
        town = self._town
        if town.shape.signups:
            town.clock.poisson(town.rng, town.shape.signups, self.one)

    def crowd(
        self,
        start: float,
        stop: float,
        *,
        times: float,
        rise_s: float = 6.0,
        one: Callable[[], None] | None = None,
    ) -> None:
        """A surge of so many times the usual sign-ups; ``one`` makes each of them."""
        town = self._town
        rate = times * max(town.shape.signups, 0.05)
        town.clock.poisson(town.rng, rate, one or self.one, start=start, stop=stop, rise_s=rise_s)

    def one(
        self,
        *,
        source: str = "",
        fingerprint: int = 0,
        domain: str = "",
        chats: int = 0,
        pause_s: float = 14.0,
        script: bool = False,
        cached: float = CACHED,
    ) -> None:
        """Somebody opens the page, signs up, logs in, chats, reads; or gives up on the way.

        ``script``: it is an API client that calls, so many ``chats`` times with so short pauses.
        """
        Newcomer(self._town, source, fingerprint, domain, chats, pause_s, script=script).arrive(cached)

    def back(self) -> None:
        """Somebody who signed up long ago, and never called, comes back to chat."""
        Newcomer(self._town, "", 0, "", 0, 14.0, script=False).chat()


class Newcomer:
    """One of them."""

    __slots__ = (
        "_account",
        "_backoff",
        "_chats",
        "_domain",
        "_pause",
        "_print",
        "_script",
        "_source",
        "_town",
    )

    def __init__(
        self,
        town: Town,
        source: str,
        fingerprint: int,
        domain: str,
        chats: int,
        pause_s: float,
        *,
        script: bool,
    ) -> None:
        people, rng = town.people, town.rng
        self._town = town
        self._source = source or people.address()
        self._print = fingerprint or people.browser()
        self._domain = domain or people.domain()
        self._account = town.account()
        developer = not chats and rng.random() < DEVELOPERS
        self._script = people.sdk() if developer or script else 0
        self._pause = 0.8 if developer else pause_s
        self._chats = chats or (
            rng.randint(10, 50) if developer else min(12, int(rng.expovariate(1 / 2.5)) + 1)
        )
        self._backoff = 1.0

    def arrive(self, cached: float) -> None:
        """Looks at the page first; ``cached``: the chance to have what it needs from another day."""
        if self._see(Kind.PAGE, Outcome.OK, target=FRONT) is Outcome.OK:
            load(self._town, self._source, cached=cached)
        self._town.clock.at(self._town.rng.uniform(*FIRST_LOOK_S), self._sign_up)

    def _see(
        self, kind: Kind, outcome: Outcome, account: str = "", domain: str = "", target: int = 0
    ) -> Outcome:
        mine = kind is Kind.LOGIN and account == self._account
        return self._town.see(
            Party.NEWCOMER,
            kind,
            outcome,
            self._source,
            fingerprint=self._print,
            person=self._account,
            account=account,
            standing=Standing.NEW if mine else Standing.ANONYMOUS,
            domain=domain,
            solves=self._town.rng.random() < SOLVES,
            target=target,
        )

    def _sign_up(self) -> None:
        rng, clock = self._town.rng, self._town.clock
        wrong = rng.random() < 0.06
        said = Outcome.INVALID if wrong else Outcome.OK
        ended = self._see(Kind.SIGNUP, said, account=self._account, domain=self._domain)
        if ended is Outcome.OK:
            clock.at(rng.uniform(1, 8), self._log_in)
        elif ended is Outcome.INVALID:
            clock.at(rng.uniform(4, 15), self._sign_up)
        elif rng.random() > GIVES_UP:
            clock.at(rng.uniform(8, 90), self._sign_up)

    def _log_in(self) -> None:
        rng, clock, people = self._town.rng, self._town.clock, self._town.people
        draw = rng.random()
        lost = draw < 0.02
        wrong = draw < 0.02 + people.mistyped
        said = Outcome.UNKNOWN_USER if lost else Outcome.BAD_CREDENTIAL if wrong else Outcome.OK
        account = f"name:{self._account}" if lost else self._account
        ended = self._see(Kind.LOGIN, said, account=account, domain=self._domain)
        if ended is Outcome.OK:
            clock.at(rng.uniform(3, 30) + (12 if self._script else 0), self.chat)
        elif ended is not Outcome.REFUSED or rng.random() > GIVES_UP / 2:
            clock.at(rng.uniform(3, 14) if ended is not Outcome.REFUSED else rng.uniform(6, 40), self._log_in)

    def chat(self) -> None:
        """One call, and the next ones after a while."""
        town, rng = self._town, self._town.rng
        ended = town.see(
            Party.NEWCOMER, Kind.REQUEST, Outcome.OK, self._source, fingerprint=self._script or self._print,
            person=self._account, account=self._account, standing=Standing.NEW, tokens=int(rng.lognormvariate(6.0, 1.0)),
        )  # fmt: skip
        if ended is Outcome.OK:
            self._backoff = 1.0
            self._chats -= 1
            wait = self._pause * (0.3 + rng.expovariate(1 / 0.9))
        else:
            self._backoff = min(30.0, 2 * self._backoff)
            wait = self._backoff * rng.uniform(0.5, 1.5)
            if rng.random() < 0.15:
                return
        if self._chats > 0:
            town.clock.at(wait, self.chat)
