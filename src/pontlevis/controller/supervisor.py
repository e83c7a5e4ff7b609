"""Starts gateways, controller and, where no engine was named, the engine simulator; keeps them running."""

import errno
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import FrameType

from pontlevis.config import EngineSettings, Settings
from pontlevis.controller.children import set_up_logging, write_settings
from pontlevis.runtime import DataDirectory, RunNote, make_sockets, remove_left_sockets, remove_sockets

RESTART_FIRST_S = 0.2
RESTART_MOST_S = 10.0
RESTART_CALM_S = 30.0  # a child that ran this long starts again without delay
STOP_WAIT_S = 8.0
START_WAIT_S = 120.0  # a child that ends is noticed at once; a machine that is busy takes its time
POLL_S = 0.1
ANSWER_WAIT_S = 2.0

log = logging.getLogger("pontlevis.supervisor")


class CannotStart(Exception):
    """Why the service cannot start, in words for whoever typed the command."""


@dataclass(slots=True)
class _Child:
    name: str
    command: list[str]
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    delay: float = 0.0
    due: float = 0.0


class Supervisor:
    """One machine's processes. ``run`` returns when it was told to stop."""

    def __init__(
        self, settings: Settings, *, simulate_engine: bool, simulator_options: tuple[str, ...] = ()
    ) -> None:
        self._directory = DataDirectory(settings.data)
        self._children: list[_Child] = []
        self._stopping = False
        self._simulated = simulate_engine
        self._simulator_options = simulator_options
        if simulate_engine:
            port = free_port()
            engine = EngineSettings(url=f"http://127.0.0.1:{port}", simulated=True)
            settings = settings.model_copy(update={"engines": (engine,)})
            self._engine_port = port
        self.settings = settings.model_copy(update={"data": self._directory.path})

    def run(self, announce: Callable[[str | None], None]) -> None:
        """Starts everything, calls ``announce`` with the first operator's link once all answers, and watches.

        Raises ``CannotStart``.
        """
        set_up_logging()
        try:
            self._directory.prepare()
            peppers = self._directory.peppers()
        except (OSError, ValueError) as error:
            raise CannotStart(f"the data directory {self._directory.path} cannot be used: {error}") from None
        last = self._directory.noted()
        if not self._directory.claim():
            who = f" (process {last.pid})" if last is not None else ""
            raise CannotStart(f"another Pontlevis{who} runs on {self._directory.path} already")
        for host, port in ((self.settings.host, self.settings.port), (self.settings.operator_host, self.settings.operator_port)):  # fmt: skip
            check_free(host, port, patience_s=STOP_WAIT_S if last is not None else 0.0)
        if last is not None:
            remove_left_sockets(last)
        sockets = make_sockets()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self._stop)
        if not os.isatty(0):
            # At a terminal the signal still means that the terminal is gone.
            signal.signal(signal.SIGHUP, self._reload)
        try:
            write_settings(self.settings, sockets / "settings.json")
            write_settings(self.settings.unruled, sockets / "unruled.json")
            secret = {"PONTLEVIS_CHILD_PEPPER": peppers.pack().hex()}
            if self._simulated:
                self._add(
                    "engine",
                    [
                        "-m",
                        "pontlevis",
                        "engine-sim",
                        "--with-parent",
                        "--port",
                        str(self._engine_port),
                        *self._simulator_options,
                    ],
                    {},
                )
            for role in roles(self.settings.gateway.workers):
                self._add(
                    role,
                    ["-m", "pontlevis.controller.child", role, str(sockets), str(os.getpid())],
                    secret,
                )
            note = RunNote(
                pid=os.getpid(),
                public_url=f"http://{_reachable(self.settings.host)}:{self.settings.port}",
                operator_url=self.settings.operator_url,
                operator_socket=str(sockets / "operator.sock"),
                sockets=str(sockets),
                started_at=time.time(),
            )
            for child in self._children:
                self._start(child)
            self._note(note)
            self._await_answer(note)
            link = sockets / "setup-link"
            announce(link.read_text().strip() if link.exists() else None)
            while not self._stopping:
                time.sleep(POLL_S)
                if self._look_after():
                    self._note(note)
        finally:
            self._end_all()
            self._directory.forget_note()
            remove_sockets(sockets)

    def _stop(self, _: int, __: FrameType | None) -> None:
        self._stopping = True

    def _reload(self, _: int, __: FrameType | None) -> None:
        for child in self._children:
            if child.name == "controller" and child.process is not None and child.process.poll() is None:
                child.process.send_signal(signal.SIGHUP)

    def _add(self, name: str, arguments: list[str], environment: dict[str, str]) -> None:
        self._children.append(_Child(name, [sys.executable, *arguments], environment))

    def _start(self, child: _Child) -> None:
        child.process = subprocess.Popen(
            child.command,
            env={**os.environ, **child.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # children speak through their logs; standard output is the announcement's
            start_new_session=True,
        )
        child.started = time.monotonic()

    def _note(self, note: RunNote) -> None:
        note.pids = {each.name: each.process.pid for each in self._children if each.process is not None}
        self._directory.note(note)

    def _look_after(self) -> bool:
        """Starts again what has ended; whether something changed."""
        changed = False
        now = time.monotonic()
        for child in self._children:
            if child.process is not None and child.process.poll() is not None:
                log.error("supervisor:%s:ended status=%d", child.name, child.process.returncode)
                calm = now - child.started > RESTART_CALM_S
                child.delay = (
                    RESTART_FIRST_S if calm else min(RESTART_MOST_S, max(RESTART_FIRST_S, child.delay * 2))
                )
                child.due = now + child.delay
                child.process = None
            if child.process is None and now >= child.due:
                self._start(child)
                changed = True
        return changed

    def _await_answer(self, note: RunNote) -> None:
        until = time.monotonic() + START_WAIT_S
        while time.monotonic() < until and not self._stopping:
            for child in self._children:
                if child.process is not None and child.process.poll() is not None:
                    raise CannotStart(
                        f"the {child.name} ended with status {child.process.returncode} while starting"
                    )
            if _answers(note.public_url):
                return
            if (Path(note.sockets) / "preparing").exists():
                until = time.monotonic() + START_WAIT_S
            time.sleep(POLL_S)
        if not self._stopping:
            raise CannotStart(f"the service did not answer within {START_WAIT_S:.0f} seconds")

    def _end_all(self) -> None:
        # The gateways first, so that nobody is let in to a service that is being taken down.
        for child in reversed(self._children):
            if child.process is not None and child.process.poll() is None:
                child.process.terminate()
        until = time.monotonic() + STOP_WAIT_S
        for child in self._children:
            if child.process is None:
                continue
            try:
                child.process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()


def _answers(url: str) -> bool:
    # Not with httpx: each of its clients loads the authorities' certificates, and this is asked many times.
    connection = HTTPConnection(url.partition("://")[2], timeout=ANSWER_WAIT_S)
    try:
        connection.request("GET", "/api/registration")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def roles(workers: int) -> list[str]:
    """The processes beside the engine simulator, in the order in which they start."""
    if workers == 1:
        return ["controller", "gateway"]
    return ["controller", "admission", *(f"gateway-{number}" for number in range(workers))]


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses now, nor is given by the kernel while this process lives.

    A server that sets ``SO_REUSEADDR``, as servers do, may listen on it all the same.
    """
    keeper = socket.socket()
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    keeper.bind(("127.0.0.1", 0))
    port: int = keeper.getsockname()[1]
    keeper.detach()
    return port


def check_free(host: str, port: int, *, patience_s: float = 0.0) -> None:
    """Raises ``CannotStart`` when the address is not this machine's, or is still taken after ``patience_s``: the
    children of a supervisor that was killed take a moment to end.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    until = time.monotonic() + patience_s
    while True:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE or time.monotonic() >= until:
                    raise CannotStart(f"cannot listen on {host}:{port}: {error.strerror or error}") from None
            else:
                return
        time.sleep(POLL_S)


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
