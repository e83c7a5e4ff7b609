"""Client addresses and fingerprints."""

import pytest

from pontlevis.brain.places import PLACES
from pontlevis.gateway.pages import KnownSources
from pontlevis.gateway.request import Request
from pontlevis.gateway.source import ClientAddresses, counted_as, fingerprint, peer_address


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "found"),
    [
        ((), "9.9.9.9", b"1.2.3.4", "9.9.9.9"),
        (("10.0.0.0/8",), "9.9.9.9", b"1.2.3.4", "9.9.9.9"),
        (("10.0.0.0/8",), "10.0.0.1", None, "10.0.0.1"),
        (("10.0.0.0/8",), "10.0.0.1", b"1.2.3.4", "1.2.3.4"),
        (("10.0.0.0/8",), "10.0.0.1", b"6.6.6.6, 1.2.3.4", "1.2.3.4"),
        (("10.0.0.0/8",), "10.0.0.1", b"6.6.6.6, 1.2.3.4, 10.0.0.2", "1.2.3.4"),
        (("10.0.0.0/8",), "10.0.0.1", b"1.2.3.4:5678", "1.2.3.4"),
        (("10.0.0.0/8",), "10.0.0.1", b"[2001:db8::1]:443", "2001:db8::1"),
        (("10.0.0.0/8",), "10.0.0.1", b"::ffff:1.2.3.4", "1.2.3.4"),
        (("10.0.0.0/8",), "10.0.0.1", b"junk", "10.0.0.1"),
        (("10.0.0.0/8",), "10.0.0.1", b"1.2.3.4, junk", "10.0.0.1"),
        (("10.0.0.0/8",), "10.0.0.1", b"\xff\x00", "10.0.0.1"),
        (("10.0.0.0/8",), "10.0.0.1", b"," * 10_000, "10.0.0.1"),
    ],
)
def test_only_trusted_proxies_speak_for_others(
    trusted: tuple[str, ...], peer: str, forwarded: bytes | None, found: str
) -> None:
    """The first address from the right that is not a trusted proxy is the client; junk ends the search."""
    assert ClientAddresses(trusted).find(peer, forwarded) == found


def test_one_customer_of_ipv6_counts_once() -> None:
    """Addresses of one /64 are counted as one source, IPv4 addresses each for itself."""
    assert counted_as("2001:db8:1:2::1") == counted_as("2001:db8:1:2:ffff::9")
    assert counted_as("2001:db8:1:2::1") != counted_as("2001:db8:1:3::1")
    assert counted_as("192.0.2.1") == "192.0.2.1"
    assert peer_address("::ffff:192.0.2.1") == "192.0.2.1"


def test_a_fingerprint_says_which_program_and_not_who() -> None:
    """Names and their order count; values, cookies and what proxies add do not."""
    chrome = [(b"host", b"a"), (b"user-agent", b"x"), (b"accept", b"*/*")]
    other_values = [
        (b"host", b"b"),
        (b"cookie", b"s=1"),
        (b"user-agent", b"y"),
        (b"x-forwarded-for", b"1"),
        (b"accept", b"t"),
    ]
    other_order = [(b"host", b"a"), (b"accept", b"*/*"), (b"user-agent", b"x")]
    assert fingerprint(chrome) == fingerprint(other_values)
    assert fingerprint(chrome) != fingerprint(other_order)


def test_one_account_makes_few_places_known() -> None:
    """Or with one key from a hundred thousand /64s somebody would put everybody else's out of the table, and let a flood of
    log-ins past the strangers' ration."""
    known = KnownSources(most=100)
    for number in range(1_000):
        known.add(f"2001:db8:{number:x}::/64", "mallory", 1.0)
    known.add("192.0.2.1", "ada", 1.0)
    assert sum(f"2001:db8:{number:x}::/64" in known for number in range(1_000)) == PLACES
    assert "192.0.2.1" in known
    known.add("2001:db8:0::/64", "ada", 2.0)  # known already: costs nothing
    assert [f"198.51.100.{number}" for number in range(PLACES + 5) if _added(known, number)] == [
        f"198.51.100.{number}" for number in range(PLACES - 1)
    ]


def _added(known: KnownSources, number: int) -> bool:
    known.add(f"198.51.100.{number}", "ada", 3.0)
    return f"198.51.100.{number}" in known


def test_a_proxy_may_write_a_line_of_its_own() -> None:
    """As HAProxy does, below the client's: read alone, the first line is whatever the client wants to be, so that it could
    have others banned and never be found itself."""
    request = Request()
    request.headers = [
        (b"x-forwarded-for", b"192.0.2.66, 192.0.2.67"), (b"host", b"a"), (b"x-forwarded-for", b"198.51.100.1"),
    ]  # fmt: skip
    forwarded = request.joined(b"x-forwarded-for")
    assert ClientAddresses(("10.0.0.0/8",)).find("10.0.0.1", forwarded) == "198.51.100.1"
    assert Request().joined(b"x-forwarded-for") is None
