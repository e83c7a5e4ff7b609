"""smg, the Shepherd Model Gateway in Rust, which was SGLang's router."""

from pathlib import Path

from bench.environments import python_environment
from bench.single import Single
from pontlevis.controller.supervisor import free_port

REQUIREMENT = "smg==1.13.0"


class Smg(Single):
    """One worker, taken in turn; it asks for no key."""

    name = "smg"

    def command(self, upstream: str, folder: Path, port: int) -> list[str]:
        where = python_environment(self.name, REQUIREMENT)
        return [
            str(where / "smg"), "launch", "--host", "127.0.0.1", "--port", str(port), "--worker-urls", upstream,
            "--policy", "round_robin", "--log-level", "error", "--prometheus-port", str(free_port()),
            "--max-concurrent-requests", "20000", "--disable-retries",
        ]  # fmt: skip
