"""Open doors are found by knocking at real listeners on loopback; secrets and backups by looking at real files."""

import asyncio
import socket
import tarfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from pontlevis.accounts.mail.policy import MailPolicy
from pontlevis.accounts.sealing import KeyFiles
from pontlevis.config import EngineSettings, Settings
from pontlevis.doctor.check import Check, Level
from pontlevis.doctor.leaks import check_leaks, check_secrets, listening_widely
from pontlevis.doctor.stores import (
    STORES,
    Door,
    Store,
    clickhouse_http,
    clickhouse_native,
    knock,
    postgresql,
    redis,
)
from ports import free_port
from postgresql_server import postgresql_server

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listener(said: bytes) -> AsyncIterator[int]:
    """Something on loopback that answers whatever is sent with these bytes."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1_024)
        writer.write(said)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


CLICKHOUSE = b"HTTP/1.0 200 OK\r\nX-ClickHouse-Format: TabSeparated\r\n\r\n1\n"


@pytest.mark.parametrize(
    ("probe", "said", "door"),
    [
        (redis, b"+PONG\r\n", Door.OPEN),
        (redis, b"-NOAUTH Authentication required.\r\n", Door.LOCKED),
        (redis, b"-DENIED Redis is running in protected mode\r\n", Door.LOCKED),
        (redis, b"HTTP/1.1 400 Bad Request\r\n", Door.SILENT),
        (postgresql, b"R\0\0\0\x08\0\0\0\0", Door.OPEN),
        (postgresql, b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0", Door.LOCKED),
        (postgresql, b"E\0\0\0\x30SFATAL", Door.LOCKED),
        (postgresql, b"SSH-2.0-OpenSSH_9.7\r\n", Door.SILENT),
        (clickhouse_http, CLICKHOUSE, Door.OPEN),
        (clickhouse_http, b"HTTP/1.0 403 Forbidden\r\nX-ClickHouse-Exception-Code: 516\r\n\r\nDenied", Door.LOCKED),
        (clickhouse_http, b"HTTP/1.0 200 OK\r\n\r\n1", Door.SILENT),
        (clickhouse_native, b"\x00\x0aClickHouse\x18\x08", Door.OPEN),
        (clickhouse_native, b"\x02\x04\x02\0\0", Door.LOCKED),
        (clickhouse_native, b"\x00\x03SSH", Door.SILENT),
    ],
)  # fmt: skip
async def test_each_kind_of_door(
    probe: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[Door]], said: bytes, door: Door
) -> None:
    """Open, locked, or something else altogether."""
    async with listener(said) as port:
        assert await knock("127.0.0.1", port, probe) is door


async def test_a_port_where_nothing_listens_is_silent() -> None:
    """No wait for it."""
    assert await knock("127.0.0.1", free_port(), redis) is Door.SILENT


async def checks_of(settings: Settings, *stores: Store) -> dict[str, Check]:
    return {each.name: each async for each in check_leaks(settings, stores)}


async def test_an_open_database_fails_and_names_itself(tmp_path: Path) -> None:
    """With what to do; a locked one passes."""
    settings = Settings(data=tmp_path, port=free_port())
    async with listener(CLICKHOUSE) as port:
        found = await checks_of(settings, replace(STORES[2], port=port))
        assert found["stores"].level is Level.FAIL
        assert f"ClickHouse on 127.0.0.1:{port}" in found["stores"].says
    async with listener(b"-NOAUTH\r\n") as port:
        found = await checks_of(settings, replace(STORES[1], port=port))
        assert found["stores"].level is Level.OK


async def test_a_real_postgresql_that_trusts_everybody_is_found() -> None:
    """The wheel's server trusts whoever reaches its socket; a relay puts it on a loopback port."""
    with postgresql_server() as server:
        path = next(Path(server.url("x").partition("host=")[2]).glob(".s.PGSQL.*[0-9]"))

        async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            inner, out = await asyncio.open_unix_connection(str(path))
            out.write(await reader.read(1_024))
            writer.write(await inner.read(1_024))
            await writer.drain()
            for each in (out, writer):
                each.close()

        listening = await asyncio.start_server(relay, "127.0.0.1", 0)
        async with listening:
            port = listening.sockets[0].getsockname()[1]
            assert await knock("127.0.0.1", port, postgresql) is Door.OPEN


def test_a_listener_on_every_address_is_seen_and_one_on_loopback_is_not() -> None:
    """From the kernel's own table, without sending anything."""
    with socket.socket() as wide, socket.socket() as narrow:
        wide.bind(("", 0))
        narrow.bind(("127.0.0.1", 0))
        for each in (wide, narrow):
            each.listen()
        found = listening_widely()
        assert wide.getsockname()[1] in found
        assert narrow.getsockname()[1] not in found


class _Everything(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's own name
        """Says nothing."""


async def test_metrics_on_the_public_port_are_found(tmp_path: Path) -> None:
    """A proxy that sends the public name to the operator's port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Everything)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        found = await checks_of(Settings(data=tmp_path, port=server.server_port))
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert found["public_port"].level is Level.FAIL
    assert "/metrics" in found["public_port"].says


def levels(settings: Settings) -> dict[str, Level]:
    return {each.name: each.level for each in check_secrets(settings)}


def test_default_secrets_are_named_and_not_shown(tmp_path: Path) -> None:
    """Of engines, the database and the mail server."""
    settings = Settings(
        data=tmp_path,
        database_url="postgresql+asyncpg://pontlevis:pontlevis@10.0.0.5/pontlevis",
        engines=(EngineSettings(url="http://127.0.0.1:9", api_key="sk-1234"),),
        mail=MailPolicy(host="127.0.0.1", username="u", password="changeme", sender="a@example.com"),
    )
    found = list(check_secrets(settings))
    names = {each.name for each in found if each.level is Level.FAIL}
    assert names == {"secrets.database_url", "secrets.engines[0].api_key", "secrets.mail.password"}
    assert not any(
        value in each.says + each.todo for each in found for value in ("sk-1234", "changeme", ":pontlevis@")
    )
    good = Settings(
        data=tmp_path,
        database_url="postgresql+asyncpg://pontlevis:4f1c09aa52be7d10@10.0.0.5/pontlevis",
        engines=(EngineSettings(url="http://127.0.0.1:9", api_key="9d81c0ffee"),),
    )
    assert levels(good)["secrets"] is Level.OK


def test_seal_keys_beside_a_backup_are_found(tmp_path: Path) -> None:
    """In the data directory, beside the keys, or packed together with them."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    settings = Settings(data=data)
    files = KeyFiles(data)
    files.make()
    (data / "pontlevis.db").write_bytes(b"x")
    assert levels(settings)["seal_keys"] is Level.OK
    backup = data / "pontlevis-2025-01-27.db.gz"
    backup.write_bytes(b"x")
    assert levels(settings)["seal_keys"] is Level.FAIL
    backup.unlink()
    with tarfile.open(tmp_path / "all.tar.gz", "w:gz") as packed:
        packed.add(data, "data")
    assert levels(settings)["seal_keys"] is Level.FAIL
    (tmp_path / "all.tar.gz").unlink()
    files.seal_file.chmod(0o644)
    assert levels(settings)["seal_keys"] is Level.FAIL


def test_the_look_up_keys_age_and_an_unfinished_rotation_are_told(tmp_path: Path) -> None:
    """Of one that was never rotated, too."""
    settings = Settings(data=tmp_path)
    files = KeyFiles(tmp_path)
    files.make()

    def said() -> tuple[Level, str]:
        (found,) = [each for each in check_secrets(settings) if each.name == "lookup_key"]
        return found.level, found.says

    assert said() == (Level.OK, "The look-up key is 0 days old.")
    files.prepare_lookup(1.0)
    assert said()[0] is Level.WARN
    assert "prepared" in said()[1]
    files.turn_lookup(1.0)
    assert said()[0] is Level.WARN
    assert "has not ended" in said()[1]
    files.drop_former_lookup()
    files.lookup_file.write_text(files.lookup_file.read_text().partition("@")[0])
    assert "never been rotated" in said()[1]
    files.lookup_file.write_text("x")
    assert said()[0] is Level.FAIL
