"""The console's page for after a breach: seen first, then done to exactly those who were seen."""

import dataclasses
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from test_operator_roles import operator_with
from web_house import WebHouse, web_house

from pontlevis.accounts.respond import Parts, Response, Target, Touched
from pontlevis.accounts.roles import Role
from pontlevis.storage.audit_search import search_audit
from pontlevis.web.operator import create_operator_app
from pontlevis.web.operator_respond_plans import KEPT_S, MOST_HELD, MOST_PLANS, Plans, Question

PARTS = {"sessions": "yes", "keys": "yes", "password": "yes", "tell": "yes"}


class Known:
    """Says whom an incident touched."""

    def __init__(self) -> None:
        self.by: dict[str, list[Touched]] = {}

    async def touched(self, incident: str) -> list[Touched]:
        return self.by[incident]


@pytest.fixture
def known() -> Known:
    return Known()


@pytest.fixture
async def house(tmp_path: Path, known: Known) -> AsyncIterator[WebHouse]:
    async with web_house(tmp_path) as made:
        made.context = dataclasses.replace(made.context, touched=known)
        made.operator = create_operator_app(made.context, trusted=False)
        yield made


async def person(house: WebHouse, email: str) -> tuple[str, str]:
    """An account with a key and a session: its id and the session's token."""
    await house.accounts.make_key(email, name="mine", paid=False, unlimited=False)
    found = await house.accounts.find_account(email)
    assert found is not None
    return found.id, (await house.accounts.begin_session(found.id, source="192.0.2.7")).token


async def look(client: httpx.AsyncClient, form: dict[str, str]) -> httpx.Response:
    """The dry run's page."""
    sent = await client.post("/respond", data=form)
    assert sent.status_code == 303, sent.text
    return await client.get(sent.headers["location"])


def plan_in(page: httpx.Response) -> str:
    found = re.search(r'action="(/respond/[\w-]+)"', page.text)
    assert found is not None, page.text
    return found.group(1)


async def test_what_is_done_is_what_was_shown(house: WebHouse, known: Known) -> None:
    """Whoever the incident touches after the look stays untouched; the incident has a note, once."""
    operator = await house.operator_client()
    ada, ada_token = await person(house, "ada@example.com")
    bob, bob_token = await person(house, "bob@example.com")
    eve, eve_token = await person(house, "eve@example.com")
    made = await operator.post("/api/incidents", json={"name_en": "Guessed", "body_en": "Passwords."})
    incident = made.json()["id"]
    known.by[incident] = [Touched(ada, "a log-in succeeded from 192.0.2.9", house.now)]
    assert f'value="{incident}" selected' in (await operator.get(f"/respond?incident={incident}")).text
    assert f"/respond?incident={incident}" in (await operator.get("/incidents")).text

    named = "bob@example.com\nnobody@example.com"
    page = await look(operator, {**PARTS, "incident": incident, "accounts": named})
    for said in ("ada@example.com", "192.0.2.9", "bob@example.com", "nobody@example.com", "now: 2 accounts"):
        assert said in page.text, said
    assert await house.accounts.session_account(ada_token) is not None
    listed = (await operator.get(f"{plan_in(page)}/accounts.csv")).text.splitlines()
    assert [line.split(",")[1] for line in listed] == ["email", "ada@example.com", "bob@example.com"]

    known.by[incident].append(Touched(eve, "a log-in succeeded from 192.0.2.9", house.now))
    unsaid = await operator.post(plan_in(page), data={"reason": " "})
    assert (unsaid.status_code, "Say why. Nothing has happened" in unsaid.text) == (400, True)
    assert plan_in(unsaid) == plan_in(page)
    again = (await house.accounts.begin_session(ada, source="198.51.100.4")).token
    done = await operator.post(plan_in(page), data={"reason": "guessed"})
    assert done.status_code == 303
    assert "private note of it" in (await operator.get(done.headers["location"])).text
    assert [await house.accounts.session_account(each) for each in (ada_token, again, bob_token)] == [
        None
    ] * 3
    assert await house.accounts.session_account(eve_token) is not None
    notes = house.incidents.view(incident).notes
    assert "2 accounts: 3 sessions ended, 2 keys revoked" in notes
    assert notes.endswith("guessed")
    async with house.database.session() as session:
        lines = await search_audit(session, actor="", event="operator:account:secured", words="", before=0)
    assert {each.subject for each in lines} == {ada, bob}
    twice = await operator.post(plan_in(page), data={"reason": "guessed"})
    assert twice.headers["location"] == done.headers["location"]
    assert house.incidents.view(incident).notes == notes
    await operator.aclose()


async def test_a_look_is_its_operators_own_and_does_not_last(house: WebHouse) -> None:
    """Somebody else's list, an old one and one too many are refused; so is what asks for nothing."""
    operator = await house.operator_client()
    responder = await operator_with(house, Role.RESPONDER)
    _, token = await person(house, "ada@example.com")
    form = {**PARTS, "accounts": "ada@example.com"}
    plan = plan_in(await look(operator, form))
    assert (await responder.post(plan, data={"reason": "x"})).status_code == 409
    assert (await responder.get(f"{plan}/accounts.csv")).status_code == 404
    house.now += KEPT_S
    assert (await operator.post(plan, data={"reason": "x"})).status_code == 409
    first = plan_in(await look(operator, form))
    for _ in range(MOST_PLANS):
        await operator.post("/respond", data=form)
    assert (await operator.post(first, data={"reason": "x"})).status_code == 409
    assert await house.accounts.session_account(token) is not None
    for asked, said in (
        ({**PARTS}, "Choose an incident or name accounts."),
        ({"accounts": "ada@example.com", "tell": "yes"}, "Choose at least one of"),
        ({**PARTS, "incident": "nonesuch"}, "There is no such incident."),
    ):
        answer = await operator.post("/respond", data=asked)
        assert answer.status_code in (400, 404)
        assert said in answer.text
    nobody = await look(operator, {**PARTS, "accounts": "nobody@example.com"})
    assert "There is nothing to end." in nobody.text
    assert 'name="reason"' not in nobody.text
    await responder.aclose()
    await operator.aclose()


async def test_operators_are_hit_by_admins_alone(house: WebHouse) -> None:
    """A responder sees that they are left out; an account that stops being an operator meanwhile stays left out."""
    admin = await house.operator_client()
    responder = await operator_with(house, Role.RESPONDER)
    viewer = await operator_with(house, Role.VIEWER)
    _, token = await person(house, "bob@example.com")
    _, ada_token = await person(house, "ada@example.com")
    await house.accounts.set_role("bob@example.com", Role.VIEWER, actor="test")
    form = {**PARTS, "accounts": "bob@example.com ada@example.com"}
    assert (await viewer.get("/respond")).status_code == 403
    assert "/respond" not in (await viewer.get("/incidents")).text
    assert (await responder.post("/respond", data={**form, "operators": "yes"})).status_code == 403
    assert 'name="operators"' not in (await responder.get("/respond")).text
    page = await look(responder, form)
    assert "left out because they are operators" in page.text.lower()
    await house.accounts.set_role("bob@example.com", None, actor="test")
    assert (await responder.post(plan_in(page), data={"reason": "x"})).status_code == 303
    assert await house.accounts.session_account(ada_token) is None
    assert await house.accounts.session_account(token) is not None
    await house.accounts.set_role("bob@example.com", Role.VIEWER, actor="test")
    plan = plan_in(await look(admin, {**form, "operators": "yes"}))
    assert (await admin.post(plan, data={"reason": "his laptop"})).status_code == 303
    assert await house.accounts.session_account(token) is None
    for client in (admin, responder, viewer):
        await client.aclose()


def test_what_all_looks_hold_together_is_bounded() -> None:
    """The oldest go where many accounts are looked at; the newest stays, however large."""
    plans = Plans(lambda: 0.0)
    target = Target("a", "a@example.com", "named", 0.0, 1, 1, True, told=True, passkeys=0, left_out="")
    question = Question((), "i", Parts(), operators=False)
    half = Response(False, [target] * (MOST_HELD // 2), [])
    ids = [plans.keep(question, half, "ada").id for _ in range(3)]
    assert [plans.look(each, "ada") is not None for each in ids] == [False, True, True]
    small = plans.keep(question, Response(False, [target], []), "ada").id
    assert [plans.look(each, "ada") is not None for each in (*ids, small)] == [False, False, True, True]
