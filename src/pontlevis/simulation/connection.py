"""One client's connection to the simulated engine: HTTP/1.1, one request at a time."""

import asyncio
from collections import deque
from typing import Protocol, cast

import httptools

from pontlevis.simulation.answer import Answer
from pontlevis.simulation.wire import error

MOST_BODY_BYTES = 16_777_216
MOST_PIPELINED = 32  # requests sent ahead on one connection
_REASONS = {200: b"OK", 400: b"Bad Request", 404: b"Not Found", 405: b"Method Not Allowed", 413: b"Content Too Large"}  # fmt: skip
_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nserver: pontlevis-engine-sim\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)


class Service(Protocol):
    """Who answers."""

    def handle(self, connection: "Connection", method: bytes, path: str, body: bytes) -> None:
        """Calls ``reply`` or ``begin`` on the connection, now."""

    def gone(self, id_: int) -> None:
        """The client of request ``id_`` closed its connection."""


class Connection(asyncio.Protocol):
    """Parses requests, writes answers; tells the service at once when the client goes."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._path = b""
        self._body: list[bytes] = []
        self._size = 0
        self._id = 0
        self._answer: Answer | None = None
        self._streams = False
        self._begun = False
        self._keep_alive = True
        self._ahead: deque[tuple[bytes, str, bytes, bool]] = deque()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._ahead.clear()
        if self._answer is not None:
            self._answer = None
            self._service.gone(self._id)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as problem:
            if isinstance(problem, httptools.HttpParserCallbackError):
                # A fault of ours, not the client's: it is shown.
                asyncio.get_running_loop().call_exception_handler(
                    {"message": "a request could not be handled", "exception": problem.__context__ or problem}
                )
            if self._transport is not None:
                self._transport.abort()

    def on_url(self, url: bytes) -> None:
        self._path += url

    def on_header(self, name: bytes, value: bytes) -> None:
        # A client that asks first, as curl does with large bodies, waits for this line.
        if name.lower() == b"expect" and value.lower() == b"100-continue" and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size <= MOST_BODY_BYTES:
            self._body.append(body)

    def on_message_complete(self) -> None:
        method = self._parser.get_method()
        path = self._path.partition(b"?")[0].decode("latin-1")
        body = b"".join(self._body)
        keep_alive = self._parser.should_keep_alive()
        too_large = self._size > MOST_BODY_BYTES
        self._path, self._body, self._size = b"", [], 0
        if too_large or len(self._ahead) >= MOST_PIPELINED:
            self._keep_alive = False
            self.reply(413, error(413, f"At most {MOST_BODY_BYTES} bytes are read.", "too_large"))
        elif self._answer is not None or self._ahead:
            self._ahead.append((method, path, body, keep_alive))
        else:
            self._keep_alive = keep_alive
            self._service.handle(self, method, path, body)

    def reply(self, status: int, body: bytes, content_type: bytes = b"application/json") -> None:
        """Answers in one piece."""
        if self._transport is not None:
            self._transport.write(
                b"HTTP/1.1 %d %b\r\nserver: pontlevis-engine-sim\r\ncontent-type: %b\r\ncontent-length: %d\r\n%b\r\n%b"
                % (
                    status,
                    _REASONS[status],
                    content_type,
                    len(body),
                    b"" if self._keep_alive else b"connection: close\r\n",
                    body,
                )
            )
        self._next()

    def begin(self, id_: int, answer: Answer, *, streams: bool) -> None:
        """The answer to request ``id_`` will come piece by piece."""
        self._id = id_
        self._answer = answer
        self._streams = streams
        self._begun = False

    @property
    def begun(self) -> bool:
        """Whether a token of the answer has come."""
        return self._begun

    def more(self, tokens: int, finished: bool) -> None:
        """The engine made so many tokens; one write for all of them."""
        answer, transport = self._answer, self._transport
        if answer is None or transport is None:
            return
        if finished:
            self._answer = None
        if not self._streams:
            self._begun = True
            if finished:
                self.reply(200, answer.whole())
            return
        data = answer.more(tokens)
        if finished:
            data += answer.last()
        head = b"" if self._begun else _STREAM_HEAD
        self._begun = True
        transport.write(b"%b%x\r\n%b\r\n%b" % (head, len(data), data, b"0\r\n\r\n" if finished else b""))
        if finished:
            self._next()

    def _next(self) -> None:
        if self._transport is not None and not self._keep_alive:
            self._transport.close()
        elif self._ahead and self._answer is None and self._transport is not None:
            method, path, body, self._keep_alive = self._ahead.popleft()
            self._service.handle(self, method, path, body)
