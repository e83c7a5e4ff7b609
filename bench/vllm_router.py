"""vllm-router, the vLLM project's router in Rust."""

from pathlib import Path

from bench.environments import python_environment
from bench.single import Single
from pontlevis.controller.supervisor import free_port

REQUIREMENT = "vllm-router==0.1.17"


class VllmRouter(Single):
    """One worker, taken in turn; it asks for no key."""

    name = "vllm-router"

    def command(self, upstream: str, folder: Path, port: int) -> list[str]:
        where = python_environment(self.name, REQUIREMENT)
        return [
            str(where / "vllm-router"), "--host", "127.0.0.1", "--port", str(port), "--worker-urls", upstream,
            "--policy", "round_robin", "--log-level", "error", "--prometheus-port", str(free_port()),
            "--max-concurrent-requests", "20000", "--disable-retries",
        ]  # fmt: skip
