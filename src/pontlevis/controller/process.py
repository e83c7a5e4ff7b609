"""The controller process: puts the rooms together and keeps them ticking."""

import asyncio
import contextlib
import gc
import logging
import os
import secrets
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from pontlevis.accounts.keeping import take_keys
from pontlevis.accounts.rooms import Site
from pontlevis.accounts.sealing import KeyFiles
from pontlevis.accounts.service import Accounts
from pontlevis.brain.credential import CredentialCodec
from pontlevis.brain.peppers import Peppers
from pontlevis.brain.refusal_note import RefusalCodec
from pontlevis.config import Settings
from pontlevis.controller.children import read_settings
from pontlevis.controller.evidence_room import BEAT_S as EVIDENCE_BEAT_S
from pontlevis.controller.guard import TICK_S, Guard
from pontlevis.controller.history_file import KEEP_EVERY_S as HISTORY_BEAT_S
from pontlevis.controller.history_file import NAME as HISTORY_NAME
from pontlevis.controller.history_file import HistoryFile
from pontlevis.controller.hub import Hub
from pontlevis.controller.memory import KEEP_EVERY_S
from pontlevis.controller.policy_reload import PolicyReload
from pontlevis.controller.telling import Telling
from pontlevis.controller.totals import MERGED
from pontlevis.controller.touched import JournalTouched
from pontlevis.controller.touched_by_both import TouchedByBoth
from pontlevis.controller.usage_desk import UsageDesk
from pontlevis.enforcement.book import DecisionBook, Protected
from pontlevis.evidence.journal import FOLDER
from pontlevis.evidence.store import FOLDER as STORE_FOLDER
from pontlevis.incidents.service import Incidents
from pontlevis.link.messages import Batch
from pontlevis.policy_file import BadPolicyFile
from pontlevis.storage.database import UNAVAILABLE, Database
from pontlevis.storage.migrate import upgrade
from pontlevis.storage.retention import sweep
from pontlevis.tracing import start_tracing
from pontlevis.web.context import WebContext
from pontlevis.web.operator import create_operator_app
from pontlevis.web.operator_names import learn_operators
from pontlevis.web.public import create_public_app
from pontlevis.web.status_copy import StatusCopy
from pontlevis.web.status_site import StatusSite

STANDING_REFRESH_S = 30.0
LETTER_BEAT_S = 1.0
WAITLIST_BEAT_S = 10.0
TIDY_BEAT_S = 60.0
TIDY_S = 3_600.0
NICENESS = 5  # password hashing and pages yield to the gateway when both want the same core

log = logging.getLogger("pontlevis.controller")


class _Server(uvicorn.Server):
    """A uvicorn server that leaves signals to us: two of them share one loop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Controller:
    """Everything of the controller process, put together."""

    def __init__(self, settings: Settings, *, pepper: Peppers, sockets: Path) -> None:
        self._refusals = RefusalCodec(pepper.newest.secret)
        self.settings = settings
        self._sockets = sockets
        self._stopping = asyncio.Event()
        url = settings.database_url
        self.database = Database(url) if url else Database.in_directory(settings.data)
        protected = Protected(settings.trusted_proxies)
        self.book = DecisionBook(self.database, protected, time.time)
        self.guard = Guard(settings, self.database, protected, self.book, time.time)
        self.accounts = Accounts(
            self.database,
            CredentialCodec(pepper, time.time()),
            settings.accounts,
            settings.standing,
            self.guard,
            self.guard,
            time.time,
            secrets.token_bytes,
            challenge=settings.challenge,
            mail=settings.mail,
            site=Site(settings.name, settings.base_url, settings.console_url),
            issuers=settings.oidc,
        )
        self.key_files = KeyFiles(settings.data, settings.safety.seal_keys)
        self.incidents = Incidents(self.database, settings.incidents, time.time, settings.name)
        self.guard.incidents = self.incidents
        self.telling = Telling(
            settings,
            self.accounts,
            self.incidents,
            lambda: self.guard.posture,
            key=CredentialCodec(pepper).secret_hash(b"subscribers"),
        )
        self.usage = UsageDesk(self.accounts.record_parcels)
        self.hub = Hub(
            parts=self.accounts.records,
            decisions=lambda: self.book.in_force,
            posture=lambda: self.guard.posture,
            admission=lambda: self.policy.running.admission,
            on_batch=self._on_batch,
            on_parcel=self.usage.take,
        )
        self.guard.hub = self.hub
        self.policy = PolicyReload(
            settings,
            read_settings(sockets / "unruled.json"),
            guard=self.guard,
            hub=self.hub,
            database=self.database,
            settings_file=sockets / "settings.json",
            clock=time.time,
        )
        self.history = HistoryFile(settings.data / HISTORY_NAME, self.guard.history, time.time)
        self._servers: list[_Server] = []
        self._reloading: asyncio.Task[None] | None = None

    async def _let_go(self) -> None:
        """Of peppers whose overlap is over."""
        self.accounts.codec.at(time.time())

    async def run(self) -> None:
        """Serves until told to stop."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._hang_up)
        await upgrade(self.database)
        preparing = self._sockets / "preparing"
        preparing.touch()  # the supervisor waits longer while it is there
        sealer = await take_keys(self.database, self.key_files)
        self.accounts.sealer, self.accounts.key_files = sealer, self.key_files
        preparing.unlink()
        await self.book.start()
        await self.history.read()
        await self.guard.start()
        await self.incidents.start()
        await self.accounts.start()
        await learn_operators(self.accounts)
        await self.telling.alerts.start()
        await self._leave_setup_link()
        context = WebContext(
            self.settings,
            self.accounts,
            self.incidents,
            self.guard,
            self._refusals,
            self.policy,
            self.telling.subscribers,
            self.telling.alerts,
            TouchedByBoth(
                JournalTouched(self.database, self.settings.data / FOLDER, time.time),
                self.database,
                self.settings.data / STORE_FOLDER,
                self.settings.investigation,
                time.time,
            ),
        )
        await self.hub.start(self._sockets / "link.sock")
        tracing = start_tracing(self.settings.tracing, process="pontlevis-controller")
        tick = tracing.every("tick", self.guard.tick) if tracing is not None else self.guard.tick
        tasks = [
            self._serve(create_public_app(context), _unix(self._sockets / "pages.sock")),
            self._serve(create_operator_app(context, trusted=True), _unix(self._sockets / "operator.sock")),
            self._serve(
                create_operator_app(context, trusted=False),
                _tcp(self.settings.operator_host, self.settings.operator_port),
            ),
            asyncio.create_task(_every(TICK_S, tick)),
            asyncio.create_task(_every(self.settings.knowledge.look_every_s, self.guard.library.look)),
            asyncio.create_task(_every(KEEP_EVERY_S, self.guard.memory.keep)),
            asyncio.create_task(_every(HISTORY_BEAT_S, self.history.keep)),
            asyncio.create_task(_every(EVIDENCE_BEAT_S, self.guard.evidence.beat)),
            asyncio.create_task(self.usage.run()),
            asyncio.create_task(_every(TIDY_S, lambda: self.accounts.forget_senders(time.time()))),
            asyncio.create_task(
                _every(STANDING_REFRESH_S, lambda: self.accounts.refresh_standings(time.time()))
            ),
            asyncio.create_task(_every(LETTER_BEAT_S, self.accounts.deliver)),
            asyncio.create_task(_every(WAITLIST_BEAT_S, self.accounts.invite_waiting)),
            asyncio.create_task(_every(TIDY_BEAT_S, self.accounts.tidy)),
            asyncio.create_task(_every(TICK_S, self._let_go)),
            asyncio.create_task(_every(TICK_S, self.telling.look)),
            asyncio.create_task(_every(LETTER_BEAT_S, self.telling.courier.deliver)),
            asyncio.create_task(_every(TIDY_BEAT_S, self.telling.subscribers.tidy)),
            asyncio.create_task(_every(TIDY_S, self._sweep)),
        ]
        if self.settings.status.export_dir is not None:
            copy = StatusCopy(StatusSite(context), self.settings.status.export_dir, time.time)
            tasks.append(asyncio.create_task(_every(TICK_S, copy.tick)))
        tasks.append(asyncio.create_task(_once(self.guard.library.look)))
        # What lives as long as the process is not looked through again in the middle of a tick.
        gc.collect()
        gc.freeze()
        log.info("controller:process:started pid=%d", os.getpid())
        await self._stopping.wait()
        for server in self._servers:
            server.should_exit = True
        await asyncio.wait(tasks[:3], timeout=3.0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # What cannot be written now stays in the gateways' journals.
        with contextlib.suppress(*UNAVAILABLE):
            await self.usage.flush()
        with contextlib.suppress(Exception):
            await self.guard.memory.keep()
        await self.history.keep()
        await self.telling.alerts.close()
        await self.hub.close()
        await asyncio.to_thread(self.guard.journal.close)
        with contextlib.suppress(*UNAVAILABLE):
            await self.guard.evidence.close()
        if tracing is not None:
            await asyncio.to_thread(tracing.close)
        await self.accounts.close()
        await self.database.close()

    async def _sweep(self) -> None:
        await sweep(self.database, self.settings.safety, time.time())

    def _serve(self, app: FastAPI, listener: socket.socket) -> asyncio.Task[None]:
        config = uvicorn.Config(
            app,
            http="httptools",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=2,
        )
        server = _Server(config)
        self._servers.append(server)
        return asyncio.create_task(server.serve(sockets=[listener]))

    def _hang_up(self) -> None:
        self._reloading = asyncio.create_task(self._reload())

    async def _reload(self) -> None:
        with contextlib.suppress(BadPolicyFile):
            await self.policy.reload(actor="SIGHUP", reason="asked for by signal")

    def _on_batch(self, batch: Batch) -> None:
        for observation in batch.observations:
            self.guard.observe(observation)
        self.guard.totals.evidence[MERGED] += batch.dropped
        for code, count in batch.refusals.items():
            self.guard.refusals[code] = self.guard.refusals.get(code, 0) + count
        if batch.sample is not None:
            self.guard.sample(batch.sample)

    async def _leave_setup_link(self) -> None:
        token = await self.accounts.first_operator_link()
        file = self._sockets / "setup-link"
        file.unlink(missing_ok=True)
        if token is not None:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as out:
                out.write(f"{self.settings.operator_url}/setup?token={token}\n")


async def _once(act: Callable[[], Awaitable[object]]) -> None:
    try:
        await act()
    except Exception:
        log.exception("controller:start:failed")


async def _every(interval_s: float, act: Callable[[], Awaitable[object]]) -> None:
    """Does ``act`` again and again, on a steady beat; an error is logged and the next beat tried."""
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        due = max(due + interval_s, loop.time() - interval_s)
        await asyncio.sleep(max(0.0, due - loop.time()))
        try:
            await act()
        except Exception:
            log.exception("controller:loop:failed")


def _unix(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    path.chmod(0o600)
    return listener


def _tcp(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    return listener


def run(settings: Settings, *, pepper: Peppers, sockets: Path) -> None:
    """Serves in this process until it is told to stop."""
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    uvicorn_loop(_run(settings, pepper, sockets))


def uvicorn_loop(main: Awaitable[None]) -> None:
    import uvloop

    async def awaited() -> None:
        await main

    uvloop.run(awaited())


async def _run(settings: Settings, pepper: Peppers, sockets: Path) -> None:
    await Controller(settings, pepper=pepper, sockets=sockets).run()
