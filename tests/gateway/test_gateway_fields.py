"""Header fields on their way between client and engine."""

import pytest

from pontlevis.gateway.answers import REASONS
from pontlevis.gateway.fields import answer_head, end_to_end, framing


@pytest.mark.parametrize(
    ("connection", "kept"),
    [
        ([], [b"x-a", b"x-b"]),
        ([b"keep-alive"], [b"x-a", b"x-b"]),
        ([b"close, X-A"], [b"x-b"]),
        ([b"x-a", b" X-B "], []),
    ],
)
def test_fields_that_are_meant_for_the_next_hop_stay_here(connection: list[bytes], kept: list[bytes]) -> None:
    """Those that Connection names (RFC 9110, 7.6.1), and it itself."""
    headers = [(b"x-a", b"1"), *((b"connection", each) for each in connection), (b"x-b", b"2")]
    sent = answer_head(200, b"", end_to_end(headers), b"", 0, False, False)
    assert [line.partition(b":")[0] for line in sent.split(b"\r\n")[1:-2]] == [*kept, b"content-length"]


def test_what_one_hop_says_to_the_next_is_not_passed_on() -> None:
    """Nor cookies, limits and organisation of the operator's own account at an engine."""
    hops = (b"connection", b"keep-alive", b"proxy-authenticate", b"trailer", b"transfer-encoding", b"upgrade", b"set-cookie",
            b"x-ratelimit-limit-tokens", b"openai-organization")  # fmt: skip
    sent = answer_head(200, b"", [(each, b"1") for each in hops], b"", None, True, False)
    assert sent == b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


def test_an_answer_s_end_shows_by_its_length_or_its_chunks() -> None:
    """Without either it ends with its connection."""
    assert framing([(b"content-type", b"Text/Event-Stream; charset=utf-8")]) == (True, None, False, False)
    assert framing([(b"content-length", b"12")]) == (False, 12, True, False)
    assert framing([(b"transfer-encoding", b"chunked")]) == (False, None, True, False)
    assert framing([(b"connection", b"close, x-a")]) == (False, None, False, True)


@pytest.mark.parametrize(("status", "words"), [(200, b"OK"), (201, b"Created"), (204, b"No Content"), (303, b"See Other"), (409, b"Conflict"), (413, b"Content Too Large"), (421, b"Misdirected Request"), (503, b"Service Unavailable")])  # fmt: skip
def test_a_status_is_said_in_its_own_words(status: int, words: bytes) -> None:
    """Also those that only the pages behind the gateway give."""
    assert REASONS[status] == words
