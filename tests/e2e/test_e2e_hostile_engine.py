"""An engine that breaks HTTP, by a fault or a will of its own: its caller gets an error, everybody else what is theirs."""

import json
import re
import socket
from collections.abc import Iterator

import pytest

from surroundings import PATIENCE_S

from .conftest import Running, wait_for
from .odd_engine import OddEngine

OK = b"HTTP/1.1 200 OK\r\n"
JSON = b"content-type: application/json\r\n"
STREAM = OK + b"content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
LARGE = b"x" * 3_000_000
SECOND = OK + JSON + b'content-length: 14\r\n\r\n{"stolen":true}'

CASES: list[tuple[str, bytes, int]] = [
    # name, what the engine sends, the status that its caller sees
    ("a status without a body", b"HTTP/1.1 204 No Content\r\n\r\n", 502),
    ("the same with a body after it", b"HTTP/1.1 204 No Content\r\ncontent-length: 2\r\n\r\n{}", 502),
    ("nothing has changed", b"HTTP/1.1 304 Not Modified\r\n\r\n", 502),
    ("a stream that has nothing", b"HTTP/1.1 304 Not Modified\r\ncontent-type: text/event-stream\r\n\r\n", 502),
    ("elsewhere", b"HTTP/1.1 307 T\r\nlocation: http://10.0.0.7/v1\r\ncontent-length: 0\r\n\r\n", 502),
    ("another protocol", b"HTTP/1.1 101 S\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nhello", 503),
    ("a status that is none", b"HTTP/1.1 000 Z\r\ncontent-length: 14\r\n\r\n{\"stolen\":true}", 503),
    ("a status of no class", b"HTTP/1.1 600 S\r\ncontent-length: 2\r\n\r\n{}", 502),
    ("more than its length", OK + JSON + b"content-length: 2\r\n\r\n{}" + b"and more", 200),
    ("a second answer", OK + JSON + b"content-length: 2\r\n\r\n{}" + SECOND, 200),
    ("a field without end", OK + b"x-large: " + LARGE, 503),
    ("a reason without end", b"HTTP/1.1 200 " + LARGE, 503),
    ("a large head", OK + b"x-large: " + LARGE + b"\r\ncontent-length: 2\r\n\r\n{}", 503),
    ("interim answers without end", b"HTTP/1.1 100 Continue\r\n\r\n" * 100_000, 503),
    ("a chunk's extension without end", STREAM + b"5;" + LARGE, 503),
    ("an error that is too large", b"HTTP/1.1 400 B\r\n" + JSON + b"content-length: 3000000\r\n\r\n" + LARGE, 502),
    ("a folded field", OK + b"x: a\r\n b\r\ncontent-length: 2\r\n\r\n{}", 503),
    ("a bare carriage return", OK + b"x: a\rset-cookie: b\r\ncontent-length: 2\r\n\r\n{}", 503),
    ("two lengths", OK + b"content-length: 2\r\ncontent-length: 7\r\n\r\n{}", 503),
    ("length and chunks", OK + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 503),
    ("a trailer", b"HTTP/1.1 500 E\r\n" + JSON + b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nretry-after: 9\r\n\r\n", 500),
]  # fmt: skip


class Victim:
    """A service before such an engine."""

    def __init__(self, service: Running, engine: OddEngine) -> None:
        self.service, self.engine = service, engine
        self.key = service.key()

    def ask(self, model: str) -> bytes:
        body = json.dumps({"model": model, "messages": [{"role": "user", "content": "hello"}]}).encode()
        return (
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %b\r\nContent-Length: %d\r\n\r\n%b"
            % (self.key.encode(), len(body), body)
        )


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    engine = OddEngine("raw", "plain")
    service = Running(tmp_path_factory.mktemp("hostile") / "data", "--engine", engine.url).start()
    try:
        made = Victim(service, engine)
        wait_for(lambda: "gateway:engine:up" in service.log, PATIENCE_S, lambda: service.log)
        yield made
    finally:
        service.stop()
        engine.stop()


def answer(connection: socket.socket) -> tuple[int, bytes, bytes]:
    """Status, head and body of exactly one answer; whatever stands before or behind it fails the next read."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += connection.recv(1)
    found = re.match(rb"HTTP/1.1 (\d{3}) ", got)
    assert found, got
    length = re.search(rb"content-length: (\d+)", got)
    assert length, got
    body = b""
    while len(body) < int(length[1]):
        body += connection.recv(int(length[1]) - len(body))
    return int(found[1]), got, body


@pytest.mark.parametrize(("sent", "status"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_an_engine_breaks_stays_with_its_caller(victim: Victim, sent: bytes, status: int) -> None:
    """One answer, whole, and the next one on the same connection is the next request's own."""
    victim.engine.raw = sent
    with socket.create_connection(("127.0.0.1", victim.service.port), timeout=PATIENCE_S) as connection:
        connection.sendall(victim.ask("raw"))
        seen, head, body = answer(connection)
        assert seen == status
        assert b"stolen" not in head + body
        assert not any(each in head for each in (b"location", b"retry-after: 9", b"set-cookie"))
        connection.sendall(victim.ask("plain"))
        assert answer(connection)[0] == 200
    assert "Fatal error" not in victim.service.log  # what the event loop says of a callback that raised


def test_an_engine_gives_browsers_no_orders_for_this_site(victim: Victim) -> None:
    """A hosted engine speaks for its own domain: whoever chats here must not be bound to https for all of ours."""
    orders = (b"strict-transport-security: max-age=31536000; includeSubDomains\r\nclear-site-data: \"*\"\r\n"
              b"refresh: 0; url=http://a.invalid/\r\nnel: {}\r\nreport-to: {}\r\n")  # fmt: skip
    victim.engine.raw = OK + JSON + orders + b"content-length: 2\r\n\r\n{}"
    with socket.create_connection(("127.0.0.1", victim.service.port), timeout=PATIENCE_S) as connection:
        connection.sendall(victim.ask("raw"))
        status, head, _ = answer(connection)
    assert status == 200
    assert not any(line.split(b":")[0] in head for line in orders.splitlines())
