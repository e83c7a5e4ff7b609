"""What a connection makes of the bytes that come (RFC 9112), played over a real socket."""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable

import pytest

from pontlevis.brain.vocabulary import RefusalCode
from pontlevis.gateway.answers import DateHeader
from pontlevis.gateway.connections import Connections
from pontlevis.gateway.http import IGNORED_LIMIT, MAX_PIPELINED, Connection
from pontlevis.gateway.policy import GatewayPolicy
from pontlevis.gateway.request import Request
from surroundings import PATIENCE_S
from until import until

HOST = b" HTTP/1.1\r\nHost: a\r\n"
GET = b"GET /next" + HOST + b"\r\n"
POST = b"POST /first" + HOST
SLOW = b"GET /slow" + HOST + b"\r\n"
REFUSED = b"POST /refused" + HOST
STATUS = re.compile(rb"HTTP/1.1 (\d+) ")


class SlowTask:
    """Serves ``/slow`` until it is told to end."""

    def __init__(self) -> None:
        self.gone = False

    def client_gone(self) -> None:
        self.gone = True

    def client_blocked(self, blocked: bool) -> None:
        """Of no consequence."""


class Place:
    """Refuses ``/refused`` at its head, is slow at ``/slow``, serves everything else at once."""

    def __init__(self) -> None:
        self.served: list[bytes] = []
        self.cut: list[RefusalCode] = []
        self.errors: list[object] = []
        self.task = SlowTask()
        self.connection: Connection | None = None
        self.count = -1

    def admit(self, connection: Connection, request: Request) -> None:
        request.max_body = 2_000_000
        request.context = self
        if request.path == "/refused":
            request.refused = (401, b"{}", b"")

    def serve(self, connection: Connection, request: Request) -> None:
        assert request.context is self  # nothing is served that was not admitted
        self.served.append(request.path.encode() + b":" + b"".join(request.body))
        if request.path == "/slow":
            self.connection = connection
            connection.task = self.task
        else:
            connection.answer(200, b"{}")

    def cut_off(self, connection: Connection, code: RefusalCode, *, headless: bool = False) -> None:
        self.cut.append(code)

    def reference(self, request: Request | None, code: RefusalCode) -> bytes:
        return b""


def played(act: Callable[[Place, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> Place:
    """Lets a client act; what the event loop had to complain of stands in ``errors``."""

    async def play() -> Place:
        place, date = Place(), DateHeader()
        date.update(1.0)
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: place.errors.append(context.get("exception")))
        connections = Connections(place, GatewayPolicy(), date)
        connections.now = 1.0
        server = await loop.create_server(connections.factory, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        await act(place, reader, writer)
        writer.close()
        server.close()
        await until(lambda: not connections.count)
        place.count = connections.count
        return place

    return asyncio.run(play())


def answered(data: bytes, least: int, *, closes: bool) -> tuple[list[bytes], bool, Place]:
    """Status of each answer to these bytes, whether the connection was closed then, and what happened inside.

    Waits patiently for the end where one is expected, for ``least`` answers elsewhere; then a moment for more.
    """
    got, closed = b"", False

    async def act(place: Place, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal got, closed
        writer.write(data)
        try:
            while True:
                enough = not closes and len(STATUS.findall(got)) >= least
                part = await asyncio.wait_for(reader.read(65_536), 0.05 if enough else PATIENCE_S)
                if not part:
                    closed = True
                    return
                got += part
        except TimeoutError:
            return
        except ConnectionError:
            closed = True

    place = played(act)
    return STATUS.findall(got), closed, place


CASES: list[tuple[str, bytes, list[bytes], bool, list[bytes]]] = [
    # name, bytes, statuses, closed, served
    ("two in one go", GET + GET, [b"200", b"200"], False, [b"/next:", b"/next:"]),
    ("the same length twice", POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi" + GET, [b"400"], True, []),
    ("a list of lengths", POST + b"Content-Length: 2, 2\r\n\r\nhi", [b"400"], True, []),
    ("a length with a sign", POST + b"Content-Length: +2\r\n\r\nhi", [b"400"], True, []),
    ("length before chunks", POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", [b"400"], True, []),
    ("chunks before length", POST + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n", [b"400"], True, []),
    ("chunked twice", POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", [b"400"], True, []),
    ("chunked and then something", POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", [b"400"], True, []),
    ("a coding that is not undone", POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n" + GET, [b"400"], True, []),
    ("identity", POST + b"Transfer-Encoding: identity\r\n\r\n" + GET, [b"400"], True, []),
    ("chunks before 1.1", b"POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + GET, [b"400"], True, []),
    ("a folded coding", POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", [b"400"], True, []),
    ("a space before the colon", POST + b"Content-Length : 2\r\n\r\nhi", [b"400"], True, []),
    ("a bare line feed ends a field", b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", [b"400"], True, []),
    ("a bare line feed ends the head", b"GET / HTTP/1.1\r\nHost: a\r\n\n", [b"400"], True, []),
    ("a carriage return within a value", b"GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", [b"400"], True, []),
    ("a zero byte within a value", b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", [b"400"], True, []),
    ("chunks that end in bare line feeds", POST + b"Transfer-Encoding: chunked\r\n\r\n2\nhi\n0\n\n", [b"400"], True, []),
    ("a chunk longer than it says", POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhiX\r\n0\r\n\r\n", [b"400"], True, []),
    ("a chunk's size with a prefix", POST + b"Transfer-Encoding: chunked\r\n\r\n0x2\r\nhi\r\n0\r\n\r\n", [b"400"], True, []),
    ("a chunk's size beyond counting", POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 19 + b"\r\nhi", [b"400"], True, []),
    ("a line feed in a chunk's extension", POST + b"Transfer-Encoding: chunked\r\n\r\n2;a\nb\r\nhi\r\n0\r\n\r\n", [b"400"], True, []),
    ("extensions and trailers", POST + b"Transfer-Encoding: chunked\r\n\r\n2;a=b\r\nhi\r\n0\r\nX: y\r\n\r\n" + GET, [b"200", b"200"], False, [b"/first:hi", b"/next:"]),
    ("another length in the trailers", POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nContent-Length: 9\r\n\r\n" + GET, [b"400"], True, []),
    ("two hosts, and one more request", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + GET, [b"400"], True, []),
    ("a version to come", b"GET / HTTP/2.0\r\nHost: a\r\n\r\n" + GET, [b"505"], True, []),
    ("a version long gone", b"GET / HTTP/0.9\r\nHost: a\r\n\r\n", [b"505"], True, []),
    ("connect", b"CONNECT b:1" + HOST + b"\r\n" + GET, [b"400"], True, []),
    ("a refused body too long to read away", REFUSED + b"Content-Length: 70000\r\n\r\n" + b"x" * 70_000 + GET, [b"401"], True, []),
    ("a refused body that asked first", REFUSED + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\nhi" + GET, [b"401"], True, []),
    ("a refused body short enough", REFUSED + b"Content-Length: 2\r\n\r\nhi" + GET, [b"401", b"200"], False, [b"/next:"]),
    ("asked first", POST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\nhi", [b"100", b"200"], False, [b"/first:hi"]),
    ("upgrade offered and declined", b"GET /first" + HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + GET, [b"200", b"200"], False, [b"/first:", b"/next:"]),
    ("upgrade offered with a body", POST + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\nContent-Length: 2\r\n\r\nhi" + GET, [b"200", b"200"], False, [b"/first:hi", b"/next:"]),
    ("upgrade offered with chunks, twice", 2 * (POST + b"Connection: upgrade\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"), [b"200", b"200"], False, [b"/first:hi", b"/first:hi"]),
    ("upgrade offered and closed", b"GET /first" + HOST + b"Connection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n" + GET, [b"200"], True, [b"/first:"]),
    ("upgrade offered by a refused one", REFUSED + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nhi" + GET, [b"401", b"200"], False, [b"/next:"]),
    ("upgrade offered with a long head", POST + b"Connection: Upgrade\r\nUpgrade: h2c\r\nX: " + b"x" * 40_000 + b"\r\n\r\n" + GET, [b"431"], True, []),
    ("an address for a target", b"GET http://a/next" + HOST + b"\r\n" + GET, [b"200", b"200"], False, [b"/next:", b"/next:"]),
    ("an address with another host, port and a query", b"GET HTTPS://[::1]:8443?a=b" + HOST + b"\r\n", [b"200"], False, [b"/:"]),
    ("an address, and no host beside it", b"GET http://a/next HTTP/1.1\r\n\r\n", [b"400"], True, []),
    ("an address with a name before it", b"GET http://me@a/next" + HOST + b"\r\n", [b"400"], True, []),
    ("an address without a host", b"GET http:///next" + HOST + b"\r\n", [b"400"], True, []),
    ("an address of another kind", b"GET ftp://a/next" + HOST + b"\r\n", [b"400"], True, []),
    ("the whole service asked for", b"GET *" + HOST + b"\r\n", [b"400"], True, []),
    ("the whole service asked for its methods", b"OPTIONS *" + HOST + b"\r\n", [b"200"], False, [b"*:"]),
    ("kept alive before 1.1", b"GET /first HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + GET, [b"200"], True, [b"/first:"]),
    ("more after the last", b"GET /first" + HOST + b"Connection: close\r\n\r\n" + GET, [b"200"], True, [b"/first:"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "data", "statuses", "closed", "served"), CASES, ids=[each[0] for each in CASES])  # fmt: skip
def test_each_request_has_one_reading(
    name: str, data: bytes, statuses: list[bytes], closed: bool, served: list[bytes]
) -> None:
    """What could be read in two ways is refused and nothing behind it is read; no input is an unforeseen error."""
    got, ended, place = answered(data, len(statuses), closes=closed)
    assert (got, ended, place.served, place.errors) == (statuses, closed, served, [])
    assert place.count == 0


@pytest.mark.parametrize(("head", "target", "hosts"), [
    (b"GET http://there:81/a?b=c HTTP/1.1\r\nA: b\r\nHost: here\r\nC: d\r\n\r\n", b"/a?b=c", [(b"a", b"b"), (b"host", b"there:81"), (b"c", b"d")]),
    (b"GET http://there HTTP/1.0\r\nA: b\r\n\r\n", b"/", [(b"a", b"b"), (b"host", b"there")]),
    (b"GET /a HTTP/1.1\r\nHost: here\r\n\r\n", b"/a", [(b"host", b"here")]),
], ids=["the target's host stands", "also where there is none", "as it always is"])  # fmt: skip
def test_an_address_for_a_target_means_its_path_and_its_host(
    head: bytes, target: bytes, hosts: list[tuple[bytes, bytes]]
) -> None:
    """RFC 9112, 3.2.2: Host is ignored, and what is passed on to the pages has no trace of it."""
    seen: list[Request] = []

    async def act(place: Place, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def noted(connection: Connection, request: Request) -> None:
            seen.append(request)
            Place.admit(place, connection, request)

        place.admit = noted  # type: ignore[method-assign]
        writer.write(head)
        await asyncio.wait_for(reader.readuntil(b"{}"), PATIENCE_S)

    played(act)
    assert [(each.target, each.path, each.headers) for each in seen] == [(target, target.split(b"?")[0].decode(), hosts)]  # fmt: skip


def test_a_body_that_asks_first_behind_another_answer_is_not_told_within_that() -> None:
    """``100 Continue`` would stand in the middle of a stream; its body may come without."""
    got = b""

    async def act(place: Place, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal got
        writer.write(SLOW + POST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        await until(lambda: place.connection is not None)
        assert place.connection is not None
        place.connection.answer(200, b"{}")
        writer.write(b"hi")
        while len(STATUS.findall(got)) < 2:
            part = await asyncio.wait_for(reader.read(65_536), PATIENCE_S)
            assert part, got
            got += part

    assert played(act).served == [b"/slow:", b"/first:hi"]
    assert b" 100 " not in got
    assert got.count(b"HTTP/1.1 200") == 2


@pytest.mark.parametrize("behind", [b"", GET * MAX_PIPELINED, REFUSED + b"Content-Length: 70000\r\n\r\nx", b"GET /next" + HOST + b"Connection: close\r\n\r\n"],
                         ids=["nothing", "many more", "a refused one", "the last one"])  # fmt: skip
def test_a_client_that_goes_away_is_missed_whatever_it_sent_ahead(behind: bytes) -> None:
    """Or the engine would go on for nobody: a slot for a packet."""

    async def act(place: Place, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(SLOW + behind)
        await until(lambda: place.connection is not None)
        assert (place.served, place.task.gone) == ([b"/slow:"], False)
        writer.close()
        await until(lambda: place.task.gone)
        assert place.served == [b"/slow:"]

    assert played(act).errors == []


@pytest.mark.parametrize("data", [SLOW + GET * (MAX_PIPELINED + 1), SLOW + REFUSED + b"Content-Length: 9000000\r\n\r\n" + b"x" * (2 * IGNORED_LIMIT)],
                         ids=["requests", "a body"])  # fmt: skip
def test_what_is_sent_ahead_is_bounded(data: bytes) -> None:
    """Behind an answer that is awaited so much may come, and no more."""
    _, closed, place = answered(data, 0, closes=True)
    assert closed
    assert place.task.gone
    assert place.served == [b"/slow:"]


def test_a_socket_that_was_closed_at_once_leaves_nothing() -> None:
    """Connected and reset before a byte."""

    async def act(place: Place, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        writer.transport.abort()
        await asyncio.sleep(0.05)

    place = played(act)
    assert (place.count, place.errors) == (0, [])
