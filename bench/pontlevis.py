"""Pontlevis as ``pontlevis up`` starts it: every feature on, SQLite, one gateway worker or several."""

import json
import secrets
import subprocess
import sys
from base64 import urlsafe_b64encode
from pathlib import Path

from bench.process import START_S, CannotStart, Process, family
from pontlevis.controller.supervisor import free_port

BAD_KEYS = 64
KEY_BYTES = 45
ENGINE_LIMIT = "8192"  # requests at once that the canned engine takes; its queue is not what is measured


class Pontlevis:
    """The gateways with their admission process, and apart from them the controller and the supervisor."""

    def __init__(self, workers: int = 1) -> None:
        self.name = "pontlevis" if workers == 1 else f"pontlevis-{workers}"
        self._workers = workers
        self._port = 0
        self._key = ""
        self._data = Path()
        self._process: Process | None = None

    def start(self, upstream: str, folder: Path) -> None:
        self._data = folder / f"pontlevis-{self._workers}"
        self._port = free_port()
        command = [sys.executable, "-m", "pontlevis"]
        data = ["--data", str(self._data)]
        made = subprocess.run(
            [*command, "keys", "create", "bench@example.com", "--paid", "--unlimited", *data],
            capture_output=True,
            text=True,
            timeout=START_S,
            check=False,
        )
        if made.returncode != 0:
            raise CannotStart(f"keys create ended with {made.returncode}: {made.stderr[-1500:]}")
        self._key = made.stdout.split()[-1]
        ports = ["--port", str(self._port), "--operator-port", str(free_port())]
        self._process = Process(
            [*command, "up", "--engine", upstream, "--workers", str(self._workers), *ports, *data],
            folder / f"pontlevis-{self._workers}.log",
            environment={
                "PONTLEVIS_ADMISSION__INITIAL_LIMIT": ENGINE_LIMIT,
                "PONTLEVIS_ADMISSION__MAX_LIMIT": ENGINE_LIMIT,
                "PONTLEVIS_GATEWAY__ENGINE_CONNECTIONS": ENGINE_LIMIT,
            },
        )
        # The first line comes when the service answers.
        self._process.line()

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()

    @property
    def port(self) -> int:
        return self._port

    @property
    def keys(self) -> list[str]:
        return [self._key]

    @property
    def bad_keys(self) -> list[str]:
        """Made up: the right shape, but no MAC that fits."""
        return [
            "pl-" + urlsafe_b64encode(b"\x01" + secrets.token_bytes(KEY_BYTES - 1)).decode()
            for _ in range(BAD_KEYS)
        ]

    @property
    def headers(self) -> dict[str, str]:
        return {}

    @property
    def share(self) -> float:
        return 1.0

    @property
    def processes(self) -> dict[str, list[int]]:
        if self._process is None:
            return {}
        note: dict[str, dict[str, int]] = json.loads((self._data / "run.json").read_text())
        path = [pid for name, pid in note["pids"].items() if name.startswith(("gateway", "admission"))]
        others = [pid for pid in family(self._process.pid) if pid not in path]
        return {"gateway" if self._workers == 1 else "workers": path, "others": others}
