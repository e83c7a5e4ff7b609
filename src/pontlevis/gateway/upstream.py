"""Keep-alive connections to an engine or to the controller, one request at a time on each."""

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Callable
from typing import Protocol, cast

import httptools

IDLE_CONNECTIONS = 256  # kept open to one server; more are closed after use
IDLE_S = 4.0  # below the 5 s after which uvicorn closes an idle connection, so that a stale one is rare
FRAMING_END_S = (
    1.0  # for the end of an answer whose last words have come; choice: a hundred times what it takes
)
MAX_ANSWER_HEADERS = 200
MAX_ANSWER_HEAD_BYTES = 65_536  # Envoy's default is 60 KiB; of trailers and chunk extensions as well


class Receiver(Protocol):
    """Who gets an answer."""

    def answer_begins(self, status: int, headers: list[tuple[bytes, bytes]]) -> None: ...

    def answer_data(self, data: bytes) -> None:
        """Body bytes that came together; never empty."""

    def answer_ends(self) -> None: ...

    def answer_fails(self, error: Exception, begun: bool) -> None:
        """``begun``: bytes of the answer had come, so that the request must not be sent again."""


class UpstreamError(Exception):
    """The server could not be reached, closed early, or broke HTTP."""


class Unreachable(UpstreamError):
    """No connection could be made."""


class StaleConnection(UpstreamError):
    """A kept connection turned out closed before a byte of the answer: safe to send again."""


class Server:
    """One server and the connections to it.

    ``unix`` names a socket in the file system, else ``host`` and ``port`` are used. At most
    ``most`` connections are open at once; ``send`` raises ``UpstreamError`` beyond that.
    """

    def __init__(
        self,
        *,
        host: str = "",
        port: int = 0,
        unix: str | None = None,
        tls: ssl.SSLContext | None = None,
        most: int,
        connect_timeout_s: float,
        clock: Callable[[], float],
    ) -> None:
        self.host, self.port, self.unix = host, port, unix
        self.tls = tls
        self.most = most
        self.connect_timeout_s = connect_timeout_s
        self.clock = clock
        self.open = 0
        self._idle: deque[UpstreamConnection] = deque()

    def send(self, request: bytes, receiver: Receiver) -> "Sending":
        """Sends a whole request; the answer goes to ``receiver``. Never calls it before returning."""
        sending = Sending(self, request, receiver)
        now = self.clock()
        while self._idle:
            connection = self._idle.pop()
            if connection.usable and now - connection.idle_since < IDLE_S:
                sending.connection = connection
                connection.begin(sending, reused=True)
                return sending
            connection.close()
        if self.open >= self.most:
            raise UpstreamError("all connections to the server are in use")
        # Counted by the connection itself, from here to its close: a task cancelled before it runs counts nothing off.
        connection = UpstreamConnection(self)
        sending.making = connection
        sending.opening = asyncio.get_running_loop().create_task(self._connect(sending, connection))
        return sending

    async def _connect(self, sending: "Sending", connection: "UpstreamConnection") -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self.connect_timeout_s):
                if self.unix is not None:
                    await loop.create_unix_connection(lambda: connection, self.unix)
                else:
                    await loop.create_connection(lambda: connection, self.host, self.port, ssl=self.tls)
        except (OSError, TimeoutError) as error:
            connection.close(abort=True)
            sending.opening = sending.making = None
            if sending.receiver is not None:
                sending.receiver.answer_fails(Unreachable(f"cannot connect: {error or 'timed out'}"), False)
            return
        sending.opening = sending.making = None
        sending.connection = connection
        connection.begin(sending, reused=False)

    def release(self, connection: "UpstreamConnection") -> None:
        """Takes back a connection whose exchange has ended well."""
        if len(self._idle) >= IDLE_CONNECTIONS:
            connection.close()
            return
        connection.idle_since = self.clock()
        self._idle.append(connection)

    def prune(self) -> None:
        """Closes connections that have been idle for too long; call once a second."""
        now = self.clock()
        while self._idle and (not self._idle[0].usable or now - self._idle[0].idle_since >= IDLE_S):
            self._idle.popleft().close()

    def close(self) -> None:
        while self._idle:
            self._idle.popleft().close()


class Sending:
    """One request on its way; the handle by which its sender ends or slows it."""

    __slots__ = ("connection", "making", "opening", "receiver", "request", "server")

    def __init__(self, server: Server, request: bytes, receiver: Receiver) -> None:
        self.server = server
        self.request = request
        self.receiver: Receiver | None = receiver
        self.connection: UpstreamConnection | None = None
        self.making: UpstreamConnection | None = None
        """What will be its connection, while ``opening`` opens it."""
        self.opening: asyncio.Task[None] | None = None

    def cancel(self) -> None:
        """Gives the answer up; the server sees its client go."""
        self.receiver = None
        if self.opening is not None:
            self.opening.cancel()
            self.opening = None
        if self.making is not None:
            self.making.close(abort=True)
            self.making = None
        if self.connection is not None:
            connection, self.connection = self.connection, None
            connection.abandon()

    def let_end(self) -> None:
        """Nobody waits for the rest, of which only the end of the framing is missing: the connection is kept for the
        next request if that comes in time.
        """
        self.receiver = None
        self.hold(False)
        asyncio.get_running_loop().call_later(FRAMING_END_S, self.cancel)

    def hold(self, held: bool) -> None:
        """Stops or resumes reading, while whoever gets the answer cannot take more."""
        if self.connection is not None:
            self.connection.hold(held)


class UpstreamConnection(asyncio.Protocol):
    """One connection to a server."""

    __slots__ = (
        "_begun",
        "_bodiless",
        "_closed",
        "_head_bytes",
        "_headed",
        "_headers",
        "_held",
        "_keep",
        "_parser",
        "_parts",
        "_reused",
        "_sending",
        "_server",
        "idle_since",
        "transport",
    )

    def __init__(self, server: Server) -> None:
        self._server = server
        self._parser = httptools.HttpResponseParser(self)
        self._sending: Sending | None = None
        self._headers: list[tuple[bytes, bytes]] = []
        self._parts: list[bytes] = []
        self._begun = False
        self._headed = False
        """Whether the head of the answer is whole."""
        self._head_bytes = 0
        """Of the fields of this head."""
        self._bodiless = 0
        """Bytes that came since the last of a body did: heads, interim answers, what stands around chunks."""
        self._closed = False
        self._held = False
        self._keep = True
        self._reused = False
        self.idle_since = 0.0
        self.transport: asyncio.Transport | None = None
        server.open += 1

    @property
    def usable(self) -> bool:
        return not self._closed and self.transport is not None and not self.transport.is_closing()

    def begin(self, sending: Sending, *, reused: bool) -> None:
        self._sending = sending
        self._reused = reused
        self._begun = self._headed = False
        self._headers = []
        self._bodiless = 0
        if self.transport is None or self._closed:
            # The event loop has yet to report the loss; report it from there as well.
            asyncio.get_running_loop().call_soon(self._fail, UpstreamError("connection lost"))
            return
        self.transport.write(sending.request)

    def hold(self, held: bool) -> None:
        """Stops or resumes reading."""
        transport = self.transport
        if held is self._held or transport is None or not self.usable:
            return
        self._held = held
        if held:
            transport.pause_reading()
        else:
            transport.resume_reading()

    def abandon(self) -> None:
        self._sending = None
        self.close(abort=True)

    def close(self, *, abort: bool = False) -> None:
        """It counts no longer among the server's open ones."""
        if not self._closed:
            self._closed = True
            self._server.open -= 1
        if self.transport is not None:
            if abort:
                self.transport.abort()
            else:
                self.transport.close()

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        if self._closed:
            self.transport.abort()  # given up while it was opened
            return
        sock = transport.get_extra_info("socket")
        if sock is not None and sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._closed:
            self._closed = True
            self._server.open -= 1
        if self._sending is not None:
            if self._begun and self._parser_ends_at_close():
                return
            self._fail(exc or UpstreamError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        sending = self._sending
        if sending is None:
            # Bytes that nobody asked for: the connection cannot be trusted any more.
            self.close(abort=True)
            return
        broken: Exception | None = None
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            broken = error
        if broken is None and not self._parts:
            self._bodiless += len(data)
            if self._sending is not None and self._bodiless > MAX_ANSWER_HEAD_BYTES:
                broken = UpstreamError("the server sent too large a head")
        else:
            self._bodiless = 0
        if broken is not None and self._sending is not None:
            self.close(abort=True)
            self._fail(UpstreamError(f"the server broke HTTP: {type(broken).__name__}"))
            return
        if self._parts:
            parts, self._parts = self._parts, []
            receiver = sending.receiver
            if receiver is not None:
                receiver.answer_data(parts[0] if len(parts) == 1 else b"".join(parts))
        if self._sending is None and sending.connection is self:
            # on_message_complete came within this data.
            sending.connection = None
            receiver, sending.receiver = sending.receiver, None
            # What broke HTTP behind a whole answer is no fault of that answer.
            if self._keep and broken is None and not self._closed:
                # Whoever could not take the end of this answer must not hold up the next one's.
                self.hold(False)
                self._server.release(self)
            else:
                self.close()
            if receiver is not None:
                receiver.answer_ends()

    # -- llhttp

    def on_message_begin(self) -> None:
        if self._sending is None:
            self._keep = False  # a second answer that nobody asked for
            return
        self._begun = True
        self._headers = []
        self._head_bytes = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._headed or self._sending is None:
            return  # a trailer, or of an answer that nobody asked for
        self._headers.append((name.lower(), value))
        self._head_bytes += len(name) + len(value)
        if len(self._headers) > MAX_ANSWER_HEADERS or self._head_bytes > MAX_ANSWER_HEAD_BYTES:
            raise UpstreamError("the server sent too many header fields")

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if self._sending is None:
            return
        if status < 200:
            if status < 100:
                raise UpstreamError("the server sent a status that is none")
            return
        self._keep = self._parser.should_keep_alive()
        self._headed = True
        if self._sending.receiver is not None:
            self._sending.receiver.answer_begins(status, self._headers)

    def on_body(self, body: bytes) -> None:
        if self._sending is not None and self._headed:
            self._parts.append(body)

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() >= 200:
            self._sending = None

    # -- inside

    def _parser_ends_at_close(self) -> bool:
        """An answer without a length ends where the connection does."""
        named = {name for name, _ in self._headers}
        if (
            not self._headed
            or self._parser.get_status_code() < 200
            or b"content-length" in named
            or b"transfer-encoding" in named
        ):
            return False
        sending, self._sending = self._sending, None
        if sending is not None:
            sending.connection = None
            receiver, sending.receiver = sending.receiver, None
            if receiver is not None:
                receiver.answer_ends()
        return True

    def _fail(self, error: Exception) -> None:
        sending, self._sending = self._sending, None
        if sending is None:
            return
        sending.connection = None
        receiver, sending.receiver = sending.receiver, None
        if receiver is not None:
            stale = self._reused and not self._begun
            if stale:
                # The others lay there as long: the next try is on a fresh one, and not one more of these.
                self._server.close()
            receiver.answer_fails(StaleConnection(str(error)) if stale else error, self._begun)
