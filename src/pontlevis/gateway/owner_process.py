"""The admission process: holds admission for all gateway workers, looks at the engines, samples the service.

Started by the supervisor where there is more than one worker. Whatever it knows of requests under way its
workers know as well, so that one that takes its place counts exactly.
"""

import asyncio
import contextlib
import gc
import logging
import os
import random
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import cast

import msgspec
import uvloop

from pontlevis import __version__
from pontlevis.brain.admission.admission import Admission
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.setting import adopt
from pontlevis.config import Settings
from pontlevis.gateway.controller_link import ControllerLink
from pontlevis.gateway.engines import Engine, make_engine
from pontlevis.gateway.loops import Loops
from pontlevis.gateway.owner import Owner, WorkerDesk
from pontlevis.gateway.recorder import Recorder
from pontlevis.gateway.watch import watch
from pontlevis.gateway.worker import ADMISSION_SOCKET, GC_THRESHOLDS, PUMP_INTERVAL_S, STOP_GRACE_S
from pontlevis.link.admission import read_to_admission
from pontlevis.link.messages import ADMISSION, Changes, Cut, Hello
from pontlevis.link.stream import LinkBroken, Splitter, frame

BEAT_S = 0.5
SAMPLE_S = 1.0
FIRST_LOOK_S = 1.0  # workers stand in meanwhile; one that knows no engine yet would refuse everybody
MOST_UNSENT_BYTES = 67_108_864  # a worker that takes nothing is cut and joins afresh

log = logging.getLogger("pontlevis.admission")


class AdmissionProcess:
    """Everything of it, put together."""

    def __init__(self, settings: Settings, *, sockets: Path) -> None:
        self.settings = settings
        self._sockets = sockets
        self.clock = time.monotonic
        rng = random.Random()  # noqa: S311 - jitter, no secrets
        self._limits = replace(settings.admission)
        self._posture = PostureState()
        admission = Admission(self._limits, enabled=settings.defence, rng=rng)
        engines: dict[str, Engine] = {}
        for each in settings.engines:
            engine = make_engine(each, settings.gateway, self.clock)
            engines[engine.name] = engine
        self.owner = Owner(admission, engines, self.clock)
        self._recorder = Recorder(-1, settings.gateway)
        hello = Hello(-1, os.getpid(), __version__, ADMISSION)
        self._link = ControllerLink(sockets / "link.sock", hello, self._heard)
        self._looked: set[str] = set()
        self._all_looked = asyncio.Event()
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Serves until told to stop, and then until the workers have ended."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._stopping.set)
        loops = Loops(self._stopping)
        loops.start(*(self._watch(engine) for engine in self.owner.engines.values()))
        loops.start(self._link.keep(), self._tick(), self._sample())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FIRST_LOOK_S):
                await self._all_looked.wait()
        path = self._sockets / ADMISSION_SOCKET
        path.unlink(missing_ok=True)
        server = await loop.create_unix_server(lambda: _Connection(self.owner), str(path))
        path.chmod(0o600)
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        log.info("admission:process:started pid=%d", os.getpid())
        await self._stopping.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_GRACE_S):
                while self.owner.workers:
                    await asyncio.sleep(PUMP_INTERVAL_S)
        server.close()
        await loops.end()

    def _heard(self, message: Changes | Cut) -> None:
        if not isinstance(message, Changes) or (message.posture is None and message.admission is None):
            return
        if message.admission is not None:
            adopt(self._limits, message.admission)
        self._posture = message.posture or self._posture
        self.owner.admission.set_posture(self._posture, self.clock())
        self.owner.pump()

    async def _watch(self, engine: Engine) -> None:
        def probed() -> None:
            self._looked.add(engine.name)
            if len(self._looked) == len(self.owner.engines):
                self._all_looked.set()
            self.owner.look()

        await watch(
            engine,
            self.owner.admission,
            interval_s=self.settings.gateway.health_interval_s,
            clock=self.clock,
            probed=probed,
        )

    async def _tick(self) -> None:
        beaten = 0.0
        while True:
            await asyncio.sleep(PUMP_INTERVAL_S)
            self.owner.pump()
            now = self.clock()
            if now - beaten >= BEAT_S:
                beaten = now
                self.owner.beat()

    async def _sample(self) -> None:
        sampled = self.clock()
        while True:
            await asyncio.sleep(SAMPLE_S)
            now = self.clock()
            sample = self.owner.admission.sample(now, now - sampled)
            sampled = now
            unix = time.time()
            self._link.send(self._recorder.take(unix, msgspec.structs.replace(sample, at=unix), {}))
            for engine in self.owner.engines.values():
                engine.server.prune()


class _Connection(asyncio.Protocol):
    """One worker's connection."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._desk = WorkerDesk(self._wake)
        self._splitter = Splitter()
        self._transport: asyncio.Transport = cast(asyncio.Transport, None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._owner.greet(self._desk)

    def data_received(self, data: bytes) -> None:
        try:
            for body in self._splitter.feed(data):
                self._owner.receive(self._desk, read_to_admission(body))
        except (LinkBroken, ValueError) as error:  # msgspec's DecodeError is a ValueError
            log.error("admission:worker:broken worker=%d %s", self._desk.number, error)
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._owner.leave(self._desk)

    def _wake(self) -> None:
        asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        outbox = self._desk.outbox
        if not outbox:
            return
        data = frame(outbox)
        outbox.clear()
        if self._transport.is_closing():
            return
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > MOST_UNSENT_BYTES:
            self._transport.abort()


def run(settings: Settings, *, sockets: Path) -> None:
    """Serves in this process until it is told to stop."""
    uvloop.run(_run(settings, sockets))


async def _run(settings: Settings, sockets: Path) -> None:
    await AdmissionProcess(settings, sockets=sockets).run()
