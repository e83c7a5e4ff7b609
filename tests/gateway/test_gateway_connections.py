"""Connections under clients that do not read, driven by their own clock."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from pontlevis.brain.vocabulary import RefusalCode
from pontlevis.gateway.answers import DateHeader
from pontlevis.gateway.connections import SWEEP_PARTS, Connections
from pontlevis.gateway.http import Connection
from pontlevis.gateway.policy import GatewayPolicy
from pontlevis.gateway.request import Request
from until import until

ONE = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POLICY = GatewayPolicy()


class Answers:
    """Answers each request with so many bytes."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.served = 0
        self.cut: list[RefusalCode] = []

    def admit(self, connection: Connection, request: Request) -> None:
        request.max_body = 100

    def serve(self, connection: Connection, request: Request) -> None:
        self.served += 1
        connection.answer(200, b"x" * self.size)

    def cut_off(self, connection: Connection, code: RefusalCode, *, headless: bool = False) -> None:
        self.cut.append(code)

    def reference(self, request: Request | None, code: RefusalCode) -> bytes:
        return b""


def played(size: int, act: Callable[[Connections, socket.socket, Answers], Awaitable[None]]) -> Answers:
    """Lets a client with small buffers act against connections that answer so."""

    async def play() -> Answers:
        handler = Answers(size)
        date = DateHeader()
        date.update(1.0)
        connections = Connections(handler, POLICY, date)
        connections.now = 1.0
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
        listener.bind(("127.0.0.1", 0))
        server = await asyncio.get_running_loop().create_server(connections.factory, sock=listener)
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            client.setblocking(False)
            await asyncio.get_running_loop().sock_connect(client, listener.getsockname())
            await act(connections, client, handler)
        server.close()
        await until(lambda: not connections.count)
        return handler

    return asyncio.run(play())


def pass_time(connections: Connections, now: float) -> None:
    connections.now = now
    for part in range(SWEEP_PARTS):
        connections.sweep(now, part)


def test_an_answer_that_is_never_fetched_does_not_hold_its_connection() -> None:
    """Fewer bytes than a buffer, left unread, and a client that stays: cut in the time that every reader has."""

    async def act(connections: Connections, client: socket.socket, handler: Answers) -> None:
        client.send(ONE)
        await until(lambda: handler.served == 1)
        pass_time(connections, POLICY.write_stall_s)
        await asyncio.sleep(0.05)
        assert connections.count == 1  # what was written may still be fetched
        pass_time(connections, 1.0 + POLICY.write_stall_s + 1.0)
        await until(lambda: connections.count == 0)

    assert played(200_000, act).cut == [RefusalCode.SLOW_READER]


def test_nothing_is_begun_for_a_client_that_does_not_read() -> None:
    """Of many requests sent ahead only as many are answered as fill a buffer; the rest when it reads."""

    async def act(connections: Connections, client: socket.socket, handler: Answers) -> None:
        client.send(ONE * 20)
        await until(lambda: handler.served > 0)
        await asyncio.sleep(0.1)
        assert handler.served <= 4
        got = 0

        def all_read() -> bool:
            nonlocal got
            with contextlib.suppress(BlockingIOError):
                while part := client.recv(65_536):
                    got += len(part)
            return got >= 20 * 100_000

        await until(all_read)
        assert handler.served == 20

    assert played(100_000, act).cut == []


def test_a_client_that_takes_nothing_is_cut_within_its_time() -> None:
    """And not before."""

    async def act(connections: Connections, client: socket.socket, handler: Answers) -> None:
        client.send(ONE)
        await until(lambda: handler.served == 1)
        pass_time(connections, POLICY.write_stall_s)
        assert (connections.count, handler.cut) == (1, [])
        pass_time(connections, 1.0 + POLICY.write_stall_s + 1.0)
        await until(lambda: connections.count == 0)

    assert played(1_000_000, act).cut == [RefusalCode.SLOW_READER]


@pytest.mark.parametrize(("proxies", "taken"), [((), 2), (("10.0.0.0/8",), 2), (("127.0.0.0/8",), 5)])
def test_a_trusted_proxy_brings_more_connections_than_one_source_may_have(
    proxies: tuple[str, ...], taken: int
) -> None:
    """All its clients come from its address; who is no trusted proxy has the bound of a source."""

    async def play() -> tuple[int, int]:
        policy = replace(POLICY, max_connections_per_source=2)
        connections = Connections(Answers(1), policy, DateHeader(), proxies)
        server = await asyncio.get_running_loop().create_server(connections.factory, "127.0.0.1", 0)
        writers = [(await asyncio.open_connection(*server.sockets[0].getsockname()))[1] for _ in range(5)]
        await until(lambda: connections.count >= taken)
        await asyncio.sleep(0.05)
        held = connections.count
        for each in writers:
            each.close()
        server.close()
        await until(lambda: not connections.count)
        return held, connections.count

    assert asyncio.run(play()) == (taken, 0)


class Slow(Answers):
    """Serves and never answers."""

    def serve(self, connection: Connection, request: Request) -> None:
        self.served += 1


def test_who_holds_every_connection_makes_room_for_others() -> None:
    """Thirty addresses held all that a worker takes, without a byte sent; nobody else came in, existing users neither.

    Of the strangers that ask for nothing the largest holder's go first. What is being served stays, and so does
    whatever comes from where existing users are."""
    known, asking, many, few, late = (f"127.0.0.{number}" for number in range(2, 7))

    async def play() -> None:
        handler = Slow(1)
        connections = Connections(handler, replace(POLICY, max_connections=8), DateHeader())
        connections.is_known = known.__eq__
        server = await asyncio.get_running_loop().create_server(connections.factory, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        held: dict[str, list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]] = {}

        async def opened(source: str) -> None:
            reader, writer = await asyncio.open_connection(host, port, local_addr=(source, 0))
            held.setdefault(source, []).append((reader, writer))
            await until(lambda: connections._per_source.get(source, 0) > 0 or reader.at_eof())

        async def closed(source: str) -> int:
            await asyncio.sleep(0.05)  # an end that is on its way
            return sum(reader.at_eof() or reader.exception() is not None for reader, _ in held[source])

        for source in (known, known, known, asking, few, many, many, many):
            await opened(source)
        held[asking][0][1].write(ONE)
        await until(lambda: handler.served == 1 and connections.count == 8)
        await opened(late)
        await until(lambda: connections.count == 8 and late in connections._per_source)
        assert [await closed(each) for each in (known, asking, many, few, late)] == [0, 0, 1, 0, 0]
        for number in range(20):
            await opened(f"127.0.1.{number + 1}")
        await until(lambda: connections.count == 8)
        assert [await closed(each) for each in (known, asking)] == [0, 0]
        assert connections.rejected == 0
        for _, writer in (each for all_ in held.values() for each in all_):
            writer.close()
        server.close()
        await until(lambda: not connections.count)
        assert connections._per_source == {}

    asyncio.run(play())


def test_where_everything_is_being_served_nobody_is_closed_for_a_newcomer() -> None:
    """Then the newcomer is."""

    async def play() -> tuple[int, int]:
        handler = Slow(1)
        connections = Connections(handler, replace(POLICY, max_connections=3), DateHeader())
        server = await asyncio.get_running_loop().create_server(connections.factory, "127.0.0.1", 0)
        writers = [(await asyncio.open_connection(*server.sockets[0].getsockname()))[1] for _ in range(3)]
        for each in writers:
            each.write(ONE)
        await until(lambda: handler.served == 3)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        with contextlib.suppress(ConnectionError):
            assert await reader.read(1) == b""
        found = connections.count, connections.rejected
        for each in (*writers, writer):
            each.close()
        server.close()
        await until(lambda: not connections.count)
        return found

    assert asyncio.run(play()) == (3, 1)
