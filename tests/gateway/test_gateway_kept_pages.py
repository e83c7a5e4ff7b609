"""Status pages from the gateway's memory: for everybody the same, fresh for a second, kept while the controller is away."""

from dataclasses import dataclass, field

import pytest

from pontlevis.gateway.kept_pages import AWAY_S, MOST_PAGE_BYTES, MOST_PAGES, REFRESH_S, Keeping, KeptPages
from pontlevis.gateway.request import Request

PUBLIC = [(b"content-type", b"text/html"), (b"cache-control", b"public, max-age=1"), (b"date", b"then")]


@dataclass
class Reader:
    """What a connection would have written."""

    bodies: list[bytes] = field(default_factory=list)
    fields: bytes = b""

    def answer_as(self, status: int, body: bytes, fields: bytes) -> None:
        assert status == 200
        self.bodies.append(body)
        self.fields = fields


def asked(target: bytes = b"/status", method: str = "GET", **headers: bytes) -> Request:
    request = Request()
    request.target, request.method = target, method
    request.headers = [(name.replace("_", "-").encode(), value) for name, value in headers.items()]
    return request


def stored(
    pages: KeptPages, request: Request, body: bytes = b"page", now: float = 0.0
) -> tuple[bytes, bytes]:
    key = pages.key_of(request)
    assert key is not None
    keeping = Keeping(key)
    keeping.begins(200, PUBLIC)
    keeping.data(body)
    pages.keep(keeping, now)
    return key


@pytest.mark.parametrize(
    "request_",
    [
        asked(b"/status?lang=fr"), asked(b"/account"), asked(b"/status", "POST"), asked(cookie=b"lang=fr"),
        asked(authorization=b"Bearer x"), asked(range=b"bytes=0-1"), asked(b"/status/history"),
    ],
)  # fmt: skip
def test_what_is_not_the_same_for_everybody_is_not_kept(request_: Request) -> None:
    """Another path, a query, a cookie, a credential."""
    assert KeptPages.key_of(request_) is None


def test_a_flood_of_readers_costs_one_fetch_a_second() -> None:
    """While one fetches, the others get what is kept; one that hangs is not waited for."""
    pages, reader = KeptPages(), Reader()
    key = stored(pages, asked())
    assert pages.answer(key, reader, 0.9)  # type: ignore[arg-type]
    assert not pages.answer(key, reader, 1.0)  # type: ignore[arg-type]
    for _ in range(1_000):
        assert pages.answer(key, reader, 1.1)  # type: ignore[arg-type]
    assert not pages.answer(key, reader, 1.1 + REFRESH_S)  # type: ignore[arg-type]
    assert len(reader.bodies) == 1_001
    assert b"content-type: text/html\r\n" in reader.fields
    assert b"date" not in reader.fields
    stored(pages, asked(), b"new", 40.0)
    assert pages.answer(key, reader, 40.5)  # type: ignore[arg-type]
    assert reader.bodies[-1] == b"new"


def test_each_language_has_its_own() -> None:
    """Documents are the same in all."""
    pages = KeptPages()
    assert pages.key_of(asked(accept_language=b"fr")) != pages.key_of(asked(accept_language=b"en"))
    summary = b"/api/v2/summary.json"
    assert pages.key_of(asked(summary, accept_language=b"fr")) == pages.key_of(asked(summary))


def test_while_the_controller_is_away_the_page_stays_up_for_a_while() -> None:
    """And not longer: a page of yesterday is no status."""
    pages, reader = KeptPages(), Reader()
    key = stored(pages, asked())
    assert pages.answer_while_away(key, reader, AWAY_S)  # type: ignore[arg-type]
    assert not pages.answer_while_away(key, reader, AWAY_S + 1)  # type: ignore[arg-type]
    assert not pages.answer(key, reader, AWAY_S + 1)  # type: ignore[arg-type]


def test_what_is_kept_is_bounded() -> None:
    """In number and in size; what the controller does not call public is not kept at all."""
    pages, reader = KeptPages(), Reader()
    keys = [stored(pages, asked(accept_language=b"%d" % number)) for number in range(MOST_PAGES + 1)]
    assert not pages.answer(keys[0], reader, 0.0)  # type: ignore[arg-type]
    assert pages.answer(keys[-1], reader, 0.0)  # type: ignore[arg-type]
    for status, headers, body in (
        (200, PUBLIC, b"x" * (MOST_PAGE_BYTES + 1)),
        (503, PUBLIC, b"x"),
        (200, [(b"cache-control", b"no-store")], b"x"),
        (200, [*PUBLIC, (b"set-cookie", b"a=b")], b"x"),
    ):
        keeping = Keeping((b"/status", b"other"))
        keeping.begins(status, headers)
        keeping.data(body)
        pages.keep(keeping, 0.0)
        assert not pages.answer(keeping.key, reader, 0.0)  # type: ignore[arg-type]
