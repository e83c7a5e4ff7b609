"""The processes of a drill: the service under test, the generators; started, sampled, stopped by number."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

import httpx
import psutil

from pontlevis.controller.supervisor import free_port
from pontlevis.drill.scenario import Scenario
from pontlevis.runtime import DataDirectory, RunNote

START_WAIT_S = 120.0
STOP_WAIT_S = 15.0


class DrillError(Exception):
    """Why a drill cannot go on, in words for whoever typed the command."""


def loopback(host: str) -> str:
    """The address to play on. Raises ``DrillError`` for any target but this machine's loopback addresses.

    People and attackers have addresses of 127.0.0.0/8, which reach no ``::1``. Of names ``localhost`` alone is taken, and only where it means nothing else here: any other name can mean
    something else a moment later.
    """
    try:
        hosts = (
            {str(each[4][0]) for each in socket.getaddrinfo(host, None)} if host == "localhost" else {host}
        )
        own = [each for each in sorted(hosts) if ip_address(each).is_loopback]
        fine = len(own) == len(hosts)
    except (ValueError, OSError):
        own, fine = [], False
    reachable = [each for each in own if ip_address(each).version == 4]
    if not fine or not reachable:
        raise DrillError(
            f"a drill plays on loopback addresses of 127.0.0.0/8 or localhost only, not {host!r}"
        )
    return reachable[0]


def configuration(
    scenario: Scenario, *, engine_url: str, port: int, operator_port: int, data: Path, defence: bool
) -> str:
    """The service's TOML: defaults, but for a small engine and recovery in seconds instead of minutes."""
    return "\n".join(
        (
            'name = "Drill"',
            f"host = {json.dumps(scenario.host)}",
            f"port = {port}",
            f"operator_port = {operator_port}",
            f"data = {json.dumps(str(data))}",
            f"defence = {'true' if defence else 'false'}",
            "anonymous = true",
            f"engines = [{{ url = {json.dumps(engine_url)}, simulated = {'false' if scenario.engine_url else 'true'} }}]",
            "[posture]",
            f"time_scale = {scenario.posture_scale!r}",
            "",
        )
    )


@dataclass(slots=True)
class Fleet:
    """A running service under test."""

    port: int
    operator_port: int
    engine_url: str
    note: RunNote
    processes: dict[str, psutil.Process] = field(default_factory=dict)
    cpu: list[tuple[float, dict[str, float]]] = field(default_factory=list)
    """Unix time and CPU seconds so far, by process."""

    def watch(self, name: str, pid: int) -> None:
        with contextlib.suppress(psutil.Error):
            self.processes[name] = psutil.Process(pid)

    def sample_cpu(self) -> None:
        """Notes each process's CPU seconds."""
        held: dict[str, float] = {}
        for name, process in self.processes.items():
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                held[name] = times.user + times.system
        self.cpu.append((time.time(), held))


@contextlib.contextmanager
def service(scenario: Scenario, directory: Path, *, defence: bool) -> Iterator[Fleet]:
    """A service with its engine simulator on free ports; stopped by process number when the block ends."""
    engine_port, port, operator_port = free_port(), free_port(), free_port()
    engine_url = scenario.engine_url or f"http://127.0.0.1:{engine_port}"
    data = directory / "data"
    config = directory / "pontlevis.toml"
    config.write_text(
        configuration(
            scenario,
            engine_url=engine_url,
            port=port,
            operator_port=operator_port,
            data=data,
            defence=defence,
        )
    )
    shape = scenario.engine
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PONTLEVIS_")}
    log = (directory / "service.log").open("wb")
    engine = None if scenario.engine_url else subprocess.Popen(
        [sys.executable, "-m", "pontlevis", "engine-sim", "--with-parent", "--port", str(engine_port), "--slots", str(shape.slots),
         "--prefill-rate", str(shape.prefill_rate), "--decode-rate", str(shape.decode_rate),
         "--total-decode-rate", str(shape.total_decode_rate), "--kv-tokens", str(shape.kv_tokens)],
        stdout=log, stderr=log, env=environment,
    )  # fmt: skip
    up = subprocess.Popen(
        [sys.executable, "-m", "pontlevis", "up", "--config", str(config)],
        stdout=log,
        stderr=log,
        env=environment,
    )
    try:
        note = _await_service(data, scenario.host, port, up)
        fleet = Fleet(port, operator_port, engine_url, note)
        if engine is not None:
            fleet.watch("engine", engine.pid)
        for name, pid in note.pids.items():
            fleet.watch(name, pid)
        yield fleet
    finally:
        started = [each for each in (up, engine) if each is not None]
        for process in started:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in started:
            try:
                process.wait(STOP_WAIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        log.close()


def _await_service(data: Path, host: str, port: int, process: "subprocess.Popen[bytes]") -> RunNote:
    until = time.monotonic() + START_WAIT_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise DrillError(f"the service ended with status {process.returncode} while starting")
        note = DataDirectory(data).running()
        if note is not None:
            with contextlib.suppress(httpx.HTTPError):
                models = httpx.get(f"http://{host}:{port}/api/registration", timeout=1.0, trust_env=False)
                ready = httpx.Client(transport=httpx.HTTPTransport(uds=note.operator_socket)).get(
                    f"{note.operator_url}/readyz", timeout=1.0
                )
                if models.status_code == 200 and ready.status_code == 200:
                    return note
        time.sleep(0.2)
    raise DrillError(f"the service did not start within {START_WAIT_S:.0f} seconds")


def start_player(part_file: Path, played_file: Path) -> "subprocess.Popen[bytes]":
    """A generator's process; it ends by itself when its part has been played."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PONTLEVIS_")}
    return subprocess.Popen(
        [sys.executable, "-m", "pontlevis.drill.player", str(part_file), str(played_file)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=(part_file.parent / f"{part_file.stem}.log").open("wb"),
    )
