"""Second factor, passkeys and sessions as a browser and a program meet them."""

import json
import re
from pathlib import Path
from urllib.parse import quote

import httpx
import pyotp
import pytest
from web_house import BASE, CHEAP, PASSWORD, WebHouse, web_house

from authenticator import Authenticator

ADA = {"email": "ada@example.com", "password": PASSWORD}
STEP_S = 30
FORMS = (
    "/login/second", "/login/passkey", "/account/password", "/account/totp", "/account/totp/confirm", "/account/totp/remove",
    "/account/recovery-codes", "/account/passkeys", "/account/passkeys/0123456789abcdef/remove",
    "/account/sessions/others/end", "/account/sessions/0123456789abcdef/end",
)  # fmt: skip


async def with_app(house: WebHouse, browser: httpx.AsyncClient) -> tuple[pyotp.TOTP, list[str]]:
    """Ada registers and sets an app up, by forms alone; her app and her recovery codes."""
    assert (await browser.post("/register", data=ADA)).status_code == 303
    shown = await browser.post("/account/totp")
    secret = re.search(r'class="mono secret">([A-Z2-7]+)<', shown.text)
    assert secret is not None
    assert "<svg" in shown.text
    assert "style=" not in shown.text
    app = pyotp.TOTP(secret[1])
    wrong = await browser.post("/account/totp/confirm", data={"code": "000 000"})
    assert wrong.status_code == 400
    assert secret[1] in wrong.text
    done = await browser.post("/account/totp/confirm", data={"code": app.at(int(house.now))})
    assert done.status_code == 200
    codes = re.search(r'<pre class="codes" id="codes">([^<]+)</pre>', done.text)
    assert codes is not None
    again = await browser.get("/account/security")
    assert codes[1] not in again.text
    house.now += STEP_S
    return app, codes[1].split()


async def test_the_form_of_the_second_step_leads_where_one_wanted_to_go(house: WebHouse) -> None:
    """No session before it, none that was there before counts, and the ticket's cookie goes with it."""
    async with house.browser() as browser:
        app, codes = await with_app(house, browser)
        assert len(codes) == CHEAP.recovery_codes
    async with house.browser() as browser:
        browser.cookies.set("pontlevis_session", "ps-planted")
        asked = await browser.post("/login", data={**ADA, "next": "/chat"})
        assert asked.status_code == 303
        assert asked.headers["location"] == "/login/second?next=/chat&with=totp-recovery"
        assert "pontlevis_session" not in asked.headers["set-cookie"]
        assert "HttpOnly" in asked.headers["set-cookie"]
        assert (await browser.get("/account")).status_code == 303
        page = await browser.get(asked.headers["location"])
        assert 'name="code"' in page.text
        wrong = await browser.post("/login/second", data={"code": "000000", "next": "/chat"})
        assert wrong.status_code == 401
        done = await browser.post("/login/second", data={"code": app.at(int(house.now)), "next": "/chat"})
        assert done.headers["location"] == "/chat"
        assert (await browser.get("/account")).status_code == 200
        replay = await browser.post("/login/second", data={"code": app.at(int(house.now)), "next": "/chat"})
        assert replay.headers["location"] == "/login?notice=again&next=/chat"


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "/%0d%0aset-cookie:x", "/a&with=x#y"],
)
async def test_the_second_step_leads_nowhere_else(house: WebHouse, target: str) -> None:
    """Neither by the form of the first step nor by the second's."""
    async with house.browser() as browser:
        app, _ = await with_app(house, browser)
    async with house.browser() as browser:
        asked = await browser.post("/login", data={**ADA, "next": target})
        location = httpx.URL(BASE).join(asked.headers["location"])
        assert location.path == "/login/second"
        assert location.params.get_list("with") == ["totp-recovery"]
        done = await browser.post("/login/second", data={"code": app.at(int(house.now)), "next": target})
        assert httpx.URL(BASE).join(done.headers["location"]).host == "front.example"
        again = await browser.post("/login/second", data={"code": "1", "next": target})
        assert httpx.URL(BASE).join(again.headers["location"]).host == "front.example"
        planted = await browser.get(f"/login/second?next={quote(target)}")
        assert planted.status_code == 303 or "evil.example" not in planted.text.replace("/\\", "//")


@pytest.mark.parametrize("path", FORMS)
async def test_another_sites_page_cannot_send_these_forms(house: WebHouse, path: str) -> None:
    """CSRF: refused before anything is looked at, whatever cookies came along."""
    async with house.browser() as browser:
        await browser.post("/register", data=ADA)
        cookies = dict(browser.cookies)
    async with house.client(origin="https://evil.example", sec_fetch_site="cross-site") as foreign:
        foreign.cookies.update(cookies)
        answer = await foreign.post(path, data={"code": "1", "password": "four loud herons"})
        assert answer.status_code == 403
        assert answer.json()["error"]["code"] == "cross_site"


async def test_these_pages_are_for_their_owner_and_a_fresh_session(house: WebHouse) -> None:
    """Without a session to the log-in; with an old one a word and a way, and nothing changes."""
    async with house.browser() as stranger:
        for path in FORMS[2:]:
            answer = await stranger.post(path)
            assert answer.status_code == 303, path
            assert answer.headers["location"].startswith(("/login", "/account/security#")), path
        assert (await stranger.get("/account/security")).headers[
            "location"
        ] == "/login?next=/account/security"
        assert (await stranger.get("/login/second")).headers["location"] == "/login"
    async with house.browser() as browser:
        await with_app(house, browser)
        house.now += CHEAP.fresh_session_s + 1
        page = await browser.get("/account/security")
        assert "log in again" in page.text
        for path in ("/account/totp/remove", "/account/recovery-codes", "/account/totp"):
            answer = await browser.post(path)
            assert answer.status_code == 403, path
        assert (await browser.get("/api/second-factor")).json()["totp"] is True


async def test_a_program_takes_both_steps(house: WebHouse) -> None:
    """The refusal carries what the second step needs; errors have the common shape."""
    async with house.client() as client:
        await client.post("/api/accounts", json=ADA)
        token = (await client.post("/api/sessions", json=ADA)).json()["token"]
        client.cookies.clear()
        client.headers["authorization"] = f"Bearer {token}"
        made = (await client.post("/api/second-factor/totp")).json()
        app = pyotp.TOTP(made["secret"])
        assert f"secret={made['secret']}" in made["uri"]
        done = await client.post("/api/second-factor/totp/confirm", json={"code": app.at(int(house.now))})
        assert len(done.json()["recovery_codes"]) == CHEAP.recovery_codes
        house.now += STEP_S
        refused = await client.post("/api/sessions", json=ADA)
        assert refused.status_code == 403
        error = refused.json()["error"]
        assert (error["code"], error["methods"]) == ("second_factor_required", ["totp", "recovery"])
        assert "set-cookie" not in refused.headers
        step = {"ticket": error["ticket"], "code": app.at(int(house.now))}
        grant = await client.post("/api/sessions/second-factor", json=step)
        assert grant.status_code == 200
        assert grant.json()["token"].startswith("ps-")
        again = await client.post("/api/sessions/second-factor", json=step)
        assert (again.status_code, again.json()["error"]["code"]) == (403, "ticket_invalid")
        sessions = (await client.get("/api/sessions")).json()["sessions"]
        assert [(each["factor"], each["current"]) for each in sessions] == [("totp", False), ("", True)]
        assert (await client.delete(f"/api/sessions/{sessions[0]['id']}")).status_code == 204
        assert (await client.delete("/api/sessions/others")).json() == {"ended": 0}
        new = {"current": PASSWORD, "password": "four loud herons"}
        changed = await client.post("/api/password", json=new)
        assert changed.status_code == 200
        assert (await client.get("/api/sessions")).status_code == 401


async def test_passkeys_are_made_and_shown_by_programs_and_by_forms(tmp_path: Path) -> None:
    """With an authenticator in software; the browser's own is in the end-to-end tests."""
    async with web_house(tmp_path, public_url="https://front.example") as house, house.client() as client:
        client.base_url = httpx.URL("https://front.example")
        key = Authenticator()
        await client.post("/api/accounts", json=ADA)
        await client.post("/api/sessions", json=ADA)
        begun = (await client.post("/api/passkeys/options")).json()
        answer = json.loads(key.make(json.dumps(begun["options"])))
        made = await client.post(
            "/api/passkeys", json={"state": begun["state"], "credential": answer, "name": "phone"}
        )
        assert made.status_code == 201, made.text
        shown = (await client.get("/api/second-factor")).json()
        assert [each["name"] for each in shown["passkeys"]] == ["phone"]
        client.cookies.clear()
        begun = (await client.get("/api/passkeys/challenge")).json()
        assert "allowCredentials" not in begun["options"] or begun["options"]["allowCredentials"] == []
        answer = json.loads(key.show(json.dumps(begun["options"])))
        grant = await client.post(
            "/api/sessions/passkey", json={"state": begun["state"], "credential": answer}
        )
        assert grant.status_code == 200, grant.text
        client.cookies.clear()
        begun = (await client.get("/api/passkeys/challenge")).json()
        form = {
            "state": begun["state"],
            "credential": key.show(json.dumps(begun["options"])),
            "next": "//evil.example",
        }
        done = await client.post("/login/passkey", data=form)
        assert (done.status_code, done.headers["location"]) == (303, "/account")
        refused = await client.post("/login/passkey", data=form)
        assert refused.status_code == 400
        gone = await client.delete(f"/api/passkeys/{shown['passkeys'][0]['id']}")
        assert gone.status_code == 204


async def test_without_a_name_and_https_passkeys_are_said_to_be_impossible(house: WebHouse) -> None:
    """Neither offered at log-in nor on the account's page."""
    async with house.browser() as browser:
        assert "passkey.js" not in (await browser.get("/login")).text
        await browser.post("/register", data=ADA)
        assert "Passkeys are not possible here" in (await browser.get("/account/security")).text
        assert (await browser.post("/api/passkeys/options")).status_code == 409


async def test_the_console_asks_operators_too(house: WebHouse) -> None:
    """The ticket of one listener is of no use at the other."""
    console = await house.operator_client()
    email = {"email": "operator@example.com", "password": PASSWORD}
    async with house.browser() as browser:
        assert (await browser.post("/login", data=email)).status_code == 303
        secret = (await browser.post("/api/second-factor/totp")).json()["secret"]
        app = pyotp.TOTP(secret)
        await browser.post("/api/second-factor/totp/confirm", json={"code": app.at(int(house.now))})
    house.now += STEP_S
    await console.post("/logout")
    asked = await console.post("/login", data=email)
    assert asked.headers["location"].startswith("/login/second?")
    assert (await console.get("/")).headers["location"] == "/login"
    ticket = console.cookies["pontlevis_operator_ticket"]
    async with house.client() as client:
        crossed = await client.post(
            "/api/sessions/second-factor", json={"ticket": ticket, "code": app.at(int(house.now))}
        )
        assert crossed.json()["error"]["code"] == "ticket_invalid"
    assert 'name="code"' in (await console.get("/login/second")).text
    assert (await console.post("/login/second", data={"code": "000000"})).status_code == 401
    done = await console.post("/login/second", data={"code": app.at(int(house.now))})
    assert (done.status_code, done.headers["location"]) == (303, "/")
    assert (await console.get("/")).status_code == 200
    await console.aclose()
