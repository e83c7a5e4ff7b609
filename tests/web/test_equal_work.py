"""Enumeration: known and unknown addresses get the same answer for the same work, which is counted, not timed."""

import dataclasses
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import webauthn
from sqlalchemy import event, text
from web_house import CHEAP, PASSWORD, WebHouse, web_house
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication

from authenticator import Authenticator
from pontlevis.accounts.policy import Verification

QUIET = dataclasses.replace(CHEAP, verification=Verification.REQUIRED)
BASE = "https://front.example"


@dataclass
class Work:
    """What one request made the service do, but for its values."""

    statements: list[str] = field(default_factory=list)
    hashes: list[str] = field(default_factory=list)
    """``made``, or the parameters of what was verified."""
    commits: int = 0


@contextmanager
def counted(house: WebHouse, monkeypatch: pytest.MonkeyPatch) -> Iterator[Work]:
    """Counts what happens within the block."""
    work, engine, pool = Work(), house.database.engine.sync_engine, house.accounts.pool
    fits, hasher = pool._fits, pool._hasher

    class Hasher:
        def hash(self, password: str) -> str:
            work.hashes.append("made")
            return hasher.hash(password)

        def verify(self, hash_: str, password: str) -> bool:
            return hasher.verify(hash_, password)

    def verified(hash_: str, password: str) -> bool:
        work.hashes.append(hash_.rpartition("$")[0].rpartition("$")[0])
        return fits(hash_, password)

    def stated(_c: object, _u: object, statement: str, *_: object) -> None:
        work.statements.append(" ".join(statement.split()))

    def committed(_: object) -> None:
        work.commits += 1

    with monkeypatch.context() as patch:
        patch.setattr(pool, "_fits", verified)
        patch.setattr(pool, "_hasher", Hasher())
        event.listen(engine, "before_cursor_execute", stated)
        event.listen(engine, "commit", committed)
        try:
            yield work
        finally:
            event.remove(engine, "before_cursor_execute", stated)
            event.remove(engine, "commit", committed)


KNOWN, UNCONFIRMED, WAITING, NOBODY = (
    "ada",
    "bob",
    "joe",
    "zoe",
)  # of one length, for answers repeat what was typed


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[WebHouse]:
    """With somebody known, somebody whose address waits to be confirmed, and somebody on the waitlist."""
    async with web_house(tmp_path, policy=QUIET, public_url=BASE) as made:
        async with made.client(source="203.0.113.1") as client:
            for name in (KNOWN, UNCONFIRMED):
                body = {"email": f"{name}@example.com", "password": PASSWORD}
                assert (await client.post("/api/accounts", json=body)).status_code == 202
            assert (await client.post("/api/waitlist", json={"email": f"{WAITING}@example.com"})).status_code == 202  # fmt: skip
        async with made.database.session() as session:
            await session.execute(text("UPDATE accounts SET unverified = 0, verified_at = 1 WHERE rowid = 1"))
        await made.accounts.deliver()
        yield made


LOG_IN = {"password": "not this one"}
SIGN_UP = {"password": "four quiet herons"}


@pytest.mark.parametrize(
    ("path", "form", "body", "status"),
    [
        ("/api/sessions", False, LOG_IN, 401),
        ("/login", True, LOG_IN, 401),
        ("/api/accounts", False, SIGN_UP, 202),
        ("/register", True, SIGN_UP, 202),
        ("/api/waitlist", False, {}, 202),
        ("/waitlist", True, {}, 202),
        ("/api/reset/letter", False, {}, 202),
        ("/reset/letter", True, {}, 202),
        ("/api/verification/letter", False, {}, 202),
        ("/verify/letter", True, {}, 202),
        ("/api/verification", False, {"code": "123456"}, 400),
        ("/verify", True, {"code": "123456"}, 400),
    ],
)
async def test_an_address_that_is_known_costs_and_says_the_same_as_any_other(
    house: WebHouse,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    form: bool,
    body: dict[str, str],
    status: int,
) -> None:
    """The same hashes, statements and commits; the same status, headers and length of answer; one letter or none."""
    seen = {}
    for number, name in enumerate((KNOWN, UNCONFIRMED, WAITING, NOBODY)):
        values = {"email": f"{name}@example.com", **body}
        letters = len(await house.accounts.letters(1_000))
        async with house.client(source=f"198.51.{number}.1", origin=BASE) as client:
            with counted(house, monkeypatch) as work:
                data, sent = (values, None) if form else (None, values)
                answer = await client.post(path, data=data, json=sent)
        assert answer.status_code == status, answer.text
        assert len(work.statements) > 0
        left = len(await house.accounts.letters(1_000)) - letters
        seen[name] = (work, sorted(answer.headers.items()), answer.text.replace(name, "…"), left)
    for name in (KNOWN, UNCONFIRMED, WAITING):
        assert seen[name] == seen[NOBODY], name


async def test_a_passkey_that_is_known_costs_and_says_the_same_as_any_other(
    house: WebHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Up to the signature, which is judged in either case; its challenge is the same for everybody."""
    owner = next(each for each in await house.accounts.list_accounts() if each.email.startswith(KNOWN))
    ceremony = await house.accounts.begin_passkey(owner.id)
    made = Authenticator().make(ceremony.options)
    await house.accounts.add_passkey(owner.id, ceremony.state, made, "", source="192.0.2.1")
    seen = []
    judged: list[object] = []
    verify = webauthn.verify_authentication_response

    def noted(**values: Any) -> VerifiedAuthentication:
        judged.append(values["credential_public_key"])
        return verify(**values)

    monkeypatch.setattr(webauthn, "verify_authentication_response", noted)
    # The first has the known one's name and another key, the second a name that nobody has.
    for number, key in enumerate(
        (Authenticator(), Authenticator(id=b"a passkey that nobody has here..."[:32]))
    ):
        async with house.client(source=f"198.51.{number}.1") as client:
            asked = (await client.get("/api/passkeys/challenge")).json()
            body = {"state": asked["state"], "credential": json.loads(key.show(json.dumps(asked["options"])))}
            with counted(house, monkeypatch) as work:
                answer = await client.post("/api/sessions/passkey", json=body)
        assert answer.status_code == 401, answer.text
        seen.append((work, sorted(answer.headers.items()), answer.content))
    assert seen[0] == seen[1]
    assert len(judged) == 2


async def test_a_report_of_a_key_says_the_same_of_one_that_ended_and_one_that_never_was(
    house: WebHouse,
) -> None:
    """How many keys it ended, and nothing of whose they were."""
    key = await house.accounts.make_key(f"{KNOWN}@example.com")
    async with house.client(source="198.51.100.9") as client:
        assert (await client.post("/api/leaked-keys", json=[{"token": key}])).status_code == 202
        answers = [await client.post("/api/leaked-keys", json=[{"token": each}]) for each in (key, "pl-" + "x" * 60)]  # fmt: skip
    assert answers[0].content == answers[1].content
    assert answers[0].status_code == answers[1].status_code == 202
