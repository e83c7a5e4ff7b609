"""What the web is attacked with, one test each; routes come from the app, so that a new one is tried as well."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, text
from web_house import BASE, CHEAP, PASSWORD, START, WebHouse, web_house

from pontlevis.accounts.mail.policy import MailPolicy
from pontlevis.accounts.passwords import HashPool
from pontlevis.accounts.policy import Verification
from pontlevis.storage.tables.base import Base
from pontlevis.web.targets import safe_next

ADA = {"email": "ada@example.com", "password": PASSWORD}
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
TEMPLATES = Path(__file__).parents[2] / "src" / "pontlevis" / "web" / "templates"


def routes(app: FastAPI, *, safe: bool) -> list[tuple[str, str]]:
    """Method and path of each route that changes something, or of each that does not; parameters filled in."""
    found: set[tuple[str, str]] = set()
    for each in app.routes:
        # FastAPI keeps what a router holds behind it, or (before 0.160) beside it.
        inner = each.effective_route_contexts() if hasattr(each, "effective_route_contexts") else [each]
        for route in inner:
            methods: set[str] = getattr(route, "methods", None) or set()
            path = re.sub(r"{[^}]+}", "0123456789abcdef", str(getattr(route, "path", "")))
            found.update((method, path) for method in methods if (method in SAFE) is safe)
    assert len(found) > 10, "the app's routes are not found any more"
    return sorted(found)


async def state(house: WebHouse) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    async with house.database.session() as session:
        return {
            name: [tuple(row) for row in await session.execute(text(f'SELECT * FROM "{name}"'))]
            for name in Base.metadata.tables
        }


@asynccontextmanager
async def ada(house: WebHouse) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who is logged in and has a key."""
    async with house.browser() as visitor:
        assert (await visitor.post("/register", data=ADA)).status_code == 303
        assert (await visitor.post("/keys", data={"name": "mine", "endpoint": ["models"]})).status_code == 201
        yield visitor


FOREIGN = [
    {"sec-fetch-site": "cross-site", "origin": BASE},
    {"sec-fetch-site": "same-site", "origin": "http://other.front.example"},
    {"origin": "http://evil.example"},
    {"origin": "null"},
]


async def test_no_form_and_no_call_can_be_sent_from_another_sites_page(house: WebHouse) -> None:
    """Cross-site request forgery: each route that changes something, with the visitor's cookies."""
    async with ada(house) as visitor:
        before = await state(house)
        cookies = dict(visitor.cookies)
        for headers in FOREIGN:
            async with house.client() as other:
                other.cookies.update(cookies)
                for method, path in routes(house.app, safe=False):
                    sent = {**ADA, "name": "x", "token": "pl-x", "endpoint": "models"}
                    answer = await other.request(method, path, data=sent, headers=headers)
                    assert answer.status_code == 403, (method, path, headers)
                    assert answer.json()["error"]["code"] == "cross_site", (method, path)
                    assert "set-cookie" not in answer.headers
        assert await state(house) == before


async def test_the_operators_forms_are_closed_to_other_sites_too(house: WebHouse) -> None:
    """Whatever page an operator has open beside the console."""
    operator = await house.operator_client()
    try:
        before = await state(house)
        for method, path in routes(house.operator, safe=False):
            answer = await operator.request(
                method, path, data={"reason": "x"}, headers={"origin": "http://evil.example"}
            )
            assert answer.status_code == 403, (method, path)
        assert await state(house) == before
    finally:
        await operator.aclose()


async def test_opening_an_address_changes_nothing(house: WebHouse) -> None:
    """What is safe by its method needs no protection from forgery only if it is safe indeed."""
    async with ada(house) as visitor:
        before = await state(house)
        for method, path in routes(house.app, safe=True):
            answer = await visitor.request(method, path, params={"token": "pv-x", "invitation": "pi-x"})
            assert answer.status_code < 500, (method, path)
        assert await state(house) == before
        assert (await visitor.get("/account")).status_code == 200, "still logged in"


def test_every_form_is_a_post_to_a_route_that_is_there() -> None:
    """A form that sends by GET would put what is typed into addresses and logs."""
    for template in TEMPLATES.glob("*.html"):
        for form in re.findall(r"<form\b[^>]*>", template.read_text("utf-8")):
            sent_by_script = template.name == "chat.html"
            asks_only = any(f'action="{each}"' in form for each in ("/#refusals", "/audit"))
            assert 'method="post"' in form or sent_by_script or asks_only, (template.name, form)


@given(st.text(st.characters() | st.sampled_from("/\\\t\r\n:@.%#? "), max_size=40))
def test_the_way_back_leads_to_this_site_as_every_browser_reads_it(target: str) -> None:
    """Open redirect: browsers drop tabs and line ends, and read a backslash as a slash (WHATWG URL)."""
    found = safe_next(target)
    read = re.sub(r"[\t\r\n]", "", found).strip().replace("\\", "/")
    assert read.startswith("/")
    assert not read.startswith("//")
    assert urlsplit(urljoin(BASE + "/login", read)).netloc == urlsplit(BASE).netloc


async def test_no_redirect_leaves_the_site(house: WebHouse) -> None:
    """Each route, with every parameter that might name a place to go, and a host that is not ours."""
    elsewhere = dict.fromkeys(
        ("next", "url", "redirect", "return", "to", "notice", "token", "lang"), "//evil.example/"
    )
    async with ada(house) as visitor:
        for safe in (True, False):
            for method, path in routes(house.app, safe=safe):
                for tried in (path, f"{path}/"):
                    data = {**elsewhere, **ADA} if not safe else None
                    answer = await visitor.request(method, tried, params=elsewhere, data=data, headers={"host": "evil.example", "origin": BASE})  # fmt: skip
                    place = answer.headers.get("location", "/")
                    assert place.startswith("/"), (method, tried, place)
                    assert not place.startswith("//"), (method, tried, place)


class Mailbag:
    """Carries nothing and keeps all."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []

    async def send(self, message: EmailMessage) -> None:
        self.messages.append(message)


INJECTED = [
    "ada@example.com\r\nBcc: victim@example.com",
    "ada@example.com\nBcc: victim@example.com",
    "ada@example.com%0d%0aBcc:victim@example.com",
    "ada@example.com, victim@example.com",
    "ada@example.com\u2028Bcc: victim@example.com",
    "Bcc: victim@example.com\r\n\r\nada@example.com",
    '"ada\r\nBcc: victim@example.com"@example.com',
    "<victim@example.com> ada@example.com",
]


async def test_no_address_adds_a_header_or_a_reader_to_a_letter(tmp_path: Path) -> None:
    """Header injection: every route that takes an address, by form and by JSON."""
    async with web_house(tmp_path, mail=MailPolicy(per_source=1_000, per_hour=10_000)) as house:
        bag = Mailbag()
        house.accounts.carrier = bag
        async with house.browser() as visitor:
            for number, address in enumerate(INJECTED):
                visitor.headers["x-pontlevis-source"] = f"192.0.2.{number + 1}"
                body = {"email": address, "password": PASSWORD, "token": "x"}
                for path in ("/register", "/waitlist", "/verify/letter", "/reset/letter"):
                    await visitor.post(path, data=body)
                for path in (
                    "/api/accounts",
                    "/api/waitlist",
                    "/api/verification/letter",
                    "/api/reset/letter",
                ):
                    answer = await visitor.post(path, json=body)
                    assert answer.status_code in (400, 409), (path, address, answer.text)
            await visitor.post("/register", data=ADA)
            key = await visitor.post(
                "/keys", data={"name": "x\r\nBcc: victim@example.com\r\n\r\nhi", "endpoint": "models"}
            )
            found = re.search(r"pl-[\w-]{60}", key.text)
            assert found
            await visitor.post("/leaked-key", data={"token": found[0], "url": "x\r\nBcc: victim@example.com"})
        while await house.accounts.deliver():
            pass
        assert {str(each["to"]) for each in bag.messages} == {"ada@example.com"}
        for message in bag.messages:
            assert message["bcc"] is message["cc"] is None
            assert len(message.get_all("to") or []) == 1
        leak = next(each for each in bag.messages if "leaked" in str(each["subject"]))
        assert "    x Bcc: victim@example.com hi\n" in leak.get_content(), "a name stays one line of text"


TRICKS = [
    {"host": "evil.example"},
    {"host": "front.example@evil.example"},
    {"host": "front.example:evil.example"},
    {"x-forwarded-host": "evil.example"},
    {"forwarded": "host=evil.example"},
    {"x-host": "evil.example", "x-original-url": "/evil.example", "x-rewrite-url": "/evil.example"},
]


async def test_no_name_that_a_request_calls_us_by_is_believed(house: WebHouse) -> None:
    """Host header tricks: not in a letter's link, not in a page, not in an error, not in a redirect."""
    async with ada(house) as visitor:
        for headers in TRICKS:
            await visitor.post("/reset/letter", data=ADA, headers=headers)
            await visitor.post("/verify/letter", data=ADA, headers=headers)
            for method, path in routes(house.app, safe=True):
                answer = await visitor.request(method, path, headers=headers)
                assert "evil" not in answer.text, (method, path, headers)
                assert "evil" not in str(answer.headers), (method, path, headers)
        await house.accounts.deliver()
        letters = await house.accounts.letters()
        assert {each.kind for each in letters} >= {"reset", "verify"}
        assert all("evil" not in each.body and BASE in each.body for each in letters)


async def test_what_the_operator_may_is_not_on_the_public_app_under_any_spelling(house: WebHouse) -> None:
    """Path confusion: each of the operator's routes that the public app has not, plain and disguised."""
    public = {path for _, path in [*routes(house.app, safe=True), *routes(house.app, safe=False)]}
    async with house.browser() as visitor:
        for safe in (True, False):
            for method, path in routes(house.operator, safe=safe):
                if path in public:
                    continue
                for tried in (
                    path, f"/{path}", f"/.{path}", f"/status/..{path}", f"/static/..{path}", f"/static/..%2f{path[1:]}",
                    f"/%2e%2e{path}", "/" + path[1:].replace("/", "%2f"), f"{path}/", f"{path};", f"{path}%00", f"/api/..{path}",
                ):  # fmt: skip
                    answer = await visitor.request(method, f"{BASE}{tried}")
                    assert answer.status_code in (400, 404, 405), (method, tried)


async def test_the_operators_listener_answers_to_its_own_name_only(house: WebHouse) -> None:
    """DNS rebinding, and a proxy that mixes the two up."""
    operator = await house.operator_client()
    try:
        for host in ("front.example", "evil.example", "127.0.0.1:8080", "127.0.0.1:8081.evil.example", ""):
            for method, path in routes(house.operator, safe=True):
                answer = await operator.request(method, path, headers={"host": host})
                assert answer.status_code == 421, (host, path)
    finally:
        await operator.aclose()


class Work:
    """Counts what a request costs: passwords hashed, statements sent to the database."""

    def __init__(self, house: WebHouse, monkeypatch: pytest.MonkeyPatch) -> None:
        self.hashes = self.statements = 0
        event.listen(house.database.engine.sync_engine, "before_cursor_execute", self._count)
        for name in ("hash", "verify"):
            self._watch(name, monkeypatch)

    def _watch(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        original = getattr(HashPool, name)

        async def counted(pool: HashPool, *given: object, **named: object) -> object:
            self.hashes += 1
            return await original(pool, *given, **named)

        monkeypatch.setattr(HashPool, name, counted)

    def _count(self, *_: object) -> None:
        self.statements += 1

    def take(self) -> tuple[int, int]:
        found = (self.hashes, self.statements)
        self.hashes = self.statements = 0
        return found


WRONG = "a wrong heron of mine"
ASKED: list[tuple[str, dict[str, str]]] = [
    ("/api/sessions", {"password": WRONG}),
    ("/api/reset/letter", {}),
    ("/api/verification/letter", {}),
    ("/api/verification", {"code": "123456"}),
    ("/api/waitlist", {}),
]


async def test_whether_an_address_is_known_changes_neither_the_answer_nor_the_work(
    house: WebHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Enumeration by timing: as many hashes, as many statements, the same words; letters are written later."""
    async with house.client() as client:
        await client.post("/api/accounts", json=ADA)
    await house.accounts.deliver()
    work = Work(house, monkeypatch)
    for path, body in ASKED:
        seen = []
        for number, address in enumerate(("ada@example.com", "eve@example.com")):
            async with house.client(source=f"198.51.100.{number}") as stranger:
                answer = await stranger.post(path, json={"email": address, **body})
                seen.append((answer.status_code, answer.text.replace(address, ""), work.take()))
        assert seen[0] == seen[1], (path, seen)
        hashes, statements = seen[0][2]
        assert hashes == (1 if path == "/api/sessions" else 0)
        assert statements > 0


async def test_where_addresses_are_confirmed_first_sign_up_does_not_tell_who_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same answer and as many hashes; the account that is made costs statements, which the letter's do not hide."""
    async with web_house(tmp_path, policy=replace(CHEAP, verification=Verification.REQUIRED)) as house:
        async with house.client() as client:
            await client.post("/api/accounts", json=ADA)
        work = Work(house, monkeypatch)
        seen = []
        for number, address in enumerate(("ada@example.com", "eve@example.com")):
            async with house.client(source=f"198.51.100.{number}") as stranger:
                answer = await stranger.post("/api/accounts", json={**ADA, "email": address})
                seen.append((answer.status_code, answer.text.replace(address, ""), work.take()[0]))
        assert seen[0] == seen[1]
        assert seen[0][2] == 1


async def test_another_language_keeps_what_the_page_is_about(house: WebHouse) -> None:
    """The link in the footer; nothing else of the address, and nothing on the page that is made for all."""
    async with house.browser() as visitor:
        for path in ("/register?invitation=pi-abc", "/verify?token=pv-abc", "/login?next=%2Fkeys"):
            page = (await visitor.get(f"{path}&utm=tracked")).text
            assert f'href="{path}&amp;lang=fr"' in page
            assert "tracked" not in page
        assert "pv-abc" not in (await visitor.get("/status?token=pv-abc")).text
        house.now = START + 0.5
        assert "pv-abc" not in (await visitor.get("/status")).text
