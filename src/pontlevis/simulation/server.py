"""The engine simulator as a process: the model behind an OpenAI-compatible HTTP server."""

import asyncio
import os
import signal
import time
from typing import cast

import httptools
import msgspec
import uvloop

from pontlevis.simulation.engine import EngineModel, EngineShape
from pontlevis.simulation.text import seed_of
from pontlevis.simulation.wire import Answer, Kind, decode_call, embeddings, error, models, output_tokens

TICK_S = 0.02  # an engine's own step
BYTES_PER_TOKEN = 4
MOST_BODY_BYTES = 16_777_216

_KINDS: dict[str, Kind] = {
    "/v1/chat/completions": "chat",
    "/v1/completions": "completion",
    "/v1/responses": "response",
}


class EngineServer:
    """One simulated engine and its clients."""

    def __init__(self, shape: EngineShape, names: list[str]) -> None:
        self.model = EngineModel(shape, time.monotonic())
        self.names = names
        self._created = int(time.time())
        self._requests = 0
        self._clients: dict[int, _Client] = {}

    async def run(self, host: str, port: int) -> None:
        """Serves until SIGTERM or until the parent process is gone."""
        loop = asyncio.get_running_loop()
        stopping = asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, stopping.set)
        server = await loop.create_server(lambda: _Client(self), host, port, backlog=1024)
        bound = server.sockets[0].getsockname()
        print(f"listening on http://{bound[0]}:{bound[1]}", flush=True)
        parent = os.getppid()
        ticker = asyncio.create_task(self._tick())
        while not stopping.is_set() and os.getppid() == parent:
            try:
                async with asyncio.timeout(1.0):
                    await stopping.wait()
            except TimeoutError:
                continue
        ticker.cancel()
        server.close()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            for progress in self.model.advance(time.monotonic()):
                client = self._clients.get(progress.id)
                if client is None:
                    continue
                if progress.finished:
                    del self._clients[progress.id]
                client.more(progress.tokens, progress.finished)

    def gone(self, id_: int) -> None:
        """A client went away: its slot is free at once."""
        if self._clients.pop(id_, None) is not None:
            self.model.cancel(id_)

    def handle(self, client: "_Client", method: str, path: str, body: bytes) -> None:
        if method == "GET":
            self._get(client, path)
            return
        kind = _KINDS.get(path)
        if method != "POST" or (kind is None and path != "/v1/embeddings"):
            client.reply(*error(404, f"there is no {path} here", "not_found"))
            return
        try:
            call = decode_call(body)
        except (msgspec.DecodeError, RecursionError) as problem:
            client.reply(*error(400, str(problem), "invalid_body"))
            return
        if call.model not in self.names:
            client.reply(*error(404, f"The model `{call.model}` does not exist.", "model_not_found"))
            return
        prompt = max(1, len(body) // BYTES_PER_TOKEN)
        if kind is None:
            client.reply(200, embeddings(call, prompt))
            return
        self._requests += 1
        id_ = self._requests
        answer = Answer(kind, f"{id_:08x}", call, seed_of(body), prompt, self._created)
        try:
            self.model.submit(id_, prompt, output_tokens(call, body), time.monotonic())
        except ValueError as problem:
            client.reply(*error(400, str(problem), "context_length_exceeded"))
            return
        self._clients[id_] = client
        client.begin(id_, answer)

    def _get(self, client: "_Client", path: str) -> None:
        model = self.model
        if path == "/v1/models":
            client.reply(200, models(self.names, self._created))
        elif path == "/metrics":
            label = f'{{engine="0",model_name="{self.names[0]}"}}'
            text = "".join(
                f"# HELP vllm:{name} {about}\n# TYPE vllm:{name} {kind}\nvllm:{name}{label} {value}\n"
                for name, about, kind, value in (
                    ("num_requests_running", "Requests in the batch.", "gauge", model.running),
                    ("num_requests_waiting", "Requests that wait.", "gauge", model.waiting),
                    ("kv_cache_usage_perc", "KV-cache use, 1 is full.", "gauge", model.kv_usage),
                    ("num_preemptions_total", "Requests recomputed.", "counter", model.preempted),
                    ("generation_tokens_total", "Tokens generated.", "counter", model.tokens_out),
                )
            )
            client.reply(200, text.encode(), b"text/plain; version=0.0.4")
        elif path == "/stats":
            totals = {
                "started": model.started,
                "finished": model.finished,
                "cancelled": model.cancelled,
                "preempted": model.preempted,
                "running": model.running,
                "waiting": model.waiting,
                "kv_usage": model.kv_usage,
                "tokens_out": model.tokens_out,
            }
            client.reply(200, msgspec.json.encode(totals))
        elif path == "/health":
            client.reply(200, b"{}")
        else:
            client.reply(*error(404, f"there is no {path} here", "not_found"))


class _Client(asyncio.Protocol):
    """One connection; one request at a time."""

    def __init__(self, server: EngineServer) -> None:
        self._server = server
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._path = b""
        self._body: list[bytes] = []
        self._size = 0
        self._id = 0
        self._answer: Answer | None = None
        self._queue: list[tuple[str, str, bytes]] = []
        self._begun = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._answer is not None:
            self._answer = None
            self._server.gone(self._id)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            if self._transport is not None:
                self._transport.abort()

    def on_url(self, url: bytes) -> None:
        self._path += url

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size <= MOST_BODY_BYTES:
            self._body.append(body)

    def on_message_complete(self) -> None:
        method = self._parser.get_method().decode()
        path = self._path.partition(b"?")[0].decode("latin-1")
        body = b"".join(self._body)
        self._path, self._body, self._size = b"", [], 0
        if self._answer is not None:
            self._queue.append((method, path, body))
        else:
            self._server.handle(self, method, path, body)

    def reply(self, status: int, body: bytes, content_type: bytes = b"application/json") -> None:
        if self._transport is not None:
            self._transport.write(
                b"HTTP/1.1 %d %b\r\nserver: pontlevis-engine-sim\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n%b"
                % (status, b"OK" if status == 200 else b"Error", content_type, len(body), body)
            )
        self._next()

    def begin(self, id_: int, answer: Answer) -> None:
        self._id = id_
        self._answer = answer
        self._begun = False

    def more(self, tokens: int, finished: bool) -> None:
        answer = self._answer
        if answer is None or self._transport is None:
            return
        if not answer.stream:
            answer.tokens += tokens
            if finished:
                self._answer = None
                self.reply(200, answer.whole())
            return
        data = answer.more(tokens)
        if finished:
            data += answer.last()
        data = b"%x\r\n%b\r\n" % (len(data), data)
        if not self._begun:
            self._begun = True
            data = (
                b"HTTP/1.1 200 OK\r\nserver: pontlevis-engine-sim\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"
                + data
            )
        if finished:
            data += b"0\r\n\r\n"
            self._answer = None
        self._transport.write(data)
        if finished:
            self._next()

    def _next(self) -> None:
        if self._queue and self._answer is None:
            self._server.handle(self, *self._queue.pop(0))


def run(shape: EngineShape, names: list[str], host: str, port: int) -> None:
    """Serves in this process until it is told to stop."""
    uvloop.run(EngineServer(shape, names).run(host, port))
