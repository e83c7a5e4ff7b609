"""Slow senders and a key under a decision, over real sockets."""

from __future__ import annotations

import socket
from base64 import urlsafe_b64decode
from contextlib import ExitStack, closing
from pathlib import Path

import httpx

from .conftest import Running, wait_for


def test_a_source_that_trickles_its_headers_is_named(tmp_path: Path) -> None:
    """Four connections of one address that never finish: the finding says which address."""
    running = Running(tmp_path / "data", environment={"PONTLEVIS_GATEWAY__HEADER_TIMEOUT_S": "1"}).start()
    try:
        with ExitStack() as held:
            for _ in range(4):
                wire = held.enter_context(closing(socket.create_connection(("127.0.0.1", running.port), 20)))
                wire.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")

            def said() -> bool:
                findings = running.operate("GET", "/api/findings").json()["findings"]
                return any(
                    each["detector"] == "slow_clients" and "127.0.0.1 with 4" in each["sentence"]
                    for each in findings
                )

            wait_for(said, 30, lambda: running.operate("GET", "/api/findings").text)
        # Loopback is never measured, and the posture does not move for one source.
        assert running.operate("GET", "/api/decisions").json()["decisions"] == []
        assert running.operate("GET", "/api/posture").json()["posture"] == "normal"
    finally:
        running.stop()


def test_a_decision_can_name_one_key_and_leaves_the_accounts_others_alone(own_service: Running) -> None:
    """The key that leaked is refused, with its own code; the account's other key is served."""
    own_service.start()
    leaked, other = own_service.key("ada@example.com"), own_service.key("ada@example.com")
    body: dict[str, object] = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 2}

    def ask(key: str) -> httpx.Response:
        headers = {"authorization": f"Bearer {key}"}
        return httpx.post(f"{own_service.url}/v1/chat/completions", json=body, headers=headers, timeout=20)

    model = httpx.get(f"{own_service.url}/v1/models", headers={"authorization": f"Bearer {leaked}"}).json()
    body["model"] = model["data"][0]["id"]
    assert ask(leaked).status_code == ask(other).status_code == 200
    identifier = key_id(leaked)
    decision = {
        "scope": "credential",
        "value": identifier,
        "reason": "found on a paste site",
        "duration_s": 60,
    }
    assert own_service.operate("POST", "/api/decisions", decision).status_code == 201
    wait_for(lambda: ask(leaked).status_code == 403, 10, lambda: ask(leaked).text)
    assert ask(leaked).json()["error"]["code"] == "key_banned"
    assert ask(other).status_code == 200
    wrong = {**decision, "value": leaked[:60]}
    assert own_service.operate("POST", "/api/decisions", wrong).status_code in (400, 422)


def key_id(key: str) -> str:
    """The identifier within a key's text: bytes 1 to 8 of what follows its prefix."""
    return urlsafe_b64decode(key[3:])[1:9].hex()
