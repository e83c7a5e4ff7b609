"""The connection to the controller: held for ever, opened again when it breaks."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from pontlevis.gateway.outbox import Outbox
from pontlevis.link.messages import Ack, Batch, Changes, Cut, Hello, Settled
from pontlevis.link.stream import LinkBroken, frame, read_from_controller

RECONNECT_S = 0.25
MOST_UNSENT_BYTES = 8_388_608  # that a controller has not taken; observations are given up beyond it

log = logging.getLogger("pontlevis.gateway")


class ControllerLink:
    """One process's end of the link. ``outbox`` holds what the controller must not miss; None where nothing is."""

    def __init__(
        self,
        path: Path,
        hello: Hello,
        on_message: Callable[[Changes | Cut], None],
        outbox: Outbox | None = None,
    ) -> None:
        self._path = path
        self._hello = hello
        self._on_message = on_message
        self._outbox = outbox
        self._writer: asyncio.StreamWriter | None = None

    @property
    def up(self) -> bool:
        return self._writer is not None

    async def keep(self) -> None:
        """Holds the connection; whoever lives by it goes on with what is known while it is away."""
        lost = False
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(str(self._path))
            except OSError:
                await asyncio.sleep(RECONNECT_S)
                continue
            try:
                writer.write(frame(self._hello))
                self._writer = writer
                if self._outbox is not None:
                    self._outbox.link_made()
                if lost:
                    log.info("gateway:link:restored")
                while True:
                    message = await read_from_controller(reader)
                    if isinstance(message, Settled):
                        if self._outbox is not None:
                            self._outbox.settled(message)
                            self.send_usage()
                        continue
                    self._on_message(message)
                    writer.write(frame(Ack(message.number)))
            except LinkBroken as error:
                lost = True
                log.warning("gateway:link:lost %s; going on with what is known", error)
            finally:
                self._writer = None
                writer.close()
            await asyncio.sleep(RECONNECT_S)

    def send(self, batch: Batch) -> None:
        """Sends what was seen; of a time without a controller it is of no use later."""
        writer = self._writer
        if (
            writer is not None
            and not writer.is_closing()
            and writer.transport.get_write_buffer_size() <= MOST_UNSENT_BYTES
        ):
            writer.write(frame(batch))

    def send_usage(self) -> None:
        """Sends what is due of the outbox."""
        writer = self._writer
        if self._outbox is not None and writer is not None and not writer.is_closing():
            for data in self._outbox.due():
                writer.write(data)
