"""The accounts API as programs meet it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.exc import DBAPIError, OperationalError
from web_house import BASE, CHEAP, PASSWORD, RECOVERING, START, SUSPENDED, WebHouse, web_house

from pontlevis.brain.observation import Kind
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import RegistrationMode

ADA = {"email": "ada@example.com", "password": PASSWORD}


def _error(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The error's body, which has OpenAI's shape whatever went wrong."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert set(body) == {"error"}
    assert {"message", "type", "code", "param"} <= set(body["error"])
    assert body["error"]["code"] == code
    assert body["error"]["message"]
    found: dict[str, Any] = body["error"]
    return found


async def test_account_session_key_and_back(house: WebHouse) -> None:
    """The whole way of a program: account, session, key, list, delete, log out."""
    async with house.client() as client:
        made = await client.post("/api/accounts", json=ADA)
        assert made.status_code == 201
        assert made.json() == {
            "id": made.json()["id"],
            "email": "ada@example.com",
            "standing": "new",
            "created_at": START,
            "state": "created",
        }
        session = await client.post("/api/sessions", json=ADA)
        assert session.status_code == 200
        token = session.json()["token"]
        assert token.startswith("ps-")
        client.cookies.clear()
        _error(await client.get("/api/keys"), 401, "not_logged_in")
        bearer = {"authorization": f"Bearer {token}"}
        me = await client.get("/api/accounts/me", headers=bearer)
        assert me.json()["id"] == made.json()["id"]
        key = await client.post("/api/keys", json={"name": "laptop"}, headers=bearer)
        assert key.status_code == 201
        assert set(key.json()) >= {"id", "name", "key", "created_at"}
        assert key.json()["key"].startswith("pl-")
        listed = (await client.get("/api/keys", headers=bearer)).json()["keys"]
        assert [(each["id"], each["name"]) for each in listed] == [(key.json()["id"], "laptop")]
        assert "key" not in listed[0]
        gone = await client.delete(f"/api/keys/{key.json()['id']}", headers=bearer)
        assert (gone.status_code, gone.content) == (204, b"")
        _error(await client.delete(f"/api/keys/{key.json()['id']}", headers=bearer), 404, "not_found")
        assert (await client.delete("/api/sessions/current", headers=bearer)).status_code == 204
        _error(await client.get("/api/keys", headers=bearer), 401, "not_logged_in")


async def test_the_cookie_does_what_the_token_does_and_scripts_cannot_read_it(house: WebHouse) -> None:
    """HttpOnly, SameSite=Lax, for the whole site; a program that keeps cookies needs nothing more."""
    async with house.client() as client:
        await client.post("/api/accounts", json=ADA)
        session = await client.post("/api/sessions", json=ADA)
        for cookie in session.headers.get_list("set-cookie"):
            name, *attributes = [part.strip().lower() for part in cookie.split(";")]
            assert name.startswith(("pontlevis_session=ps-", "pontlevis_device=pd-"))
            assert {"httponly", "samesite=lax", "path=/"} <= set(attributes)
            assert "secure" not in attributes
        assert (await client.post("/api/keys", json={"name": "cookie"})).status_code == 201
        assert (await client.delete("/api/sessions/current")).status_code == 204
        assert "pontlevis_session" not in client.cookies


async def test_over_https_cookies_are_secure_and_browsers_are_told_to_stay(tmp_path: Path) -> None:
    """What the public address says decides, not the connection behind the proxy."""
    async with web_house(tmp_path, public_url="https://front.example") as house, house.client() as client:
        await client.post("/api/accounts", json=ADA)
        session = await client.post("/api/sessions", json=ADA)
        assert all("; secure" in each.lower() for each in session.headers.get_list("set-cookie"))
        assert "max-age" in session.headers["strict-transport-security"]


async def test_suspended_registration_answers_with_the_way_on(house: WebHouse) -> None:
    """503, when to come back, where to read more, where to leave an address; log-in goes on."""
    async with house.client() as client:
        await client.post("/api/accounts", json=ADA)
        house.service.posture = SUSPENDED
        answer = await client.post("/api/accounts", json={**ADA, "email": "grace@example.com"})
        error = _error(answer, 503, "registration_suspended")
        assert int(answer.headers["retry-after"]) > 0
        assert error["status_page"] == f"{BASE}/status"
        assert error["waitlist"] == f"{BASE}/api/waitlist"
        held = await client.post("/api/waitlist", json={"email": "grace@example.com"})
        assert (held.status_code, held.json()["state"]) == (202, "waitlisted")
        assert (await client.post("/api/sessions", json=ADA)).status_code == 200
        mode = (await client.get("/api/registration")).json()
        assert (mode["mode"], mode["since"]) == ("suspended", START - 600)
        assert "suspended" in mode["reason"]


async def test_the_ramp_answers_202_to_whom_it_does_not_let_in(house: WebHouse) -> None:
    """And says how much is let through and when the next stage is due."""
    house.service.posture = RECOVERING
    states = []
    for number in range(40):
        async with house.client(source=f"198.51.100.{number}") as client:
            answer = await client.post("/api/accounts", json={**ADA, "email": f"user{number}@example.com"})
            states.append((answer.status_code, answer.json()["state"]))
    assert set(states) == {(201, "created"), (202, "waitlisted")}
    async with house.client() as client:
        mode = (await client.get("/api/registration")).json()
    assert (mode["mode"], mode["share"], mode["next_stage_at"]) == ("waitlist", 0.25, START + 540)
    assert "25%" in mode["reason"]


async def test_approval_answers_202_and_challenge_403(house: WebHouse) -> None:
    """The shapes of the modes that an operator may choose."""
    async with house.client() as client:
        house.service.posture = PostureState(registration=RegistrationMode.APPROVAL)
        pending = await client.post("/api/accounts", json=ADA)
        assert (pending.status_code, pending.json()["state"]) == (202, "pending")
        _error(await client.post("/api/sessions", json=ADA), 403, "account_pending")
        house.service.posture = PostureState(registration=RegistrationMode.CHALLENGE)
        _error(
            await client.post("/api/accounts", json={**ADA, "email": "b@example.com"}),
            403,
            "challenge_required",
        )


@pytest.mark.parametrize(
    ("path", "content", "code", "param"),
    [
        ("/api/accounts", b"{}", "invalid_body", "email"),
        ("/api/accounts", b"", "invalid_body", None),
        ("/api/accounts", b"{", "invalid_body", None),
        ("/api/accounts", b"[]", "invalid_body", None),
        ("/api/accounts", b'"text"', "invalid_body", None),
        ("/api/accounts", b"\xff\xfe", "invalid_body", None),
        ("/api/accounts", b"[" * 100_000, "invalid_body", None),
        ("/api/accounts", b'{"email": 5, "password": "three quiet herons"}', "invalid_body", "email"),
        ("/api/accounts", b'{"email": "ada@example.com", "password": null}', "invalid_body", "password"),
        ("/api/accounts", b'{"email": "nobody", "password": "three quiet herons"}', "invalid_email", "email"),
        (
            "/api/accounts",
            b'{"email": "a\\u0000@example.com", "password": "three quiet herons"}',
            "invalid_email",
            "email",
        ),
        (
            "/api/accounts",
            b'{"email": "ada@example.com", "password": "short"}',
            "invalid_password",
            "password",
        ),
        ("/api/sessions", b'{"email": "ada@example.com"}', "invalid_body", "password"),
        ("/api/waitlist", b'{"email": "@@@"}', "invalid_email", "email"),
    ],
)
async def test_bodies_that_cannot_be_read_get_400_in_the_common_shape(
    house: WebHouse, path: str, content: bytes, code: str, param: str | None
) -> None:
    """And the field that is wrong, where one is."""
    async with house.client() as client:
        answer = await client.post(path, content=content, headers={"content-type": "application/json"})
    assert _error(answer, 400, code)["param"] == param


async def test_half_a_surrogate_pair_breaks_nothing(house: WebHouse) -> None:
    """JSON can carry it, UTF-8 cannot."""
    async with house.client() as client:
        for path in ("/api/accounts", "/api/sessions"):
            for body in (
                b'{"email": "ada@example.com", "password": "half a pair \\ud800"}',
                b'{"email": "\\ud800@example.com", "password": "three quiet herons"}',
            ):
                answer = await client.post(path, content=body, headers={"content-type": "application/json"})
                assert answer.status_code in (400, 401), answer.text


async def test_unknown_paths_and_methods_get_the_common_shape(house: WebHouse) -> None:
    """With the methods that there are."""
    async with house.client() as client:
        _error(await client.get("/api/nothing"), 404, "not_found")
        wrong = await client.put("/api/keys")
        _error(wrong, 405, "method_not_allowed")
        assert {each.strip() for each in wrong.headers["allow"].split(",")} <= {"GET", "POST"}


async def test_a_crash_tells_the_visitor_nothing_and_the_log_everything(
    house: WebHouse, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With the security headers of any other answer, and no text of the visitor's in the log's own words."""

    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the secret ingredient")

    monkeypatch.setattr(house.accounts, "log_in", broken)
    async with house.client() as client:
        answer = await client.post("/api/sessions?forged=%0Aline", json=ADA)
        _error(answer, 500, "internal_error")
        assert "secret ingredient" not in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        page = await client.post("/login", data=ADA)
        assert page.status_code == 500
        assert "secret ingredient" not in page.text
        assert "<h1>" in page.text
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [
        "web:request:crashed POST /api/sessions",
        "web:request:crashed POST /login",
    ]
    assert PASSWORD not in caplog.text


async def test_a_database_that_is_away_is_a_503(house: WebHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trying again may help, and the answer says when."""

    async def away(*_: object, **__: object) -> None:
        raise OperationalError("SELECT", {}, Exception("unable to open database file"))

    monkeypatch.setattr(house.accounts, "log_in", away)
    async with house.client() as client:
        answer = await client.post("/api/sessions", json=ADA)
        _error(answer, 503, "unavailable")
        assert answer.headers["retry-after"] == "5"


async def test_a_value_that_the_database_cannot_hold_is_a_400(
    house: WebHouse, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """And fills no log with traces."""

    class Refused(Exception):
        sqlstate = "22021"  # character_not_in_repertoire

    async def odd(*_: object, **__: object) -> None:
        raise DBAPIError("SELECT", {}, Refused("invalid byte sequence"))

    monkeypatch.setattr(house.accounts, "log_in", odd)
    async with house.client() as client:
        _error(await client.post("/api/sessions", json=ADA), 400, "bad_request")
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_wrong_passwords_are_slowed_and_the_answer_says_for_how_long(house: WebHouse) -> None:
    """Five free, then 429 with Retry-After."""
    async with house.client() as client:
        for _ in range(5):
            answer = await client.post("/api/sessions", json={**ADA, "password": "not this one"})
            _error(answer, 401, "invalid_credentials")
        answer = await client.post("/api/sessions", json=ADA)
        _error(answer, 429, "rate_limit_exceeded")
        assert answer.headers["retry-after"] == "2"


async def test_the_gateway_says_who_asks(house: WebHouse) -> None:
    """Source and fingerprint reach detection; nonsense in the header breaks nothing."""
    async with house.client(source="203.0.113.9") as client:
        await client.post("/api/sessions", json=ADA)
        await client.post("/api/sessions", json=ADA, headers={"x-pontlevis-fingerprint": "no hex"})
    one, two = house.service.observations
    assert (one.kind, one.source, one.fingerprint) == (Kind.LOGIN, "203.0.113.9", 0x0BADCAFE)
    assert two.fingerprint == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": BASE, "sec-fetch-site": "cross-site"},
        {"origin": "http://front.example.evil.example"},
    ],
)
async def test_another_sites_page_cannot_act_for_a_visitor(house: WebHouse, headers: dict[str, str]) -> None:
    """Neither over the API nor over a form, with the cookie or without."""
    async with house.client() as client:
        await client.post("/api/accounts", json=ADA)
        await client.post("/api/sessions", json=ADA)
        _error(await client.post("/api/keys", json={"name": "x"}, headers=headers), 403, "cross_site")
        _error(await client.post("/login", data=ADA, headers=headers), 403, "cross_site")
        assert (await client.get("/api/keys")).json() == {"keys": []}


async def test_our_own_pages_may_act_under_the_public_name_and_under_the_host(house: WebHouse) -> None:
    """A proxy may have rewritten Host; a developer may use another name for the same machine."""
    async with house.client() as client:
        for headers in (
            {"origin": BASE, "host": "10.0.0.5:8080"},
            {"origin": "http://localhost:8080", "host": "localhost:8080"},
        ):
            answer = await client.post("/api/waitlist", json={"email": "ada@example.com"}, headers=headers)
            assert answer.status_code == 202


async def test_an_account_has_its_own_keys_only(house: WebHouse) -> None:
    """Another account's key is a 404, like one that does not exist."""
    async with house.client() as ada, house.client() as mallory:
        for client, email in ((ada, "ada@example.com"), (mallory, "mallory@example.com")):
            await client.post("/api/accounts", json={**ADA, "email": email})
            await client.post("/api/sessions", json={**ADA, "email": email})
        key = (await ada.post("/api/keys", json={"name": "mine"})).json()["id"]
        _error(await mallory.delete(f"/api/keys/{key}"), 404, "not_found")
        _error(await mallory.delete("/api/keys/%00"), 404, "not_found")
        assert (await mallory.get("/api/keys")).json() == {"keys": []}


async def test_sign_ups_from_one_source_end_in_429(tmp_path: Path) -> None:
    """The setting is generous for a network that many people share, and there is an end."""
    policy = replace(CHEAP, signups_per_source=2)
    async with web_house(tmp_path, policy=policy) as house, house.client() as client:
        for number in range(2):
            body = {**ADA, "email": f"user{number}@example.com"}
            assert (await client.post("/api/accounts", json=body)).status_code == 201
        answer = await client.post("/api/accounts", json={**ADA, "email": "user3@example.com"})
        _error(answer, 429, "rate_limit_exceeded")
        assert int(answer.headers["retry-after"]) > 3_500


async def test_the_openapi_document_names_the_errors_that_there_are(house: WebHouse) -> None:
    """No 422, which this API never answers."""
    async with house.client() as client:
        document = (await client.get("/api/openapi.json")).json()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert "422" not in operation["responses"], f"{method} {path}"
    assert "/api/accounts" in document["paths"]
    assert not any(path in document["paths"] for path in ("/login", "/register", "/account"))
