"""Thousands of streams that are open and say nothing: what each takes of the data path's memory."""

import asyncio
import gc
from itertools import chain

import uvloop

from bench.peer import Peer
from bench.process import rss_mib

PER_SOURCE = 200
"""Streams from one address; all of 127.0.0.0/8 is ours."""
AT_ONCE = 100
OPEN_S = 120.0
SETTLE_S = 1.0
_BODY = b'{"model":"bench","messages":[{"role":"user","content":"Wait."}],"stream":true,"user":"hold","max_tokens":10}'


def held_kib(peer: Peer, streams: int) -> float | None:
    """KiB a stream; None where the peer did not hold them all."""
    pids = list(chain.from_iterable([next(iter(peer.processes.values()))]))
    gc.collect()
    before = rss_mib(pids)
    during = uvloop.run(_hold(peer, streams, pids))
    return None if during is None else (during - before) * 1024 / streams


async def _hold(peer: Peer, streams: int, pids: list[int]) -> float | None:
    gate = asyncio.Semaphore(AT_ONCE)
    writers: list[asyncio.StreamWriter] = []
    more = "".join(f"{name}: {value}\r\n" for name, value in peer.headers.items()).encode()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer %b\r\ncontent-type: application/json\r\n%bcontent-length: %d\r\n\r\n" % (peer.keys[0].encode(), more, len(_BODY))  # fmt: skip

    async def one(number: int) -> bool:
        source = f"127.{40 + number // PER_SOURCE // 250}.{number // PER_SOURCE % 250}.1"
        async with gate:
            reader, writer = await asyncio.open_connection("127.0.0.1", peer.port, local_addr=(source, 0))
            writers.append(writer)
            writer.write(head + _BODY)
            return b"data:" in await reader.readuntil(b"data:")

    try:
        async with asyncio.timeout(OPEN_S):
            came = await asyncio.gather(*(one(each) for each in range(streams)), return_exceptions=True)
        await asyncio.sleep(SETTLE_S)
        return rss_mib(pids) if all(each is True for each in came) else None
    except TimeoutError:
        return None
    finally:
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(SETTLE_S)
