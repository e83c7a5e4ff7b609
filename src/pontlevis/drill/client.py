"""A small HTTP/1.1 client for load: keep-alive by source address, little CPU, every byte timed."""

import asyncio
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import cast

import httptools

KEPT_BODY = 16_384  # bytes of an answer that are kept for reading
IDLE_EACH = 4  # connections kept open for one address


@dataclass(slots=True)
class Answer:
    """How a request ended. Times are monotonic seconds; the event loop's own are whole milliseconds."""

    status: int = 0
    """0: no answer came."""
    begun_at: float = 0.0
    """First byte of the body."""
    ended_at: float = 0.0
    whole: bool = False
    body: bytes = b""
    tail: bytes = b""


class LoadClient:
    """Sends requests from given local addresses to one target."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._idle: defaultdict[str, list[_Connection]] = defaultdict(list)

    async def send(self, address: str, request: bytes, timeout_s: float) -> Answer:
        """One request and its answer; never raises for what a server or the network does."""
        loop = asyncio.get_running_loop()
        answer = Answer()
        idle = self._idle[address]
        try:
            async with asyncio.timeout(timeout_s):
                connection = None
                while idle and connection is None:
                    connection = idle.pop() if idle[-1].usable else idle.pop() and None
                if connection is None:
                    _, connection = await loop.create_connection(
                        _Connection, self._host, self._port, local_addr=(address, 0)
                    )
                try:
                    await connection.exchange(request, answer)
                except BaseException:
                    connection.close()
                    raise
                if connection.usable and len(idle) < IDLE_EACH:
                    idle.append(connection)
                else:
                    connection.close()
        except (OSError, TimeoutError, httptools.HttpParserError):
            answer.whole = False
        answer.ended_at = time.monotonic()
        return answer

    def close(self) -> None:
        for idle in self._idle.values():
            for connection in idle:
                connection.close()


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._answer: Answer | None = None
        self._done: asyncio.Future[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._keep = True

    @property
    def usable(self) -> bool:
        return self._keep and self._transport is not None and not self._transport.is_closing()

    async def exchange(self, request: bytes, answer: Answer) -> None:
        if self._transport is None:
            raise ConnectionResetError("closed")
        self._answer = answer
        self._done = self._loop.create_future()
        self._transport.write(request)
        try:
            await self._done
        finally:
            self._answer = None

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._done is not None and not self._done.done():
            self._done.set_exception(exc or ConnectionResetError("closed"))

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            if self._done is not None and not self._done.done():
                self._done.set_exception(error)

    def on_headers_complete(self) -> None:
        if self._answer is not None:
            self._answer.status = self._parser.get_status_code()
            self._keep = self._parser.should_keep_alive()

    def on_body(self, body: bytes) -> None:
        answer = self._answer
        if answer is None:
            return
        if not answer.begun_at:
            answer.begun_at = time.monotonic()
        if len(answer.body) < KEPT_BODY:
            answer.body += body
        answer.tail = body[-64:] if len(body) >= 64 else (answer.tail + body)[-64:]

    def on_message_complete(self) -> None:
        if self._answer is not None:
            self._answer.whole = True
        if self._done is not None and not self._done.done():
            self._done.set_result(None)
