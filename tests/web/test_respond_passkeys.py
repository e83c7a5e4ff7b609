"""A passkey before the new password: where a browser is led; and passkeys on the page "After a breach"."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from test_factor_pages import ADA
from test_operator_passkeys import ORIGIN, made, shown
from test_operator_respond import PARTS, look, plan_in
from test_operator_roles import operator_with
from web_house import BASE, WebHouse, web_house

from authenticator import Authenticator
from pontlevis.accounts.respond import Parts
from pontlevis.accounts.roles import Role
from pontlevis.storage.tables.accounts import AccountRow

HTTPS = "https://front.example"


@pytest.fixture
async def https(tmp_path: Path) -> AsyncIterator[WebHouse]:
    """Where passkeys can be made."""
    async with web_house(tmp_path, public_url=HTTPS) as made_:
        yield made_


def browser_of(house: WebHouse) -> httpx.AsyncClient:
    client = house.client(origin=HTTPS, sec_fetch_site="same-origin", accept_language="en")
    client.base_url = httpx.URL(HTTPS)
    return client


async def with_passkey(house: WebHouse) -> Authenticator:
    """Ada registers and makes a passkey."""
    async with browser_of(house) as browser:
        assert (await browser.post("/register", data=ADA)).status_code == 303
    account = await house.accounts.find_account(ADA["email"])
    assert account is not None
    key = Authenticator()
    begun = await house.accounts.begin_passkey(account.id)
    await house.accounts.add_passkey(account.id, begun.state, key.make(begun.options), "mine", source="x")
    return key


async def test_a_passkey_leads_to_the_new_password_as_a_password_does(https: WebHouse) -> None:
    """On the public pages and in the API; one that is not known learns nothing."""
    key = await with_passkey(https)
    await https.accounts.respond([], [ADA["email"]], parts=Parts(), actor="x", reason="y", apply=True)
    async with browser_of(https) as browser:
        done = await shown(browser, key)
        assert (done.status_code, done.headers["location"]) == (303, "/reset?must=1")
        assert (await browser.post("/login", data=ADA)).headers["location"] == "/reset?must=1"
        assert "until then nothing else opens" in (await browser.get("/reset?must=1")).text
        assert (await shown(browser, Authenticator(id=b"x" * 32))).status_code == 401
        begun = (await browser.get("/api/passkeys/challenge")).json()
        body = {"state": begun["state"], "credential": json.loads(key.show(json.dumps(begun["options"])))}
        refused = await browser.post("/api/sessions/passkey", json=body)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "password_change_required")


async def test_the_console_says_where_the_new_password_is_chosen(house: WebHouse) -> None:
    """It has no such page of its own."""
    admin = await house.operator_client()
    viewer = await operator_with(house, Role.VIEWER)
    key = Authenticator(origin=ORIGIN)
    await made(viewer, key)
    account = next(
        each.account for each in await house.accounts.operators() if each.email.startswith("viewer")
    )
    async with house.database.session() as session:
        row = await session.get_one(AccountRow, account)
        row.must_change_password = True
    async with house.console(host="localhost:8081", origin=ORIGIN) as there:
        refused = await shown(there, key)
        assert (refused.status_code, f'href="{BASE}/reset"' in refused.text) == (403, True)
        assert (await there.get("/audit")).status_code in (303, 401)
    await viewer.aclose()
    await admin.aclose()


async def test_the_page_keeps_them_unless_asked_and_says_how_many_go(https: WebHouse) -> None:
    """Never without the password."""
    operator = await https.operator_client()
    await with_passkey(https)
    form = {**PARTS, "accounts": ADA["email"]}
    assert "passkeys and apps" not in (await look(operator, form)).text
    alone = await operator.post("/respond", data={**form, "passkeys": "yes", "password": ""})
    assert (alone.status_code, "only together with the password" in alone.text) == (400, True)
    page = await look(operator, {**form, "passkeys": "yes"})
    assert "passkeys and apps: 1" in page.text
    assert (await operator.get(f"{plan_in(page)}/accounts.csv")).text.splitlines()[1].endswith(",1")
    done = await operator.post(plan_in(page), data={"reason": "guessed"})
    assert "passkeys and apps: 1" in (await operator.get(done.headers["location"])).text
    account = await https.accounts.find_account(ADA["email"])
    assert account is not None
    assert not (await https.accounts.factors(account.id)).any
    await operator.aclose()
