"""The operator's console in a real browser: it renews itself, and not under anybody's hands."""

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, expect

from .browser import PHONE, Visitor, chromium
from .conftest import Running

PASSWORD = "three quiet herons"
RENEWED_MS = 20_000


@pytest.fixture
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


def log_in(browser: Browser, service: Running, **options: object) -> Visitor:
    """The first operator, at the console."""
    link = re.search(rf"{re.escape(service.operator_url)}/setup\?token=\S+", service.log)
    assert link is not None, service.log
    visitor = Visitor(browser, **options)  # type: ignore[arg-type]
    visitor.page.goto(link.group())
    visitor.page.fill("#email", "operator@example.com")
    visitor.page.fill("#password", PASSWORD)
    visitor.page.click("main button")
    expect(visitor.page.locator("#posture")).to_be_visible()
    return visitor


def test_a_console_that_stays_open_tells_of_an_attack(browser: Browser, own_service: Running) -> None:
    """Load as lines, posture, incident and decisions come by themselves; what is being written stays."""
    service = own_service.start()
    visitor = log_in(browser, service, size=PHONE)
    page = visitor.page
    key = service.key()
    for _ in range(3):
        body = {"model": "pontlevis-sim", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 2}
        headers = {"authorization": f"Bearer {key}"}
        httpx.post(f"{service.url}/v1/chat/completions", json=body, headers=headers).raise_for_status()
    expect(page.locator("#plot path.s4")).to_have_count(1)
    expect(page.locator("#served")).to_have_text("100.0\u00a0%")
    service.operate("POST", "/api/posture", {"posture": "under_attack", "reason": "a rehearsal"})
    ban = {"scope": "address", "value": "192.0.2.7", "reason": "a <b>scraper</b>", "duration_s": 600}
    assert service.operate("POST", "/api/decisions", ban).status_code == 201
    expect(page.locator("#posture-word")).to_have_text("Under attack")
    expect(page.locator("#registration")).to_have_text("Suspended")
    expect(page.locator("#posture-held")).to_contain_text("private socket until 20")
    expect(page.locator("#decisions")).to_contain_text("a <b>scraper</b>", timeout=RENEWED_MS)
    expect(page.locator("#incidents")).to_contain_text("The service is under attack.")
    update = page.locator("#incidents form[action$='/updates'] textarea[name=body_en]")
    update.fill("We are looking")
    page.locator("h2").first.click()
    more = {
        "scope": "address",
        "value": "192.0.2.8",
        "reason": "another",
        "duration_s": 600,
        "reach": "log_ins",
    }
    service.operate("POST", "/api/decisions", more)
    expect(page.locator("#decisions")).to_contain_text("another", timeout=RENEWED_MS)
    expect(update).to_have_value("We are looking")
    page.click("text=Post the update")
    expect(page.locator("#incidents .entries li").first).to_contain_text("operator@example.com")
    page.locator("#decisions summary", has_text="another").click()
    expect(page.locator("#decisions")).to_contain_text("only log-ins")
    page.get_by_role("button", name="Lift 192.0.2.8").click()
    expect(page.locator("#decisions")).not_to_contain_text("another")
    assert visitor.overflow() <= 0
    assert visitor.complaints == []
    visitor.close()


def test_a_console_whose_service_is_gone_says_so(browser: Browser, own_service: Running) -> None:
    """Old figures look like good news."""
    service = own_service.start()
    visitor = log_in(browser, service, language="fr-FR")
    expect(visitor.page.locator("#stale")).to_be_hidden()
    service.stop()
    expect(visitor.page.locator("#stale")).to_contain_text("Ces chiffres sont anciens")
    visitor.close()
