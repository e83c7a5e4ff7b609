"""What is measured: something that stands between client and engine. One class a peer."""

from pathlib import Path
from typing import Protocol

GOOD_KEY = "bench-key"  # for peers that know a single key


class Peer(Protocol):
    """One way to the engine. Made cheaply; ``start`` does the work."""

    name: str

    def start(self, upstream: str, folder: Path) -> None:
        """Runs it before the engine at ``upstream``, its files in ``folder``. Raises ``CannotStart``."""

    def stop(self) -> None:
        """Ends all its processes; also when it never started."""

    @property
    def port(self) -> int:
        """Where it listens on 127.0.0.1."""

    @property
    def keys(self) -> list[str]:
        """Keys that it lets in."""

    @property
    def bad_keys(self) -> list[str]:
        """Keys that it refuses; empty where it refuses nobody."""

    @property
    def headers(self) -> dict[str, str]:
        """What it wants to be told in each request."""

    @property
    def share(self) -> float:
        """Of a round's requests, how many it is given: less than 1 for those that would take all evening."""

    @property
    def processes(self) -> dict[str, list[int]]:
        """Process ids by part. The first part is the data path; the others only add to the sum."""
