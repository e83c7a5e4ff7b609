"""What honest people's browsers do by themselves when a page is opened, and people who only read."""

from collections.abc import Callable

from pontlevis.brain.observation import Kind, Outcome
from pontlevis.simulation.attacks.ledger import Party
from pontlevis.simulation.attacks.town import Town

CACHED = 0.06
"""Share of strangers' visits whose browser has everything from an earlier day: choice."""
BLOCKED = 0.03
"""Share whose browser loads neither style nor scripts: text browsers, blockers; choice."""
SLOWEST_S = 12.0
"""A first byte and a parser's time; on a bad line as long as that."""
FILES = (2, 5)
"""Style sheet, script, picture, font."""
FRONT, SECOND, STATUS = 0x0F0F0F0F, 0x0F0F0F10, 0x0F0F0F11
"""Paths, hashed: the front page, whatever is read after it, the status page."""
READS_ON = 0.3
"""Share of readers that open a second page."""


def delays(town: Town, cached: float = CACHED) -> list[float]:
    """Seconds after which a browser fetches what a page needs; none where it has everything or wants nothing."""
    rng = town.browsing
    if not town.assets or rng.random() < cached + BLOCKED:
        return []
    first = min(SLOWEST_S, 0.15 + rng.lognormvariate(-0.7, 0.9))
    found = [first]
    for _ in range(rng.randint(*FILES) - 1):
        found.append(found[-1] + rng.uniform(0.01, 0.3))
    return found


def load(town: Town, source: str, *, cached: float = CACHED) -> None:
    """A page was answered: what it needs follows within a second or two, of most."""
    for delay in delays(town, cached):
        town.clock.at(delay, lambda: town.fetch(source))


class Readers:
    """Honest people who come to read."""

    def __init__(self, town: Town) -> None:
        self._town = town

    def begin(self) -> None:
        """The usual ones."""
        town = self._town
        if town.shape.readers:
            town.clock.poisson(town.browsing, town.shape.readers, self.one)

    def crowd(
        self,
        start: float,
        stop: float,
        *,
        rate: float,
        rise_s: float = 6.0,
        one: Callable[[], None] | None = None,
    ) -> None:
        """So many more a second; ``one`` makes each of them."""
        town = self._town
        town.clock.poisson(town.browsing, rate, one or self.one, start=start, stop=stop, rise_s=rise_s)

    def one(
        self,
        *,
        cached: float = CACHED,
        target: int = FRONT,
        again_s: tuple[float, float] = (0.0, 0.0),
        times: int = 1,
    ) -> None:
        """Somebody opens a page, and perhaps a second one. ``again_s``: opens it again so often, after so long."""
        town, rng = self._town, self._town.browsing
        source, print_, person = town.people.reader(rng)
        left = times

        def opens(path: int) -> None:
            nonlocal left
            left -= 1
            ended = town.see(
                Party.NEWCOMER, Kind.PAGE, Outcome.OK, source, fingerprint=print_, person=person, target=path
            )
            if ended is Outcome.OK and left == times - 1:
                load(town, source, cached=cached)
            if left > 0:
                town.clock.at(rng.uniform(*again_s), lambda: opens(path))

        opens(target)
        if times == 1 and rng.random() < READS_ON:
            left += 1
            town.clock.at(rng.uniform(4, 40), lambda: opens(SECOND))
