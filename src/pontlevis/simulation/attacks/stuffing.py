"""Passwords tried from lists."""

from collections.abc import Callable

from pontlevis.brain.observation import Kind, Outcome
from pontlevis.brain.vocabulary import Standing
from pontlevis.simulation.attacks.botnet import Botnet
from pontlevis.simulation.attacks.ledger import Party
from pontlevis.simulation.attacks.town import Town


class Stuffing:
    """Each try at another account: ``unknown`` of them exist nowhere, ``hits`` fit.

    ``solves``: whether challenges are solved, as dear as that is. ``own``: share of log-ins to accounts of the attacker's own, which succeed, so that failures look few.
    """

    def __init__(
        self,
        town: Town,
        botnet: Botnet,
        *,
        unknown: float = 0.5,
        hits: float = 0.01,
        own: float = 0.0,
        solves: bool = True,
    ) -> None:
        self._town = town
        self._botnet = botnet
        self._unknown = unknown
        self._hits = hits
        self._own = own
        self._solves = solves
        self._mine = [town.account() for _ in range(40)]

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
        town = self._town
        town.clock.poisson(town.rng, rate, self.one, start=start, stop=stop, rise_s=warm_up_s, level=level)

    def one(self) -> None:
        """One try; the standing told is that of the account tried."""
        rng = self._town.rng
        outcome, account, standing = (
            Outcome.BAD_CREDENTIAL,
            f"victim{rng.randrange(10**6)}",
            Standing.ESTABLISHED,
        )
        if rng.random() < self._own:
            outcome, account, standing = Outcome.OK, rng.choice(self._mine), Standing.NEW
        elif rng.random() < self._unknown:
            outcome, account, standing = (
                Outcome.UNKNOWN_USER,
                f"name:{rng.getrandbits(48):x}",
                Standing.ANONYMOUS,
            )
        elif rng.random() < self._hits:
            outcome = Outcome.OK
        self._town.see(
            Party.HOSTILE, Kind.LOGIN, outcome, self._botnet.address(), fingerprint=self._botnet.headers(),
            account=account, standing=standing, solves=self._solves,
        )  # fmt: skip
