"""The machine under a service: files, modes, listeners, disk, clock, database, engines."""

import asyncio
import os
import resource
import shutil
import stat
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import httpx
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from pontlevis.config import EngineSettings, Settings
from pontlevis.controller.children import WANTED_FILES
from pontlevis.doctor.check import Check, failed, ok, warn
from pontlevis.runtime import PEPPER_BYTES, DataDirectory
from pontlevis.storage.database import Database
from pontlevis.storage.migrate import config as alembic_config

MIB = 1_048_576
LEAST_FREE_MIB = 256
ROOMY_FREE_MIB = 2_048
FEWEST_FILES = 4_096
OLDEST_CLOCK = datetime(2025, 1, 1, tzinfo=UTC).timestamp()
"""A clock before this one is not set."""
AHEAD_S = 60.0
ENGINE_TIMEOUT_S = 3.0
DATABASE_TIMEOUT_S = 5.0


def check_machine(settings: Settings, now: float) -> Iterator[Check]:
    """All that is seen without asking anybody. ``now``: Unix seconds."""
    directory = DataDirectory(settings.data)
    yield from _data(directory)
    yield _pepper(directory)
    yield from _listeners(settings)
    yield _disk(directory.path, settings)
    yield _clock(directory, now)
    yield _files()


async def check_services(settings: Settings) -> AsyncIterator[Check]:
    """The database and the engines, each for a few seconds at most."""
    yield await _database(settings)
    async with httpx.AsyncClient(timeout=ENGINE_TIMEOUT_S, trust_env=False) as client:
        for check in await asyncio.gather(*(_engine(client, each) for each in settings.engines)):
            yield check
    if not settings.engines:
        yield warn(
            "engines",
            "No engine is named: `pontlevis up` starts the simulator, `pontlevis serve` refuses to start.",
            "Name one with --engine URL or [[engines]].",
        )


def _data(directory: DataDirectory) -> Iterator[Check]:
    path = directory.path
    if not path.exists():
        yield ok("data", f"{path} is not there yet; it is made at the first start.")
        return
    try:
        found = [path, *path.rglob("*")]
        open_ = [each for each in found if not each.is_symlink() and each.stat().st_mode & 0o077]
    except OSError as error:
        yield failed("data", f"{path} cannot be read: {error.strerror}.", "Run this as the service's user.")
        return
    if open_:
        names = ", ".join(str(each) for each in open_[:3]) + (" …" if len(open_) > 3 else "")
        yield failed(
            "data.modes",
            f"{len(open_)} files are open to other users: {names}.",
            f"chmod -R go-rwx {path}",
        )
    elif not os.access(path, os.W_OK):
        yield failed("data", f"{path} cannot be written.", "Run this as the service's user.")
    else:
        yield ok("data", f"{path} is private to its owner.")


def _pepper(directory: DataDirectory) -> Check:
    file = directory.path / "pepper"
    try:
        length = len(file.read_bytes())
    except FileNotFoundError:
        if directory.database.exists():
            return failed(
                "pepper",
                f"{file} is missing though there is a database: no key, session or password of it can be checked.",
                "Restore it from a backup before the service starts and makes another one.",
            )
        return ok("pepper", "It is made at the first start. Back it up apart from the database.")
    except OSError as error:
        return failed(
            "pepper", f"{file} cannot be read: {error.strerror}.", "Run this as the service's user."
        )
    if length < PEPPER_BYTES:
        return failed("pepper", f"{file} is damaged: {length} bytes.", "Restore it from a backup.")
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & 0o077:
        return failed("pepper", f"{file} is open to other users (mode {mode:o}).", f"chmod 600 {file}")
    try:
        newest = directory.peppers().newest
    except (OSError, ValueError) as error:
        return failed("pepper", f"{error}.", "Restore pepper and peppers from one backup.")
    if newest.made_at is None:
        return ok("pepper", "The pepper is whole and private, and has never been rotated.")
    age = max(0.0, time.time() - newest.made_at) / 86_400.0
    return ok("pepper", f"The pepper is whole and private, and {age:.0f} days old.")


def _listeners(settings: Settings) -> Iterator[Check]:
    if _is_loopback(settings.operator_host):
        yield ok("operator", f"The operator's listener is on {settings.operator_host}.")
    else:
        yield failed(
            "operator",
            f"The operator's listener is on {settings.operator_host}, which others may reach: console, metrics and "
            "API over plain HTTP.",
            "Set operator_host to 127.0.0.1 and reach it through SSH or a VPN.",
        )
    if settings.port == settings.operator_port and settings.host == settings.operator_host:
        yield failed("ports", "Both listeners have the same port.", "Change port or operator_port.")
    public = not _is_loopback(settings.host)
    if public and not settings.public_url.startswith("https://"):
        yield warn(
            "public_url",
            f"The service listens on {settings.host} and public_url is no https address.",
            "Put a proxy with TLS before it and set public_url.",
        )
    if "0.0.0.0/0" in settings.trusted_proxies or "::/0" in settings.trusted_proxies:
        yield failed(
            "trusted_proxies",
            "Everybody's X-Forwarded-For is believed: whoever attacks chooses their address.",
            "Name your proxies only.",
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _disk(path: Path, settings: Settings) -> Check:
    place = path
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free // MIB
    wanted = ROOMY_FREE_MIB + (settings.journal.most_mib if settings.journal.enabled else 0)
    if free < LEAST_FREE_MIB:
        return failed(
            "disk", f"{free} MiB are free under {place}.", "Make room: the database stops when it is full."
        )
    if free < wanted:
        return warn(
            "disk",
            f"{free} MiB are free under {place}; {wanted} would be good.",
            "Make room, or lower journal.most_mib.",
        )
    return ok("disk", f"{free} MiB are free.")


def _clock(directory: DataDirectory, now: float) -> Check:
    if now < OLDEST_CLOCK:
        return failed(
            "clock", "The clock is not set.", "Start time synchronisation (chrony, systemd-timesyncd)."
        )
    newest = max((each.stat().st_mtime for each in directory.path.glob("*") if each.is_file()), default=0.0)
    if newest > now + AHEAD_S:
        return failed(
            "clock",
            f"Files of the service are {newest - now:.0f} s younger than now: the clock went back.",
            "Set it; bans, sessions and recovery count in it.",
        )
    return ok("clock", "The clock is ahead of all that was written.")


def _files() -> Check:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < FEWEST_FILES:
        return failed(
            "files", f"{hard} open files are allowed: as many connections.", "Raise LimitNOFILE to 65536."
        )
    if hard != resource.RLIM_INFINITY and hard < WANTED_FILES:
        return warn("files", f"{hard} open files are allowed.", "Raise LimitNOFILE to 65536.")
    return ok("files", "Enough open files are allowed.")


async def _database(settings: Settings) -> Check:
    directory = DataDirectory(settings.data)
    if not settings.database_url and not directory.database.exists():
        return ok("database", "It is made at the first start.")
    database = (
        Database(settings.database_url) if settings.database_url else Database.in_directory(directory.path)
    )
    try:
        async with asyncio.timeout(DATABASE_TIMEOUT_S):
            async with database.engine.connect() as connection:
                current = await connection.run_sync(_revision)
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        said = str(error).splitlines()[0] if str(error) else "no answer within five seconds"
        return failed("database", f"It cannot be reached: {said}", "Start it, or correct database_url.")
    finally:
        await database.close()
    scripts = ScriptDirectory.from_config(alembic_config())
    newest = scripts.get_current_head()
    if current == newest:
        return ok("database", f"It answers and is migrated ({current}).")
    if current is None:
        return warn(
            "database", "It answers and is empty.", "Nothing: the service makes its tables at the start."
        )
    known = {each.revision for each in scripts.walk_revisions()}
    if current not in known:
        return failed(
            "database",
            f"It was written by a newer version ({current}).",
            "Start that version, or restore a backup.",
        )
    return warn(
        "database", f"It is at {current}, this version wants {newest}.", "Back it up; the start migrates it."
    )


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


async def _engine(client: httpx.AsyncClient, engine: EngineSettings) -> Check:
    name = f"engine {engine.url}"
    url = engine.url.rstrip("/").removesuffix("/v1") + "/v1/models"
    headers = {"authorization": f"Bearer {engine.api_key}"} if engine.api_key else {}
    began = time.monotonic()
    try:
        answer = await client.get(url, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return failed(
            name, f"It does not answer: {error or type(error).__name__}.", "Start it, or correct its address."
        )
    took = time.monotonic() - began
    if answer.status_code in (401, 403):
        return failed(name, f"It refuses our key ({answer.status_code}).", "Set api_key of this engine.")
    try:
        models = [str(each["id"]) for each in answer.json()["data"]]
    except (ValueError, KeyError, TypeError):
        return failed(
            name, f"It answers {answer.status_code} to /v1/models, and no list.", "Is it OpenAI-compatible?"
        )
    if not models:
        return warn(name, "It answers and has no model.", "Load one.")
    return ok(name, f"It answers in {took * 1000:.0f} ms and serves {', '.join(models[:3])}.")
