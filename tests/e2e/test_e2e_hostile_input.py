"""What an attacker can send to the public port."""

import random
import socket
import time
from contextlib import closing

import httpx
import psutil
import pytest

from .conftest import Running, wait_for

POST = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"
CASES = [
    ("two lengths", POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", b"400"),
    ("length and chunks", POST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
    ("unknown transfer coding", POST + b"Transfer-Encoding: gzip\r\n\r\n", b"40"),
    ("bare line feeds", b"GET / HTTP/1.1\nHost: x\n\n", b"400"),
    ("folded header", b"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", b"400"),
    ("space in a name", b"GET / HTTP/1.1\r\nHo st: x\r\n\r\n", b"400"),
    ("zero byte", b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
    ("no host", b"GET /status HTTP/1.1\r\n\r\n", b"400"),
    ("two hosts", b"GET /status HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"400"),
    ("no host, before 1.1", b"GET /status HTTP/1.0\r\n\r\n", b"200"),
    ("negative length", POST + b"Content-Length: -1\r\n\r\n", b"400"),
    ("huge length", POST + b"Content-Length: 99999999999999999999999\r\n\r\n", b"400"),
    ("connect", b"CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
    ("absolute target", b"GET http://example.com/v1/models HTTP/1.1\r\nHost: x\r\n\r\n", b"401"),
    ("absolute target of another kind", b"GET ftp://example.com/v1/models HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
    ("http/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"400"),
    ("many headers", b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", b"431"),
    ("ten megabytes of headers", b"GET / HTTP/1.1\r\nA: " + b"b" * 10_000_000 + b"\r\n\r\n", b"431"),
    ("a long target", b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"431"),
    ("compressed body", POST + b"Authorization: Bearer x\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\na", b"401"),
    ("large page body", b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n", b"413"),
]  # fmt: skip


def talk(service: Running, data: bytes, timeout: float = 30.0) -> bytes:
    """Sends bytes and returns what comes back until the other side closes or falls silent."""
    with closing(socket.create_connection(("127.0.0.1", service.port), timeout)) as wire:
        got = b""
        try:
            wire.sendall(data)
            while part := wire.recv(65_536):
                got += part
                if b"\r\n\r\n" in got and b"connection: close" not in got.lower():
                    break
        except (ConnectionError, TimeoutError):
            pass
        return got


@pytest.mark.parametrize(("name", "data", "status"), CASES, ids=[case[0] for case in CASES])
def test_what_is_malformed_gets_a_clear_error_or_a_closed_connection(
    service: Running, name: str, data: bytes, status: bytes
) -> None:
    """And the next request of somebody else is served."""
    got = talk(service, data)
    assert got == b"" or got.startswith(b"HTTP/1.1 " + status), got[:200]
    # Each refusal has an id that the console explains, also one that nothing but the connection knows of.
    assert (b"x-request-id: ref_" in got) is (b"HTTP/1.1 4" in got)
    assert httpx.get(f"{service.url}/api/registration").status_code == 200


def test_random_bytes_stop_nothing(service: Running) -> None:
    """Two hundred connections of noise, and the service answers as before."""
    noise = random.Random(7)
    for _ in range(200):
        got = talk(service, noise.randbytes(noise.randrange(1, 400)) + b"\r\n\r\n", 0.3)
        assert got == b"" or got.startswith(b"HTTP/1.1 4")
    assert httpx.get(f"{service.url}/api/registration").status_code == 200


def test_half_closed_sockets_are_closed(service: Running) -> None:
    """A client that has said its last word before the headers end is not waited for."""
    with closing(socket.create_connection(("127.0.0.1", service.port), 60)) as wire:
        wire.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost")
        wire.shutdown(socket.SHUT_WR)
        assert wire.recv(1_000) == b""


def test_keys_of_every_wrong_shape_are_unknown(service: Running) -> None:
    """No value of the header does more than be refused."""
    shapes = [b"Bearer", b"Bearer ", b"Basic YTpi", b"Bearer pl-", b"Bearer pl-" + b"A" * 60, b"Bearer " + b"x" * 8_000,
              b"Bearer pl-\xff\xfe", b"Bearer ' OR 1=1 --", b"bearer sk-123", b"Bearer pl-" + b"=" * 60, b"pl-" + b"A" * 60]  # fmt: skip
    for shape in shapes:
        got = talk(service, b"GET /v1/models HTTP/1.1\r\nHost: x\r\nAuthorization: " + shape + b"\r\n\r\n")
        assert got.startswith(b"HTTP/1.1 401"), shape


def test_requests_that_were_pipelined_are_answered_in_order(service: Running) -> None:
    """Three at once on one connection."""
    one = b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n"
    with closing(socket.create_connection(("127.0.0.1", service.port), 60)) as wire:
        wire.sendall(one * 3)
        got = b""
        while got.count(b"HTTP/1.1 401") < 3:
            part = wire.recv(65_536)
            assert part, got
            got += part


def test_noise_is_neither_logged_nor_kept(service: Running) -> None:
    """After thousands of malformed requests the log shows nothing an attacker wrote, and memory is where it was."""
    gateway = psutil.Process(service.note.pids["gateway"])
    mark = b"canary-\x1b[31mred\x07"
    for _ in range(300):
        talk(service, b"GET /" + mark + b" HTTP/1.1\r\nX-" + mark + b": " + mark + b"\r\n\r\n", 0.5)
    before = gateway.memory_info().rss
    for _ in range(1_000):
        talk(service, POST + b"Content-Length: 5000000\r\n\r\n" + b"x" * 1_000, 0.5)
    time.sleep(0.5)
    assert gateway.memory_info().rss - before < 16 * 1_048_576
    assert "canary" not in service.log
    assert "Traceback" not in service.log


def test_a_source_may_not_hold_every_connection(service: Running) -> None:
    """Beyond its share an address is turned away, and others are served."""
    held = []
    try:
        for _ in range(600):
            wire = socket.create_connection(("127.0.0.1", service.port), 60, source_address=("127.9.9.9", 0))
            held.append(wire)
        assert httpx.get(f"{service.url}/api/registration").status_code == 200
        for wire in held:
            wire.setblocking(False)
        wait_for(
            lambda: sum(map(is_closed, held)) >= 80,
            10,
            lambda: f"{sum(map(is_closed, held))} of 600 are closed",
        )
    finally:
        for wire in held:
            wire.close()


def is_closed(wire: socket.socket) -> bool:
    """From the other side; nothing was sent on it."""
    try:
        return wire.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
