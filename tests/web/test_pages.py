"""The public pages as a browser gets them, without one."""

import ast
import re
from html import unescape
from importlib.resources import files
from pathlib import Path

import httpx
import pytest
from web_house import PASSWORD, RECOVERING, SUSPENDED, WebHouse

from pontlevis.web.i18n import LANGUAGES, catalogue
from pontlevis.web.targets import safe_next

ADA = {"email": "ada@example.com", "password": PASSWORD}
PAGES = ("/", "/register", "/login", "/status", "/nowhere")
KEY = re.compile(r"\b(nav|form|home|register|login|waiting|account|standing|chat|error|status|op)\.[a-z_]+\b")


def words(answer: httpx.Response) -> str:
    """The text that a reader sees."""
    body = re.sub(r"<(script|style|pre)\b.*?</\1>", " ", answer.text, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def test_both_languages_say_the_same_things() -> None:
    """The same keys, the same blanks to fill, nothing empty."""
    english, french = catalogue("en"), catalogue("fr")
    assert set(english) == set(french)
    for key, text in english.items():
        assert text.strip()
        assert french[key].strip()
        assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", french[key])), key


def test_every_text_that_a_template_asks_for_exists() -> None:
    """And those made from a value: postures, standings, modes, states."""
    texts = catalogue("en")
    for template in Path(str(files("pontlevis.web").joinpath("templates"))).iterdir():
        source = template.read_text("utf-8")
        for key in re.findall(r't\([\'"]([a-z_]+\.[A-Za-z0-9_]+)[\'"][,)]', source):
            assert key in texts, f"{template.name}: {key}"
        for stem in re.findall(r't\([\'"]([a-z_]+\.[A-Za-z0-9_]*)[\'"] ?~', source):
            assert any(key.startswith(stem) for key in texts), f"{template.name}: {stem}"


def test_the_consoles_columns_are_no_buttons() -> None:
    """Both sheets hold for the console: what one gives a width may not be what the other hides on a phone."""
    static = files("pontlevis.web").joinpath("static")
    public, console = (static.joinpath(name).read_text("utf-8") for name in ("style.css", "console.css"))
    assert ".wide" in console
    assert ".wide" not in public


def test_every_error_of_the_accounts_has_words_for_people() -> None:
    """Codes are for programs."""
    texts = catalogue("en")
    codes = set()
    for source in Path(str(files("pontlevis.accounts"))).glob("*.py"):
        for node in ast.walk(ast.parse(source.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == "AccountError"
            ):
                codes |= {
                    arg.value
                    for arg in node.args[1:2]
                    if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
                }
    assert len(codes) > 5
    assert {code for code in codes if f"error.{code}" not in texts} == set()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", PAGES)
async def test_no_page_shows_a_bare_key(house: WebHouse, path: str, language: str) -> None:
    """In either language, whatever registration allows."""
    for state in (house.service.posture, SUSPENDED, RECOVERING):
        house.service.posture = state
        async with house.browser(language=language) as visitor:
            answer = await visitor.get(path)
        assert f'lang="{language}"' in answer.text
        assert KEY.search(words(answer)) is None, words(answer)


@pytest.mark.parametrize("path", [*PAGES, "/static/style.css", "/api/registration"])
async def test_every_answer_carries_the_security_headers(house: WebHouse, path: str) -> None:
    """Nothing is loaded from elsewhere, nothing runs inline, nobody frames us."""
    async with house.browser() as visitor:
        fields = (await visitor.get(path)).headers
    policy = fields["content-security-policy"]
    assert "default-src 'self'" in policy or "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    assert "frame-ancestors 'none'" in policy
    assert fields["x-content-type-options"] == "nosniff"
    assert fields["referrer-policy"] in ("same-origin", "no-referrer")


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "/\r\nset-cookie: a=b",
        "",
    ],
)
async def test_the_way_back_after_log_in_never_leads_elsewhere(house: WebHouse, target: str) -> None:
    """Whatever stands in ``next``, in the form or in the address."""
    assert safe_next(target) == "/account"
    async with house.browser() as visitor:
        await visitor.post("/register", data=ADA)
        visitor.cookies.clear()
        answer = await visitor.post("/login", data={**ADA, "next": target})
        assert (answer.status_code, answer.headers["location"]) == (303, "/account")
        visitor.cookies.clear()
        assert "evil" not in (await visitor.get("/login", params={"next": target})).text


async def test_a_session_begins_anew_with_every_log_in(house: WebHouse) -> None:
    """A token that somebody planted before is not taken over, and the old one ends at log-out."""
    async with house.browser() as visitor:
        await visitor.post("/register", data=ADA)
        first = visitor.cookies["pontlevis_session"]
        await visitor.post("/logout")
        visitor.cookies.clear()
        visitor.cookies.set("pontlevis_session", "ps-planted", domain="front.example")
        answer = await visitor.post("/login", data=ADA)
        second = answer.cookies["pontlevis_session"]
        assert second not in (first, "ps-planted")
        flags = answer.headers.get_list("set-cookie")
        assert all("httponly" in each.lower() and "samesite=lax" in each.lower() for each in flags)
    async with house.browser() as visitor:
        visitor.cookies.set("pontlevis_session", first, domain="front.example")
        assert (await visitor.get("/account")).status_code == 303


async def test_what_people_write_is_shown_as_text(house: WebHouse) -> None:
    """A key's name, an address in a form that failed."""
    attack = "<script>alert(1)</script>"
    async with house.browser() as visitor:
        await visitor.post("/register", data=ADA)
        page = await visitor.post("/account/keys", data={"name": attack})
        assert page.status_code == 201
        assert attack not in page.text
        assert "&lt;script&gt;" in page.text
        again = await visitor.post("/login", data={"email": f'"{attack}', "password": "x"})
        assert attack not in again.text


async def test_the_account_page_begins_empty_and_says_how_to_go_on(house: WebHouse) -> None:
    """No key, no use yet; and a deleted key of somebody else is a page, not a crash."""
    async with house.browser() as visitor:
        await visitor.post("/register", data=ADA)
        page = words(await visitor.get("/account"))
        assert "No key yet" in page
        assert "Nothing used yet" in page
        missing = await visitor.post("/account/keys/abc/delete")
        assert missing.status_code == 404
        assert "not there" in words(missing)
        again = await visitor.get("/account/keys")  # where a new key was shown, entered once more
        assert (again.status_code, again.headers["location"]) == (303, "/account")
        unnamed = await visitor.post("/account/keys", data={"name": ""})
        assert unnamed.status_code == 400
        assert "printable" in words(unnamed)


async def test_a_suspended_registration_leads_to_the_waitlist(house: WebHouse) -> None:
    """Truth, status page, a place in line; and a form sent meanwhile is answered the same way."""
    house.service.posture = SUSPENDED
    async with house.browser() as visitor:
        page = await visitor.get("/register")
        assert "suspended" in words(page)
        assert 'action="/waitlist"' in page.text
        assert 'href="/status"' in page.text
        sent = await visitor.post("/register", data=ADA)
        assert sent.status_code == 503
        assert int(sent.headers["retry-after"]) > 0
        joined = await visitor.post("/waitlist", data={"email": "patient@example.com"})
        assert joined.status_code == 202
        assert "patient@example.com" in words(joined)
        bad = await visitor.post("/waitlist", data={"email": "patient"})
        assert bad.status_code == 400
        assert 'value="patient"' in bad.text


async def test_a_page_whose_database_is_away_says_when_to_try_again(
    house: WebHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In words, with the status page at hand."""

    async def away(token: str) -> None:
        raise ConnectionError("gone")

    monkeypatch.setattr(house.accounts, "session_account", away)
    async with house.browser() as visitor:
        visitor.cookies.set("pontlevis_session", "ps-x", domain="front.example")
        answer = await visitor.get("/account")
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) == 5
    assert "try again in 5 seconds" in words(answer)


async def test_another_sites_form_is_refused(house: WebHouse) -> None:
    """Also where the browser says only where it comes from."""
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}, {"origin": "null"}):
        async with house.client(**headers) as visitor:
            for path in ("/register", "/login", "/logout", "/waitlist", "/account/keys"):
                assert (await visitor.post(path, data=ADA)).status_code == 403, (path, headers)
