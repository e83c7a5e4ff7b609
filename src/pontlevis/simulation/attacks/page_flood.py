"""Floods of pages, from tools and from headless browsers."""

from pontlevis.brain.observation import Kind, Outcome
from pontlevis.simulation.attacks.botnet import Botnet
from pontlevis.simulation.attacks.browsing import FRONT, delays
from pontlevis.simulation.attacks.ledger import Party
from pontlevis.simulation.attacks.town import Town


class PageFlood:
    """Pages at a rate; ``paths`` of them in turn. ``new_names``: each with parameters that nobody used before.
    ``loads``: with all that they need, as a headless browser does."""

    def __init__(
        self, town: Town, botnet: Botnet, *, paths: int = 1, new_names: bool = False, loads: bool = False
    ) -> None:
        self._town = town
        self._botnet = botnet
        self._paths = paths
        self._new_names = new_names
        self._loads = loads

    def between(self, start: float, stop: float, *, rate: float) -> None:
        """From ``start`` to ``stop``."""
        self._town.clock.poisson(self._town.rng, rate, self.one, start=start, stop=stop)

    def one(self) -> None:
        """One page."""
        town, rng = self._town, self._town.rng
        source = self._botnet.address()
        ended = town.see(
            Party.HOSTILE, Kind.PAGE, Outcome.OK, source, fingerprint=self._botnet.headers(),
            target=FRONT + rng.randrange(self._paths), parameters=rng.getrandbits(32) | 1 if self._new_names else 0,
        )  # fmt: skip
        if self._loads and ended is Outcome.OK:
            for delay in delays(town, cached=0.0):
                town.clock.at(delay, lambda: town.fetch(source))
