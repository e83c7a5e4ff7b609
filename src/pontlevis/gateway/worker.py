"""One gateway process: the public listener, the engines' health, the link to the controller."""

import asyncio
import contextlib
import gc
import logging
import os
import random
import signal
import socket
import time
from dataclasses import replace
from pathlib import Path

import msgspec
import uvloop

from pontlevis import __version__
from pontlevis.brain.admission.admission import Admission
from pontlevis.brain.credential import CredentialCodec
from pontlevis.brain.observation import ServiceSample
from pontlevis.brain.peppers import Peppers
from pontlevis.brain.refusal_note import RefusalCodec
from pontlevis.brain.setting import adopt
from pontlevis.config import Settings
from pontlevis.gateway.admission_link import AdmissionLink
from pontlevis.gateway.answers import DateHeader
from pontlevis.gateway.connections import SWEEP_PARTS, Connections
from pontlevis.gateway.controller_link import ControllerLink
from pontlevis.gateway.core import Core
from pontlevis.gateway.directory import Directory
from pontlevis.gateway.engines import Engine, make_engine
from pontlevis.gateway.loops import Loops
from pontlevis.gateway.outbox import Outbox
from pontlevis.gateway.port import AdmissionPort
from pontlevis.gateway.rations import of_one_worker
from pontlevis.gateway.recorder import Recorder
from pontlevis.gateway.remote import RemoteAdmission
from pontlevis.gateway.upstream import Server
from pontlevis.gateway.watch import watch
from pontlevis.link.messages import Changes, Cut, Hello
from pontlevis.tracing import start_tracing

ADMISSION_SOCKET = "admission.sock"
PUMP_INTERVAL_S = 0.05  # choice: queue deadlines are seconds, so a twentieth is exact enough
SAMPLE_EVERY = 4  # batches; with the default batch interval once a second
JOIN_WAIT_S = 3.0  # a worker without the word of admission could serve existing users at most
STOP_GRACE_S = 5.0
SETTLE_GRACE_S = 2.0  # for the controller to write what was used; what it does not is sent at the next start
BACKLOG = 4096  # connections that may wait for accept; the kernel's somaxconn

GC_THRESHOLDS = (10_000, 20, 20)
"""Python's own are (700, 10, 10): a collection every few hundred requests' objects, felt in their p99."""

log = logging.getLogger("pontlevis.gateway")


class Worker:
    """Everything of one gateway process, put together."""

    def __init__(self, settings: Settings, *, number: int, pepper: Peppers, sockets: Path) -> None:
        self.settings = settings
        workers = settings.gateway.workers
        rng = random.Random()  # noqa: S311 - jitter and request ids, no secrets
        now = time.monotonic
        self.directory = Directory(CredentialCodec(pepper, time.time()))
        self._limits = replace(settings.admission)
        self.engines: dict[str, Engine] = {}
        for each in settings.engines:
            engine = make_engine(each, settings.gateway, now)
            self.engines[engine.name] = engine
        self.outbox = Outbox(settings.data / "usage", most_bytes=settings.gateway.usage_backlog_bytes)
        self.admission: Admission | None = None
        """None where it is a process of its own."""
        self._admission_link: AdmissionLink | None = None
        port: AdmissionPort
        if workers == 1:
            port = self.admission = Admission(self._limits, enabled=settings.defence, rng=rng)
        else:
            port = remote = RemoteAdmission(
                self._limits,
                self.engines,
                enabled=settings.defence,
                number=number,
                workers=workers,
                wake=lambda: link.wake(),
                on_familiar=lambda source: self.core.known_sources.learn(source),
            )
            link = self._admission_link = AdmissionLink(
                sockets / ADMISSION_SOCKET,
                remote,
                lambda command: self.core.carry_out(command),
                now,
                settings.gateway.admission_silence_s,
            )
        policy = of_one_worker(settings.gateway)
        self.recorder = Recorder(number, policy)
        controller = Server(
            unix=str(sockets / "pages.sock"),
            most=policy.page_slots,
            connect_timeout_s=policy.engine_connect_timeout_s,
            clock=now,
        )
        self.core = Core(
            settings,
            self.directory,
            port,
            self.engines,
            self.recorder,
            controller,
            rng,
            RefusalCodec(pepper.newest.secret, number, workers),
            number,
        )
        if self._admission_link is not None:
            self.core.known_sources.on_new = self._admission_link.remote.met
        self.date = DateHeader()
        self.connections = Connections(self.core, policy, self.date, settings.trusted_proxies)
        self.connections.is_known = self.core.known_sources.__contains__
        hello = Hello(number, os.getpid(), __version__)
        self._link = ControllerLink(sockets / "link.sock", hello, self._heard, self.outbox)
        self._stopping = asyncio.Event()
        self.core.tracing = start_tracing(settings.tracing, process="pontlevis-gateway")

    async def run(self, listener: socket.socket) -> None:
        """Serves until told to stop."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._stopping.set)
        self._tick()
        loops = Loops(self._stopping)
        loops.start(self._link.keep(), self._send_batches(), self._sweep(), self._pump())
        if self.admission is not None:
            loops.start(*(self._watch(engine, self.admission) for engine in self.engines.values()))
        if self._admission_link is not None:
            loops.start(self._admission_link.keep())
            # New connections go to the other workers meanwhile.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(JOIN_WAIT_S):
                    await self._admission_link.joined.wait()
        server = await loop.create_server(self.connections.factory, sock=listener, backlog=BACKLOG)
        # What lives as long as the process is never looked through again, and short-lived requests free
        # themselves by counting: the collector is left only what holds itself in a circle.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        log.info("gateway:worker:started pid=%d", os.getpid())
        await self._stopping.wait()
        server.close()
        self.connections.close_idle()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_GRACE_S):
                while self.core.exchanges:
                    await asyncio.sleep(PUMP_INTERVAL_S)
        self._send_batch(None)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_GRACE_S):
                while self.outbox and self._link.up:
                    await asyncio.sleep(PUMP_INTERVAL_S)
        try:
            await loops.end()
        finally:
            self.outbox.close()
        if self.core.tracing is not None:
            await asyncio.to_thread(self.core.tracing.close)

    # -- loops

    def _tick(self) -> None:
        self.connections.now = self.core.monotonic()
        self.date.update(self.core.unix())

    async def _pump(self) -> None:
        while True:
            await asyncio.sleep(PUMP_INTERVAL_S)
            self._tick()
            self.core.pump()

    async def _sweep(self) -> None:
        part = 0
        while True:
            await asyncio.sleep(1.0)
            part += 1
            self.connections.sweep(self.core.monotonic(), part % SWEEP_PARTS)
            self.core.sweep()
            self.directory.at(self.core.unix())
            self.core.pages.server.prune()
            for engine in self.engines.values():
                engine.server.prune()

    async def _watch(self, engine: Engine, admission: Admission) -> None:
        await watch(
            engine,
            admission,
            interval_s=self.settings.gateway.health_interval_s,
            clock=self.core.monotonic,
            probed=self.core.pump,
        )

    def _heard(self, message: Changes | Cut) -> None:
        if isinstance(message, Changes):
            self.directory.apply(message)
            self.core.known_sources.learn_homes(message.accounts)
            if message.admission is not None:
                adopt(self._limits, message.admission)
            changed = message.posture is not None or message.admission is not None
            if changed and self.admission is not None:
                self.admission.set_posture(self.directory.posture, self.core.monotonic())
        else:
            self.core.cut(message.accounts, message.credentials, message.reason)

    async def _send_batches(self) -> None:
        interval = self.settings.gateway.batch_interval_s
        turn = 0
        sampled = self.core.monotonic()
        while True:
            await asyncio.sleep(interval)
            turn += 1
            sample = None
            if self.admission is not None and turn % SAMPLE_EVERY == 0:
                now = self.core.monotonic()
                sample = self.admission.sample(now, now - sampled)
                sample = msgspec.structs.replace(sample, at=self.core.unix())
                sampled = now
            self._send_batch(sample)

    def _send_batch(self, sample: ServiceSample | None) -> None:
        self.outbox.put(self.recorder.take_usage())
        self._link.send_usage()
        self._link.send(self.recorder.take(self.core.unix(), sample, self.core.take_refusals()))


def bind(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """The public listener's socket; ``shared`` between workers, whose connections the kernel spreads.

    Raises ``OSError`` when the address is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.setblocking(False)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


def run(settings: Settings, *, number: int, pepper: Peppers, sockets: Path) -> None:
    """Serves in this process until it is told to stop."""
    listener = bind(settings.host, settings.port, shared=settings.gateway.workers > 1)
    uvloop.run(_run(settings, number, pepper, sockets, listener))


async def _run(
    settings: Settings, number: int, pepper: Peppers, sockets: Path, listener: socket.socket
) -> None:
    await Worker(settings, number=number, pepper=pepper, sockets=sockets).run(listener)
