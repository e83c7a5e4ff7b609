"""A worker's connection to the admission process: opened again when it breaks, given up when it is silent."""

import asyncio
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import cast

import msgspec

from pontlevis.gateway.remote import Carry, RemoteAdmission
from pontlevis.link.admission import read_from_admission
from pontlevis.link.stream import LinkBroken, Splitter, frame

RECONNECT_S = 0.05  # existing users beyond a worker's share wait for it
LOOK_S = 0.25
MOST_UNSENT_BYTES = 67_108_864

log = logging.getLogger("pontlevis.gateway")


class AdmissionLink:
    """Carries messages between ``remote`` and the socket at ``path``."""

    def __init__(
        self, path: Path, remote: RemoteAdmission, carry: Carry, clock: Callable[[], float], silence_s: float
    ) -> None:
        self.remote = remote
        self.carry = carry
        self.clock = clock
        self.joined = asyncio.Event()
        """Set when admission has answered for the first time."""
        self._path = path
        self._silence_s = silence_s
        self._connection: _Connection | None = None

    def wake(self) -> None:
        """The remote's outbox has its first message: it leaves once all that happens now has happened."""
        asyncio.get_running_loop().call_soon(self._flush)

    async def keep(self) -> None:
        """Holds the connection for ever."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                _, connection = await loop.create_unix_connection(lambda: _Connection(self), str(self._path))
            except OSError:
                await asyncio.sleep(RECONNECT_S)
                continue
            while not connection.closed.done():
                await asyncio.wait({connection.closed}, timeout=LOOK_S)
                if self.clock() - connection.heard_at > self._silence_s:
                    connection.give_up()
                    break
            await asyncio.sleep(RECONNECT_S)

    def greeted(self, connection: "_Connection") -> None:
        """Admission is there and speaks."""
        self._connection = connection
        self.remote.join(os.getpid())
        self.joined.set()
        log.info("gateway:admission:joined")

    def lost(self, connection: "_Connection") -> None:
        if self._connection is connection:
            self._connection = None
            log.warning("gateway:admission:lost; existing users are served within this worker's share")
            self.remote.lost(self.clock(), self.carry)

    def _flush(self) -> None:
        outbox, connection = self.remote.outbox, self._connection
        if not outbox or connection is None:
            return
        data = frame(outbox)
        outbox.clear()
        connection.transport.write(data)
        if connection.transport.get_write_buffer_size() > MOST_UNSENT_BYTES:
            connection.give_up()


class _Connection(asyncio.Protocol):
    """One connection to the admission process."""

    def __init__(self, link: AdmissionLink) -> None:
        self._link = link
        self._splitter = Splitter()
        self._greeted = False
        self.heard_at = link.clock()
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport = cast(asyncio.Transport, None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        link = self._link
        if self.closed.done():
            return
        self.heard_at = now = link.clock()
        try:
            frames = [read_from_admission(each) for each in self._splitter.feed(data)]
        except (LinkBroken, msgspec.DecodeError) as error:
            log.error("gateway:admission:broken %s", error)
            self.give_up()
            return
        for messages in frames:
            link.remote.receive(messages, now, link.carry)
            if not self._greeted:
                self._greeted = True
                link.greeted(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()

    def give_up(self) -> None:
        """Silent, or speaks something else."""
        self.transport.abort()
        self._end()

    def _end(self) -> None:
        if not self.closed.done():
            self.closed.set_result(None)
            self._link.lost(self)
