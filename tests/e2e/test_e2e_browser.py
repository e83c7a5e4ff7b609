"""The pages in a real browser, before a real service."""

import re
from collections.abc import Callable, Iterator
from importlib.resources import files
from itertools import count

import httpx
import openai
import pytest
from playwright.sync_api import Browser, expect

from .browser import PHONE, Visitor
from .conftest import Running

PASSWORD = "three quiet herons"
PUBLIC = ("/", "/register", "/login", "/verify", "/reset", "/status", "/nowhere")
# The page itself notes how long the first answer was each time it changed: whoever asks from outside may come late.
GROWTH = """() => {
  window.lengths = new Set();
  new MutationObserver(() => {
    const answer = document.querySelector(".message.assistant");
    if (answer) window.lengths.add(answer.innerText.length);
  }).observe(document.body, {childList: true, subtree: true, characterData: true});
}"""
numbers = count(1)

Newcomer = Callable[..., Visitor]


@pytest.fixture
def visit(browser: Browser) -> Iterator[Newcomer]:
    """Opens windows, and checks in the end that no page made the browser complain."""
    open_ones: list[Visitor] = []

    def opens(**options: object) -> Visitor:
        visitor = Visitor(browser, **options)  # type: ignore[arg-type]
        open_ones.append(visitor)
        return visitor

    yield opens
    complaints = [each for visitor in open_ones for each in visitor.complaints]
    for visitor in open_ones:
        visitor.close()
    assert complaints == []


def register(visitor: Visitor, service: Running) -> str:
    email = f"reader{next(numbers)}@example.com"
    page = visitor.page
    page.goto(f"{service.url}/register")
    page.fill("#email", email)
    page.fill("#password", PASSWORD)
    page.click("main form button:not([type=button])")
    expect(page).to_have_url(re.compile("/account$"))
    return email


@pytest.mark.parametrize("javascript", [True, False])
def test_from_sign_up_to_a_key_that_works(visit: Newcomer, service: Running, javascript: bool) -> None:
    """Register, log out, log in, make a key, use it with the official client; no form needs JavaScript."""
    visitor = visit(javascript=javascript)
    page = visitor.page
    email = register(visitor, service)
    page.click("header form button")
    expect(page.locator("header")).to_contain_text("Log in")
    page.goto(f"{service.url}/account")
    expect(page).to_have_url(re.compile("/login"))
    page.fill("#email", email)
    page.fill("#password", "not my password")
    page.click("main form button")
    expect(page.get_by_role("alert")).to_be_visible()
    assert page.input_value("#email") == email
    page.fill("#password", PASSWORD)
    page.click("main form button")
    expect(page).to_have_url(re.compile("/account$"))
    expect(page.locator("main")).to_contain_text("No key yet")
    page.fill("#name", "laptop")
    page.click("main form.inline button")
    key = page.inner_text("#new-key").strip()
    with openai.OpenAI(base_url=f"{service.url}/v1", api_key=key) as client:
        answer = client.chat.completions.create(
            model="pontlevis-sim", messages=[{"role": "user", "content": "hello"}], max_tokens=5
        )
    assert answer.choices[0].message.content
    page.goto(f"{service.url}/account")
    assert key not in page.content()
    page.click("main td button")
    expect(page.locator("main")).to_contain_text("No key yet")
    refused = httpx.get(f"{service.url}/v1/models", headers={"authorization": f"Bearer {key}"})
    assert refused.status_code == 401


@pytest.mark.parametrize("native", [True, False])
def test_the_browser_does_its_work_while_the_form_is_filled_in(
    visit: Newcomer, own_service: Running, native: bool
) -> None:
    """With the browser's own cryptography and without (as on plain HTTP); the form goes when it may; progress is told."""
    own_service.start()
    set_ = own_service.operate("POST", "/api/registration", {"mode": "challenge", "reason": "a test"})
    assert set_.status_code == 200, set_.text
    visitor = visit()
    page = visitor.page
    if not native:
        script = (files("pontlevis.web") / "static" / "solver.js").read_text("utf-8")
        page.route("**/static/solver.js", lambda route: route.fulfill(
            body=script.replace('typeof crypto !== "undefined" && crypto.subtle', "false"), content_type="text/javascript"))  # fmt: skip
    register(visitor, own_service)
    assert page.locator("main").inner_text()
    strict = visit(javascript=False)
    strict.page.goto(f"{own_service.url}/register")
    expect(strict.page.locator("noscript .notice")).to_be_visible()
    expect(strict.page.locator("noscript .notice p")).to_have_text(re.compile("needs JavaScript"))
    told = visit()
    told.page.goto(f"{own_service.url}/register")
    expect(told.page.get_by_role("status")).to_have_text(re.compile("Done"))
    expect(told.page.locator("progress")).to_have_attribute("aria-label", re.compile("Progress"))
    assert told.overflow() == 0


def test_an_answer_streams_in_on_the_chat_page(visit: Newcomer, service: Running) -> None:
    """It grows while it comes, can be stopped, and the conversation goes on."""
    visitor = visit()
    page = visitor.page
    register(visitor, service)
    page.goto(f"{service.url}/chat")
    expect(page.locator("#send")).to_be_enabled()
    page.evaluate(GROWTH)
    page.fill("#input", "Tell me a long story about a drawbridge")
    page.keyboard.press("Enter")
    answer = page.locator(".message.assistant").first
    expect(answer).to_contain_text(re.compile(r"\w{3}"))
    page.wait_for_function("() => window.lengths.size >= 4")
    if page.locator("#stop").is_visible():
        page.click("#stop")
    expect(page.locator("#send")).to_be_visible()
    page.fill("#input", "And then?")
    page.click("#send")
    expect(page.locator(".message.assistant")).to_have_count(2)
    expect(page.locator(".message.assistant").last).to_contain_text(re.compile(r"\w{3}"))


def test_a_session_that_is_over_is_told_on_the_chat_page(visit: Newcomer, service: Running) -> None:
    """In words, with what was written still there."""
    visitor = visit()
    page = visitor.page
    register(visitor, service)
    page.goto(f"{service.url}/chat")
    expect(page.locator("#send")).to_be_enabled()
    visitor.context.clear_cookies(name="pontlevis_session")
    page.fill("#input", "Are you there?")
    page.click("#send")
    expect(page.locator(".message.error")).to_contain_text("log in again")
    assert page.input_value("#input") == "Are you there?"


def test_while_registrations_are_suspended_the_page_says_so(visit: Newcomer, service: Running) -> None:
    """With the status page and the waitlist; who has an account logs in as ever."""
    here = visit()
    email = register(here, service)
    forced = {"posture": "under_attack", "reason": "a rehearsal", "hold_s": 300}
    service.operate("POST", "/api/posture", forced).raise_for_status()
    try:
        visitor = visit()
        page = visitor.page
        page.goto(f"{service.url}/register")
        expect(page.locator("main")).to_contain_text("suspended")
        assert page.locator("main a[href='/status']").count() >= 1
        assert page.locator("#password").count() == 0
        page.fill("#email", "patient@example.com")
        page.click("main button")
        expect(page.locator("main")).to_contain_text("waitlist")
        page.goto(f"{service.url}/status")
        expect(page.locator("main")).to_contain_text("suspended")
        page.goto(f"{service.url}/login")
        page.fill("#email", email)
        page.fill("#password", PASSWORD)
        page.click("main form .actions button")
        expect(page).to_have_url(re.compile("/account$"))
    finally:
        service.operate("POST", "/api/posture", {"posture": "normal", "reason": "over", "hold_s": 1})
        service.operate("POST", "/api/posture/release", {"reason": "over"})


def test_pages_speak_the_visitors_language(visit: Newcomer, service: Running) -> None:
    """As the browser asks, until the visitor chooses; the choice is kept."""
    page = visit(language="fr-FR").page
    page.goto(f"{service.url}/login")
    assert page.locator("html").get_attribute("lang") == "fr"
    expect(page.locator("h1")).to_have_text("Se connecter")
    page.click("footer a[hreflang=en]")
    expect(page.locator("h1")).to_have_text("Log in")
    page.goto(f"{service.url}/register")
    assert page.locator("html").get_attribute("lang") == "en"


@pytest.mark.parametrize("language", ["en-GB", "fr-FR"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_is_wider_than_a_phone(visit: Newcomer, service: Running, language: str, scheme: str) -> None:
    """And none makes the browser complain, about its content policy among others."""
    visitor = visit(language=language, size=PHONE, scheme=scheme)
    for path in PUBLIC:
        visitor.page.goto(service.url + path)
        assert visitor.overflow() <= 0, path
    register(visitor, service)
    visitor.page.fill("#name", "a name that is long enough to need a second line on a phone")
    visitor.page.click("main form.inline button")
    assert visitor.overflow() <= 0, "/account with a new key"
    visitor.page.goto(f"{service.url}/chat")
    expect(visitor.page.locator("#send")).to_be_enabled()
    assert visitor.overflow() <= 0, "/chat"


def test_the_operator_comes_in_by_the_one_time_link(visit: Newcomer, own_service: Running) -> None:
    """It makes the first account, shows the console, and does not work twice."""
    service = own_service.start()
    link = re.search(rf"{re.escape(service.operator_url)}/setup\?token=\S+", service.log)
    assert link is not None, service.log
    visitor = visit(size=PHONE)
    page = visitor.page
    page.goto(link.group())
    page.fill("#email", "operator@example.com")
    page.fill("#password", PASSWORD)
    page.click("main button")
    expect(page.locator("#posture")).to_have_class(re.compile("normal"))
    expect(page.locator("#served")).to_be_visible()
    expect(page.locator("main")).to_contain_text("operator:account:made")
    assert visitor.overflow() <= 0
    page.click("#posture summary")
    page.locator("select[name=posture]").select_option("under_attack")
    page.locator("form:has(select[name=posture]) input[name=reason]").fill("a rehearsal")
    page.locator("form:has(select[name=posture]) button[value=set]").click()
    expect(page.locator("#posture")).to_have_class(re.compile("under_attack"))
    expect(page.locator("#posture-reason")).to_contain_text("a rehearsal")
    public = httpx.get(f"{service.url}/api/registration").json()
    assert public["mode"] == "suspended"
    other = visit()
    other.page.goto(link.group())
    assert other.page.locator("#password").count() == 0
