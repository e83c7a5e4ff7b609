"""Orders, the policy file, the journal and the doctor, on a real service with real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from pontlevis.brain.observation import Observation
from pontlevis.evidence.frames import Stood, Ticked
from pontlevis.evidence.reader import JournalReader

from .conftest import Running, wait_for

POLICY = "[posture]\nstage_s = 300\n[admission]\nrequests_per_minute = 1000\n"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("policy")
    (folder / "policy.toml").write_text(POLICY)
    running = Running(folder / "data", "--policy", str(folder / "policy.toml"))
    running.start()
    try:
        yield running
    finally:
        running.stop()


def policy_file(service: Running) -> Path:
    return service.data.parent / "policy.toml"


def command(service: Running, *words: str, status: int = 0) -> str:
    """Types a command; its standard output."""
    done = subprocess.run(
        [sys.executable, "-m", "pontlevis", *words, "--data", str(service.data)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + (done.stderr if status else "")


def events(service: Running) -> list[tuple[str, str, str]]:
    entries = service.operate("GET", "/api/audit?limit=200").json()["audit"]
    return [(each["event"], each["actor"], each["detail"]) for each in entries]


def limit(service: Running, key: str) -> int:
    """Requests a minute, as the gateway tells whoever calls."""
    answer = httpx.post(
        f"{service.url}/v1/chat/completions",
        headers={"authorization": f"Bearer {key}"},
        json={"model": "pontlevis-sim", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 2},
    )
    return int(answer.headers["x-ratelimit-limit-requests"])


def test_orders_carry_name_and_reason_and_a_trial_changes_nothing(service: Running) -> None:
    """Force, hold, release and dry run from the command line."""
    said = json.loads(
        command(service, "posture", "set", "under_attack", "--reason", "a thought", "--dry-run", "--by", "ada", "--json")
    )  # fmt: skip
    assert said["trial"]
    assert "posture: normal → under_attack" in said["changes"]
    assert json.loads(command(service, "posture", "show", "--json"))["posture"] == "normal"
    command(service, "posture", "set", "elevated", "--reason", "wary", "--hold", "30", "--by", "ada")
    command(service, "posture", "hold", "--reason", "longer", "--by", "bea")
    command(service, "posture", "release", "--reason", "over", "--by", "ada")
    command(service, "posture", "dry-run", "on", "--reason", "first week", "--by", "ada")
    assert json.loads(command(service, "posture", "show", "--json"))["dry_running"]
    command(service, "posture", "dry-run", "policy", "--reason", "enough", "--by", "ada")
    told = json.loads(command(service, "posture", "history", "--json"))["transitions"]
    assert [(each["actor"], each["reason"]) for each in told][:3] == [
        ("ada", "wary"),
        ("bea", "longer"),
        ("ada", "over"),
    ]
    assert ("posture:order:dry_run", "ada", "set under_attack: a thought") in events(service)
    assert "by bea" in command(service, "posture", "history")
    # The audit log says what each order did, not only by whom and why.
    entries = service.operate("GET", "/api/audit?limit=200").json()["audit"]
    orders = {each["detail"]: each["subject"] for each in entries}
    assert "held by: nobody → ada" in orders["wary"]
    assert "hold ends: in 30 min" in orders["wary"]
    assert "held by: ada → bea" in orders["longer"]
    assert "held by: bea → nobody" in orders["over"]
    assert "dry run: as the policy says → on" in orders["first week"]
    assert "dry run: on → as the policy says" in orders["enough"]


def test_the_policy_is_reloaded_whole_or_not_at_all(service: Running) -> None:
    """In every process at once, by command and by signal; whatever starts again takes it up too."""
    key = command(service, "keys", "create", "ada@example.com", "--paid").split()[-1]
    assert limit(service, key) == 1_000
    policy_file(service).write_text(POLICY.replace("1000", "77") + "[accounts]\nhash_threads = 2\n")
    tried = command(service, "policy", "reload", "--reason", "look", "--dry-run")
    assert "admission.requests_per_minute  1000 → 77" in tried
    assert limit(service, key) == 1_000
    done = command(service, "policy", "reload", "--reason", "less", "--by", "ada")
    assert "accounts.hash_threads  1 → 2   (at the next start)" in done
    wait_for(lambda: limit(service, key) == 77, 10, lambda: "the gateway was not told")
    assert any(
        event == "policy:file:reloaded" and actor == "ada" and "1000 → 77" in said
        for event, actor, said in events(service)
    )

    policy_file(service).write_text("[admission]\nrequest_per_minute = 5\n")
    refused = command(service, "policy", "reload", "--reason", "oops", status=1)
    assert "did you mean requests_per_minute?" in refused
    assert limit(service, key) == 77
    assert any(event == "policy:file:refused" for event, _, _ in events(service))

    policy_file(service).write_text(POLICY.replace("1000", "55"))
    os.kill(service.note.pid, signal.SIGHUP)
    wait_for(lambda: limit(service, key) == 55, 10, lambda: service.log[-2_000:])
    assert any(event == "policy:file:reloaded" and actor == "SIGHUP" for event, actor, _ in events(service))

    gateway = service.note.pids["gateway"]
    os.kill(gateway, signal.SIGKILL)
    wait_for(lambda: service.note.pids["gateway"] != gateway, 20, lambda: service.log[-2_000:])

    def again() -> bool:
        try:
            return limit(service, key) == 55
        except (httpx.TransportError, KeyError):
            return False

    wait_for(again, 30, lambda: service.log[-2_000:])


def test_the_journal_survives_a_kill_and_the_doctor_replays_it(service: Running) -> None:
    """What was told before the controller died is there, private, and goes on after it."""
    folder = service.data / "journal"
    since = time.time()
    for number in range(20):
        httpx.post(
            f"{service.url}/api/sessions", json={"email": f"x{number}@example.com", "password": "wrong"}
        )
    wait_for(lambda: seen(folder, since) >= 5, 20, lambda: "nothing was written")
    before = seen(folder, since)
    controller = service.note.pids["controller"]
    os.kill(controller, signal.SIGKILL)
    wait_for(lambda: service.note.pids["controller"] != controller, 20, lambda: service.log[-2_000:])
    dead = time.time()

    def ticked() -> bool:
        return any(isinstance(each, Ticked) for each in JournalReader(folder).entries(dead + 1))

    wait_for(ticked, 40, lambda: service.log[-2_000:])
    assert seen(folder, since) >= before
    assert folder.stat().st_mode & 0o777 == 0o700
    starts = [
        each for each in JournalReader(folder).entries() if isinstance(each, Stood) and each.actor == "start"
    ]
    assert len(starts) == 2
    report = json.loads(command(service, "doctor", "--json", "--policy", str(policy_file(service))))
    levels = {each["name"]: each["level"] for each in report["checks"]}
    assert (levels["database"], levels["data"], levels["pepper"]) == ("ok", "ok", "ok")
    yesterday = report["yesterday"]
    assert yesterday["really"]["observations"] >= before
    assert any(
        each["actor"] == "ada" and each["posture"] == "elevated" for each in yesterday["really"]["changes"]
    )


def seen(folder: Path, since: float) -> int:
    return sum(isinstance(fact, Observation) for _, fact in JournalReader(folder).facts(since))
