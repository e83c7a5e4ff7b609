"""Who is at the other end: client address, prefix, header fingerprint."""

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from zlib import crc32

Headers = list[tuple[bytes, bytes]]
"""Header fields as they came, names in lower case."""

# Fields that proxies add or that vary from one request of a client to the next say nothing about its software.
_NOT_FINGERPRINTED = frozenset(
    {
        b"content-length",
        b"cookie",
        b"authorization",
        b"x-forwarded-for",
        b"x-forwarded-proto",
        b"x-forwarded-host",
        b"x-real-ip",
        b"forwarded",
        b"via",
        b"referer",
        b"origin",
        b"if-none-match",
        b"if-modified-since",
        b"cache-control",
        b"pragma",
        b"traceparent",
        b"tracestate",
        b"x-request-id",
    }
)


class ClientAddresses:
    """Finds the client's address behind proxies that the operator trusts.

    Only addresses in ``trusted`` (addresses or prefixes) may speak for others: X-Forwarded-For is read
    from its right end, and the first address that is not a trusted proxy is the client. Raises
    ``ValueError`` for a prefix that is none.
    """

    def __init__(self, trusted: tuple[str, ...]) -> None:
        self._trusted = tuple(ip_network(each, strict=False) for each in trusted)

    def trusts(self, peer: str) -> bool:
        """Whether that address may speak for others."""
        return _within(peer, self._trusted)

    def find(self, peer: str, forwarded: bytes | None) -> str:
        """The client's address in its shortest text form; ``peer`` where nobody may speak for it."""
        if forwarded is None or not self._trusted or not _within(peer, self._trusted):
            return peer
        address = peer
        for part in reversed(forwarded.decode("latin-1").split(",")[-32:]):
            text = _plain(part.strip())
            if text is None:
                return address
            address = text
            if not _within(text, self._trusted):
                return address
        return address


def _within(address: str, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed.version == each.version and parsed in each for each in networks)


def _plain(text: str) -> str | None:
    """An address without port, brackets or IPv4 mapping; None where it is none."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        parsed = ip_address(text)
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return (
        str((parsed.scope_id and IPv6Address(int(parsed))) or parsed) if parsed.version == 6 else str(parsed)
    )


@lru_cache(maxsize=65_536)
def peer_address(host: str) -> str:
    """A socket's peer as text, IPv4-mapped addresses as IPv4."""
    return _plain(host) or host


@lru_cache(maxsize=65_536)
def counted_as(address: str) -> str:
    """What limits count an address as: itself, or its /64 in IPv6, which one customer usually holds.

    Source of the /64: RFC 6177 and BCP 157 on assignments to end sites.
    """
    if ":" not in address:
        return address
    try:
        return str(ip_network((address, 64), strict=False))
    except ValueError:
        return address


def fingerprinted(headers: Headers) -> bytes:
    """The header names that say which software wrote the request, in their order, one a line."""
    return b"\n".join([name for name, _ in headers if name not in _NOT_FINGERPRINTED])


def fingerprint(headers: Headers) -> int:
    """32 bits over the ordered header names: which software wrote the request, not who."""
    return crc32(fingerprinted(headers))
