"""The engine simulator as a process: the model behind an OpenAI-compatible HTTP server."""

import asyncio
import os
import resource
import signal
import time

import msgspec
import uvloop

from pontlevis.simulation.answer import Answer, ChatAnswer, CompletionAnswer
from pontlevis.simulation.call import BadCall, Call, Prompt, decode_call, wanted_tool
from pontlevis.simulation.connection import Connection
from pontlevis.simulation.engine import STEP_S, EngineModel, EngineShape
from pontlevis.simulation.metrics import FirstTokens, prometheus, stats
from pontlevis.simulation.response import ResponseAnswer
from pontlevis.simulation.wire import embeddings, encode, error, model, models

PARENT_POLL_S = 1.0
BACKLOG = 1024  # connections that the kernel holds for us
_GENERATES = ("/v1/chat/completions", "/v1/completions", "/v1/responses")


class EngineServer:
    """One simulated engine and its clients."""

    def __init__(self, shape: EngineShape, names: list[str]) -> None:
        self.model = EngineModel(shape, time.monotonic())
        self.names = names
        self._created = int(time.time())
        self._requests = 0
        self._waiting: dict[int, tuple[Connection, float]] = {}
        self._first_tokens = FirstTokens()
        self._busy = asyncio.Event()

    async def run(self, host: str, port: int, *, with_parent: bool) -> None:
        """Serves until SIGTERM or SIGINT, or until the parent process is gone where it is to end with it.

        Raises ``OSError`` for a taken port.
        """
        loop = asyncio.get_running_loop()
        parent = os.getppid()
        stopping = asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, stopping.set)
        server = await loop.create_server(lambda: Connection(self), host, port, backlog=BACKLOG)
        ticking = asyncio.create_task(self._tick())
        address = server.sockets[0].getsockname()
        shown = f"[{address[0]}]" if ":" in address[0] else address[0]
        print(f"listening on http://{shown}:{address[1]}", flush=True)
        while not stopping.is_set() and not ticking.done() and not (with_parent and os.getppid() != parent):
            try:
                async with asyncio.timeout(PARENT_POLL_S):
                    await stopping.wait()
            except TimeoutError:
                continue
        server.close()
        if ticking.done():
            ticking.result()
        ticking.cancel()

    async def _tick(self) -> None:
        while True:
            if self.model.idle:
                self._busy.clear()
                await self._busy.wait()
            await asyncio.sleep(STEP_S)
            now = time.monotonic()
            for id_, tokens, finished in self.model.advance(now):
                found = self._waiting.pop(id_, None) if finished else self._waiting.get(id_)
                if found is None:
                    continue
                connection, since = found
                if not connection.begun:
                    self._first_tokens.note(now - since)
                connection.more(tokens, finished)

    def gone(self, id_: int) -> None:
        """A client went away: its slot is free at once."""
        if self._waiting.pop(id_, None) is not None:
            self.model.cancel(id_)

    def handle(self, connection: Connection, method: bytes, path: str, body: bytes) -> None:
        """Answers one request, or begins to."""
        if method in (b"GET", b"HEAD"):
            self._get(connection, path)
            return
        if path not in _GENERATES and path != "/v1/embeddings":
            connection.reply(404, error(404, f"There is no {path} here.", "not_found"))
            return
        if method != b"POST":
            connection.reply(405, error(405, f"{path} takes POST.", "method_not_allowed"))
            return
        try:
            call = decode_call(body)
            if call.model not in self.names:
                message = f"The model `{call.model}` does not exist."
                connection.reply(404, error(404, message, "model_not_found", "model"))
            elif path == "/v1/embeddings":
                connection.reply(200, embeddings(call))
            else:
                self._generate(connection, path, call)
        except BadCall as problem:
            connection.reply(400, error(400, str(problem), "invalid_value", problem.param))
        except (msgspec.DecodeError, RecursionError) as problem:
            connection.reply(400, error(400, str(problem) or "nested too deeply", "invalid_body"))

    def _generate(self, connection: Connection, path: str, call: Call) -> None:
        prompt = Prompt(call)
        tokens = prompt.answer_tokens(call, self.model.shape.kv_tokens - prompt.tokens)
        id_ = self._requests + 1
        name = f"{id_:08x}"
        answer: Answer
        if path == "/v1/chat/completions":
            answer = ChatAnswer(name, self._created, call, prompt.seed, prompt.tokens, tokens, wanted_tool(call))  # fmt: skip
        elif path == "/v1/completions":
            answer = CompletionAnswer(name, self._created, call, prompt.seed, prompt.tokens, tokens)
        else:
            answer = ResponseAnswer(name, self._created, call, prompt.seed, prompt.tokens, tokens)
        now = time.monotonic()
        try:
            self.model.submit(id_, prompt.tokens, answer.tokens, now)
        except ValueError as problem:
            connection.reply(400, error(400, str(problem), "context_length_exceeded", "messages"))
            return
        self._requests = id_
        self._waiting[id_] = connection, now
        self._busy.set()
        connection.begin(id_, answer, streams=bool(call.stream))

    def _get(self, connection: Connection, path: str) -> None:
        context = self.model.shape.kv_tokens
        name = path.removeprefix("/v1/models/")
        if path == "/v1/models":
            connection.reply(200, models(self.names, self._created, context))
        elif path != name and name in self.names:
            connection.reply(200, encode(model(name, self._created, context)))
        elif path != name:
            connection.reply(404, error(404, f"The model `{name}` does not exist.", "model_not_found", "model"))  # fmt: skip
        elif path == "/metrics":
            text = prometheus(self.model, self.names[0], self._first_tokens)
            connection.reply(200, text, b"text/plain; version=0.0.4; charset=utf-8")
        elif path == "/stats":
            connection.reply(200, stats(self.model))
        elif path == "/health":
            connection.reply(200, b"{}")
        elif path in _GENERATES or path == "/v1/embeddings":
            connection.reply(405, error(405, f"{path} takes POST.", "method_not_allowed"))
        else:
            connection.reply(404, error(404, f"There is no {path} here.", "not_found"))


def run(shape: EngineShape, names: list[str], host: str, port: int, *, with_parent: bool = False) -> None:
    """Serves in this process until it is told to stop, or ``with_parent`` until that one has ended. Raises ``OSError`` for a port that is taken."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        # Each client is an open file; what the system allows is taken.
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    uvloop.run(EngineServer(shape, names).run(host, port, with_parent=with_parent))
