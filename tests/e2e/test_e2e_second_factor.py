"""Second factor, passkeys and sessions in a real browser, before a real service under a name of its own."""

import re
import time
from collections.abc import Iterator

import httpx
import pyotp
import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect

from .browser import PHONE, Visitor
from .conftest import Running

PASSWORD = "three quiet herons"
FIRST_FIELD = "main form button:not([type=button])"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Under a name for which passkeys can be made."""
    running = Running(tmp_path_factory.mktemp("factors") / "data").named_localhost()
    yield running.start()
    running.stop()


def register(page: Page, service: Running, email: str) -> None:
    page.goto(f"{service.url}/register")
    page.fill("#email", email)
    page.fill("#password", PASSWORD)
    page.click(FIRST_FIELD)
    expect(page).to_have_url(re.compile("/account$"))


def give_password(page: Page, service: Running, email: str, *, after: str = "/account") -> None:
    page.goto(f"{service.url}/login?next={after}")
    page.fill("#email", email)
    page.fill("#password", PASSWORD)
    page.click("form[action='/login'] button")


def fresh_code(app: pyotp.TOTP, used: list[str]) -> str:
    """The next code that was not used; at most half a minute away, and seldom waited for."""
    now = time.time()
    for at in (now, now + 30):  # one step ahead is within the drift
        code = app.at(int(at))
        if code not in used:
            used.append(code)
            return code
    raise AssertionError("codes of two steps were used already")


def authenticator(page: Page) -> tuple[CDPSession, str]:
    """Chromium's own virtual authenticator: a phone's, with its user at hand."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable", {"enableUI": False})
    made = session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    return session, str(made["authenticatorId"])


def test_an_app_is_set_up_and_used_without_javascript(browser: Browser, service: Running) -> None:
    """From the QR code to the recovery code, by forms alone; in French on a phone."""
    visitor = Visitor(browser, javascript=False, language="fr-FR", size=PHONE)
    page, email, used = visitor.page, "ada@example.com", list[str]()
    register(page, service, email)
    page.goto(f"{service.url}/account/security")
    page.click("form[action='/account/totp'] button")
    expect(page.locator(".qr svg")).to_be_visible()
    app = pyotp.TOTP(page.inner_text(".secret").strip())
    page.fill("#code", fresh_code(app, used))
    page.click("form[action='/account/totp/confirm'] button")
    recovery = page.inner_text("#codes").split()
    assert len(recovery) == 10
    page.click("header form button")
    give_password(page, service, email, after="/account/security")
    expect(page).to_have_url(re.compile("/login/second"))
    page.goto(f"{service.url}/account")
    expect(page).to_have_url(re.compile("/login"))
    page.goto(f"{service.url}/login/second?next=/account/security")
    page.fill("#code", "000000")
    page.click(FIRST_FIELD)
    expect(page.get_by_role("alert")).to_be_visible()
    page.fill("#code", fresh_code(app, used))
    page.click(FIRST_FIELD)
    expect(page).to_have_url(re.compile("/account/security$"))
    page.click("header form button")
    give_password(page, service, email)
    page.fill("#code", recovery[0])
    page.click(FIRST_FIELD)
    expect(page).to_have_url(re.compile("/account$"))
    assert visitor.complaints == []
    visitor.close()


def test_a_passkey_is_made_and_opens_the_account_alone(browser: Browser, service: Running) -> None:
    """With Chromium's virtual authenticator; one without its user's finger opens nothing."""
    visitor = Visitor(browser)
    page, email = visitor.page, "grace@example.com"
    session, key = authenticator(page)
    register(page, service, email)
    page.goto(f"{service.url}/account/security")
    page.fill("#passkey-name", "my laptop")
    page.click("form[data-passkey=create] button")
    expect(page.locator("#codes")).to_be_visible()
    expect(page.locator("#passkeys")).to_contain_text("my laptop")
    page.click("header form button")
    page.goto(f"{service.url}/login?next=/account/security")
    page.click("form[data-passkey=get] button")
    expect(page).to_have_url(re.compile("/account/security$"))
    expect(page.locator("#sessions")).to_contain_text("Chrom")
    expect(page.locator("#sessions")).to_contain_text("passkey")
    page.click("form[data-passkey=create] button")
    expect(page.locator("form[data-passkey=create] [role=status]")).to_contain_text("already has a passkey")
    page.click("header form button")
    give_password(page, service, email)
    expect(page).to_have_url(re.compile("/login/second"))
    session.send("WebAuthn.setUserVerified", {"authenticatorId": key, "isUserVerified": False})
    page.click("form[data-passkey=get] button")
    expect(page.locator("form[data-passkey=get] [role=status]")).to_contain_text("did not give")
    session.send("WebAuthn.setUserVerified", {"authenticatorId": key, "isUserVerified": True})
    page.click("form[data-passkey=get] button")
    expect(page).to_have_url(re.compile("/account$"))
    assert visitor.complaints == []
    visitor.close()


def test_a_session_that_is_ended_is_over_at_the_gateway_at_once(browser: Browser, service: Running) -> None:
    """The gateway itself refuses it: the chat's API is asked with its cookie."""
    email = {"email": "joan@example.com", "password": PASSWORD}
    ajax = {"x-pontlevis-request": "chat"}
    with httpx.Client(base_url=service.url) as elsewhere:
        elsewhere.post("/api/accounts", json=email).raise_for_status()
        elsewhere.post("/api/sessions", json=email).raise_for_status()
        assert elsewhere.get("/v1/models", headers=ajax).status_code == 200
        visitor = Visitor(browser)
        page = visitor.page
        give_password(page, service, email["email"], after="/account/security")
        expect(page.locator("#sessions .item")).to_have_count(2)
        page.locator("#sessions .item", has_text="Python").locator("button").click()
        expect(page.locator("#sessions .item")).to_have_count(1)
        assert elsewhere.get("/v1/models", headers=ajax).status_code == 401
        visitor.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_fit_a_phone_in_both_languages(browser: Browser, service: Running, scheme: str) -> None:
    """No page is wider than its window; every button has a name."""
    for language in ("en-GB", "fr-FR"):
        visitor = Visitor(browser, size=PHONE, language=language, scheme=scheme)
        page = visitor.page
        register(page, service, f"fits-{scheme}-{language[:2]}@example.com")
        page.goto(f"{service.url}/account/security")
        assert visitor.overflow() == 0
        page.click("form[action='/account/totp'] button")
        assert visitor.overflow() == 0
        for button in page.get_by_role("button").all():
            assert button.inner_text().strip() or button.get_attribute("aria-label")
        page.goto(f"{service.url}/login")
        assert visitor.overflow() == 0
        visitor.close()
