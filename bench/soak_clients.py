"""What the clients of a soak do, well-behaved and otherwise, each act over a connection of its own."""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from random import Random

PATIENCE_S = 60.0


@dataclass(slots=True)
class Tally:
    """What was sent and what came of it, by kind of act."""

    sent: Counter[str]
    ok: Counter[str]
    failed: Counter[str] = field(default_factory=Counter)
    embedded: int = 0
    """Tokens of embeddings, which the engine's model does not count."""
    plain_tokens_left_at_most: int = 0
    """Tokens that plain calls had asked for when their clients left: generated perhaps, seen by nobody."""


class Client:
    """One caller."""

    def __init__(self, host: str, port: int, key: str, rng: Random, tally: Tally) -> None:
        self._host, self._port, self._key = host, port, key
        self._rng = rng
        self._tally = tally

    async def plain(self) -> None:
        await self._whole("plain", "/v1/chat/completions", self._chat("steady"))

    async def streamed(self) -> None:
        await self._whole(
            "streamed", "/v1/chat/completions", {**self._chat("steady"), "stream": True}, b"[DONE]"
        )

    async def embed(self) -> None:
        text = "raised bridge " * self._rng.randint(1, 40)
        answer = await self._whole("embed", "/v1/embeddings", {"model": "steady", "input": text})
        if answer:
            self._tally.embedded += int(json.loads(answer)["usage"]["prompt_tokens"])

    async def respond(self) -> None:
        body = {"model": "steady", "input": "why " * self._rng.randint(1, 60), "max_output_tokens": self._rng.randint(1, 24), "stream": True}  # fmt: skip
        await self._whole("respond", "/v1/responses", body, b'"usage"')

    async def rough(self) -> None:
        await self._whole(
            "rough", "/v1/chat/completions", {**self._chat("rough"), "stream": self._rng.random() < 0.5}
        )

    async def refused(self) -> None:
        await self._status("refused", 401)

    async def limited(self) -> None:
        """A new account that asks more than it may."""
        await self._status("limited", 200, 429, 503)

    async def abort_stream(self) -> None:
        """Leaves after a few events."""
        async with self._asked("abort_stream", {**self._chat("left", 400), "stream": True}) as reader:
            for _ in range(self._rng.randint(1, 40)):
                await reader.readline()

    async def abort_plain(self) -> None:
        """Leaves before the answer is there."""
        body = self._chat("left", 200)
        async with self._asked("abort_plain", body):
            self._tally.plain_tokens_left_at_most += 200
            await asyncio.sleep(self._rng.uniform(0.05, 0.8))

    async def read_slowly(self) -> None:
        """Takes a few bytes now and then, then leaves."""
        async with self._asked("read_slowly", {**self._chat("left", 300), "stream": True}) as reader:
            for _ in range(self._rng.randint(2, 12)):
                await reader.read(400)
                await asyncio.sleep(0.1)

    # -- inside

    def _chat(self, model: str, tokens: int = 0) -> dict[str, object]:
        content = "the bridge was raised " * self._rng.randint(1, 120)
        length = tokens or self._rng.randint(1, 40)
        return {"model": model, "messages": [{"role": "user", "content": content}], "max_tokens": length, "pontlevis_sim": {"output_tokens": length}}  # fmt: skip

    def _request(self, path: str, body: dict[str, object]) -> bytes:
        raw = json.dumps(body).encode()
        return b"POST %b HTTP/1.1\r\nhost: soak\r\nauthorization: Bearer %b\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b" % (path.encode(), self._key.encode(), len(raw), raw)  # fmt: skip

    @contextlib.asynccontextmanager
    async def _asked(self, kind: str, body: dict[str, object]) -> AsyncIterator[asyncio.StreamReader]:
        self._tally.sent[kind] += 1
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            writer.write(self._request("/v1/chat/completions", body))
            yield reader
        finally:
            writer.transport.abort()

    async def _fetch(self, path: str, body: dict[str, object]) -> bytes:
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                reader, writer = await asyncio.open_connection(self._host, self._port)
                try:
                    writer.write(self._request(path, body))
                    return await reader.read()
                finally:
                    writer.close()
        return b""

    async def _whole(self, kind: str, path: str, body: dict[str, object], mark: bytes = b"") -> bytes:
        """The body of a whole answer; empty where there was none."""
        self._tally.sent[kind] += 1
        head, _, answer = (await self._fetch(path, body)).partition(b"\r\n\r\n")
        good = head.startswith(b"HTTP/1.1 200") and mark in answer and b'"error":{' not in answer
        (self._tally.ok if good else self._tally.failed)[kind] += 1
        return answer if good else b""

    async def _status(self, kind: str, *expected: int) -> None:
        self._tally.sent[kind] += 1
        answer = await self._fetch("/v1/embeddings", {"model": "spare", "input": "x"})
        status = int(answer[9:12] or b"0")
        coded = status == 200 or b'"code":"' in answer
        (self._tally.ok if coded and status in expected else self._tally.failed)[kind] += 1
