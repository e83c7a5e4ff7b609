"""An operator's passkey in a real browser, under the console's own name and before a real service."""

import re
from base64 import b64decode
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from .browser import PHONE, Visitor
from .conftest import Running
from .test_e2e_second_factor import PASSWORD, authenticator


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The public pages have the name ``localhost`` too, so that only the port tells the two apart."""
    running = Running(tmp_path_factory.mktemp("console_passkey") / "data").named_localhost()
    yield running.start()
    running.stop()


def test_an_operator_sets_a_passkey_up_logs_in_with_it_and_takes_it_away(
    browser: Browser, service: Running
) -> None:
    """Beside a passkey of the public pages, which stays and does not open the console; on a phone."""
    console = f"http://localhost:{service.operator_port}"
    token = re.search(r"/setup\?token=\S+", service.log)
    assert token is not None, service.log
    visitor = Visitor(browser, size=PHONE)
    page = visitor.page
    session, key = authenticator(page)
    page.goto(console + token.group())
    page.fill("#email", "operator@example.com")
    page.fill("#password", PASSWORD)
    page.click("main button")
    expect(page.locator("#posture")).to_be_visible()
    page.goto(f"{service.url}/login?next=/account/security")
    page.fill("#email", "operator@example.com")
    page.fill("#password", PASSWORD)
    page.click("form[action='/login'] button")
    page.click("form[data-passkey=create] button")
    expect(page.locator("#codes")).to_be_visible()

    page.goto(f"http://127.0.0.1:{service.operator_port}/login")
    expect(page.locator("form[data-passkey]")).to_have_count(0)
    expect(page.get_by_role("link", name=console)).to_be_visible()
    page.goto(f"{console}/account")
    assert visitor.overflow() == 0
    page.fill("#passkey-name", "my phone")
    page.click("form[data-passkey=create] button")
    expect(page.locator("#passkeys")).to_contain_text("my phone")
    held = session.send("WebAuthn.getCredentials", {"authenticatorId": key})["credentials"]
    assert len(held) == 2
    # With two of one name a browser asks which; there is nobody here to choose.
    (public,) = [each for each in held if not b64decode(each["userHandle"]).startswith(b"operator:")]
    session.send(
        "WebAuthn.removeCredential", {"authenticatorId": key, "credentialId": public["credentialId"]}
    )
    page.click("header form button")

    page.fill("#email", "operator@example.com")
    page.fill("#password", PASSWORD)
    page.click("form[action='/login'] button")
    expect(page).to_have_url(re.compile("/login/second"))
    page.goto(f"{console}/login")
    page.click("form[data-passkey=get] button")
    expect(page.locator("#posture")).to_be_visible()
    page.goto(f"{console}/account")
    page.get_by_role("button", name="Remove my phone").click()
    expect(page.locator("#passkeys")).not_to_contain_text("my phone")
    page.click("header form button")
    page.click("form[data-passkey=get] button")
    expect(page.get_by_role("alert")).to_contain_text("does not open")
    assert visitor.complaints == []
    visitor.close()
