"""Kill -9 at any moment."""

import os
import signal
from pathlib import Path

import httpx
import openai
import psutil
import pytest

from .conftest import Running, wait_for

PERSON = {"email": "grace@example.com", "password": "a long enough phrase"}


def state(running: Running) -> dict[str, object]:
    """What must be the same after a restart."""
    posture = running.operate("GET", "/api/posture").json()
    incidents = running.operate("GET", "/api/incidents").json()["incidents"]
    decisions = running.operate("GET", "/api/decisions").json()["decisions"]
    return {
        "posture": [
            posture[name] for name in ("posture", "since", "reason", "registration", "held_by", "held_until")
        ],
        "incidents": [(each["id"], each["status"], len(each["updates"])) for each in incidents],
        "decisions": [(each["id"], each["value"], each["expires_at"]) for each in decisions],
    }


def test_everything_is_as_it_was_after_every_process_was_killed(own_service: Running) -> None:
    """Accounts, keys, decisions in force, posture and the open incident survive kill -9 of all processes at once."""
    running = own_service.start()
    assert httpx.post(f"{running.url}/api/accounts", json=PERSON).status_code == 201
    key = running.key()
    body = {"posture": "under_attack", "reason": "a test", "hold_s": 3_600}
    assert running.operate("POST", "/api/posture", body).status_code == 200
    ban = {"scope": "prefix", "value": "192.0.2.0/24", "reason": "a test", "duration_s": 3_600}
    assert running.operate("POST", "/api/decisions", ban).status_code == 201
    before = state(running)
    assert before["incidents"]
    note = running.note
    for pid in (note.pid, *note.pids.values()):
        os.kill(pid, signal.SIGKILL)
    assert running.process is not None
    running.process.wait(10)
    running.start()
    assert state(running) == before
    assert httpx.post(f"{running.url}/api/sessions", json=PERSON).status_code == 200
    refused = httpx.post(f"{running.url}/api/accounts", json={**PERSON, "email": "new@example.com"})
    assert refused.status_code == 503
    assert refused.json()["error"]["code"] == "registration_suspended"
    assert int(refused.headers["retry-after"]) > 0
    with openai.OpenAI(base_url=f"{running.url}/v1", api_key=key, max_retries=0) as client:
        assert client.models.list().data


def test_a_killed_supervisor_leaves_nothing_and_can_be_started_again_at_once(own_service: Running) -> None:
    """Its children end by themselves, the next start waits for their ports and takes their sockets away."""
    running = own_service.start()
    note = running.note
    assert running.process is not None
    running.process.kill()
    running.process.wait()
    running.start()
    assert not any(psutil.pid_exists(pid) for pid in note.pids.values())
    assert not Path(note.sockets).exists()
    assert Path(running.note.sockets).exists()


def test_a_stopped_service_says_no_more(own_service: Running) -> None:
    """Nothing on the terminal but its own lines: no native module's list of what it leaves behind."""
    running = own_service.start()
    running.stop()
    after = running.log.partition("is up.")[2].splitlines()
    assert [line for line in after if not line.startswith((" ", "20"))] == [""]
    assert "leaked" not in running.log
    assert "gateway:engine:down" not in running.log


def test_the_gateway_serves_while_the_controller_is_dead(own_service: Running) -> None:
    """It goes on with what it last knew, pages say so, and all is well again when the controller is back."""
    running = own_service.start()
    key = running.key()
    dead = running.note.pids["controller"]
    os.kill(dead, signal.SIGKILL)
    with openai.OpenAI(base_url=f"{running.url}/v1", api_key=key, max_retries=0) as client:
        answer = client.chat.completions.create(
            model="pontlevis-sim", messages=[{"role": "user", "content": "hi"}], max_tokens=3
        )
    assert answer.choices

    def back() -> bool:
        return (
            running.note.pids.get("controller") != dead
            and httpx.get(f"{running.url}/api/registration").status_code == 200
        )

    wait_for(back, 30, lambda: running.log[-2_000:])


def test_a_gateway_that_was_killed_is_back_within_seconds(own_service: Running) -> None:
    """With the same keys."""
    running = own_service.start()
    key = running.key()
    dead = running.note.pids["gateway"]
    os.kill(dead, signal.SIGKILL)

    def served() -> bool:
        try:
            return (
                httpx.get(f"{running.url}/v1/models", headers={"authorization": f"Bearer {key}"}).status_code
                == 200
            )
        except httpx.HTTPError:
            return False

    wait_for(served, 20, lambda: running.log[-2_000:])


def test_a_second_service_on_the_same_data_is_refused(service: Running) -> None:
    """With a sentence, and without harm to the first."""
    second = Running(service.data)
    try:
        with pytest.raises(AssertionError, match="runs on"):
            second.start()
    finally:
        second.stop()
    assert httpx.get(f"{service.url}/api/registration").status_code == 200
