"""Passkeys of operators: made on the console, for the console alone."""

import json
import re

import httpx
import pytest
from test_operator_roles import operator_with
from web_house import PASSWORD, WebHouse

from authenticator import Authenticator
from pontlevis.accounts.factors import Factor, Realm
from pontlevis.accounts.roles import Role
from pontlevis.accounts.service import AccountError
from pontlevis.web.operator_visitor import COOKIE

ORIGIN = "http://localhost:8081"


async def made(client: httpx.AsyncClient, key: Authenticator) -> httpx.Response:
    begun = await client.post("/api/passkeys/options")
    assert begun.status_code == 201, begun.text
    form = {"state": begun.json()["state"], "credential": key.make(json.dumps(begun.json()["options"]))}
    return await client.post("/account/passkeys", data={**form, "name": "my key"})


async def shown(client: httpx.AsyncClient, key: Authenticator) -> httpx.Response:
    begun = (await client.get("/api/passkeys/challenge")).json()
    form = {"state": begun["state"], "credential": key.show(json.dumps(begun["options"]))}
    return await client.post("/login/passkey", data=form)


async def test_a_passkey_of_the_console_is_a_whole_log_in(house: WebHouse) -> None:
    """Set up, used, taken away; a viewer may do so too, each for their own account alone."""
    other = await house.operator_client()
    viewer = await operator_with(house, Role.VIEWER)
    key = Authenticator(origin=ORIGIN)
    page = await made(viewer, key)
    assert (page.status_code, "my key" in page.text) == (200, True)
    codes = page.text.partition('id="codes">')[2].partition("</pre>")[0]
    assert len(re.findall(r"[a-z2-9]{5}-[a-z2-9]{5}", codes)) == 10
    assert 'href="/account?lang=fr"' in page.text
    assert "/account/passkeys" not in (await viewer.get("/account")).text.partition("my key")[0]
    async with house.console(host="localhost:8081", origin=ORIGIN) as there:
        assert 'data-passkey="get"' in (await there.get("/login")).text
        opened = await shown(there, key)
        assert (opened.status_code, opened.headers["location"]) == (303, "/")
        assert (await there.get("/audit")).status_code == 200
        stolen = await there.post("/login", data={"email": "viewer@example.com", "password": PASSWORD})
        assert stolen.status_code == 401
    me = next(each for each in await house.accounts.operators() if each.email == "viewer@example.com")
    (held,) = (await house.accounts.factors(me.account)).passkeys_of(Realm.OPERATOR)
    sessions = await house.accounts.list_sessions(me.account)
    assert {each.factor for each in sessions} == {Factor.NONE, Factor.PASSKEY}
    assert (await other.post(f"/account/passkeys/{held.id}/remove")).status_code == 404
    assert (await viewer.post(f"/account/passkeys/{held.id}/remove")).status_code == 303
    async with house.console(host="localhost:8081", origin=ORIGIN) as there:
        assert (await shown(there, key)).status_code == 401
    await other.aclose()
    await viewer.aclose()


async def test_what_opens_the_public_pages_does_not_open_the_console(house: WebHouse) -> None:
    """Nor the other way round, nor who is no operator any more, nor an old session that wants to change it."""
    admin = await house.operator_client()
    viewer = await operator_with(house, Role.VIEWER)
    key = Authenticator(origin=ORIGIN)
    await made(viewer, key)
    begun = house.accounts.begin_passkey_log_in(Realm.OPERATOR)
    with pytest.raises(AccountError):
        await house.accounts.passkey_log_in(begun.state, key.show(begun.options), source="x", fingerprint=0)
    foreign = Authenticator(origin="http://localhost:8080")
    begun = await house.accounts.begin_passkey(
        next(each.account for each in await house.accounts.operators() if each.role is Role.ADMIN),
        realm=Realm.OPERATOR,
    )
    form = {"state": begun.state, "credential": foreign.make(begun.options)}
    assert (await admin.post("/account/passkeys", data=form)).status_code == 400
    await house.accounts.set_role("viewer@example.com", None, actor="test")
    async with house.console(host="localhost:8081", origin=ORIGIN) as there:
        assert (await shown(there, key)).status_code == 401
        assert COOKIE not in there.cookies
    house.now += house.context.settings.accounts.fresh_session_s + 1
    assert (await admin.post("/api/passkeys/options")).status_code == 403
    assert "too old to change this" in (await admin.get("/account")).text
    async with house.console(trusted=True) as local:
        assert (await local.get("/account")).status_code == 404
    await admin.aclose()
    await viewer.aclose()
