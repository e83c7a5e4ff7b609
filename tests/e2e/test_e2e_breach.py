"""A breach from end to end: shown, ended at the gateway with the stream under way, told, noted, and in a log that is whole."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from surroundings import PATIENCE_S

from .conftest import Running

PASSWORD = "three quiet herons"
ADA = "ada.breached@example.com"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One service for all of it."""
    running = Running(tmp_path_factory.mktemp("breach") / "data").start()
    yield running
    running.stop()


def command(service: Running, *words: str, status: int = 0) -> str:
    """What ``pontlevis`` prints; ``--data`` is added."""
    done = subprocess.run(
        [sys.executable, "-m", "pontlevis", *words, "--data", str(service.data)],
        capture_output=True,
        text=True,
        check=False,
        cwd=service.data.parent,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def test_a_breached_account_is_secured_while_its_stream_runs(service: Running) -> None:
    """Nothing happens on the dry run; applied, session, key, password and stream end, and its owner is told."""
    account = {"email": ADA, "password": PASSWORD}
    opened = {"name_en": "Passwords guessed", "body_en": "We look into it."}
    incident = str(service.operate("POST", "/api/incidents", dict(opened)).json()["id"])
    with httpx.Client(base_url=service.url) as client:
        assert client.post("/api/accounts", json=account).status_code == 201
        session = {"authorization": f"Bearer {client.post('/api/sessions', json=account).json()['token']}"}
        key = {"authorization": f"Bearer {client.post('/api/keys', json={'name': 'k'}, headers=session).json()['key']}"}  # fmt: skip
        chat = {"model": "pontlevis-sim", "messages": [{"role": "user", "content": "go on"}], "max_tokens": 4_000, "pontlevis_sim": {"output_tokens": 4_000}, "stream": True}  # fmt: skip
        with client.stream("POST", "/v1/chat/completions", json=chat, headers=key) as stream:
            lines = stream.iter_lines()
            assert next(lines).startswith("data:")
            assert "Nothing was done" in command(service, "respond", ADA)
            assert client.get("/api/keys", headers=session).status_code == 200
            words = ("respond", ADA, "--incident", incident, "--reason", "guessed", "--apply")
            said = command(service, *words)
            assert "1 sessions ended, 1 keys revoked, 1 new passwords demanded, 1 owners told" in said
            rest = "".join(lines)
        assert "[DONE]" not in rest
        client.cookies.clear()
        assert client.get("/api/keys", headers=session).status_code == 401
        assert (
            client.post("/v1/chat/completions", json={**chat, "stream": False}, headers=key).status_code
            == 401
        )
        refused = client.post("/api/sessions", json=account)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "password_change_required")
    notes = next(each for each in service.operate("GET", "/api/incidents").json()["incidents"] if each["id"] == incident)["notes"]  # fmt: skip
    assert "1 keys revoked" in notes
    letters = service.operate("GET", "/api/letters").json()["letters"]
    assert [each["email"] for each in letters if each["kind"] == "breach"] == [ADA]
    events = [each["event"] for each in json.loads(command(service, "audit", "list", "--json"))]
    assert "operator:account:secured" in events


def test_keys_are_rotated_while_it_runs(service: Running) -> None:
    """Everything is under the new key afterwards, and accounts are found as before."""
    before = json.loads(command(service, "secrets", "list", "--json"))["keys"]
    assert "2 keys are in the file" in command(service, "secrets", "rotate")
    after = json.loads(command(service, "secrets", "list", "--json"))["keys"]
    assert after[0]["values"] > 0
    assert after[1] == {"id": before[0]["id"], "newest": False, "values": 0}
    found = service.operate("GET", f"/api/accounts?email={ADA.upper()}").json()["accounts"]
    assert [each["email"] for each in found] == [ADA]


def test_retention_and_ones_own_data(service: Running) -> None:
    """The dry run lists every rule; an export holds the address and an erasure ends it."""
    rows = json.loads(command(service, "data", "retention", "--json"))["retention"]
    assert {"usage_days", "audit_log", "decisions", "waitlist"} <= {each["table"] for each in rows}
    assert json.loads(command(service, "data", "export", ADA))["account"]["email"] == ADA
    assert "would be deleted" in command(service, "data", "erase", ADA)
    assert "is deleted" in command(service, "data", "erase", ADA, "--apply")
    assert service.operate("GET", f"/api/accounts?email={ADA}").json()["accounts"] == []


def test_the_audit_log_is_whole_until_somebody_touches_the_file(service: Running, tmp_path: Path) -> None:
    """Verified from beside the service; the first bad line is named, and an anchor is refused."""
    assert "is whole" in command(service, "audit", "verify")
    anchors = tmp_path / "anchors.jsonl"
    anchors.write_text(command(service, "audit", "anchor"))
    export = tmp_path / "audit.jsonl"
    command(service, "audit", "export", str(export))
    assert "anchor" in json.loads(export.read_text().splitlines()[-1])
    assert "1 of 1 anchors met" in command(service, "audit", "verify", "--anchor", str(anchors))
    with sqlite3.connect(service.data / "pontlevis.db", timeout=PATIENCE_S) as database:
        changed = database.execute(
            "UPDATE audit_log SET actor = 'somebody else' WHERE event = 'operator:account:secured' RETURNING id"
        ).fetchone()[0]
    database.close()
    assert f"NOT whole. line {changed}" in command(service, "audit", "verify", status=1)
    assert json.loads(command(service, "audit", "verify", "--json", status=1))["line"] == changed
    command(service, "audit", "anchor", status=1)
