"""The controller's end of the link: every gateway worker's connection, whole states, changes, acknowledgements."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

from pontlevis.brain.admission.policy import AdmissionPolicy
from pontlevis.brain.posture.state import PostureState
from pontlevis.link.messages import (
    ADMISSION,
    AccountRecord,
    Ack,
    Batch,
    Changes,
    CredentialRecord,
    Cut,
    DecisionRecord,
    Hello,
    Parcel,
    Settled,
)
from pontlevis.link.stream import LinkBroken, frame, read_from_gateway

ACK_WAIT_S = 0.25  # who asks for a key may use it at once; a gateway that hangs must not hold that up longer
MOST_UNSENT_BYTES = 268_435_456  # a gateway that takes nothing is cut and starts afresh

log = logging.getLogger("pontlevis.controller")

Parts = Callable[[], AsyncIterator[tuple[list[AccountRecord], list[CredentialRecord]]]]


@dataclass(eq=False)
class _Gateway:
    writer: asyncio.StreamWriter
    worker: int = -1
    role: str = ""
    ready: bool = False
    held: list[bytes] = field(default_factory=list)
    """Frames that wait until the whole state has been sent."""
    acknowledged: int = 0
    waiting: list[tuple[int, asyncio.Future[None]]] = field(default_factory=list)

    def settle(self, message: Settled) -> None:
        """Tells the gateway what it need not send again; one that is gone sends it again and is told then."""
        if not self.writer.is_closing():
            self.writer.write(frame(message))


class Hub:
    """Listens for gateways and keeps them up to date."""

    def __init__(
        self,
        *,
        parts: Parts,
        decisions: Callable[[], list[DecisionRecord]],
        posture: Callable[[], PostureState],
        admission: Callable[[], AdmissionPolicy] | None = None,
        on_batch: Callable[[Batch], None],
        on_parcel: Callable[[Parcel, Callable[[Settled], None]], None],
    ) -> None:
        self._parts = parts
        self._decisions = decisions
        self._posture = posture
        self._admission = admission
        self._on_batch = on_batch
        self._on_parcel = on_parcel
        self._gateways: set[_Gateway] = set()
        self._number = 0
        self._server: asyncio.Server | None = None

    @property
    def gateways(self) -> int:
        """Workers that know everything."""
        return sum(1 for each in self._gateways if each.ready and each.role != ADMISSION)

    @property
    def admission(self) -> bool:
        """Whether an admission process is there."""
        return any(each.ready and each.role == ADMISSION for each in self._gateways)

    async def start(self, path: Path) -> None:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        self._server = await asyncio.start_unix_server(self._serve, str(path))
        path.chmod(0o600)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for gateway in list(self._gateways):
            gateway.writer.close()

    async def publish(
        self,
        *,
        accounts: list[AccountRecord] | None = None,
        credentials: list[CredentialRecord] | None = None,
        decisions: list[DecisionRecord] | None = None,
        posture: PostureState | None = None,
        admission: AdmissionPolicy | None = None,
    ) -> None:
        """Sends changes; returns when the gateways that are there have them, or after ``ACK_WAIT_S``."""
        self._number += 1
        message = Changes(
            self._number,
            accounts=accounts or [],
            credentials=credentials or [],
            decisions=decisions or [],
            posture=posture,
            admission=admission,
        )
        concerns = posture is not None or admission is not None
        await self._send(self._number, frame(message), admission=concerns)

    async def cut(self, *, accounts: list[str], credentials: list[str], reason: str) -> None:
        self._number += 1
        await self._send(self._number, frame(Cut(self._number, accounts, credentials, reason)))

    async def _send(self, number: int, data: bytes, *, admission: bool = False) -> None:
        """To all gateways, and where ``admission`` is true to an admission process as well."""
        loop = asyncio.get_running_loop()
        pending: list[asyncio.Future[None]] = []
        for gateway in list(self._gateways):
            if gateway.role == ADMISSION and not admission:
                continue
            if not gateway.ready:
                gateway.held.append(data)
                continue
            if gateway.writer.transport.get_write_buffer_size() > MOST_UNSENT_BYTES:
                gateway.writer.transport.abort()
                continue
            gateway.writer.write(data)
            future: asyncio.Future[None] = loop.create_future()
            gateway.waiting.append((number, future))
            pending.append(future)
        if pending:
            await asyncio.wait(pending, timeout=ACK_WAIT_S)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        gateway = _Gateway(writer)
        self._gateways.add(gateway)
        sender: asyncio.Task[None] | None = None
        try:
            while True:
                message = await read_from_gateway(reader)
                if isinstance(message, Batch):
                    self._on_batch(message)
                elif isinstance(message, Parcel):
                    self._on_parcel(message, gateway.settle)
                elif isinstance(message, Ack):
                    _acknowledge(gateway, message.number)
                elif isinstance(message, Hello):
                    gateway.worker, gateway.role = message.worker, message.role
                    sender = asyncio.create_task(self._send_whole(gateway))
        except LinkBroken:
            pass
        finally:
            if sender is not None:
                sender.cancel()
            self._gateways.discard(gateway)
            _acknowledge(gateway, self._number + 1)
            writer.close()

    async def _send_whole(self, gateway: _Gateway) -> None:
        first = True
        try:
            async for accounts, credentials in self._parts_for(gateway):
                self._number += 1
                gateway.writer.write(
                    frame(
                        Changes(
                            self._number,
                            whole=first,
                            complete=False,
                            accounts=accounts,
                            credentials=credentials,
                        )
                    )
                )
                first = False
                await gateway.writer.drain()
        except (OSError, LinkBroken):
            return
        self._number += 1
        gateway.writer.write(
            frame(
                Changes(
                    self._number,
                    whole=first,
                    complete=True,
                    decisions=self._decisions() if gateway.role != ADMISSION else [],
                    posture=self._posture(),
                    admission=self._admission() if self._admission is not None else None,
                )
            )
        )
        for held in gateway.held:
            gateway.writer.write(held)
        gateway.held.clear()
        gateway.ready = True
        log.info("controller:%s:joined worker=%d", gateway.role, gateway.worker)

    async def _parts_for(
        self, gateway: _Gateway
    ) -> AsyncIterator[tuple[list[AccountRecord], list[CredentialRecord]]]:
        if gateway.role != ADMISSION:
            async for each in self._parts():
                yield each


def _acknowledge(gateway: _Gateway, number: int) -> None:
    kept: list[tuple[int, asyncio.Future[None]]] = []
    for wanted, future in gateway.waiting:
        if wanted <= number:
            if not future.done():
                future.set_result(None)
        elif not future.done():
            kept.append((wanted, future))
    gateway.waiting = kept
