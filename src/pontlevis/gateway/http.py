"""The public port's HTTP/1.1: connections, requests, bounds on bytes and time.

llhttp parses (strictly: a doubled Content-Length, one beside Transfer-Encoding, a bare line feed and
the like are errors), this module bounds, and ``Handler`` decides. One request of a connection is
served at a time; at most ``MAX_PIPELINED`` more wait behind it. Reading goes on meanwhile: who stops reading
does not see that the client has gone, and the engine would work for nobody.
"""

import asyncio
from typing import TYPE_CHECKING, cast

import httptools

from pontlevis.brain.vocabulary import RefusalCode
from pontlevis.gateway.answers import error_body, head
from pontlevis.gateway.request import Request, Task, path_of
from pontlevis.gateway.source import counted_as, peer_address

if TYPE_CHECKING:
    from pontlevis.gateway.connections import Connections

MAX_PIPELINED = 32  # choice: browsers and SDKs do not pipeline at all
WRITE_HIGH_WATER = 262_144  # bytes; asyncio's default of 64 KiB pauses on every large answer
DISCARD_LIMIT = 65_536  # bytes of a refused request's body that are read away to keep the connection
IGNORED_LIMIT = 1_048_576  # bytes behind a connection's last request; who goes on sending is cut
SLOW_BODY_GRACE_S = 5.0  # choice: a phone that changes cells

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_FULL = error_body(
    503, RefusalCode.OVERLOADED, "more requests are being sent than can be held; please try again shortly"
)


class Connection(asyncio.Protocol):
    """One client connection."""

    __slots__ = (
        "_all", "_blocked_since", "_closed", "_declined", "_head_bytes", "_ignored", "_parser", "_since", "_stopped",
        "_waiting", "current", "part", "peer", "request", "source", "task", "transport",
    )  # fmt: skip

    def __init__(self, connections: "Connections") -> None:
        self._all = connections
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: list[Request] = []
        self._head_bytes = 0
        self._since = connections.now
        self._blocked_since = 0.0
        self._closed = False
        self._declined = b""
        """Head of a request that offered to upgrade, as if it had not."""
        self._stopped = False
        """Whatever else this client sends is not looked at."""
        self._ignored = 0
        self.request: Request | None = None
        """Being read."""
        self.current: Request | None = None
        """Being served."""
        self.task: Task | None = None
        self.part = -1
        self.peer = ""
        self.source = ""
        self.transport: asyncio.Transport = cast(asyncio.Transport, None)

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self.peer = peer_address(str(peer[0])) if peer else "unix"
        self.source = counted_as(self.peer)
        if not self._all.enter(self, self.source):
            self._closed = True
            self.transport.abort()
            return
        self.transport.set_write_buffer_limits(high=WRITE_HIGH_WATER)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.part >= 0:
            self._all.leave(self, self.source)
        self._closed = True
        for request in (self.request, self.current, *self._waiting):
            if request is not None:
                self._all.release(request)
        self.request = None
        self._waiting.clear()
        task, self.task, self.current = self.task, None, None
        if task is not None:
            task.client_gone()

    def eof_received(self) -> bool:
        return False

    def data_received(self, data: bytes) -> None:
        if self._closed:
            return
        if self._stopped:
            self._ignored += len(data)
            if self._ignored > IGNORED_LIMIT:
                self.abort()
            return
        if self.request is None or not self.request.method:
            if self._head_bytes == 0:
                self._since = self._all.now
            self._head_bytes += len(data)
            if self._head_bytes > self._all.policy.max_header_bytes and len(data) < self._head_bytes:
                self._fail(431, RefusalCode.INVALID_BODY, "the request's headers are too large")
                return
        reading = self.request
        had = reading.body_bytes if reading is not None and reading.method else -1
        try:
            self._feed(data)
            if had >= 0 and reading is self.request and reading is not None and reading.body_bytes == had:
                # Nothing of a body: chunk extensions or trailers, which the parser gathers.
                self._head_bytes += len(data)
                if self._head_bytes > self._all.policy.max_header_bytes:
                    self._fail(431, RefusalCode.INVALID_BODY, "the request's trailers are too large")
        except httptools.HttpParserCallbackError as error:
            if isinstance(error.__context__, _TooLarge):
                self._fail(431, RefusalCode.INVALID_BODY, "the request's headers are too large")
            else:
                raise
        except httptools.HttpParserError:
            if not self._stopped:
                self._fail(400, RefusalCode.INVALID_BODY, "the request is not valid HTTP/1.1")

    def pause_writing(self) -> None:
        """The client takes less than it is sent: nothing more is read from it nor begun for it."""
        self._blocked_since = self._all.now or 1e-9
        if not self.transport.is_closing():
            self.transport.pause_reading()
        if self.task is not None:
            self.task.client_blocked(True)

    def resume_writing(self) -> None:
        self._blocked_since = 0.0
        if self._closed:
            return
        if self.task is not None:
            self.task.client_blocked(False)
        elif self.current is None and self._waiting:
            self._start(self._waiting.pop(0))
        if not (self._closed or self._blocked_since):
            self.transport.resume_reading()

    # -- llhttp

    def on_message_begin(self) -> None:
        if not (self._closed or self._stopped):
            self.request = Request()

    def on_url(self, url: bytes) -> None:
        request = self.request
        if request is not None:
            request.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        request = self.request
        if request is None or request.method:
            return  # a trailer: nothing here wants it
        headers = request.headers
        headers.append((name.lower(), value))
        if len(headers) > self._all.policy.max_headers:
            raise _TooLarge

    def on_headers_complete(self) -> None:
        request = self.request
        if request is None:
            return
        parser = self._parser
        if parser.should_upgrade():
            if parser.get_method() == b"CONNECT":
                self._fail(400, RefusalCode.INVALID_BODY, "this is no proxy")
            else:
                self._declined = request.without_upgrade(parser.get_method(), parser.get_http_version())
                self.request = None
            return
        request.method = parser.get_method().decode("latin-1")
        request.keep_alive = parser.should_keep_alive()
        request.body_since = self._all.now
        self._head_bytes = 0
        size, expects, wrong = request.read_head(parser.get_http_version())
        request.path = path_of(request.target)
        if size > self._all.policy.max_header_bytes:
            raise _TooLarge
        if wrong is not None:
            self._fail(*wrong)
            return
        self._all.handler.admit(self, request)
        refused = request.refused
        if refused is None and request.content_length > 0:
            self._check_body(request, request.content_length)
            refused = request.refused
        if refused is not None:
            if request.content_length > DISCARD_LIMIT or expects:
                self._finish_reading_early(request)
        elif expects and self.current is None and not self._waiting:
            # Behind another answer it would stand within that; a client may send without having been told.
            self.transport.write(_CONTINUE)

    def on_body(self, body: bytes) -> None:
        request = self.request
        if request is None:
            return
        request.body_bytes += len(body)
        self._head_bytes = 0
        if request.refused is None:
            self._check_body(request, request.body_bytes)
        if request.refused is None:
            request.body.append(body)
            self._all.hold(request, len(body))
            return
        if request.body_bytes > DISCARD_LIMIT and self.request is request:
            self._finish_reading_early(request)

    def on_message_complete(self) -> None:
        request = self.request
        if request is not None:
            self._stopped = not request.keep_alive
            self._finish_reading(request)

    # -- for handlers and tasks

    def answer(self, status: int, body: bytes, fields: bytes = b"") -> None:
        """Writes a whole JSON answer to the request being served and goes on to the next."""
        self.answer_as(status, body, b"content-type: application/json\r\n" + fields)

    def answer_as(self, status: int, body: bytes, fields: bytes) -> None:
        """Like ``answer``, with a content type of the caller's among ``fields``."""
        request = self.current
        if request is None or self._closed:
            return
        close = not request.keep_alive or self._all.closing
        lines = self._all.date.line + fields
        raw = head(status, lines, length=len(body), close=close)
        self.transport.write(raw if request.method == "HEAD" else raw + body)
        self.done(close)

    def write(self, data: bytes) -> None:
        """Sends bytes of a task's answer as they are."""
        if not self._closed:
            self.transport.write(data)

    def done(self, close: bool) -> None:
        """The answer to the request being served has been written whole."""
        if self.current is not None:
            self._all.release(self.current)
        self.task = None
        self.current = None
        self._since = self._all.now
        if close or self._all.closing:
            self._close()
            return
        if self._waiting and not self._blocked_since:
            self._start(self._waiting.pop(0))

    def abort(self) -> None:
        """Closes at once: the client sees that the answer is cut."""
        self._closed = True
        self.transport.abort()

    @property
    def since(self) -> float:
        """Monotonic seconds of its last request's beginning or end."""
        return self._since

    @property
    def fields(self) -> bytes:
        """Header lines that every answer carries."""
        return self._all.date.line

    # -- time

    def check(self, now: float) -> None:
        """Cuts the connection where one of its deadlines has passed."""
        policy = self._all.policy
        request = self.request
        stalled_since = self._since if self._closed else self._blocked_since
        if stalled_since and now - stalled_since > policy.write_stall_s:
            self._all.handler.cut_off(self, RefusalCode.SLOW_READER)
            self.abort()
        elif self._closed:
            return
        elif request is not None and request.method:
            age = now - request.body_since
            slow = age > SLOW_BODY_GRACE_S and request.body_bytes < age * policy.min_body_rate
            if slow or age > policy.body_timeout_s:
                self._fail(408, RefusalCode.SLOW_REQUEST, "the request's body came too slowly")
        elif self._head_bytes or request is not None:
            if now - self._since > policy.header_timeout_s:
                self._fail(408, RefusalCode.SLOW_REQUEST, "the request's headers came too slowly")
        elif self.current is None and self.transport.get_write_buffer_size() > 0:
            # Below the high-water mark nobody says that an answer was written and is not taken.
            if now - self._since > policy.write_stall_s:
                self._all.handler.cut_off(self, RefusalCode.SLOW_READER)
                self.abort()
        elif self.current is None and now - self._since > policy.idle_timeout_s:
            self._close()

    def close_if_idle(self) -> None:
        if self.current is None and self.request is None:
            self._close()

    # -- inside

    def _finish_reading(self, request: Request) -> None:
        self.request = None
        self._head_bytes = 0
        if self.current is None and not self._blocked_since:
            self._start(request)
            return
        self._waiting.append(request)
        if len(self._waiting) > MAX_PIPELINED:
            self._fail(400, RefusalCode.INVALID_BODY, "too many requests were sent without awaiting answers")

    def _finish_reading_early(self, request: Request) -> None:
        """It is refused, and the rest of its body is not worth reading: nor is what comes behind it."""
        request.keep_alive = False
        self._stopped = True
        self._finish_reading(request)

    def _start(self, request: Request) -> None:
        self.current = request
        if request.refused is not None:
            status, body, fields = request.refused
            self.answer(status, body, fields)
        else:
            self._all.handler.serve(self, request)

    def _check_body(self, request: Request, size: int) -> None:
        """Refuses a body of ``size`` bytes that is larger than allowed, or than there is room for."""
        if size > request.max_body:
            text = f"the request's body is larger than the {request.max_body} bytes allowed here"
            reference = self._all.handler.reference(request, RefusalCode.BODY_TOO_LARGE)
            request.refused = (413, error_body(413, RefusalCode.BODY_TOO_LARGE, text), reference)
        elif self._all.is_full(request, size):
            self._all.handler.cut_off(self, RefusalCode.OVERLOADED)
            reference = self._all.handler.reference(request, RefusalCode.OVERLOADED)
            request.refused = (503, _FULL, b"retry-after: 2\r\n" + reference)
        else:
            return
        request.body.clear()
        self._all.release(request)

    def _feed(self, data: bytes) -> None:
        """Parses; where another protocol is offered, as if it were not (RFC 9110, 7.8).

        The parser takes what follows such a head for the other protocol, the request's own body too; Java's client
        sends such requests by default.
        """
        try:
            self._parser.feed_data(data)
            return
        except httptools.HttpParserUpgrade as upgrade:
            begins = upgrade.args[0]
        rest = memoryview(data)
        while self._declined:
            rest = rest[begins:]
            self._parser = httptools.HttpRequestParser(self)
            head, self._declined = self._declined, b""
            self._parser.feed_data(head)
            try:
                self._parser.feed_data(rest)
            except httptools.HttpParserUpgrade as upgrade:
                begins = upgrade.args[0]

    def _close(self) -> None:
        """Closes once all that was written has gone out; ``check`` sees to it that this comes to an end."""
        self._closed = True
        self._since = self._all.now
        self.transport.close()

    def _fail(self, status: int, code: RefusalCode, message: str) -> None:
        """Answers what cannot be served, as far as nothing else is being answered, and closes."""
        if self._closed:
            return
        self._all.handler.cut_off(self, code, headless=self._head_bytes > 0)
        request, self.request = self.request, None
        if request is not None:
            self._all.release(request)
        if self.current is None and not self._blocked_since:
            body = error_body(status, code, message)
            lines = self._all.date.line + b"content-type: application/json\r\n"
            lines += self._all.handler.reference(request, code)
            self.transport.write(head(status, lines, length=len(body), close=True) + body)
            self._close()
        else:
            self.abort()


class _TooLarge(Exception):
    """More header fields or bytes than the policy allows."""
