"""Bots that make accounts, and what they do with them."""

from collections.abc import Callable
from enum import Enum

from pontlevis.brain.observation import Kind, Outcome
from pontlevis.brain.vocabulary import Standing
from pontlevis.simulation.attacks.botnet import Botnet
from pontlevis.simulation.attacks.ledger import Party
from pontlevis.simulation.attacks.town import Town

SOLVES = 0.3
"""Challenges that bots solve in time: hash rate costs them, people's machines do it once."""


class Then(Enum):
    """What becomes of an account that a bot made."""

    SLEEP = "sleeps"
    DRAIN = "drains tokens at once"
    PEOPLE = "is used as people do"


class Mail(Enum):
    """Addresses that bots sign up with."""

    GMAIL = "at gmail"
    PEOPLE = "spread as people's are"
    FEW = "at two domains of their own"
    RANDOM = "each at another domain"


class SignUpFlood:
    """Sign-ups at a rate; turned away, one in two tries again from elsewhere, as people do."""

    def __init__(
        self,
        town: Town,
        botnet: Botnet,
        *,
        mail: Mail = Mail.GMAIL,
        then: Then = Then.DRAIN,
        tokens: int = 2200,
    ) -> None:
        self._town = town
        self._botnet = botnet
        self._mail = mail
        self._then = then
        self._tokens = tokens
        self._drops = [f"drop{town.rng.randrange(10**6)}.example" for _ in range(2)]

    def between(
        self,
        start: float,
        stop: float,
        *,
        rate: float,
        warm_up_s: float = 0.0,
        level: Callable[[float], float] | None = None,
    ) -> None:
        """From ``start`` to ``stop``, rising to ``rate`` a second over ``warm_up_s``."""
        self._stop = stop
        town = self._town
        town.clock.poisson(town.rng, rate, self.one, start=start, stop=stop, rise_s=warm_up_s, level=level)

    def one(self) -> None:
        """One account."""
        self._sign_up(self._botnet.headers(), self._address_of_mail(), tries=3)

    def _address_of_mail(self) -> str:
        rng = self._town.rng
        if self._mail is Mail.GMAIL:
            return "gmail.com"
        if self._mail is Mail.PEOPLE:
            return self._town.people.domain()
        return rng.choice(self._drops) if self._mail is Mail.FEW else f"{rng.getrandbits(40):x}.example"

    def _sign_up(self, fingerprint: int, domain: str, tries: int) -> None:
        town, rng = self._town, self._town.rng
        source, account = self._botnet.address(), town.account()
        ended = town.see(
            Party.HOSTILE, Kind.SIGNUP, Outcome.OK, source, fingerprint=fingerprint, account=account, domain=domain,
            solves=rng.random() < SOLVES,
        )  # fmt: skip
        if ended is Outcome.OK:
            if self._then is Then.DRAIN:
                town.clock.at(
                    rng.uniform(0.5, 4), lambda: self._call(account, source, fingerprint, 10**6, 1.2)
                )
            elif self._then is Then.PEOPLE:
                town.clock.at(rng.uniform(3, 30), lambda: self._log_in(account, source, fingerprint))
        elif tries > 1 and rng.random() < 0.5:
            town.clock.at(rng.uniform(8, 60), lambda: self._sign_up(fingerprint, domain, tries - 1))

    def _log_in(self, account: str, source: str, fingerprint: int) -> None:
        town, rng = self._town, self._town.rng
        ended = town.see(
            Party.HOSTILE, Kind.LOGIN, Outcome.OK, source, fingerprint=fingerprint, account=account, standing=Standing.NEW
        )  # fmt: skip
        if ended is Outcome.OK:
            chats = rng.randint(1, 4)
            town.clock.at(rng.uniform(3, 20), lambda: self._call(account, source, fingerprint, chats, 14.0))

    def _call(self, account: str, source: str, fingerprint: int, left: int, pause_s: float) -> None:
        town = self._town
        if town.clock.since >= self._stop or left <= 0:
            return
        tokens = self._tokens if self._then is Then.DRAIN else int(town.rng.lognormvariate(6.0, 1.0))
        town.see(
            Party.HOSTILE, Kind.REQUEST, Outcome.OK, source, fingerprint=fingerprint, account=account,
            standing=Standing.NEW, tokens=tokens,
        )  # fmt: skip
        wait = pause_s * (0.3 + town.rng.expovariate(1 / 0.8))
        town.clock.at(wait, lambda: self._call(account, source, fingerprint, left - 1, pause_s))
