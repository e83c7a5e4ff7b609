"""What leaked in January 2025 and since: open databases, default secrets, keys beside backups, open metrics."""

import asyncio
import os
import socket
import stat
import tarfile
import time
import zipfile
from collections.abc import AsyncIterator, Iterator
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from pontlevis.accounts.lookup_keys import one_waits
from pontlevis.accounts.sealing import BadKeyFile, KeyFiles
from pontlevis.config import Settings
from pontlevis.doctor.check import Check, failed, ok, warn
from pontlevis.doctor.stores import STORES, Door, Store, knock

DEFAULTS = frozenset(
    {
        "", "1234", "12345", "123456", "admin", "change-me", "changeme", "default", "demo", "empty", "example", "letmein",
        "none", "pass", "password", "pontlevis", "postgres", "root", "secret", "sk-1234", "sk-xxx", "test", "token",
    }
)  # fmt: skip
"""Passwords and keys of examples, images and tutorials, in lower case."""
BACKUPS = (
    ".bak",
    ".backup",
    ".dump",
    ".sql",
    ".old",
    ".tar",
    ".tgz",
    ".zip",
    ".gz",
    ".zst",
    ".xz",
    ".sqlite",
    ".db",
)
LIVE = frozenset({"pontlevis.db"})
MOST_FILES = 10_000
OPERATORS_OWN = ("/metrics", "/api/decisions", "/api/audit", "/v1/decisions")
HTTP_S = 3.0
DAY_S = 86_400.0


def check_secrets(settings: Settings) -> Iterator[Check]:
    """Secrets that everybody knows, and keys that lie where the data lies. Names settings, never values."""
    known = [
        *(_default(f"engines[{number}].api_key", each.api_key) for number, each in enumerate(settings.engines) if each.api_key),
        *([_default("mail.password", settings.mail.password)] if settings.mail.host and settings.mail.username else []),
        _database_password(settings.database_url),
    ]  # fmt: skip
    found = [each for each in known if each is not None]
    yield from found
    if not found:
        yield ok("secrets", "No default secret is in use.")
    yield from _seal_keys(settings)


async def check_leaks(
    settings: Settings, stores: tuple[Store, ...] = STORES, *, running: str | None = None
) -> AsyncIterator[Check]:
    """Knocks at databases on this machine and on the hosts that the configuration names, and nowhere else.

    ``running``: the public address of the service that runs on the data directory, whatever the files say.
    """
    hosts = sorted({"127.0.0.1", *_configured_hosts(settings)})
    doors = [(host, store) for host in hosts for store in stores]
    found = await asyncio.gather(*(knock(host, store.port, store.probe) for host, store in doors))
    open_ = [
        f"{store.name} on {host}:{store.port}"
        for (host, store), door in zip(doors, found, strict=True)
        if door is Door.OPEN
    ]
    if open_:
        yield failed(
            "stores",
            f"Lets anybody in without a password: {', '.join(open_)}.",
            "Set a password, and let it listen on loopback or a private network only.",
        )
    else:
        yield ok("stores", f"No database on {', '.join(hosts)} lets a stranger in.")
    wide = [each for each in stores if any(port == each.port for port in listening_widely())]
    if wide:
        yield warn(
            "stores.listening",
            f"On every address of this machine listens: {', '.join(f'{each.name} ({each.port})' for each in wide)}.",
            "Bind it to 127.0.0.1 or a private address, or close the port in the firewall.",
        )
    async with httpx.AsyncClient(timeout=HTTP_S, trust_env=False) as client:
        yield await _public_port(client, running or _configured_address(settings))


def listening_widely(tables: tuple[Path, ...] = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))) -> set[int]:
    """Ports on which something of this machine listens on an address that is not loopback (Linux)."""
    found: set[int] = set()
    for table in tables:
        try:
            lines = table.read_text("ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            parts = line.split()
            if len(parts) > 3 and parts[3] == "0A":  # TCP_LISTEN
                address, _, port = parts[1].partition(":")
                if not _loopback(address):
                    found.add(int(port, 16))
    return found


def _loopback(address: str) -> bool:
    """The kernel writes addresses as 32-bit words in the machine's byte order."""
    words = [int(address[start : start + 8], 16) for start in range(0, len(address), 8)]
    return ip_address(b"".join(word.to_bytes(4, "little") for word in words)).is_loopback


def _default(name: str, value: str) -> Check | None:
    if value.strip().lower() not in DEFAULTS:
        return None
    return failed(
        f"secrets.{name}",
        f"{name} is empty or a default that everybody knows.",
        "Make one: openssl rand -hex 24",
    )


def _database_password(url: str) -> Check | None:
    if not url or url.startswith("sqlite"):
        return None
    try:
        made = make_url(url)
    except ArgumentError:
        return None
    if not made.host or made.host.startswith("/"):
        return None  # a Unix socket: the system knows who asks
    password = str(made.password or "")
    if password.lower() in DEFAULTS or password == made.username:
        return failed(
            "secrets.database_url",
            "The database's password is missing, a default, or its user's name.",
            "Make one: openssl rand -hex 24",
        )
    if _is_public(made.host):
        return warn(
            "database.address",
            "The database is on an address that the whole Internet may reach.",
            "Move it to a private network, and demand TLS.",
        )
    return None


def _seal_keys(settings: Settings) -> Iterator[Check]:
    files = KeyFiles(settings.data, settings.safety.seal_keys)
    if not files.there:
        yield ok("seal_keys", "They are made at the first start. Back them up apart from the database.")
        return
    for file in (files.seal_file, files.lookup_file, files.audit_file):
        if file.exists() and stat.S_IMODE(file.stat().st_mode) & 0o077:
            yield failed("seal_keys", f"{file} is open to other users.", f"chmod 600 {file}")
            return
    beside = _backups(settings.data, files)
    if beside:
        yield failed(
            "seal_keys",
            f"A backup of the database lies beside the keys that open it: {', '.join(map(str, beside[:3]))}.",
            "Move backups to another place than secrets/, with other rights; a thief of both reads every address.",
        )
        return
    yield ok("seal_keys", "They are private, and no backup of the database lies beside them.")
    yield _lookup_key(files)


def _lookup_key(files: KeyFiles) -> Check:
    """How old the key is by which addresses are found, and whether its rotation was left half-way."""
    try:
        keys = files.read_lookups()
    except BadKeyFile as error:
        return failed("lookup_key", f"{error}.", "Restore it from a backup.")
    if one_waits(keys):
        return warn(
            "lookup_key",
            "A new look-up key was prepared and is not used yet.",
            "Copy lookup.key to the other nodes, start them again, then: pontlevis secrets rotate lookup",
        )
    if len(keys) > 1:
        return warn(
            "lookup_key",
            "A rotation of the look-up key has not ended: the former one is still asked for.",
            "Where no other node uses it: pontlevis secrets rotate lookup",
        )
    made = keys[0].made_at
    if made is None:
        return ok("lookup_key", "The look-up key is from before ages were noted, and has never been rotated.")
    return ok("lookup_key", f"The look-up key is {max(0.0, time.time() - made) / DAY_S:.0f} days old.")


def _backups(data: Path, files: KeyFiles) -> list[Path]:
    """Backups in the keys' directories, and archives around the data directory that hold keys and database at once."""
    found = []
    for number, path in enumerate(_files_in({data, files.directory, files.seal_file.parent})):
        if number > MOST_FILES:
            break
        if path.name not in LIVE and any(part.lower() in BACKUPS for part in path.suffixes[-2:]):
            found.append(path)
    for path in _files_in({data.parent}):
        if path not in found and _holds_both(path):
            found.append(path)
    return sorted(found)


def _files_in(folders: set[Path]) -> Iterator[Path]:
    for folder in folders:
        try:
            with os.scandir(folder) as entries:
                yield from (Path(each.path) for each in entries if each.is_file(follow_symlinks=False))
        except OSError:
            continue


def _holds_both(path: Path) -> bool:
    """Whether an archive has the keys and the database in it; reads names only."""
    names: list[str] = []
    try:
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()[:MOST_FILES]
        elif any(each in (".tar", ".tgz") for each in path.suffixes):
            with tarfile.open(path) as packed:
                for member in packed:
                    names.append(member.name)
                    if len(names) >= MOST_FILES:
                        break
    except (OSError, tarfile.TarError, zipfile.BadZipFile, EOFError):
        return False
    ends = {Path(each).name for each in names}
    return "seal.keys" in ends and "pontlevis.db" in ends


def _configured_hosts(settings: Settings) -> Iterator[str]:
    for each in settings.engines:
        if host := urlsplit(each.url).hostname:
            yield host
    if settings.database_url and not settings.database_url.startswith("sqlite"):
        try:
            host = make_url(settings.database_url).host
        except ArgumentError:
            return
        if host and not host.startswith("/"):
            yield host


def _is_public(host: str) -> bool:
    try:
        return ip_address(host).is_global
    except ValueError:
        pass
    try:
        found = socket.getaddrinfo(host, None)
    except OSError:
        return False
    return any(ip_address(str(each[4][0]).partition("%")[0]).is_global for each in found)


def _configured_address(settings: Settings) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


async def _public_port(client: httpx.AsyncClient, address: str) -> Check:
    """Asks the service itself, where it runs, for what only operators may have."""
    answers = []
    try:
        for path in OPERATORS_OWN:
            answers.append((path, (await client.get(f"{address}{path}")).status_code))
    except (httpx.HTTPError, httpx.InvalidURL):
        return ok("public_port", f"No service answers at {address}: nothing was asked.")
    shown = [path for path, status in answers if status == 200]
    if shown:
        return failed(
            "public_port",
            f"The public port ({address}) answers {', '.join(shown)}, which only operators may see.",
            "Is a proxy sending the public name to the operator's port? Send it to the public one.",
        )
    return ok("public_port", f"Metrics, decisions and audit log are not on the public port ({address}).")
