"""Accounts that were made before anybody watched, and a key that got into other hands."""

from pontlevis.brain.observation import Kind, Outcome
from pontlevis.brain.vocabulary import Standing
from pontlevis.simulation.attacks.botnet import Botnet
from pontlevis.simulation.attacks.ledger import Party
from pontlevis.simulation.attacks.residents import Resident
from pontlevis.simulation.attacks.town import Town


class Drain:
    """``accounts`` young accounts, each calling every ``every_s`` seconds for ``tokens``."""

    def __init__(self, town: Town, botnet: Botnet, *, accounts: int, every_s: float, tokens: int) -> None:
        self._town = town
        self._every = every_s
        self._tokens = tokens
        self._accounts = [(town.account(), botnet.address(), botnet.headers()) for _ in range(accounts)]

    def between(self, start: float, stop: float) -> None:
        """From ``start`` to ``stop``; each begins on its own, within one of its pauses."""
        town = self._town
        for account, source, fingerprint in self._accounts:
            delay = start - town.clock.since + town.rng.uniform(0, self._every)
            town.clock.at(delay, lambda a=account, s=source, f=fingerprint: self._call(a, s, f, stop))  # type: ignore[misc]

    def _call(self, account: str, source: str, fingerprint: int, stop: float) -> None:
        town = self._town
        if town.clock.since >= stop:
            return
        town.see(
            Party.HOSTILE, Kind.REQUEST, Outcome.OK, source, fingerprint=fingerprint, account=account,
            standing=Standing.NEW, tokens=int(self._tokens * town.rng.uniform(0.7, 1.3)),
        )  # fmt: skip
        wait = self._every * (0.3 + town.rng.expovariate(1 / 0.7))
        town.clock.at(wait, lambda: self._call(account, source, fingerprint, stop))


class LeakedKey:
    """An existing user's key, used from many places at once while its owner goes on."""

    def __init__(self, town: Town, victim: Resident, botnet: Botnet) -> None:
        self._town = town
        self._victim = victim
        self._botnet = botnet

    def between(self, start: float, stop: float, *, rate: float) -> None:
        """Calls at ``rate`` a second from ``start`` to ``stop``."""
        town = self._town
        town.clock.poisson(town.rng, rate, self.one, start=start, stop=stop)

    def one(self) -> None:
        """One call with the good key."""
        town = self._town
        town.see(
            Party.HOSTILE, Kind.REQUEST, Outcome.OK, self._botnet.address(), fingerprint=self._botnet.headers(),
            account=self._victim.account, standing=self._victim.standing, tokens=int(town.rng.lognormvariate(7.5, 0.5)),
        )  # fmt: skip


class SlowClients:
    """Connections that send or read a byte now and then, and come back when they are cut.

    What the brain is told of one that is cut is what the gateway tells.
    """

    def __init__(self, town: Town, botnet: Botnet, *, connections: int, cut_after_s: float) -> None:
        self._town = town
        self._botnet = botnet
        self._rate = connections / cut_after_s
        self._delay = cut_after_s

    def between(self, start: float, stop: float) -> None:
        """Holds them open from ``start`` to ``stop``; the first are cut ``cut_after_s`` later."""
        town = self._town
        town.clock.poisson(town.rng, self._rate, self.one, start=start + self._delay, stop=stop)

    def one(self) -> None:
        """One that is cut."""
        self._town.see(
            Party.HOSTILE,
            Kind.PAGE,
            Outcome.SLOW,
            self._botnet.address(),
            fingerprint=self._botnet.headers(),
        )
