"""Portkey's gateway, in JavaScript."""

from pathlib import Path
from urllib.parse import urlsplit

from bench.environments import npm_environment
from bench.single import Single

REQUIREMENT = "@portkey-ai/gateway@1.15.2"


class Portkey(Single):
    """The client names the engine in headers; it asks for no key of its own."""

    name = "portkey"
    given = 0.3

    def __init__(self) -> None:
        super().__init__()
        self._upstream = ""

    def command(self, upstream: str, folder: Path, port: int) -> list[str]:
        self._upstream = f"http://localhost:{urlsplit(upstream).port}/v1"
        modules = npm_environment(self.name, REQUIREMENT)
        script = modules / "@portkey-ai" / "gateway" / "build" / "start-server.js"
        return ["node", str(script), f"--port={port}", "--headless"]

    @property
    def headers(self) -> dict[str, str]:
        return {"x-portkey-provider": "openai", "x-portkey-custom-host": self._upstream}
