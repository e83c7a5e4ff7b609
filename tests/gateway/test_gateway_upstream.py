"""Connections to a server: counted exactly, kept, and given back as they were taken."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from pontlevis.gateway import upstream
from pontlevis.gateway.upstream import Sending, Server, StaleConnection, UpstreamError
from surroundings import PATIENCE_S
from until import until

REQUEST = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"


class Answer:
    """What came of one request; with ``held`` whoever it is for can take no more from its first byte on."""

    def __init__(self, *, held: bool = False) -> None:
        self.whole: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.held = held
        self.sending: Sending | None = None
        self._body = b""

    def answer_begins(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """Nothing is done about it."""

    def answer_data(self, data: bytes) -> None:
        self._body += data
        if self.held and self.sending is not None:
            self.sending.hold(True)

    def answer_ends(self) -> None:
        self.whole.set_result(self._body)

    def answer_fails(self, error: Exception, begun: bool) -> None:
        self.whole.set_exception(error)


class Answering(asyncio.Protocol):
    """Answers every request; its transport stands in the set as long as it is connected."""

    def __init__(self, connected: set[asyncio.BaseTransport]) -> None:
        self._connected = connected

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connected.add(transport)

    def data_received(self, data: bytes) -> None:
        self._transport.write(ANSWER * data.count(b"\r\n\r\n"))

    def connection_lost(self, error: Exception | None) -> None:
        self._connected.discard(self._transport)


def played(act: Callable[[Server], Awaitable[None]]) -> Server:
    """Lets ``act`` use connections to a server that answers everything."""

    async def play() -> Server:
        answering: set[asyncio.BaseTransport] = set()
        listening = await asyncio.get_running_loop().create_server(
            lambda: Answering(answering), "127.0.0.1", 0
        )
        port = listening.sockets[0].getsockname()[1]
        server = Server(host="127.0.0.1", port=port, most=4, connect_timeout_s=60.0, clock=time.monotonic)
        await act(server)
        server.close()
        listening.close()
        await asyncio.sleep(0.05)
        for each in answering:
            each.close()
        await until(lambda: not answering and server.open == 0)
        return server

    return asyncio.run(play())


def test_an_answer_that_its_client_could_not_take_does_not_hold_up_the_next_one() -> None:
    """The connection is kept, and read again: or one slow reader would make the next user wait for minutes."""

    async def act(server: Server) -> None:
        slow = Answer(held=True)
        slow.sending = server.send(REQUEST, slow)
        assert await asyncio.wait_for(slow.whole, PATIENCE_S) == b"hello"
        quick = Answer()
        quick.sending = server.send(REQUEST, quick)
        assert server.open == 1  # the same connection
        assert await asyncio.wait_for(quick.whole, PATIENCE_S) == b"hello"

    played(act)


@pytest.mark.parametrize("turns", range(8))
def test_a_request_given_up_at_any_moment_gives_its_connection_back(turns: int) -> None:
    """Before its task has run, while it connects, when it is connected: the count of open connections comes back to
    nothing, or the engine would be out of reach after so many, or their bound would bound nothing."""

    async def act(server: Server) -> None:
        for _ in range(8):
            sending = server.send(REQUEST, Answer())
            for _ in range(turns):
                await asyncio.sleep(0)
            sending.cancel()
            await asyncio.sleep(0.005)
            await until(lambda: server.open == 0)

    assert played(act).open == 0


def test_no_more_connections_are_opened_than_allowed() -> None:
    """The next one is refused, and not queued."""

    async def act(server: Server) -> None:
        sendings = [server.send(REQUEST, Answer()) for _ in range(4)]
        with pytest.raises(UpstreamError):
            server.send(REQUEST, Answer())
        for each in sendings:
            each.cancel()

    assert played(act).open == 0


def test_after_a_stale_connection_the_next_try_is_on_a_fresh_one() -> None:
    """However many were kept: a server that hung up on one of them hung up on all."""

    class Leaving(Answering):
        leaves = False

        def data_received(self, data: bytes) -> None:
            if Leaving.leaves:
                self._transport.close()
            else:
                super().data_received(data)

    async def play() -> None:
        there: set[asyncio.BaseTransport] = set()
        listening = await asyncio.get_running_loop().create_server(lambda: Leaving(there), "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        server = Server(host="127.0.0.1", port=port, most=4, connect_timeout_s=60.0, clock=time.monotonic)
        answers = [Answer() for _ in range(3)]
        for each in answers:
            server.send(REQUEST, each)
        for each in answers:
            assert await each.whole == b"hello"
        assert server.open == 3
        Leaving.leaves = True
        failing = Answer()
        server.send(REQUEST, failing)
        with pytest.raises(StaleConnection):
            await failing.whole
        Leaving.leaves = False
        again = Answer()
        assert server.send(REQUEST, again).connection is None, "it waits for a connection that is made for it"
        assert await again.whole == b"hello"
        server.close()
        listening.close()
        await until(lambda: not there and server.open == 0)

    asyncio.run(play())


def test_an_answer_whose_end_nobody_waits_for_keeps_its_connection_if_it_ends_soon() -> None:
    """Its last words have come: the next request goes over the same connection, and none stays open for ever."""

    async def act(server: Server) -> None:
        left = Answer()
        sending = server.send(REQUEST, left)
        while sending.connection is None:
            await asyncio.sleep(0)  # the answer cannot come in the turn in which it is connected
        sending.let_end()
        await until(lambda: sending.connection is None)
        quick = Answer()
        server.send(REQUEST, quick)
        assert server.open == 1
        assert await asyncio.wait_for(quick.whole, 60) == b"hello"
        assert not left.whole.done()

    played(act)


def test_an_answer_that_never_ends_is_given_up_though_its_last_words_have_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Or each such answer would hold a connection of the engine's."""
    monkeypatch.setattr(upstream, "FRAMING_END_S", 0.01)

    async def act() -> None:
        listening = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        server = Server(host="127.0.0.1", port=port, most=4, connect_timeout_s=60.0, clock=time.monotonic)
        sending = server.send(REQUEST, Answer())
        await until(lambda: sending.connection is not None)
        sending.let_end()
        await until(lambda: server.open == 0)
        listening.close()

    asyncio.run(act())
