"""Addresses as sources: their prefixes, and which of them no measure may ever name."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address, ip_network

LOOPBACK = frozenset({"127.0.0.1", "::1"})
"""Ourselves and whatever runs beside us."""


def prefix_of(source: str) -> str:
    """The /24 or /48 of an address; a word that is not an address is its own prefix."""
    if ":" in source:
        return _prefix6(source, 48)
    head, dot, last = source.rpartition(".")
    return head + ".0/24" if dot and last.isdigit() else source


@lru_cache(maxsize=4096)
def _prefix6(source: str, length: int) -> str:
    try:
        return str(ip_network((source, length), strict=False))
    except ValueError:
        return source


def measurable(source: str) -> tuple[str, str] | None:
    """Scope and value under which a measure may name a source; None for what is not an address.

    An IPv6 host owns its /64 (RFC 6177), so that is what is named.
    """
    if "%" in source:
        return None  # a link-local address with its interface means another host on every machine
    try:
        address = ip_address(source)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return "address", source
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
            ip_network(entry, strict=False) for entry in sorted(entries) if "/" in entry
        ]

    def __contains__(self, source: str) -> bool:
        """Whether a measure against the address ``source`` would hit anything protected."""
        place = place_of(source)
        if place in self._places:
            return True
        hit = ip_network(place)
        return any(_overlap(network, hit) for network in self._networks)


def _overlap(one: IPv4Network | IPv6Network, other: IPv4Network | IPv6Network) -> bool:
    if isinstance(one, IPv4Network):
        return isinstance(other, IPv4Network) and one.overlaps(other)
    return isinstance(other, IPv6Network) and one.overlaps(other)
