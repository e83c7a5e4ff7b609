"""Pages and API around sign-up, as a browser and a program meet them."""

import re
import time
from dataclasses import replace
from pathlib import Path

import altcha
import httpx
import pytest
from test_pages import words
from web_house import BASE, CHEAP, PASSWORD, RECOVERING, START, SUSPENDED, WebHouse, web_house

from pontlevis.accounts.policy import Verification
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.registration_order import RegistrationOrder, with_order
from pontlevis.brain.vocabulary import Posture, RegistrationMode
from pontlevis.web.i18n import LANGUAGES

ADA = {"email": "ada@example.com", "password": PASSWORD}
CHALLENGED = PostureState(posture=Posture.ELEVATED, registration=RegistrationMode.CHALLENGE)
KEY = re.compile(
    r"\b(nav|form|register|login|waiting|account|challenge|verify|reset|error|status|op)\.[a-z_]+\b"
)
MODES = [
    PostureState(),
    CHALLENGED,
    PostureState(registration=RegistrationMode.APPROVAL),
    PostureState(registration=RegistrationMode.WAITLIST, registration_share=0.0),
    RECOVERING,
    SUSPENDED,
]


async def letter(house: WebHouse, kind: str) -> str:
    """The newest letter of a kind, as it would go out."""
    await house.accounts.deliver()
    return next(each.body for each in await house.accounts.letters() if each.kind == kind and each.body)


def solve(answer: httpx.Response) -> str:
    challenge = altcha.Challenge.from_dict(answer.json())
    solution = altcha.solve_challenge(challenge)
    assert solution is not None
    return altcha.Payload(challenge, solution).to_base64()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("state", MODES, ids=lambda state: state.registration.value)
async def test_every_mode_has_a_page_of_its_own(house: WebHouse, state: PostureState, language: str) -> None:
    """In words, with a form that fits; also where it is set by hand, and where the invitation does not hold."""
    order = RegistrationOrder(RegistrationMode.SUSPENDED, "spam", "op", START, START + 60)
    for shown in (state, with_order(state, order, START)):
        house.service.posture = shown
        async with house.browser(language=language) as visitor:
            for path in (
                "/register",
                "/register?invitation=pi-x",
                "/login",
                "/verify",
                "/reset",
                "/verify?token=x",
                "/reset?token=x",
            ):
                page = await visitor.get(path)
                assert page.status_code in (200, 403)
                assert KEY.search(words(page)) is None, words(page)


async def test_the_page_of_a_suspended_registration_tells_the_truth(house: WebHouse) -> None:
    """Why, since when, when the next step is due if that is known, and that nobody inside is touched."""
    house.service.posture = SUSPENDED
    async with house.browser() as visitor:
        page = words(await visitor.get("/register"))
        assert "because the service is under attack" in page
        assert "2025-01-27 17:36 UTC" in page
        assert "not known yet" in page
        order = RegistrationOrder(RegistrationMode.SUSPENDED, "moving house", "op", START, START + 3_600)
        house.service.posture = with_order(PostureState(), order, START)
        page = words(await visitor.get("/register"))
        assert "attack" not in page
        assert "closed them" in page
        assert "2025-01-27 18:46 UTC" in page
        refused = (await visitor.post("/api/accounts", json=ADA)).json()["error"]
        assert "attack" not in refused["message"]
        assert "moving house" not in refused["message"]


async def test_a_program_solves_the_challenge_it_is_pointed_to(house: WebHouse) -> None:
    """403 with the address, a challenge in ALTCHA's shape, and then an account."""
    house.now = time.time()
    house.service.posture = CHALLENGED
    async with house.client() as client:
        refused = await client.post("/api/accounts", json=ADA)
        assert refused.status_code == 403
        assert refused.json()["error"]["code"] == "challenge_required"
        address = refused.json()["error"]["challenge"]
        assert address == f"{BASE}/api/challenge?action=signup"
        assert (await client.get("/api/registration")).json()["challenge"] == address
        solved = solve(await client.get(address))
        assert (await client.post("/api/accounts", json={**ADA, "altcha": solved})).status_code == 201
        client.cookies.clear()
    async with house.client(source="198.51.100.9") as client:
        refused = await client.post("/api/sessions", json=ADA)
        assert refused.json()["error"]["challenge"] == f"{BASE}/api/challenge?action=login"
        solved = solve(await client.get("/api/challenge", params={"action": "login"}))
        assert (await client.post("/api/sessions", json={**ADA, "altcha": solved})).status_code == 200
        assert (await client.get("/api/challenge", params={"action": "chat"})).status_code == 400


async def test_who_looks_like_an_accused_cluster_works_harder(house: WebHouse) -> None:
    """Four times here; the cost stands in what we signed."""
    async with house.client() as client:
        usual = (await client.get("/api/challenge")).json()["parameters"]["data"]["most"]
        house.service.factor = 4.0
        assert (await client.get("/api/challenge")).json()["parameters"]["data"]["most"] == 4 * usual


async def test_the_form_asks_for_the_browsers_work_and_says_so_without_javascript(house: WebHouse) -> None:
    """A plain message; a form sent all the same is answered in words, with what was written still there."""
    house.service.posture = CHALLENGED
    async with house.browser() as visitor:
        page = await visitor.get("/register")
        assert 'data-challenge="signup"' in page.text
        assert "needs JavaScript" in re.sub(r".*<noscript>", "", page.text, flags=re.DOTALL)
        sent = await visitor.post("/register", data=ADA)
        assert sent.status_code == 403
        assert 'value="ada@example.com"' in sent.text
        assert 'data-challenge="login"' in (await visitor.get("/login")).text


async def test_from_forgotten_to_new_password_on_pages(house: WebHouse) -> None:
    """Without JavaScript; the same page for an address that nobody has."""
    async with house.browser() as visitor:
        await visitor.post("/register", data=ADA)
        visitor.cookies.clear()
        asked = [
            await visitor.post("/reset/letter", data={"email": each})
            for each in ("ada@example.com", "bob@example.com")
        ]
        assert [each.status_code for each in asked] == [202, 202]
        pages = [words(each).replace("bob@", "ada@") for each in asked]
        assert pages[0] == pages[1]
        link = re.search(r"http://front\.example(/reset\?token=\S+)", await letter(house, "reset"))
        assert link is not None
        token = link.group(1).partition("token=")[2]
        for _ in range(2):  # Scanners open links; opening one uses nothing up.
            assert 'autocomplete="new-password"' in (await visitor.get(link.group(1))).text
        bad = await visitor.post("/reset", data={"token": token, "password": "1234567890"})
        assert bad.status_code == 400
        assert token in bad.text
        done = await visitor.post("/reset", data={"token": token, "password": "four loud bitterns"})
        assert done.headers["location"] == "/login?notice=changed"
        assert (
            await visitor.post("/login", data={**ADA, "password": "four loud bitterns"})
        ).status_code == 303
        assert (await visitor.get(link.group(1))).status_code == 403


async def test_confirming_an_address_by_link_and_by_code(house: WebHouse) -> None:
    """A button, since scanners open links; a code for who reads mail elsewhere."""
    async with house.browser() as visitor:
        await visitor.post("/register", data=ADA)
        assert "not confirmed yet" in words(await visitor.get("/account"))
        body = await letter(house, "verify")
        token = body.partition("token=")[2].split()[0]
        await visitor.get(f"/verify?token={token}")
        assert not (await visitor.get("/api/accounts/me")).json()["verified"]
        done = await visitor.post("/verify", data={"token": token})
        assert done.headers["location"] == "/account"
        assert (await visitor.get("/api/accounts/me")).json()["verified"]
        assert "not confirmed" not in words(await visitor.get("/account"))
        assert (await visitor.post("/verify", data={"token": token})).status_code == 403
        wrong = await visitor.post("/verify", data={"email": "ada@example.com", "code": "12"})
        assert wrong.status_code == 400


async def test_letters_lead_to_our_own_address_whatever_host_the_request_named(house: WebHouse) -> None:
    """A forged Host, X-Forwarded-Host or Forwarded poisons no link."""
    forged = {"host": "evil.example", "x-forwarded-host": "evil.example", "forwarded": "host=evil.example"}
    async with house.client() as client:
        await client.post("/api/accounts", json=ADA, headers=forged)
        assert (
            await client.post("/api/reset/letter", json={"email": ADA["email"]}, headers=forged)
        ).status_code == 202
    for kind in ("verify", "reset"):
        body = await letter(house, kind)
        assert "evil" not in body
        assert f"{BASE}/{kind}?token=" in body


async def test_no_line_break_in_an_address_reaches_a_letter(house: WebHouse) -> None:
    """Refused at every door that takes an address."""
    attack = "ada@example.com\r\nBcc: all@example.com"
    async with house.client() as client:
        for path in ("/api/accounts", "/api/waitlist", "/api/reset/letter", "/api/verification/letter"):
            answer = await client.post(path, json={"email": attack, "password": PASSWORD})
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_email"), path
    await house.accounts.deliver()
    assert await house.accounts.letters() == []


async def test_where_confirming_is_required_two_people_get_one_answer(tmp_path: Path) -> None:
    """Byte for byte, on the page and in the API."""
    async with (
        web_house(tmp_path, policy=replace(CHEAP, verification=Verification.REQUIRED)) as house,
        house.browser() as visitor,
    ):
        pages = [await visitor.post("/register", data=ADA) for _ in range(2)]
        assert pages[0].status_code == 202
        assert pages[0].text == pages[1].text
        assert "pontlevis_session" not in visitor.cookies
        answers = [await visitor.post("/api/accounts", json=ADA) for _ in range(2)]
        assert answers[0].json() == {
            "id": None,
            "email": "ada@example.com",
            "standing": None,
            "created_at": None,
            "state": "unverified",
        }
        assert answers[0].content == answers[1].content
        assert "confirmed before the first log-in" in words(await visitor.get("/login"))


async def test_an_invitations_page_lets_its_guest_in_under_attack(house: WebHouse) -> None:
    """The form carries the invitation; its address cannot be changed where it is bound."""
    house.service.posture = SUSPENDED
    made = await house.accounts.invite(actor="op", email="ada@example.com")
    path = made.link.removeprefix(BASE)
    async with house.browser() as visitor:
        page = await visitor.get(path)
        assert "You are invited" in words(page)
        assert "readonly" in page.text
        action = re.search(r'action="(/register\?invitation=[^"]+)"', page.text)
        assert action is not None
        weak = await visitor.post(action.group(1), data={**ADA, "password": "x"})
        assert weak.status_code == 400
        assert "You are invited" in words(weak)
        assert (await visitor.post(action.group(1), data=ADA)).headers["location"] == "/account"
        assert "Invitation" in words(await visitor.get(path)) or "invitation" in words(
            await visitor.get(path)
        )
        assert (await visitor.get(path)).status_code == 403


async def test_other_sites_forms_are_refused_at_every_new_door(house: WebHouse) -> None:
    """As everywhere else."""
    async with house.client(origin="https://evil.example", sec_fetch_site="cross-site") as visitor:
        for path in (
            "/verify",
            "/verify/letter",
            "/reset",
            "/reset/letter",
            "/api/reset",
            "/api/verification",
        ):
            assert (await visitor.post(path, data=ADA)).status_code == 403
    async with house.console(origin="https://evil.example") as visitor:
        for path in ("/registration", "/registration/release", "/invitations", "/invitations/x/revoke"):
            assert (await visitor.post(path, data={})).status_code == 403


async def test_the_operators_pages_on_registration_and_letters(house: WebHouse) -> None:
    """Empty first; then a mode by hand, an invitation, an approval, a letter that nobody could send."""
    async with house.console() as stranger:
        for path in ("/registration", "/mailbox"):
            assert (await stranger.get(path)).headers["location"] == "/login"
        for path in ("/api/registration", "/api/invitations", "/api/letters"):
            assert (await stranger.get(path)).status_code == 401
    operator = await house.operator_client()
    empty = words(await operator.get("/registration"))
    assert "No invitation yet" in empty
    assert "No account waits" in empty
    assert "No letter yet" in words(await operator.get("/mailbox"))
    assert (await operator.post("/registration", data={"mode": "approval", "reason": " "})).status_code == 400
    set_ = await operator.post(
        "/registration", data={"mode": "approval", "reason": "spam wave", "minutes": "90"}
    )
    assert set_.status_code == 303
    assert house.service.orders[-1] == (
        "registration",
        "approval",
        "spam wave",
        house.actor,
        5_400.0,
    )
    async with house.client() as client:
        assert (await client.post("/api/accounts", json=ADA)).status_code == 202
    page = await operator.get("/registration")
    assert "ada@example.com" in words(page)
    approve = re.search(r'action="(/registration/\w+/approve)"', page.text)
    assert approve is not None
    assert (await operator.post(approve.group(1))).status_code == 303
    made = await operator.post("/invitations", data={"note": "for the choir", "days": "2"})
    assert made.status_code == 201
    assert f"{BASE}/register?invitation=pi-" in made.text
    revoke = re.search(r'action="(/invitations/\w+/revoke)"', made.text)
    assert revoke is not None
    assert (await operator.post(revoke.group(1))).status_code == 303
    assert (await operator.post(revoke.group(1))).status_code == 404
    assert (await operator.post("/invitations", data={"email": "no address"})).status_code == 400
    await house.accounts.deliver()
    for language in LANGUAGES:
        mailbox = await operator.get("/mailbox", params={"lang": language})
        assert "ada@example.com" in words(mailbox)
        assert KEY.search(words(mailbox)) is None
        assert KEY.search(words(await operator.get("/registration", params={"lang": language}))) is None
    told = (await operator.get("/api/letters")).json()["letters"]
    assert {each["kind"] for each in told} == {"verify", "approved"}
    state = (await operator.post("/api/registration/release", json={})).json()
    assert state["order"] is None
    await operator.aclose()
