"""Sends one kind of request over kept connections, as many at once as told, and says how it went.

``python -m bench.loadgen`` reads one ``Order`` as JSON from its argument and prints one ``Outcome``.
"""

import asyncio
import sys
import time
from typing import Literal, cast

import httptools
import msgspec
import uvloop

Kind = Literal["plain", "streamed", "large", "refused"]

GIVE_UP_S = 120.0
LARGE_BYTES = 200_000
LARGE_WORDS = b"the bridge was raised before night and every lamp along the wall burned low "


class Order(msgspec.Struct, frozen=True):
    """What to send, and where."""

    host: str
    port: int
    kind: Kind
    requests: int
    connections: int
    chunks: int
    """Events of one stream, for streamed requests."""
    keys: list[str]
    """Taken in turn, one a request."""
    source: str
    """Address to connect from."""
    headers: dict[str, str] = {}


class Outcome(msgspec.Struct, frozen=True):
    """What came of it. Times are of the slow clock on the wall: context, never a verdict."""

    answered: int
    """Answers as expected: whole, with the right status."""
    failed: int
    chunks: int
    p50_ms: float
    """To the first byte of the answer's body."""
    p99_ms: float
    cpu_s: float
    """That the load generator itself took."""
    first_failure: str


def body_of(kind: Kind, chunks: int) -> bytes:
    if kind == "large":
        return b'{"model":"bench","messages":[{"role":"user","content":"%b"}],"max_tokens":100}' % (
            LARGE_WORDS * (LARGE_BYTES // len(LARGE_WORDS))
        )
    stream = b',"stream":true' if kind == "streamed" else b""
    return b'{"model":"bench","messages":[{"role":"system","content":"You answer briefly."},{"role":"user","content":"Why was the bridge raised before night?"}],"max_tokens":%d%b}' % (chunks, stream)  # fmt: skip


class _Run:
    """What all connections share."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.left = order.requests
        self.open = 0
        self.answered = self.failed = self.chunks = 0
        self.first_failure = ""
        self.waits: list[float] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        body = body_of(order.kind, order.chunks)
        more = "".join(f"{name}: {value}\r\n" for name, value in order.headers.items()).encode()
        self._requests = [
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: %b:%d\r\nauthorization: Bearer %b\r\n"
            b"content-type: application/json\r\naccept: */*\r\nuser-agent: bench\r\n%bcontent-length: %d\r\n\r\n%b"
            % (order.host.encode(), order.port, key.encode(), more, len(body), body)
            for key in order.keys
        ]

    def next(self) -> bytes | None:
        """The next request to send, None when all are sent."""
        if self.left == 0:
            return None
        self.left -= 1
        return self._requests[self.left % len(self._requests)]

    def connect(self) -> None:
        self.open += 1
        task = asyncio.get_running_loop().create_task(self._connect())
        task.add_done_callback(self._connected)

    async def _connect(self) -> None:
        order = self.order
        source = (order.source, 0) if order.source else None
        await asyncio.get_running_loop().create_connection(
            lambda: _Connection(self), order.host, order.port, local_addr=source
        )

    def _connected(self, task: "asyncio.Task[None]") -> None:
        error = task.exception()
        if error is not None:
            self.fail(f"cannot connect: {error}")
            self.left = 0
            self.closed()

    def closed(self) -> None:
        self.open -= 1
        if self.left > 0:
            self.connect()
        elif self.open == 0 and not self.done.done():
            self.done.set_result(None)

    def fail(self, why: str) -> None:
        self.failed += 1
        self.first_failure = self.first_failure or why


class _Connection(asyncio.Protocol):
    def __init__(self, run: _Run) -> None:
        self._run = run
        self._transport: asyncio.Transport | None = None
        self._begin()
        self._waiting = False

    def _begin(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._sent = time.perf_counter()
        self._first = 0.0
        self._events = 0
        self._tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def _send(self) -> None:
        assert self._transport is not None
        request = self._run.next()
        if request is None:
            self._waiting = False
            self._transport.close()
            return
        self._begin()
        self._waiting = True
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._run.fail(f"not HTTP: {error}")
            self._waiting = False
            if self._transport is not None:
                self._transport.abort()

    def on_body(self, body: bytes) -> None:
        if not self._first:
            self._first = time.perf_counter()
        self._events += body.count(b"data: ")
        self._tail = (self._tail + body)[-300:]

    def on_message_complete(self) -> None:
        run = self._run
        self._waiting = False
        status = self._parser.get_status_code()
        run.waits.append((self._first or time.perf_counter()) - self._sent)
        if run.order.kind == "refused":
            well = 400 <= status < 500
        elif run.order.kind == "streamed":
            # The end of the stream is an event too, and so is [DONE]; usage may be one more.
            well = (
                status == 200 and self._tail.endswith(b"[DONE]\n\n") and self._events >= run.order.chunks + 2
            )
            run.chunks += self._events
        else:
            well = status == 200
        if well:
            run.answered += 1
        else:
            run.fail(f"{status} after {self._events} events: {self._tail.decode(errors='replace')}")
        if self._parser.should_keep_alive():
            # Not from within the parser's own callback: it is replaced for the next answer.
            asyncio.get_running_loop().call_soon(self._again)
        elif self._transport is not None:
            self._transport.close()

    def _again(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._waiting:
            self._run.fail("the connection was closed before the answer's end")
        self._run.closed()


async def send(order: Order) -> Outcome:
    run = _Run(order)
    begin = time.process_time()
    for _ in range(min(order.connections, order.requests)):
        run.connect()
    try:
        async with asyncio.timeout(GIVE_UP_S):
            await run.done
    except TimeoutError:
        run.fail(f"not done after {GIVE_UP_S:.0f} s")
    waits = sorted(run.waits) or [0.0]
    return Outcome(
        run.answered,
        run.failed,
        run.chunks,
        1000 * waits[len(waits) // 2],
        1000 * waits[min(len(waits) - 1, len(waits) * 99 // 100)],
        time.process_time() - begin,
        run.first_failure,
    )


if __name__ == "__main__":
    outcome = uvloop.run(send(msgspec.json.decode(sys.argv[1], type=Order)))
    print(msgspec.json.encode(outcome).decode())
