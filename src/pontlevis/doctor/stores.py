"""Asks databases, as a stranger would, whether they let anybody in: no password, no data, a few bytes each.

In January 2025 an AI assistant's chat logs and API secrets stood in a ClickHouse on ports 8123 and 9000 that
answered without a password (Wiz Research, 29 January 2025); Redis and PostgreSQL leak the same way.
"""

import asyncio
import contextlib
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

PROBE_S = 2.0
MOST_BYTES = 4_096


class Door(StrEnum):
    """What a stranger finds."""

    SILENT = "silent"
    """Nothing listens, or it speaks something else."""
    LOCKED = "locked"
    OPEN = "open"


Probe = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[Door]]


@dataclass(frozen=True, slots=True)
class Store:
    """A kind of database and its usual port."""

    name: str
    port: int
    probe: Probe


async def knock(host: str, port: int, probe: Probe) -> Door:
    """Tries one door for ``PROBE_S`` at most."""
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(PROBE_S):
            reader, writer = await asyncio.open_connection(host, port, limit=MOST_BYTES)
            return await probe(reader, writer)
    except (OSError, TimeoutError, asyncio.IncompleteReadError, ValueError):
        return Door.SILENT
    finally:
        if writer is not None:
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(PROBE_S):
                    await writer.wait_closed()


async def redis(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Door:
    """``PING`` (also of Valkey, KeyDB, Dragonfly)."""
    writer.write(b"PING\r\n")
    await writer.drain()
    said = await reader.readline()
    if said.startswith(b"+PONG"):
        return Door.OPEN
    return Door.LOCKED if said.startswith((b"-NOAUTH", b"-DENIED", b"-NOPERM")) else Door.SILENT


async def postgresql(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Door:
    """A startup message as ``postgres``: "R" with 0 is "come in" (``trust`` in pg_hba.conf)."""
    body = struct.pack(">I", 196_608) + b"user\0postgres\0database\0postgres\0\0"
    writer.write(struct.pack(">I", len(body) + 4) + body)
    await writer.drain()
    kind = await reader.readexactly(1)
    if kind == b"E":
        return Door.LOCKED
    if kind != b"R":
        return Door.SILENT
    _, asked = struct.unpack(">II", await reader.readexactly(8))
    return Door.OPEN if asked == 0 else Door.LOCKED


async def clickhouse_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Door:
    """``SELECT 1`` as the default user."""
    writer.write(b"GET /?query=SELECT%201 HTTP/1.0\r\nHost: localhost\r\n\r\n")
    await writer.drain()
    said = await reader.read(MOST_BYTES)
    head, _, body = said.partition(b"\r\n\r\n")
    if b"clickhouse" not in head.lower():
        return Door.SILENT
    return Door.OPEN if b" 200" in head.split(b"\r\n")[0] and body.strip() in (b"1", b"") else Door.LOCKED


async def clickhouse_native(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Door:
    """The client's hello as the default user without a password: 0 is the server's hello, 2 an exception."""

    def text(said: bytes) -> bytes:
        return bytes([len(said)]) + said

    revision = b"\xa9\xa8\x03"  # 54,313 as a variable-length number: old enough for every server
    writer.write(
        b"\x00" + text(b"doctor") + b"\x01\x00" + revision + text(b"") + text(b"default") + text(b"")
    )
    await writer.drain()
    kind = await reader.readexactly(1)
    if kind == b"\x02":
        return Door.LOCKED
    length = (await reader.readexactly(1))[0] if kind == b"\x00" else 0
    name = await reader.readexactly(length) if 0 < length < 128 else b""
    return Door.OPEN if name.startswith(b"ClickHouse") else Door.SILENT


STORES = (
    Store("PostgreSQL", 5432, postgresql),
    Store("Redis", 6379, redis),
    Store("ClickHouse", 8123, clickhouse_http),
    Store("ClickHouse (native)", 9000, clickhouse_native),
)
