"""Keys changed over the API and on pages, and what operators do to everybody's."""

import re

import pytest
from test_operator_roles import operator_with
from web_house import PASSWORD, START, WebHouse

from pontlevis.accounts.roles import Role
from pontlevis.brain.key_scope import KeyLimits, KeyScope
from pontlevis.web.i18n import LANGUAGES

ADA = {"email": "ada@example.com", "password": PASSWORD}


async def test_a_patch_changes_what_it_names(house: WebHouse) -> None:
    """Null takes a limit or an expiry away; a key changes those it made, and never beyond itself."""
    async with house.client() as client:
        await client.post("/api/accounts", json=ADA)
        await client.post("/api/sessions", json=ADA)
        wanted = {"name": "deploy", "models": ["gpt-*"], "endpoints": ["models", "keys"],
                  "limits": {"requests_per_minute": 5, "concurrent": 2}, "expires_in_s": 60}  # fmt: skip
        made = (await client.post("/api/keys", json=wanted)).json()
        path = f"/api/keys/{made['id']}"
        same = await client.patch(path, json={})
        assert (same.status_code, same.json()["limits"]["concurrent"], "key" in same.json()) == (
            200,
            2,
            False,
        )
        limits = {"concurrent": None, "tokens_per_day": 9}
        changed = (
            await client.patch(path, json={"name": "d2", "limits": limits, "expires_in_s": None})
        ).json()
        assert (changed["name"], changed["models"], changed["expires_at"]) == ("d2", ["gpt-*"], None)
        assert {name: most for name, most in changed["limits"].items() if most} == {"requests_per_minute": 5, "tokens_per_day": 9}  # fmt: skip
        assert (await client.patch(path, json={"limits": None})).json()["limits"] is None
        bad = await client.patch(path, json={"endpoints": ["chat"]})
        assert (bad.status_code, bad.json()["error"]["param"]) == (400, "endpoints")
        client.cookies.clear()
        bearer = {"authorization": f"Bearer {made['key']}"}
        job = {"name": "job", "models": ["gpt-4"], "endpoints": ["models"]}
        child = (await client.post("/api/keys", json=job, headers=bearer)).json()
        wide = await client.patch(f"/api/keys/{child['id']}", json={"models": []}, headers=bearer)
        assert (wide.status_code, wide.json()["error"]["code"]) == (403, "exceeds_maker")
        fits = await client.patch(f"/api/keys/{child['id']}", json={"models": ["gpt-*"]}, headers=bearer)
        assert fits.json()["models"] == ["gpt-*"]
        assert (await client.patch(path, json={"name": "x"}, headers=bearer)).status_code == 404
        assert (await client.patch(path, json={"name": "x"})).status_code == 401


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_key_is_changed_on_its_page_without_javascript(house: WebHouse, language: str) -> None:
    """The form shows what holds; errors keep what was typed; what has ended cannot be changed."""
    async with house.browser(language=language) as visitor:
        for method in ("GET", "POST"):
            assert (await visitor.request(method, "/keys/x")).headers["location"] == "/login?next=/keys"
        await visitor.post("/register", data=ADA)
        account = (await house.accounts.list_accounts())[0].id
        scope = KeyScope(("gpt-*",), ("models",), KeyLimits(concurrent=3))
        made = await house.accounts.create_key(account, "<bot>", scope=scope, expires_at=START + 60)
        path = f"/keys/{made.id}"
        assert f'href="{path}"' in (await visitor.get("/keys")).text
        shown = (await visitor.get(path)).text
        for each in (
            'value="&lt;bot&gt;"',
            ">gpt-*</textarea>",
            'value="3"',
            'value="keep" selected',
            'value="models" checked',
        ):
            assert each in shown
        assert 'value="embeddings" checked' not in shown
        form = {
            "name": "bot",
            "models": "gpt-4",
            "endpoint": ["models", "keys"],
            "days": "keep",
            "concurrent": "2",
        }
        bad = await visitor.post(path, data={**form, "endpoint": [], "models": "llama"})
        assert bad.status_code == 400
        assert ">llama</textarea>" in bad.text
        done = await visitor.post(path, data=form)
        assert (done.status_code, 'role="status"' in done.text) == (200, True)
        (view,) = await house.accounts.list_keys(account)
        assert view.scope == KeyScope(("gpt-4",), ("models", "keys"), KeyLimits(concurrent=2))
        assert (view.name, view.expires_at) == ("bot", START + 60)
        child = await house.accounts.create_key(
            account, "job", scope=KeyScope(("gpt-4",), ("models",), KeyLimits(concurrent=1)), maker=made.id
        )
        below = (await visitor.get(f"/keys/{child.id}")).text
        beyond = await visitor.post(f"/keys/{child.id}", data={**form, "models": "", "endpoint": "models"})
        assert beyond.status_code == 403
        narrow = await visitor.post(
            path, data={**form, "days": "never", "endpoint": "keys", "concurrent": "1"}
        )
        assert len(await house.accounts.list_keys(account)) == 1, "its key had no endpoint left"
        (view,) = await house.accounts.list_keys(account)
        assert view.expires_at is None
        gone = await visitor.get(f"/keys/{child.id}")
        assert gone.status_code == 404
        for page in (shown, bad.text, done.text, below, beyond.text, narrow.text, gone.text):
            assert re.findall(r"\b(?:keys|error|account|nav)\.[a-z_0-9]+\b", page) == []


async def test_operators_find_and_end_keys_as_far_as_their_role_reaches(house: WebHouse) -> None:
    """A viewer looks, a responder narrows and revokes, an admin widens and rotates; no secret is ever listed."""
    admin = await house.operator_client()
    viewer, responder = await operator_with(house, Role.VIEWER), await operator_with(house, Role.RESPONDER)
    key = (await admin.post("/api/keys", json={"email": "ada@example.com", "models": ["gpt-*"]})).json()[
        "key"
    ]
    listed = await viewer.get("/api/keys?email=Ada@example.com")
    (ada,) = listed.json()["keys"]
    assert key not in listed.text
    assert (ada["email"], ada["models"]) == ("ada@example.com", ["gpt-*"])
    assert (await viewer.get("/api/keys?email=x@y.example")).json() == {"keys": []}
    assert len((await viewer.get("/api/keys")).json()["keys"]) > 1
    path = f"/api/keys/{ada['id']}"
    assert (await viewer.delete(path)).status_code == 403
    wide = {"models": [], "reason": "paid"}
    refused = await responder.patch(path, json=wide)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "widens_key")
    narrow = await responder.patch(path, json={"models": ["gpt-4"], "reason": "too much"})
    assert narrow.json()["differences"] == ["models: gpt-* → gpt-4"]
    assert (await admin.patch(path, json=wide)).json()["key"]["models"] == []
    assert (await responder.post(f"{path}/rotate", json={"reason": "x"})).status_code == 403
    turned = await admin.post(f"{path}/rotate", json={"reason": "asked", "overlap_s": 60})
    assert (turned.json()["former_until"], turned.json()["key"] != key) == (START + 60, True)
    several = {"email": "ada@example.com", "reason": "sold"}
    trial = (await responder.post("/api/keys/revoke", json=several)).json()
    assert (trial["applied"], [each["id"] for each in trial["keys"]]) == (False, [ada["id"]])
    assert (await responder.post("/api/keys/revoke", json={"reason": "x"})).status_code == 400
    assert (await responder.delete(f"{path}?reason=sold")).json()["applied"] is True
    assert (await responder.delete(path)).status_code == 404
    assert (await viewer.get("/api/keys?email=ada@example.com")).json() == {"keys": []}
    lines = (await admin.get("/api/audit?event=operator:key")).json()["audit"]
    assert [(each["event"].rpartition(":")[2], each["detail"].rpartition(": ")[2]) for each in lines[:4]] == [
        ("revoked", "sold"), ("rotated", "asked"), ("changed", "paid"), ("changed", "too much"),
    ]  # fmt: skip
    for client in (admin, viewer, responder):
        await client.aclose()


@pytest.mark.parametrize("language", LANGUAGES)
async def test_an_accounts_keys_stand_on_its_page_with_a_way_to_end_them(
    house: WebHouse, language: str
) -> None:
    """With a reason; one, or all; another account's key is not there; an account without keys says so."""
    admin = await house.operator_client()
    admin.headers["accept-language"] = language
    owners = []
    for email in ("ada@example.com", "bob@example.com"):
        await house.accounts.make_key(
            email, name="<bot>", scope=KeyScope(("gpt-*",), (), KeyLimits(concurrent=3))
        )
        found = await house.accounts.find_account(email)
        assert found is not None
        owners.append(found.id)
    ada, bob = owners
    await house.accounts.create_key(ada, "two", expires_at=START + 9)
    assert f'href="/accounts/{ada}"' in (await admin.get("/accounts")).text
    keys = {each.key.name: each.key.id for each in await house.accounts.find_keys(account=ada)}
    (his,) = [each.key.id for each in await house.accounts.find_keys(account=bob)]
    pages = [(await admin.get(f"/accounts/{ada}")).text]
    assert all(each in pages[0] for each in ("&lt;bot&gt;", "<code>gpt-*</code>", *keys.values()))
    path = f"/accounts/{ada}/keys/revoke"
    unsaid = await admin.post(path, data={"key": keys["two"], "reason": " "})
    assert unsaid.status_code == 400
    assert (await admin.post(path, data={"key": his, "reason": "x"})).status_code == 404
    assert len(await house.accounts.find_keys(account=ada)) == 2
    assert (await admin.post(path, data={"key": keys["two"], "reason": "sold"})).status_code == 303
    assert [each.key.name for each in await house.accounts.find_keys(account=ada)] == ["<bot>"]
    assert (await admin.post(path, data={"reason": "all"})).status_code == 303
    pages += [unsaid.text, (await admin.get(f"/accounts/{ada}")).text]
    assert len(await house.accounts.find_keys(account=bob)) == 1
    assert (await admin.get("/accounts/none")).status_code == 404
    for page in pages:
        assert re.findall(r"\b(?:keys|error|account|con|op)\.[a-z_0-9]+\b", page) == []
    await admin.aclose()
