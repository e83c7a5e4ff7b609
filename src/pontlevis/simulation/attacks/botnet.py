"""Where attackers come from and what they look like: rented servers, homes of others, borrowed headers."""

from enum import Enum

from pontlevis.simulation.attacks.town import Town


class Looks(Enum):
    """Header sets of an attacker."""

    FEW = "a few tools"
    RANDOM = "made up for each try"
    APP = "copied from the most common app"
    PEOPLE = "drawn as people's are"


class Origin(Enum):
    """Addresses of an attacker."""

    SERVERS = "rented servers"
    HOMES = "machines in households"
    PROXIES = "residential proxies, another address for each try"


class Botnet:
    """``size`` addresses; with proxies there is no end of them, some behind the same carriers as people's."""

    def __init__(
        self,
        town: Town,
        *,
        size: int = 0,
        origin: Origin = Origin.HOMES,
        looks: Looks = Looks.FEW,
        tools: int = 3,
    ) -> None:
        self._town = town
        self._looks = looks
        self._tools = [town.rng.getrandbits(32) | 1 for _ in range(tools)]
        people = town.people
        self._pool: list[str] = []
        if origin is Origin.SERVERS:
            self._pool = people.hosts(max(1, size))
        elif origin is Origin.HOMES:
            self._pool = [people.address() for _ in range(max(1, size))]

    def address(self) -> str:
        """From where the next try comes."""
        return self._town.rng.choice(self._pool) if self._pool else self._town.people.address()

    def headers(self) -> int:
        """The fingerprint of the next try."""
        looks, people = self._looks, self._town.people
        if looks is Looks.FEW:
            return self._town.rng.choice(self._tools)
        if looks is Looks.RANDOM:
            return self._town.rng.getrandbits(32) | 1
        return people.app if looks is Looks.APP else people.browser()
