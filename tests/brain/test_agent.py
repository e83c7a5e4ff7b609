"""A User-Agent becomes a product's name and a number, or a word; nothing else of it comes through."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pontlevis.brain.agent import MOST_NAME, AgentNames, product

WEBKIT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("curl/8.5.0", "curl 8"),
        ("Wget/1.21.3", "Wget 1"),
        ("python-requests/2.31.0", "python-requests 2"),
        ("Python/3.11 aiohttp/3.9.1", "aiohttp 3"),
        ("OpenAI/Python 1.55.0", "OpenAI/Python 1"),
        ("AsyncOpenAI/Python 1.55.0", "AsyncOpenAI/Python 1"),
        ("Go-http-client/2.0", "Go-http-client 2"),
        ("node", "node"),
        ("sqlmap/1.7.2#stable (https://sqlmap.org)", "sqlmap 1"),
        (f"{WEBKIT} Chrome/131.0.0.0 Safari/537.36", "Chrome 131"),
        (f"{WEBKIT} HeadlessChrome/131.0.0.0 Safari/537.36", "HeadlessChrome 131"),
        (f"{WEBKIT} Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0", "Edge 131"),
        (
            "Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15",
            "Safari 17",
        ),
        ("Mozilla/5.0 (X11; rv:133.0) Gecko/20100101 Firefox/133.0", "Firefox 133"),
        (f"{WEBKIT[:-1]}; compatible; GPTBot/1.2; +https://example.org/bot)", "GPTBot 1"),
        ("Mozilla/5.0 (Hydra)", "Mozilla"),
        ("", "none"),
        ("none/1", "other"),
        ("several", "other"),
        ("alice@example.com", "other"),
        ("pl-4f9a/1", "other"),
        ("call-0612345678", "other"),
        ("=cmd()", "other"),
        ("192.0.2.7", "other"),
        ("a" * 25, "other"),
    ],
)
def test_what_becomes_of_a_header(header: str, name: str) -> None:
    """Well-known clients by product and major version; what may be a person, an address or a secret by no name."""
    assert product(header) == name


@given(st.text(max_size=400) | st.from_regex(r"(Mozilla/5\.0 \(compatible; )?[!-~]{0,40}/[ -~]{0,40}"))
def test_nothing_else_comes_through(header: str) -> None:
    """No sign that a table, a page, a pattern or a shell reads as its own, and never more than a short name."""
    found = product(header)
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9._+/-]*( \d{1,3})?", found)
    assert len(found) <= MOST_NAME


@given(st.lists(st.text("abc", min_size=1, max_size=6), max_size=60))
def test_different_names_of_a_minute_are_bounded(names: list[str]) -> None:
    """But for the word that stands for the rest."""
    kept = AgentNames(5)
    assert len({kept.take(each, 1.0) for each in names} - {"other"}) <= 5
