"""What honest people look like from a door: browsers with a long tail, mailboxes, shared addresses.

The shares are drawn anew for each town, within what is reported of real ones.
"""

import random
from bisect import bisect
from itertools import accumulate

MAILBOXES = ("outlook.com", "yahoo.com", "icloud.com", "hotmail.com", "proton.me", "gmx.de", "qq.com", "163.com", "web.de", "orange.fr")  # fmt: skip
KINDS = 400
"""Different ordered header sets among browsers; a leader, then a Zipf tail."""
SINGULAR = 0.03
"""Share whose header set nobody else has: extensions, company proxies."""
SDKS = (0.45, 0.2, 0.1, 0.07, 0.05, 0.04, 0.03, 0.02, 0.02, 0.01, 0.01)
"""API clients: a few libraries, with most at one."""


class People:
    """Draws header sets, mail domains and addresses as people have them."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        lead = rng.uniform(0.22, 0.35)
        tail = [1 / (rank + 1.5) for rank in range(KINDS - 1)]
        scale = (1 - lead) / sum(tail)
        self._browsers = list(accumulate([lead, *(share * scale for share in tail)]))
        self._sdks = list(accumulate(SDKS))
        self._gmail = rng.uniform(0.38, 0.60)
        self._mailboxes = rng.uniform(0.15, 0.28)
        self.mistyped = rng.uniform(0.05, 0.20)
        """Share of log-ins with a wrong password: services report 5 to 20 %."""
        self.carriers = [self._in(net) for net in self._nets(40) for _ in range(50)]
        """Addresses of mobile carriers, hundreds of people behind each: one botnet of 500 sits behind one in
        twenty of them."""
        self.houses = [self.scattered() for _ in range(600)]
        """Addresses of offices and universities."""
        self.exits = [self._in(net) for net in self._nets(20) for _ in range(10)]
        """Addresses of VPN providers, in data centres."""

        self._shared = {*self.carriers, *self.houses, *self.exits}

    @property
    def app(self) -> int:
        """The most common header set."""
        return 0xB0000000

    def reader(self, rng: random.Random) -> tuple[str, int, str]:
        """Address, header set and name of somebody who only reads, drawn with another chance than everybody else,
        so that readers change nothing of what others do."""
        mine, self._rng = self._rng, rng
        try:
            return self.address(), self.browser(), f"reader{rng.getrandbits(64):x}"
        finally:
            self._rng = mine

    def browser(self) -> int:
        """An ordered header set, hashed."""
        draw = self._rng.random()
        if draw < SINGULAR:
            return self._rng.getrandbits(32) | 1
        return 0xB0000000 + bisect(self._browsers, (draw - SINGULAR) / (1 - SINGULAR) * 0.999_999)

    def sdk(self) -> int:
        """The same of an API client."""
        return 0xC0000000 + bisect(self._sdks, self._rng.random() * 0.999_999)

    def domain(self) -> str:
        """A mail domain."""
        draw = self._rng.random()
        if draw < self._gmail:
            return "gmail.com"
        if draw < self._gmail + self._mailboxes:
            return self._rng.choice(MAILBOXES)
        return f"company{int(self._rng.paretovariate(0.6)) % 5000}.example"

    def address(self) -> str:
        """An address: most at home, a fifth behind a carrier, others in houses, IPv6 and VPN exits."""
        draw = self._rng.random()
        if draw < 0.58:
            return self.scattered()
        if draw < 0.78:
            return self._rng.choice(self.carriers)
        if draw < 0.86:
            return self._rng.choice(self.houses)
        if draw < 0.97:
            rng = self._rng
            return f"2a0{rng.randrange(1, 9)}:{rng.randrange(65536):x}:{rng.randrange(65536):x}:{rng.randrange(256):x}::{rng.randrange(1, 65536):x}"
        return self._rng.choice(self.exits)

    def shared(self, name: str) -> bool:
        """Whether many people sit behind this address, or behind this prefix of more than one host."""
        return name in self._shared or ("/" in name and not name.endswith("/64"))

    def scattered(self) -> str:
        """An address of a household."""
        return self._in(self._net())

    def _nets(self, count: int) -> list[str]:
        return [self._net() for _ in range(count)]

    def _net(self) -> str:
        rng = self._rng
        return f"{rng.randint(11, 126)}.{rng.randint(0, 255)}.{rng.randint(0, 255)}"

    def _in(self, net: str) -> str:
        return f"{net}.{self._rng.randint(1, 254)}"

    def hosts(self, count: int) -> list[str]:
        """Rented servers: up to two hundred in each /24."""
        found: list[str] = []
        while len(found) < count:
            net = self._net()
            lasts = self._rng.sample(range(1, 255), min(200, count - len(found)))
            found += [f"{net}.{last}" for last in lasts]
        return found
