"""The service on PostgreSQL, killed and started again."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from postgresql_server import postgresql_server

from .conftest import Running, wait_for


@pytest.fixture
def on_postgresql(tmp_path: Path) -> Iterator[Running]:
    with postgresql_server() as server:
        running = Running(
            tmp_path / "data", environment={"PONTLEVIS_DATABASE_URL": server.url("postgres")}
        ).start()
        yield running
        running.stop()


def test_accounts_keys_and_posture_are_kept_in_postgresql(on_postgresql: Running) -> None:
    """All processes are killed at once; the key works and registration is as suspended as before."""
    service = on_postgresql
    account = {"email": "ada@example.com", "password": "three quiet herons"}
    assert httpx.post(f"{service.url}/api/accounts", json=account).status_code == 201
    token = httpx.post(f"{service.url}/api/sessions", json=account).json()["token"]
    bearer = {"authorization": f"Bearer {token}"}
    key = httpx.post(f"{service.url}/api/keys", json={"name": "mine"}, headers=bearer).json()["key"]
    forced = {"posture": "under_attack", "reason": "a rehearsal", "hold_s": 600}
    assert service.operate("POST", "/api/posture", forced).status_code == 200
    assert not (service.data / "pontlevis.db").exists()

    assert service.process is not None
    for pid in (service.process.pid, *service.note.pids.values()):
        os.kill(pid, signal.SIGKILL)
    service.process.wait()
    service.start()

    chat = {"model": "pontlevis-sim", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 4}

    def answers() -> bool:
        found = httpx.post(
            f"{service.url}/v1/chat/completions", json=chat, headers={"authorization": f"Bearer {key}"}
        )
        return found.status_code == 200

    wait_for(answers, 20, lambda: f"no answer for an old key:\n{service.log[-2_000:]}")
    other = {"email": "eve@example.com", "password": "three quiet herons"}
    refused = httpx.post(f"{service.url}/api/accounts", json=other)
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "registration_suspended")
