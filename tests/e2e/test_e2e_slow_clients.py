"""Slow senders and a key under a decision, over real sockets."""

from __future__ import annotations

import re
import socket
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from contextlib import ExitStack, closing

import httpx
import pytest

from .conftest import Running, wait_for

IMPATIENT = {"PONTLEVIS_GATEWAY__HEADER_TIMEOUT_S": "1", "PONTLEVIS_GATEWAY__BODY_TIMEOUT_S": "1"}


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service that waits a second for the rest of a request."""
    running = Running(tmp_path_factory.mktemp("impatient") / "data", environment=IMPATIENT).start()
    yield running
    running.stop()


def test_slow_headers_are_cut(impatient: Running) -> None:
    """A client that sends a byte now and then is told so and closed."""
    with closing(socket.create_connection(("127.0.0.1", impatient.port), 60)) as wire:
        wire.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        assert wire.recv(100).startswith(b"HTTP/1.1 408")


def test_a_slow_body_is_refused_with_its_code(impatient: Running) -> None:
    """The client is told, and the counter counts."""

    def counted() -> bool:
        metrics = httpx.get(f"{impatient.operator_url}/metrics").text
        return re.search(r'pontlevis_refusals_total\{code="slow_request"\} [1-9]', metrics) is not None

    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %b\r\nContent-Length: 1000\r\n\r\n"
    with closing(socket.create_connection(("127.0.0.1", impatient.port), 60)) as wire:
        wire.sendall(head % impatient.key().encode() + b'{"model"')
        answer = wire.recv(4_096)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b'"code":"slow_request"' in answer
    wait_for(counted, 10, lambda: "not counted")


def test_a_source_that_trickles_its_headers_is_named(impatient: Running) -> None:
    """Four connections of one address that never finish: the finding says which address."""
    with ExitStack() as held:
        for _ in range(4):
            wire = held.enter_context(closing(socket.create_connection(("127.0.0.1", impatient.port), 60)))
            wire.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")

        def said() -> bool:
            findings = impatient.operate("GET", "/api/findings").json()["findings"]
            return any(
                each["detector"] == "slow_clients" and "127.0.0.1 with" in each["sentence"]
                for each in findings
            )

        wait_for(said, 30, lambda: impatient.operate("GET", "/api/findings").text)
    # Loopback is never measured, and the posture does not move for one source.
    assert impatient.operate("GET", "/api/decisions").json()["decisions"] == []
    assert impatient.operate("GET", "/api/posture").json()["posture"] == "normal"


def test_a_decision_can_name_one_key_and_leaves_the_accounts_others_alone(impatient: Running) -> None:
    """The key that leaked is refused, with its own code; the account's other key is served."""
    leaked, other = impatient.key("ada@example.com"), impatient.key("ada@example.com")
    body: dict[str, object] = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 2}

    def ask(key: str) -> httpx.Response:
        headers = {"authorization": f"Bearer {key}"}
        return httpx.post(f"{impatient.url}/v1/chat/completions", json=body, headers=headers)

    model = httpx.get(f"{impatient.url}/v1/models", headers={"authorization": f"Bearer {leaked}"}).json()
    body["model"] = model["data"][0]["id"]
    assert ask(leaked).status_code == ask(other).status_code == 200
    identifier = key_id(leaked)
    decision = {
        "scope": "credential",
        "value": identifier,
        "reason": "found on a paste site",
        "duration_s": 60,
    }
    assert impatient.operate("POST", "/api/decisions", decision).status_code == 201
    wait_for(lambda: ask(leaked).status_code == 403, 10, lambda: ask(leaked).text)
    assert ask(leaked).json()["error"]["code"] == "key_banned"
    assert ask(other).status_code == 200
    wrong = {**decision, "value": leaked[:60]}
    assert impatient.operate("POST", "/api/decisions", wrong).status_code in (400, 422)


def key_id(key: str) -> str:
    """The identifier within a key's text: bytes 1 to 8 of what follows its prefix."""
    return urlsafe_b64decode(key[3:])[1:9].hex()
