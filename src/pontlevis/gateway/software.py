"""Which software wrote a request: its fingerprint, with the name by which it goes."""

from collections.abc import Callable
from zlib import crc32

from pontlevis.brain.agent import BARE, BROWSERS, MOST_READ, OTHER, AgentNames, family, product
from pontlevis.brain.fingerprint import Fingerprint
from pontlevis.gateway.source import Headers, fingerprinted

MOST_KNOWN = 16_384
"""Heads remembered; beyond it all are forgotten and learnt anew."""
LONGEST_KNOWN = 768
"""Bytes of header names in a head that is remembered: a browser's take some 250. With ``MOST_READ`` for the User-Agent it
bounds the table at 17 MB, whatever is sent; longer heads are read each time."""


class Software:
    """Reads heads; one that came before costs two looks into a table.

    ``names`` says whether User-Agents are noted, ``names_per_min`` how many different ones; ``monotonic``
    gives seconds.
    """

    def __init__(self, names: bool, names_per_min: int, monotonic: Callable[[], float]) -> None:
        self._names = AgentNames(names_per_min) if names else None
        self._monotonic = monotonic
        self._known: dict[tuple[bytes, bytes], Fingerprint] = {}

    def of(self, headers: Headers) -> Fingerprint:
        """The fingerprint of a request's head."""
        order = fingerprinted(headers)
        agent = b""
        for name, value in headers:
            if name == b"user-agent":
                agent = value[:MOST_READ]
                break
        known = self._known.get((order, agent))
        return known if known is not None else self._learn(order, agent)

    def _learn(self, order: bytes, agent: bytes) -> Fingerprint:
        if self._names is None:
            made, whole = Fingerprint(crc32(order)), True
        else:
            name = product(agent.decode("latin-1"))
            if family(name) in BROWSERS and b"accept-language" not in order.split(b"\n"):
                name += BARE
            now = self._monotonic()
            if self._names.begin(now):
                # Or the names of all minutes together would be noted in one.
                self._known.clear()
            kept = self._names.take(name, now)
            made = Fingerprint(crc32(order), kept)
            whole = kept == name or kept == OTHER == name
        if whole and len(order) <= LONGEST_KNOWN:  # one that found no room may find some in the next minute
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[order, agent] = made
        return made
