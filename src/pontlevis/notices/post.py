"""Sends one body to one address, and to no other than was checked.

Against server-side request forgery (OWASP): https only, every address of the name must be public, the
connection goes to the very address that was checked (no second look-up that could answer otherwise),
redirects are not followed, proxies of the environment are not used, of the answer little is read.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

import httpx

from pontlevis.notices.policy import NoticePolicy

MOST_ANSWER_BYTES = 65_536
_NAT64 = ip_network("64:ff9b::/96")

Resolver = Callable[[str, int], Awaitable[list[str]]]


class Undelivered(Exception):
    """It was not taken. ``final`` where another try would end the same."""

    def __init__(self, reason: str, *, final: bool = False, gone: bool = False) -> None:
        super().__init__(reason[:200])
        self.final = final
        self.gone = gone
        """The receiver says that it wants no more (410)."""


async def system_resolver(host: str, port: int) -> list[str]:
    """Every address of the name. Raises ``OSError``."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(each[4][0]).partition("%")[0] for each in found]


def check_address(url: str, policy: NoticePolicy) -> str:
    """The address as it is kept. Raises ValueError with a reason for one that nothing is sent to."""
    if not url.isascii() or not url.isprintable() or len(url) > 500 or " " in url:
        raise ValueError("an address has at most 500 plain characters")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("this is no address") from None
    if parts.scheme != "https" and not (parts.scheme == "http" and policy.allow_http):
        raise ValueError("the address must begin with https://")
    if not host or parts.username is not None or parts.password is not None:
        raise ValueError("the address must name a host, and nobody's name or password")
    if port is not None and not 1 <= port <= 65_535:
        raise ValueError("this is no port")
    try:
        literal = ip_address(host)
    except ValueError:
        literal = None
    if literal is not None and not is_allowed(literal, policy):
        raise ValueError("the address is not public")
    return parts._replace(fragment="").geturl()


def is_allowed(address: IPv4Address | IPv6Address, policy: NoticePolicy) -> bool:
    """Whether it is public, looked at from inside as well: an IPv4 address within an IPv6 one must be, too."""
    if any(address in ip_network(each, strict=False) for each in policy.allow_networks):
        return True
    inner: IPv4Address | None = None
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is None and address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
    public = address.is_global or inner is not None
    if inner is not None and not is_allowed(inner, policy):
        return False
    return public and not address.is_multicast and not address.is_reserved


class Poster:
    """HTTP for notices and alerts. One client, kept for no connection: receivers are many and rarely called."""

    def __init__(self, policy: NoticePolicy, resolver: Resolver = system_resolver) -> None:
        self._policy = policy
        self._resolver = resolver

    async def to_stranger(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """For addresses that anybody may name. The answer's status; raises ``Undelivered``."""
        try:
            async with asyncio.timeout(self._policy.timeout_s):
                return await self._pinned(check_address(url, self._policy), body, headers)
        except ValueError as error:
            raise Undelivered(str(error), final=True) from None
        except TimeoutError:
            raise Undelivered("no answer in time") from None

    async def to_own(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """For addresses from the settings, which may lead into the operator's own network."""
        try:
            async with asyncio.timeout(self._policy.timeout_s):
                return await self._send(url, body, dict(headers), {})
        except TimeoutError:
            raise Undelivered("no answer in time") from None

    async def _pinned(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        try:
            found = await self._resolver(host, port)
        except OSError:
            raise Undelivered("the name has no address") from None
        addresses = [ip_address(each) for each in found]
        if not addresses:
            raise Undelivered("the name has no address")
        if not all(is_allowed(each, self._policy) for each in addresses):
            raise Undelivered("the name leads to an address that is not public")
        chosen = next((each for each in addresses if each.version == 4), addresses[0])
        literal = f"[{chosen}]" if chosen.version == 6 else str(chosen)
        pinned = parts._replace(netloc=f"{literal}:{port}").geturl()
        extensions: dict[str, object] = {"sni_hostname": host} if parts.scheme == "https" else {}
        return await self._send(pinned, body, {**headers, "host": parts.netloc}, extensions)

    async def _send(
        self, url: str, body: bytes, headers: dict[str, str], extensions: dict[str, object]
    ) -> int:
        fields = {"content-type": "application/json", "user-agent": "Pontlevis", **headers}
        try:
            async with (
                httpx.AsyncClient(
                    timeout=self._policy.timeout_s, follow_redirects=False, trust_env=False
                ) as client,
                client.stream("POST", url, content=body, headers=fields, extensions=extensions) as answer,
            ):
                read = 0
                async for chunk in answer.aiter_raw():
                    read += len(chunk)
                    if read > MOST_ANSWER_BYTES:
                        break
                status = answer.status_code
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise Undelivered(f"{type(error).__name__}") from None
        if not 200 <= status < 300:
            raise Undelivered(f"the receiver answered {status}", gone=status == 410)
        return status
