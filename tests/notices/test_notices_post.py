"""Signatures, waits, and the addresses that nothing is sent to."""

import base64
from datetime import UTC, datetime
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from receiver import receiver
from standardwebhooks.webhooks import Webhook

from pontlevis.notices.backoff import wait_s
from pontlevis.notices.policy import NoticePolicy
from pontlevis.notices.post import Poster, Undelivered, check_address, is_allowed
from pontlevis.notices.signing import new_secret, signed_headers

STRICT = NoticePolicy()
LOOPBACK = NoticePolicy(allow_networks=("127.0.0.0/8",), allow_http=True)
SECRET = new_secret(bytes(range(32)))


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3))
def test_the_reference_verifier_takes_our_signatures(data: dict[str, str]) -> None:
    """Standard Webhooks' own library, from the very headers that are sent."""
    import json

    body = json.dumps(data).encode()
    now = datetime.now(UTC).timestamp()
    headers = signed_headers(SECRET, "msg_1", now, body)
    assert Webhook(SECRET).verify(body, headers) == data
    other = new_secret(base64.b64decode("A" * 43 + "="))
    assert signed_headers(other, "msg_1", now, body) != headers


@given(st.integers(1, 200), st.floats(0, 1))
def test_a_wait_doubles_within_its_bounds(tries: int, draw: float) -> None:
    """Between half and all of it, never longer than the longest."""
    wait = wait_s(tries, first_s=10, longest_s=3_600, draw=draw)
    assert min(3_600, 10 * 2.0 ** (tries - 1)) / 2 <= wait <= 3_600


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.2.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::1", "2001:db8::1",
    ],
)  # fmt: skip
def test_no_address_that_is_not_public(address: str) -> None:
    """Nor one that hides within another."""
    assert not is_allowed(ip_address(address), STRICT)
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(ValueError, match="not public"):
        check_address(f"https://{host}/hook", STRICT)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/", "ftp://example.com/", "https://", "https://a:b@example.com/", "//example.com",
        "https://exa mple.com/", "https://example.com:99999/", "https://example.com/\n", "https://exämple.com/",
        "https://example.com/" + "x" * 500, "javascript:alert(1)", "",
    ],
)  # fmt: skip
def test_no_address_that_is_none(url: str) -> None:
    """With a reason, before it is kept."""
    with pytest.raises(ValueError, match=r"address|port"):
        check_address(url, STRICT)


async def test_a_name_that_leads_inside_is_refused_when_it_is_looked_up() -> None:
    """All its addresses count, so that one public among them opens nothing; nothing is sent."""
    for found in (["127.0.0.1"], ["93.184.216.34", "10.0.0.1"], ["::1"], []):

        async def resolver(host: str, port: int, found: list[str] = found) -> list[str]:
            return found

        with pytest.raises(Undelivered, match=r"not public|no address"):
            await Poster(STRICT, resolver).to_stranger("https://example.com/hook", b"{}", {})


async def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    """The name is looked up once; a second answer would never be asked for. The Host header keeps the name."""
    asked: list[str] = []

    async def resolver(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    async with receiver() as there:
        status = await Poster(LOOPBACK, resolver).to_stranger(
            f"http://hooks.example.com:{there.port}/hook?x=1", b"{}", {"a": "b"}
        )
    assert (status, asked) == (200, ["hooks.example.com"])
    (call,) = there.calls
    assert (call.path, call.headers["host"]) == ("/hook?x=1", f"hooks.example.com:{there.port}")


async def test_redirects_are_not_followed() -> None:
    """They could lead anywhere."""
    async with receiver() as there, receiver() as elsewhere:
        there.answers = [f"302 Found\r\nlocation: {elsewhere.url}/\r\n"]
        with pytest.raises(Undelivered, match="answered 302"):
            await Poster(LOOPBACK).to_stranger(there.url, b"{}", {})
    assert elsewhere.calls == []
