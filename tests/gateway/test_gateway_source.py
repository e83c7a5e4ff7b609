"""Client addresses and fingerprints."""

import pytest

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
