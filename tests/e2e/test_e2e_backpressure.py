"""Slow readers and slow senders: memory stays where it is, and they are cut with a reason."""

import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import closing

import httpx
import psutil
import pytest

from surroundings import PATIENCE_S

from .conftest import Running, wait_for
from .odd_engine import OddEngine

MIB = 1_048_576
STALL_S = 4


class House:
    """A service with short patience before an engine that pours."""

    def __init__(self, directory: object) -> None:
        self.engine = OddEngine("pours", "plain")
        environment = {
            "PONTLEVIS_GATEWAY__WRITE_STALL_S": str(STALL_S),
            "PONTLEVIS_GATEWAY__HELD_BODY_BYTES": str(4 * MIB),
            "PONTLEVIS_GATEWAY__HELD_BODY_BYTES_OTHERS": str(MIB),
        }
        self.service = Running(directory / "data", "--engine", self.engine.url, environment=environment).start()  # type: ignore[operator]  # fmt: skip
        self.key = self.service.key()
        self.newcomer = self.service.key("new@example.com", paid=False)
        self.gateway = psutil.Process(self.service.note.pids["gateway"])

    def connect(self) -> socket.socket:
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        made.settimeout(PATIENCE_S)
        made.connect(("127.0.0.1", self.service.port))
        return made

    def request(self, body: dict[str, object], key: str | None = None) -> bytes:
        raw = json.dumps(body).encode()
        return b"%b%b" % (self.head(len(raw), key), raw)

    def head(self, length: int, key: str | None = None) -> bytes:
        return b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %b\r\nContent-Length: %d\r\n\r\n" % ((key or self.key).encode(), length)  # fmt: skip

    def rss(self) -> int:
        return int(self.gateway.memory_info().rss)

    def refusals(self, code: str) -> int:
        text = httpx.get(f"{self.service.operator_url}/metrics").text
        found = re.search(rf'pontlevis_refusals_total{{code="{code}"}} (\d+)', text)
        assert found is not None
        return int(found[1])

    def stop(self) -> None:
        self.service.stop()
        self.engine.stop()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(tmp_path_factory.mktemp("backpressure"))
    yield made
    made.stop()


def test_a_slow_reader_holds_the_engine_back_and_is_cut(house: House) -> None:
    """An engine that pours megabytes a second is not read while its client takes nothing; then both are rid of it."""
    body: dict[str, object] = {
        "model": "pours",
        "messages": [{"role": "user", "content": "x"}],
        "stream": True,
    }
    before, cut = house.rss(), house.refusals("slow_reader")
    house.engine.gone.clear()
    house.engine.poured = 0
    wires = [house.connect() for _ in range(8)]
    try:
        for wire in wires:
            wire.sendall(house.request(body))

        most = 0

        def cut_all() -> bool:
            nonlocal most
            most = max(most, house.rss())
            return house.refusals("slow_reader") >= cut + 8

        wait_for(cut_all, 20, lambda: f"{house.refusals('slow_reader') - cut} of 8 are cut")
        assert most - before < 16 * MIB
        assert house.engine.poured < 8 * 24 * MIB, "more than the kernel's buffers hold"
        assert house.engine.gone.wait(60)
        wait_for(
            lambda: house.refusals("slow_reader") == cut + 8, 10, lambda: f"{house.refusals('slow_reader')}"
        )
    finally:
        for wire in wires:
            wire.close()


def test_who_sends_requests_and_reads_no_answers_is_not_read_further(house: House) -> None:
    """Refusals cost an attacker nothing to ask for; they do not pile up in memory."""
    one = b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n"

    def cuts() -> int:
        return house.refusals("slow_reader") + house.refusals("invalid_body")

    before, cut = house.rss(), cuts()
    with closing(house.connect()) as wire:
        wire.setblocking(False)
        sent, until = 0, time.monotonic() + STALL_S * 0.75
        while time.monotonic() < until:
            try:
                sent += wire.send(one * 500)
            except BlockingIOError:
                time.sleep(0.02)
            except ConnectionError:
                break
        assert sent < 16 * MIB  # most of it in the kernel's buffers
        assert house.rss() - before < 16 * MIB
        wait_for(lambda: cuts() == cut + 1, 10, lambda: "it was not cut")


def test_trailers_without_end_are_cut(house: House) -> None:
    """The parser would gather them; the service does not let it."""
    before = house.rss()
    with closing(house.connect()) as wire:
        wire.sendall(
            house.head(0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
            + b"2\r\n{}\r\n0\r\nX-A: "
        )
        got = b""
        try:
            for _ in range(400):
                wire.sendall(b"b" * 65_536)
                time.sleep(0.001)
            got = wire.recv(4_096)
        except OSError:
            got = got or b"cut"
    assert got == b"cut" or b"431" in got
    assert house.rss() - before < 16 * MIB


def test_bodies_in_memory_are_bounded_and_existing_users_come_last_to_feel_it(house: House) -> None:
    """Newcomers' bodies fill their part; one more gets 503, and a paid account is served."""
    large = 900_000
    with closing(house.connect()) as wire:
        wire.sendall(house.head(large, house.newcomer) + b"x" * (large - 1))
        url = f"{house.service.url}/v1/chat/completions"
        body = {"model": "plain", "messages": [{"role": "user", "content": "y" * 300_000}]}

        def newcomer() -> httpx.Response:
            return httpx.post(url, json=body, headers={"authorization": f"Bearer {house.newcomer}"})

        wait_for(lambda: newcomer().status_code == 503, 10, lambda: "a newcomer's megabyte is not held")
        refused = newcomer()
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "overloaded")
        assert int(refused.headers["retry-after"]) >= 1
        served = httpx.post(url, json=body, headers={"authorization": f"Bearer {house.key}"})
        assert served.status_code == 200
    # Nobody but an existing user may send 300 KB while a newcomer's megabyte is held; now it is gone.
    wait_for(lambda: newcomer().status_code != 503, 10, lambda: "it is still held")
