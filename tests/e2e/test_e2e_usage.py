"""What was used is in the database to the last second before kill -9, whichever process it hits."""

import contextlib
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from surroundings import PATIENCE_S

from .conftest import EngineProcess, Running, wait_for

TOKENS = 3
CALL = {"model": "pontlevis-sim", "prompt": "hello there", "max_tokens": TOKENS}
LOSS_S = 3.0  # the docs promise one, on a machine that is not late itself


class Place:
    """A service before an engine of its own, users who never rest, and a record of what the engine counted when."""

    def __init__(self, directory: Path) -> None:
        self.engine = EngineProcess("--decode-rate", "400", "--total-decode-rate", "6400")
        self.service = Running(directory / "data", "--engine", self.engine.url).start()
        self.keys = [self.service.operate("POST", "/api/keys", {"email": f"user{n}@example.com", "paid": True, "unlimited": True}).json()["key"] for n in range(3)]  # fmt: skip
        self.seen: list[tuple[float, int]] = []
        """Requests that the engine had finished by then, at the least; monotonic seconds."""
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._use, args=(key,)) for key in self.keys]
        self._threads.append(threading.Thread(target=self._count))

    def begin(self) -> None:
        for thread in self._threads:
            thread.start()

    def _use(self, key: str) -> None:
        with httpx.Client(base_url=self.service.url, headers={"authorization": f"Bearer {key}"}, timeout=PATIENCE_S) as client:  # fmt: skip
            while not self._over.is_set():
                try:
                    client.post("/v1/completions", json=CALL)
                except httpx.HTTPError:
                    time.sleep(0.05)

    def _count(self) -> None:
        with httpx.Client(base_url=self.engine.url) as client:
            while not self._over.wait(0.05):
                finished = client.get("/stats").json()["finished"]
                self.seen.append((time.monotonic(), finished))

    def until_finished(self, requests: int) -> None:
        """However fast this machine is."""
        wait_for(lambda: bool(self.seen) and self.seen[-1][1] >= requests, 60, lambda: f"{self.seen[-1:]}")

    def rest(self) -> None:
        """Ends the load."""
        self._over.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(60)

    def finished_before(self, at: float) -> int:
        return max((finished for when, finished in self.seen if when <= at), default=0)

    def recorded(self) -> tuple[int, int]:
        """Requests and answer tokens in the database."""
        with contextlib.closing(
            sqlite3.connect(self.service.data / "pontlevis.db", timeout=PATIENCE_S)
        ) as database:
            requests, tokens = database.execute(
                "SELECT coalesce(sum(requests), 0), coalesce(sum(output_tokens), 0) FROM usage_days"
            ).fetchone()
        return int(requests), int(tokens)

    def kill_everything(self) -> float:
        note = self.service.note
        at = time.monotonic()
        for pid in (note.pid, *note.pids.values()):
            os.kill(pid, signal.SIGKILL)
        assert self.service.process is not None
        self.service.process.wait(60)
        return at

    def settled(self) -> tuple[int, int]:
        """What is recorded once nothing more comes."""
        last = (-1, -1)

        def calm() -> bool:
            nonlocal last
            before, last = last, self.recorded()
            if before != last:
                time.sleep(1.0)
            return before == last

        wait_for(calm, 30, lambda: f"it is still being written: {last}")
        return last

    def stop(self) -> None:
        self.rest()
        self.service.stop()
        self.engine.stop()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.stop()


def test_at_rest_the_database_says_what_the_engine_says(place: Place) -> None:
    """To the digit, after an orderly stop in the middle of the load."""
    place.begin()
    place.until_finished(30)
    place.service.stop()
    place.rest()
    counted = place.engine.stats()
    requests, tokens = place.recorded()
    assert counted["finished"] > 20
    assert requests == counted["started"]
    assert tokens == counted["tokens_out"]


def test_a_dead_controller_loses_nothing(place: Place) -> None:
    """The gateway keeps what it was not told is written, and sends it again; none of it counts twice."""
    place.begin()
    for _ in range(2):
        place.until_finished(place.seen[-1][1] + 20 if place.seen else 20)
        dead = place.service.note.pids["controller"]
        os.kill(dead, signal.SIGKILL)
        wait_for(lambda dead=dead: place.service.note.pids.get("controller") not in (None, dead), 20, lambda: "no new controller")  # type: ignore[misc]  # fmt: skip
    time.sleep(1)
    place.rest()
    counted = place.engine.stats()
    wait_for(lambda: place.recorded()[0] >= counted["started"], 30, lambda: f"{place.recorded()}, {counted}")
    assert place.settled() == (counted["started"], counted["tokens_out"])


def test_a_dead_gateway_loses_at_most_the_last_second(place: Place) -> None:
    """The next one finds what the dead one had not been told is written."""
    place.begin()
    place.until_finished(30)
    time.sleep(LOSS_S + 0.5)
    dead = place.service.note.pids["gateway"]
    at = time.monotonic()
    os.kill(dead, signal.SIGKILL)
    place.rest()
    requests, tokens = place.settled()
    assert place.finished_before(at - LOSS_S) > 20
    assert place.finished_before(at - LOSS_S) <= requests <= place.engine.stats()["finished"]
    assert tokens == TOKENS * requests


def test_everything_killed_at_once_loses_at_most_the_last_second(place: Place) -> None:
    """After the next start; and though the database took nothing for the three seconds before."""
    place.begin()
    place.until_finished(10)
    with contextlib.closing(sqlite3.connect(place.service.data / "pontlevis.db", isolation_level=None)) as holder:  # fmt: skip
        holder.execute("BEGIN IMMEDIATE")  # nobody else can write now
        before = place.recorded()[0]
        place.until_finished(place.seen[-1][1] + 100)
        time.sleep(LOSS_S + 0.5)
        assert place.recorded()[0] == before
        at = place.kill_everything()
        holder.execute("ROLLBACK")
    place.rest()
    wanted = place.finished_before(at - LOSS_S)
    assert wanted > before + 20
    place.service.start()
    wait_for(lambda: place.recorded()[0] >= wanted, 20, lambda: f"{place.recorded()[0]} of {wanted}")
    requests, tokens = place.settled()
    assert requests <= place.engine.stats()["finished"]
    assert tokens == TOKENS * requests
