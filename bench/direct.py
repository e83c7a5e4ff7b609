"""No proxy at all: what client and engine alone take."""

from pathlib import Path
from urllib.parse import urlsplit

from bench.peer import GOOD_KEY


class Direct:
    """The engine itself."""

    name = "direct"

    def __init__(self) -> None:
        self._port = 0

    def start(self, upstream: str, folder: Path) -> None:
        self._port = urlsplit(upstream).port or 80

    def stop(self) -> None:
        pass

    @property
    def port(self) -> int:
        return self._port

    @property
    def keys(self) -> list[str]:
        return [GOOD_KEY]

    @property
    def bad_keys(self) -> list[str]:
        return []

    @property
    def headers(self) -> dict[str, str]:
        return {}

    @property
    def share(self) -> float:
        return 1.0

    @property
    def processes(self) -> dict[str, list[int]]:
        return {}
