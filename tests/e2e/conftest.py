"""A real Pontlevis for tests: supervisor, controller, gateway and engine simulator on loopback."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser

from pontlevis.runtime import DataDirectory, RunNote
from ports import free_port
from surroundings import PATIENCE_S

from .browser import chromium

LONGEST = ("test_e2e_workers", "test_e2e_restart", "test_e2e_usage", "test_e2e_slow_clients")
"""Begun before the others of this folder: side by side, a long file that is begun last is waited for alone."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Nothing else is moved."""
    here = Path(__file__).parent
    places = [number for number, item in enumerate(items) if item.path.parent == here]
    ranks = {name: rank for rank, name in enumerate(LONGEST)}
    own = sorted((items[number] for number in places), key=lambda item: ranks.get(item.path.stem, len(ranks)))
    for number, item in zip(places, own, strict=True):
        items[number] = item


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for each module."""
    with chromium() as opened:
        yield opened


class Running:
    """One service under test."""

    def __init__(self, data: Path, *options: str, environment: dict[str, str] | None = None) -> None:
        self.data = data
        self.port, self.operator_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.operator_url = f"http://127.0.0.1:{self.operator_port}"
        self._log = data.with_suffix(".log")
        self._options = options
        self.environment = environment or {}
        self.process: subprocess.Popen[bytes] | None = None

    def named_localhost(self) -> "Running":
        """Before its start: browsers allow passkeys under this name, and under no bare address."""
        self.url = f"http://localhost:{self.port}"
        self.environment["PONTLEVIS_PUBLIC_URL"] = self.url
        return self

    def start(self) -> "Running":
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PONTLEVIS_")}
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "pontlevis", "up", "--port", str(self.port), "--operator-port", str(self.operator_port), "--data", str(self.data), *self._options],
                stdout=log, stderr=log, env={**clean, **self.environment}, cwd=self.data.parent,
            )  # fmt: skip
        wait_for(self._is_up, 60, lambda: f"the service did not start:\n{self.log[-3_000:]}")
        return self

    def _is_up(self) -> bool:
        if self.process is None or self.process.poll() is not None:
            raise AssertionError(f"the service ended:\n{self.log[-3_000:]}")
        with contextlib.suppress(httpx.HTTPError):
            # Over TCP first: the client leaks its socket where a Unix socket is not listened on yet.
            httpx.get(f"{self.url}/api/registration").raise_for_status()
            # What it prints comes last, the first operator's link with it.
            return self.operate("GET", "/readyz").status_code == 200 and "is up." in self.log
        return False

    @property
    def note(self) -> RunNote:
        note = DataDirectory(self.data).running()
        if note is None:
            raise httpx.TransportError("no service runs")
        return note

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8", "replace")

    def operate(self, method: str, path: str, body: dict[str, object] | None = None) -> httpx.Response:
        """A call of the operator's API over the private socket."""
        transport = httpx.HTTPTransport(uds=self.note.operator_socket)
        with httpx.Client(transport=transport, base_url=self.operator_url) as client:
            return client.request(method, path, json=body)

    def key(self, email: str = "ada@example.com", *, paid: bool = True) -> str:
        answer = self.operate("POST", "/api/keys", {"email": email, "paid": paid})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["key"])

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def wait_for(condition: Callable[[], bool], seconds: float, why: Callable[[], str]) -> None:
    """Waits until ``condition`` holds; fails with ``why`` after ``seconds``, or two minutes where that is longer.

    What takes long on a busy machine is no failure, and neither is a service that does not answer yet.
    """
    until = time.monotonic() + max(seconds, PATIENCE_S)
    while time.monotonic() < until:
        with contextlib.suppress(httpx.TransportError):
            if condition():
                return
        time.sleep(0.05)
    raise AssertionError(why())


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service that many tests share; anonymous use is off."""
    running = Running(tmp_path_factory.mktemp("service") / "data").start()
    yield running
    running.stop()


@pytest.fixture
def own_service(tmp_path: Path) -> Iterator[Running]:
    """A service of a test's own, not started yet."""
    running = Running(tmp_path / "data")
    yield running
    running.stop()


class EngineProcess:
    """An engine simulator of a test's own, that outlives the service before it; its counters are the truth."""

    def __init__(self, *options: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._options = options
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "pontlevis",
                "engine-sim",
                "--with-parent",
                "--port",
                str(self.port),
                *self._options,
            ],
            stdout=subprocess.DEVNULL,
        )

        def answers() -> bool:
            with contextlib.suppress(httpx.HTTPError):
                return httpx.get(f"{self.url}/health").status_code == 200
            return False

        wait_for(answers, 20, lambda: "the engine simulator did not start")

    def stats(self) -> dict[str, int]:
        counted: dict[str, int] = httpx.get(f"{self.url}/stats").json()
        return counted

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
