"""A peer that is one command."""

from pathlib import Path

from bench.peer import GOOD_KEY
from bench.process import Process, family
from pontlevis.controller.supervisor import free_port


class Single:
    """Subclasses say how they are started."""

    name = ""
    given = 1.0
    """Of a round's requests."""
    refuses = False
    """Whether it knows a key from another."""

    def __init__(self) -> None:
        self._port = 0
        self._process: Process | None = None

    def command(self, upstream: str, folder: Path, port: int) -> list[str]:
        """What to run. Raises ``CannotStart``."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        return {}

    def start(self, upstream: str, folder: Path) -> None:
        self._port = free_port()
        command = self.command(upstream, folder, self._port)
        self._process = Process(
            command, folder / f"{self.name}.log", environment=self.environment(), quiet=True
        )
        self._process.await_port(self._port)

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()

    @property
    def port(self) -> int:
        return self._port

    @property
    def keys(self) -> list[str]:
        return [GOOD_KEY]

    @property
    def bad_keys(self) -> list[str]:
        return ["wrong-key"] if self.refuses else []

    @property
    def share(self) -> float:
        return self.given

    @property
    def headers(self) -> dict[str, str]:
        return {}

    @property
    def processes(self) -> dict[str, list[int]]:
        return {"proxy": family(self._process.pid)} if self._process is not None else {}
