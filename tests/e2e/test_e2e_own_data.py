"""One's own data in a browser: the file, a wrong word, a wrong password, the end; also without JavaScript."""

import json
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from .browser import DESKTOP, PHONE, Visitor
from .conftest import Running

PASSWORD = "three quiet herons"


@pytest.mark.parametrize(
    ("language", "size", "javascript", "scheme", "word"),
    [("en-GB", DESKTOP, True, "light", "delete"), ("fr-FR", PHONE, False, "dark", "SUPPRIMER")],
    ids=["English, desktop", "French, phone, no JavaScript"],
)
def test_somebody_takes_their_data_and_leaves(
    service: Running,
    browser: Browser,
    tmp_path: Path,
    language: str,
    size: tuple[int, int],
    javascript: bool,
    scheme: str,
    word: str,
) -> None:
    """Everything in a file; nothing is deleted by a slip; afterwards nothing opens."""
    email = f"leaving.{size[0]}@example.com"
    account = {"email": email, "password": PASSWORD}
    assert httpx.post(f"{service.url}/api/accounts", json=account).status_code == 201
    visitor = Visitor(browser, language=language, size=size, javascript=javascript, scheme=scheme)
    page = visitor.page
    page.goto(f"{service.url}/login")
    page.fill("#email", email)
    page.fill("#password", PASSWORD)
    page.click("main form button")
    page.click('a[href="/account/data"]')
    with page.expect_download() as waiting:
        page.click("a[download]")
    kept = tmp_path / "data.json"
    waiting.value.save_as(kept)
    assert json.loads(kept.read_text())["account"]["email"] == email

    def leave(password: str, typed: str) -> None:
        page.fill("#password", password)
        page.fill("#word", typed)
        page.click("form[action='/account/delete'] button")

    leave(PASSWORD, "no")
    expect(page.locator("[role=alert]")).to_be_visible()
    leave("not my password", word)
    expect(page.locator("[role=alert]")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    leave(PASSWORD, word)
    expect(page.locator("[role=status]")).to_be_visible()
    page.goto(f"{service.url}/account")
    assert "/login" in page.url
    assert httpx.post(f"{service.url}/api/sessions", json=account).status_code == 401
    visitor.context.close()
