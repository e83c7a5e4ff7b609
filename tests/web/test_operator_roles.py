"""Roles of operators: each route has one, each role may what it may, and there is always an admin."""

import re

import httpx
import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import Route
from web_house import BASE, PASSWORD, WebHouse

from pontlevis.accounts.roles import Role
from pontlevis.accounts.service import AccountError
from pontlevis.web.operator_visitor import COOKIE, NEEDS_NOBODY, Need

RANKS = {Role.VIEWER: "viewer@example.com", Role.RESPONDER: "responder@example.com"}
ADMINS_ONLY = {
    ("PUT", "/api/operators"),
    ("POST", "/operators"),
    ("POST", "/api/keys"),
    ("POST", "/api/keys/{key}/rotate"),
    ("POST", "/api/policy/reload"),
    ("POST", "/api/posture/dry-run"),
    ("POST", "/posture/dry-run"),
    ("GET", "/api/letters"),
    ("GET", "/mailbox"),
    ("GET", "/safety"),
    ("POST", "/api/secrets/rotate"),
    ("POST", "/api/secrets/lookup/prepare"),
    ("POST", "/api/secrets/lookup/rotate"),
    ("GET", "/api/accounts/{account}/data"),
    ("DELETE", "/api/accounts/{account}/data"),
    ("DELETE", "/api/accounts/{account}/second-factor"),
}
"""Written down once more, so that a right that moves is seen."""
OWN = {
    ("POST", "/api/passkeys/options"),
    ("POST", "/account/passkeys"),
    ("POST", "/account/passkeys/{passkey}/remove"),
}
"""What guards one's own account every operator changes, a viewer too."""
ASKS_BY_BODY = {("PATCH", "/api/accounts/{account}"), ("PATCH", "/api/keys/{key}"), ("POST", "/api/respond")}


def needs(dependant: Dependant) -> list[Need]:
    found = [each.call for each in dependant.dependencies if isinstance(each.call, Need)]
    return found + [need for each in dependant.dependencies for need in needs(each)]


def guarded(house: WebHouse) -> list[tuple[str, str, Need]]:
    """Every route of the operator's app with its right; fails on one that has none."""
    found = []
    for context in iter_route_contexts(house.operator.routes):
        path = str(context.path)
        if path in NEEDS_NOBODY:
            continue
        assert isinstance(context.original_route, APIRoute), f"{path} is no route with a role"
        asked = needs(context.dependant)
        assert asked, f"{path} has no role"
        need = max(asked, key=lambda each: each.role)
        found += [(method, path, need) for method in context.methods or ()]
    return found


async def operator_with(house: WebHouse, role: Role) -> httpx.AsyncClient:
    """A browser in which an operator with this role has logged in."""
    email = RANKS[role]
    await house.accounts.make_key(email, name="test", paid=False, unlimited=False)
    await house.accounts.set_role(email, role, actor="test")
    grant = await house.accounts.begin_session(
        next(each.account for each in await house.accounts.operators() if each.email == email), source="x"
    )
    client = house.console()
    client.cookies.set(COOKIE, grant.token)
    return client


async def test_every_route_has_a_role_and_keeps_to_it(house: WebHouse) -> None:
    """A stranger gets in nowhere, an operator as far as the role reaches."""
    admin = await house.operator_client()
    viewer = await operator_with(house, Role.VIEWER)
    responder = await operator_with(house, Role.RESPONDER)
    stranger = house.console()
    routes = guarded(house)
    assert len(routes) > 50
    assert {(method, path) for method, path, need in routes if need.role is Role.ADMIN} == ADMINS_ONLY
    for method, path, need in routes:
        if method in ("GET", "HEAD") and path == "/api/events":
            continue  # It does not end; it has its own test.
        real = re.sub(r"\{\w+\}", "x", path.replace("{component}", "api").replace("{decision}", "1"))
        changes = method not in ("GET", "HEAD") and (method, path) not in OWN
        assert not changes or need.role >= Role.RESPONDER, (method, path)
        turned = await stranger.request(method, real)
        assert turned.status_code == (303 if need.page else 401), (method, path)
        for client, role in ((viewer, Role.VIEWER), (responder, Role.RESPONDER), (admin, Role.ADMIN)):
            # Nothing is sent: whoever may come in is told that something is missing, and nothing happens.
            if role >= need.role and method not in ("GET", "HEAD"):
                continue
            answer = await client.request(method, real)
            assert (answer.status_code == 403) == (role < need.role), (method, path, role, answer.text)
    for client in (admin, viewer, responder, stranger):
        await client.aclose()


def test_a_route_without_a_role_is_noticed(house: WebHouse) -> None:
    """The test above would fail on it."""

    async def free() -> str:
        return "for everybody"

    house.operator.add_api_route("/free", free)
    with pytest.raises(AssertionError, match="/free has no role"):
        guarded(house)
    house.operator.router.routes[:] = [Route("/raw", free)]
    with pytest.raises(AssertionError, match="/raw is no route"):
        guarded(house)


async def test_responders_fight_and_do_not_rule(house: WebHouse) -> None:
    """They ban; what an account has earned, and roles, are not theirs to give."""
    admin = await house.operator_client()
    responder = await operator_with(house, Role.RESPONDER)
    await house.accounts.make_key("ada@example.com", name="x", paid=False, unlimited=False)
    found = (await responder.get("/api/accounts")).json()["accounts"]
    ada = next(each["id"] for each in found if each["email"] == "ada@example.com")
    assert (await responder.patch(f"/api/accounts/{ada}", json={"paid": True})).status_code == 403
    assert (await responder.patch(f"/api/accounts/{ada}", json={"disabled": "spam"})).status_code == 200
    refused = await responder.put("/api/operators", json={"email": "ada@example.com", "role": "admin"})
    assert refused.json()["error"]["message"] == "this needs the role admin; you have the role responder"
    page = await responder.post("/operators", data={"email": "ada@example.com", "role": "admin"})
    assert page.status_code == 403
    assert "Your role is not enough" in page.text
    assert (await admin.patch(f"/api/accounts/{ada}", json={"paid": True})).status_code == 200
    named = {"accounts": [ada], "reason": "a breach"}
    assert (await responder.post("/api/respond", json=named)).status_code == 200
    assert (await responder.post("/api/respond", json={**named, "operators": True})).status_code == 403
    await admin.aclose()
    await responder.aclose()


async def test_the_first_operator_rules_and_the_last_admin_stays(house: WebHouse) -> None:
    """A second admin may demote the first; what was demoted is so at the next request."""
    admin = await house.operator_client()
    (first,) = await house.accounts.operators()
    assert first.role is Role.ADMIN
    for word in ("viewer", "responder", "none"):
        answer = await admin.put("/api/operators", json={"email": first.email, "role": word})
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "last_admin")
        page = await admin.post("/operators", data={"email": first.email, "role": word})
        assert "This is the last admin" in page.text
    await house.accounts.make_key("bob@example.com", name="x", paid=False, unlimited=False)
    assert (
        await admin.post("/operators", data={"email": "bob@example.com", "role": "admin"})
    ).status_code == 303
    await house.accounts.set_role(first.email, Role.VIEWER, actor="bob@example.com")
    assert (await admin.post("/api/posture/hold", json={"reason": "x"})).status_code == 403
    await house.accounts.set_role(first.email, None, actor="bob@example.com")
    assert (await admin.get("/api/posture")).status_code == 401
    with pytest.raises(AccountError, match="last admin"):
        await house.accounts.set_role("bob@example.com", None, actor="bob@example.com")
    async with house.console(trusted=True) as local:
        said = [each["detail"] for each in (await local.get("/api/audit")).json()["audit"]]
    assert said[:3] == ["viewer → none", "admin → viewer", "none → admin"]
    await admin.aclose()


async def test_nobody_unfit_becomes_an_operator(house: WebHouse) -> None:
    """An account that is not there, or may not be used."""
    with pytest.raises(AccountError) as missing:
        await house.accounts.set_role("nobody@example.com", Role.VIEWER, actor="test")
    assert missing.value.status == 404
    async with house.client(origin=BASE) as visitor:
        made = await visitor.post("/api/accounts", json={"email": "eve@example.com", "password": PASSWORD})
        assert made.status_code == 201
    async with house.console(trusted=True) as local:
        await local.patch(f"/api/accounts/{made.json()['id']}", json={"disabled": "spam"})
        answer = await local.put("/api/operators", json={"email": "eve@example.com", "role": "viewer"})
        assert answer.status_code == 409
        assert (await local.put("/api/operators", json={"email": "x@y.z", "role": "king"})).status_code == 400
