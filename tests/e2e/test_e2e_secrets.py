"""Canaries: a password, a key and an address go through everything, and come out nowhere."""

import re
from contextlib import suppress
from pathlib import Path

import httpx

from .conftest import Running

PASSWORD = "canary heron 7391 password"
EMAIL = "canary.reader@example.com"
PROMPT = "canary prompt 5512 about drawbridges"


def leaks(data: bytes, *canaries: str) -> list[str]:
    return [each for each in canaries if each.encode() in data]


def test_secrets_stand_in_no_log_no_file_and_no_error(own_service: Running) -> None:
    """Used rightly and wrongly, on every way in; only keyed hashes and sealed addresses are kept."""
    service = own_service.start()
    account = {"email": EMAIL, "password": PASSWORD}
    heard: list[httpx.Response] = []
    with httpx.Client(base_url=service.url) as client:
        assert client.post("/api/accounts", json=account).status_code == 201
        token = client.post("/api/sessions", json=account).json()["token"]
        bearer = {"authorization": f"Bearer {token}"}
        key = client.post("/api/keys", json={"name": "mine"}, headers=bearer).json()["key"]
        chat = {"model": "pontlevis-sim", "messages": [{"role": "user", "content": PROMPT}], "max_tokens": 3}
        mine = {"authorization": f"Bearer {key}"}
        assert client.post("/v1/chat/completions", json=chat, headers=mine).status_code == 200
        wrong = key[:-1] + ("A" if key[-1] != "A" else "B")
        client.cookies.clear()
        heard += [
            client.post("/v1/chat/completions", json=chat, headers={"authorization": f"Bearer {wrong}"}),
            client.post("/v1/chat/completions", json={**chat, "model": "none"}, headers=mine),
            client.post("/v1/chat/completions", content=PROMPT.encode(), headers=mine),
            client.post("/v1/nothing", json=chat, headers=mine),
            client.post("/api/sessions", json={**account, "password": PASSWORD + "x"}),
            client.post("/api/sessions", json={"email": EMAIL, "password": [PASSWORD]}),
            client.post("/api/accounts", json={"email": "x", "password": PASSWORD}),
            client.post("/login", data={"email": EMAIL, "password": PASSWORD + "x"}),
            client.post("/register", data={"email": "x", "password": PASSWORD}),
            client.get(f"/account?password={PASSWORD}", headers=bearer),
            client.get("/api/nothing", headers={"authorization": f"Bearer {token}"}),
        ]
        client.delete("/api/sessions/current", headers=bearer)
    heard += [
        service.operate("GET", path) for path in ("/api/audit", "/api/accounts", "/api/load", "/metrics")
    ]
    service.stop()
    secrets = (PASSWORD, key, key[-20:], token, token[-20:])
    for answer in heard:
        assert leaks(answer.content, *secrets, PROMPT) == [], answer.url
    assert leaks(service.log.encode(), *secrets, EMAIL, PROMPT) == []
    assert "Traceback" not in service.log
    files = [path for path in service.data.rglob("*") if path.is_file()]
    assert any(path.name == "pontlevis.db" for path in files)
    for path in files:
        assert leaks(path.read_bytes(), *secrets, EMAIL, PROMPT) == [], path.name


def test_what_it_keeps_is_its_owners_alone(own_service: Running) -> None:
    """Directory, database, key material and sockets."""
    service = own_service.start()
    for path in (service.data, Path(service.note.sockets)):
        assert path.stat().st_mode & 0o077 == 0, path
    for path in service.data.rglob("*"):
        with suppress(FileNotFoundError):  # it is at work: what was listed may be gone
            assert path.stat().st_mode & 0o077 == 0, path.name
    assert len((service.data / "pepper").read_bytes()) == 32


def test_the_log_holds_nothing_that_a_stranger_wrote(own_service: Running) -> None:
    """Neither in a path, a header, a key, nor a body: line breaks and colours would forge entries."""
    service = own_service.start()
    forged = "forged-entry-4412"
    fields = {
        "user-agent": f"{forged}\x1b[31m",
        "authorization": f"Bearer pl-{forged}",
        "x-forwarded-for": forged,
    }
    with httpx.Client(base_url=service.url, headers=fields) as client:
        client.get(f"/{forged}%0d%0a2026-01-01 ERROR")
        client.post("/v1/chat/completions", json={"model": f"{forged}\n{forged}", "messages": []})
        client.post(f"/v1/{forged}", content=forged)
        client.post("/api/sessions", json={"email": f"{forged}@example.com", "password": forged})
        client.post("/api/accounts", json={"email": f"{forged}\r\n", "password": forged})
    service.stop()
    assert re.search(forged, service.log) is None
