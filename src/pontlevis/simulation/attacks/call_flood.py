"""Floods of calls that nobody will serve: made-up keys, or none."""

from collections.abc import Callable

from pontlevis.brain.observation import Kind, Outcome
from pontlevis.simulation.attacks.botnet import Botnet
from pontlevis.simulation.attacks.ledger import Party
from pontlevis.simulation.attacks.town import Town


class CallFlood:
    """Calls at a rate, ``made_up`` of them with a key that never was; the others bring none."""

    def __init__(self, town: Town, botnet: Botnet, *, made_up: float = 0.7) -> None:
        self._town = town
        self._botnet = botnet
        self._made_up = made_up

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
        """One call."""
        outcome = Outcome.BAD_CREDENTIAL if self._town.rng.random() < self._made_up else Outcome.INVALID
        self._town.see(
            Party.HOSTILE, Kind.REQUEST, outcome, self._botnet.address(), fingerprint=self._botnet.headers()
        )
