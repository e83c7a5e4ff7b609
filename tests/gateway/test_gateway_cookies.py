"""Our tokens in Cookie headers: read as the controller reads them, in time that grows with the header and no faster."""

import sys

import pytest
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from pontlevis.gateway.cookies import SESSION_COOKIE, session_in
from pontlevis.web.security import SecurityMiddleware


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (b"pontlevis_session=ps-a_B-9", "ps-a_B-9"),
        (b"a=b; pontlevis_session=ps-1;c=d", "ps-1"),
        (b"pontlevis_session=ps-1; pontlevis_session=ps-2", "ps-2"),
        (b" pontlevis_session = ps-1 ", "ps-1"),
        (b"xpontlevis_session=ps-1", ""),
        (b"pontlevis_session=pl-1", ""),
        (b"pontlevis_session", ""),
        (b"a=pontlevis_session=ps-1", ""),
        (b"", ""),
    ],
)
def test_a_token_is_found_as_the_controller_finds_it(header: bytes, found: str) -> None:
    assert session_in(header) == found
    theirs = Request({"type": "http", "headers": [(b"cookie", header)]}).cookies.get(SESSION_COOKIE, "")
    assert found in ("", theirs)


ESCAPED = b'pontlevis_session="' + b'\\"' * 500 + b'"'


def test_no_parser_that_undoes_escapes_sees_what_a_stranger_sends() -> None:
    """Python's takes a second of CPU for one request of 31 KB (CVE-2024-7592), in which nobody is served."""
    called: list[str] = []

    def note(frame: object, event: str, argument: object) -> None:
        code = getattr(frame, "f_code", None)
        if code is not None and code.co_filename.endswith("http/cookies.py"):
            called.append(code.co_name)

    sys.setprofile(note)
    try:
        assert session_in(ESCAPED) == ""
    finally:
        sys.setprofile(None)
    assert called == []


async def test_the_pages_never_read_cookies_with_escapes() -> None:
    """Whatever stands beside them is read, on either listener."""
    seen: list[dict[str, str]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(Request(scope).cookies)

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        """Nobody listens."""

    scope: Scope = {
        "type": "http", "method": "GET", "path": "/", "headers": [(b"cookie", b"a=b;" + ESCAPED + b"; c=d"), (b"x", b"\\")],
    }  # fmt: skip
    await SecurityMiddleware(app)(scope, receive, send)
    assert seen == [{"a": "b", "c": "d"}]
    assert scope["headers"][1] == (b"x", b"\\")
