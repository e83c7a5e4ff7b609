"""The connection to the controller: held for ever, opened again when it breaks."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from pontlevis.brain.observation import ServiceSample
from pontlevis.gateway.recorder import Recorder
from pontlevis.link.messages import Ack, Changes, Cut, Hello
from pontlevis.link.stream import LinkBroken, frame, read_from_controller

RECONNECT_S = 0.25
MOST_UNSENT_BYTES = 8_388_608

log = logging.getLogger("pontlevis.gateway")


class ControllerLink:
    """One process's end of the link."""

    def __init__(self, path: Path, hello: Hello, on_message: Callable[[Changes | Cut], None]) -> None:
        self._path = path
        self._hello = hello
        self._on_message = on_message
        self._writer: asyncio.StreamWriter | None = None

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
                if lost:
                    log.info("gateway:link:restored")
                while True:
                    message = await read_from_controller(reader)
                    self._on_message(message)
                    writer.write(frame(Ack(message.number)))
            except LinkBroken as error:
                lost = True
                log.warning("gateway:link:lost %s; going on with what is known", error)
            finally:
                self._writer = None
                writer.close()
            await asyncio.sleep(RECONNECT_S)

    def send(self, recorder: Recorder, unix: float, sample: ServiceSample | None) -> None:
        """Sends what was recorded. ``unix`` is Unix seconds."""
        writer = self._writer
        batch = recorder.take(unix, sample)
        if (
            writer is None
            or writer.is_closing()
            or writer.transport.get_write_buffer_size() > MOST_UNSENT_BYTES
        ):
            # Observations of a time without a controller are of no use later; what was used must be charged.
            recorder.put_back(batch.usage)
            return
        writer.write(frame(batch))
