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
from pontlevis.brain.refusal_note import RefusalCodec
from pontlevis.brain.setting import adopt
from pontlevis.config import Settings
from pontlevis.gateway.answers import DateHeader
from pontlevis.gateway.core import Core
from pontlevis.gateway.directory import Directory
from pontlevis.gateway.engines import Engine, make_engine, probe_metrics, probe_models
from pontlevis.gateway.http import SWEEP_PARTS, Connections
from pontlevis.gateway.recorder import Recorder
from pontlevis.gateway.upstream import Server
from pontlevis.link.messages import Ack, Changes, Hello
from pontlevis.link.stream import LinkBroken, frame, read_from_controller

PUMP_INTERVAL_S = 0.05  # choice: queue deadlines are seconds, so a twentieth is exact enough
SAMPLE_EVERY = 4  # batches; with the default batch interval once a second
RECONNECT_S = 0.25
PROBE_TIMEOUT_S = 3.0
STOP_GRACE_S = 5.0
BACKLOG = 4096  # connections that may wait for accept; the kernel's somaxconn

GC_THRESHOLDS = (10_000, 20, 20)
"""Python's own are (700, 10, 10): a collection every few hundred requests' objects, felt in their p99."""

log = logging.getLogger("pontlevis.gateway")


class Worker:
    """Everything of one gateway process, put together."""

    def __init__(self, settings: Settings, *, number: int, pepper: bytes, sockets: Path) -> None:
        self.settings = settings
        self.number = number
        self._link_path = sockets / "link.sock"
        rng = random.Random()  # noqa: S311 - jitter and request ids, no secrets
        now = time.monotonic
        self.directory = Directory(CredentialCodec(pepper))
        self._limits = replace(settings.admission)
        self.admission = Admission(self._limits, enabled=settings.defence, rng=rng)
        self.engines: dict[str, Engine] = {}
        for each in settings.engines:
            engine = make_engine(each, settings.gateway, now)
            self.engines[engine.name] = engine
        self.recorder = Recorder(number, settings.gateway)
        controller = Server(
            unix=str(sockets / "pages.sock"),
            most=settings.gateway.page_slots,
            connect_timeout_s=settings.gateway.engine_connect_timeout_s,
            clock=now,
        )
        self.core = Core(
            settings,
            self.directory,
            self.admission,
            self.engines,
            self.recorder,
            controller,
            rng,
            RefusalCodec(pepper),
        )
        self.date = DateHeader()
        self.connections = Connections(self.core, settings.gateway, self.date)
        self._link: asyncio.StreamWriter | None = None
        self._stopping = asyncio.Event()

    async def run(self, listener: socket.socket) -> None:
        """Serves until told to stop."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._stopping.set)
        self._tick()
        tasks = [asyncio.create_task(self._watch(engine)) for engine in self.engines.values()]
        tasks.append(asyncio.create_task(self._keep_link()))
        tasks.append(asyncio.create_task(self._send_batches()))
        tasks.append(asyncio.create_task(self._sweep()))
        tasks.append(asyncio.create_task(self._pump()))
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
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

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
            self.core.pages.server.prune()
            for engine in self.engines.values():
                engine.server.prune()

    async def _watch(self, engine: Engine) -> None:
        """Probes one engine for ever."""
        interval = self.settings.gateway.health_interval_s
        was_up: bool | None = None
        while True:
            await probe_models(engine, PROBE_TIMEOUT_S)
            now = self.core.monotonic()
            self.admission.set_engine(engine.name, frozenset(engine.models), engine.up, now)
            if engine.up is not was_up:
                was_up = engine.up
                if engine.up:
                    log.info("gateway:engine:up %s models=%d", engine.name, len(engine.models))
                else:
                    log.warning("gateway:engine:down %s (%s)", engine.name, engine.error)
            metrics = await probe_metrics(engine, PROBE_TIMEOUT_S)
            if metrics is not None:
                self.admission.engine_metrics(
                    engine.name,
                    running=metrics.running,
                    waiting=metrics.waiting,
                    kv_usage=metrics.kv_usage,
                    now=self.core.monotonic(),
                )
            self.core.pump()
            await asyncio.sleep(interval)

    async def _keep_link(self) -> None:
        """Holds the connection to the controller; goes on with what is known while it is away."""
        lost = False
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(str(self._link_path))
            except OSError:
                await asyncio.sleep(RECONNECT_S)
                continue
            try:
                writer.write(frame(Hello(self.number, os.getpid(), __version__)))
                self._link = writer
                if lost:
                    log.info("gateway:link:restored")
                while True:
                    message = await read_from_controller(reader)
                    if isinstance(message, Changes):
                        self.directory.apply(message)
                        self.core.learn_sources(message.accounts)
                        if message.admission is not None:
                            adopt(self._limits, message.admission)
                        if message.posture is not None or message.admission is not None:
                            self.admission.set_posture(self.directory.posture, self.core.monotonic())
                    else:
                        self.core.cut(message.accounts, message.credentials, message.reason)
                    writer.write(frame(Ack(message.number)))
            except LinkBroken as error:
                lost = True
                log.warning("gateway:link:lost %s; going on with what is known", error)
            finally:
                self._link = None
                writer.close()
            await asyncio.sleep(RECONNECT_S)

    async def _send_batches(self) -> None:
        interval = self.settings.gateway.batch_interval_s
        turn = 0
        sampled = self.core.monotonic()
        while True:
            await asyncio.sleep(interval)
            turn += 1
            sample = None
            if turn % SAMPLE_EVERY == 0:
                now = self.core.monotonic()
                sample = self.admission.sample(now, now - sampled)
                sample = msgspec.structs.replace(sample, at=self.core.unix())
                sampled = now
            self._send_batch(sample)

    def _send_batch(self, sample: ServiceSample | None) -> None:
        link = self._link
        batch = self.recorder.take(self.core.unix(), sample)
        if link is None or link.is_closing() or link.transport.get_write_buffer_size() > 8_388_608:
            # Observations of a time without a controller are of no use later; what was used must be charged.
            self.recorder.put_back(batch.usage)
            return
        link.write(frame(batch))


def bind(host: str, port: int) -> socket.socket:
    """The public listener's socket. Raises ``OSError`` when the address is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.setblocking(False)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


def run(settings: Settings, *, number: int, pepper: bytes, sockets: Path) -> None:
    """Serves in this process until it is told to stop."""
    listener = bind(settings.host, settings.port)
    uvloop.run(_run(settings, number, pepper, sockets, listener))


async def _run(
    settings: Settings, number: int, pepper: bytes, sockets: Path, listener: socket.socket
) -> None:
    await Worker(settings, number=number, pepper=pepper, sockets=sockets).run(listener)
