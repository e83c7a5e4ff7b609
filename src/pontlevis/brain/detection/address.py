"""Addresses as sources: their prefixes, and which of them no measure may ever name."""

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address, ip_network

LOOPBACK = frozenset({"127.0.0.1", "::1"})
"""Ourselves and whatever runs beside us."""


_HEX = "(?:0|[1-9a-f][0-9a-f]{0,3})"
_HALF = re.compile(f"([1-9a-f][0-9a-f]{{0,3}}:{_HEX}:{_HEX}:{_HEX}):(?::|{_HEX})(?::?{_HEX}){{0,4}}")
"""An IPv6 address as RFC 5952 writes it, where its first half is written out."""


def prefix_of(source: str) -> str:
    """The /24 or /48 of an address; a word that is not an address is its own prefix."""
    if ":" in source:
        return _prefix6(source, 48)
    head, dot, last = source.rpartition(".")
    return head + ".0/24" if dot and last.isdigit() else source


@lru_cache(maxsize=4096)
def _prefix6(source: str, length: int) -> str:
    bare = source.removesuffix("/64")
    half = _HALF.fullmatch(bare)
    if half is not None:
        # Four to five times as quick as through ``ipaddress``, and most addresses look like this.
        groups = half[1].split(":")[: length // 16]
        while groups[-1] == "0":
            groups.pop()
        return f"{':'.join(groups)}::/{length}"
    try:
        return str(ip_network((bare, length), strict=False))
    except ValueError:
        return source


def measurable(source: str) -> tuple[str, str] | None:
    """Scope and value under which a measure may name a source; None for what is not an address.

    An IPv6 host owns its /64 (RFC 6177), so that is what is named; ``source`` may be one already.
    """
    if "%" in source:
        return None  # a link-local address with its interface means another host on every machine
    try:
        address = ip_address(source.removesuffix("/64"))
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return ("address", source) if "/" not in source else None
    return "prefix", _prefix6(source, 64)


def place_of(source: str) -> str:
    """What a measure against this source would hit: the address itself, or an IPv6 host's /64."""
    return _prefix6(source, 64) if ":" in source else source


class Protected:
    """Addresses and prefixes that no measure may name: ourselves, trusted proxies, an operator's list.

    Raises ValueError for an entry that is neither an address nor a prefix.
    """

    __slots__ = ("_networks", "_places")

    def __init__(self, entries: frozenset[str]) -> None:
        single = LOOPBACK | {entry for entry in entries if "/" not in entry}
        for entry in single:
            ip_address(entry)
        self._places = {place_of(entry) for entry in single}
        self._networks: list[IPv4Network | IPv6Network] = [
            ip_network(entry, strict=False)
            for entry in [*sorted(self._places), *sorted(entries)]
            if "/" in entry or entry in self._places
        ]

    def __contains__(self, source: str) -> bool:
        """Whether a measure against the address ``source`` would hit anything protected."""
        place = place_of(source)
        return place in self._places or self.within(place)

    def within(self, prefix: str) -> bool:
        """Whether a measure against an address or a prefix would hit anything protected."""
        hit = ip_network(prefix)
        return any(_overlap(network, hit) for network in self._networks)


def _overlap(one: IPv4Network | IPv6Network, other: IPv4Network | IPv6Network) -> bool:
    if isinstance(one, IPv4Network):
        return isinstance(other, IPv4Network) and one.overlaps(other)
    return isinstance(other, IPv6Network) and one.overlaps(other)
