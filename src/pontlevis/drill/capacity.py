"""How much a real engine can serve, measured before a drill against it."""

import asyncio
import time
from urllib.parse import urlsplit

import httpx
import uvloop

from pontlevis.drill.client import LoadClient
from pontlevis.drill.fleet import DrillError, loopback
from pontlevis.drill.player import chat_body
from pontlevis.drill.scenario import Scenario
from pontlevis.simulation.load import honest_arrivals

MEASURED_S = 8.0
WARM_S = 2.0
PARALLEL = 16  # callers who never rest; engines that decode fewer at once queue the rest
PATIENCE_S = 60.0


def find_model(url: str) -> str:
    """The first model that the engine lists. Raises ``DrillError``."""
    parts = urlsplit(url)
    loopback(parts.hostname or "")
    base = url.rstrip("/").removesuffix("/v1")
    try:
        listed = httpx.get(f"{base}/v1/models", timeout=10.0, trust_env=False).json()["data"]
        return str(listed[0]["id"])
    except (httpx.HTTPError, ValueError, KeyError, IndexError, TypeError) as error:
        raise DrillError(f"the engine at {url} lists no model: {error}") from None


def measure(url: str, model: str, scenario: Scenario, seed: int) -> float:
    """Requests a second that the engine finishes of the honest load's lengths, when it always has work.

    Raises ``DrillError`` when it finishes none.
    """
    finished = uvloop.run(_measure(url, model, scenario, seed))
    if finished < 2:
        raise DrillError(
            f"the engine at {url} finished {finished} requests in {MEASURED_S:.0f} seconds; that is too few"
        )
    return finished / MEASURED_S


async def _measure(url: str, model: str, scenario: Scenario, seed: int) -> int:
    parts = urlsplit(url)
    client = LoadClient(parts.hostname or "127.0.0.1", parts.port or 80)
    path = f"{parts.path.rstrip('/').removesuffix('/v1')}/v1/chat/completions"
    lengths = honest_arrivals(seed, 1, 1_000.0, 1.0, shape=scenario.shape)
    begin = time.monotonic() + WARM_S
    finished = 0

    async def ask(first: int) -> None:
        nonlocal finished
        for number in range(first, 10**9, PARALLEL):
            each = lengths[number % len(lengths)]
            body = chat_body(model, each.input_tokens, each.output_tokens, simulated=False, salt=number)
            head = f"POST {path} HTTP/1.1\r\nhost: {parts.netloc}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
            answer = await client.send("127.0.0.1", head.encode() + body, PATIENCE_S)
            now = time.monotonic()
            if now >= begin + MEASURED_S:
                return
            if answer.status != 200:
                await asyncio.sleep(0.1)
            elif now >= begin:
                finished += 1

    tasks = [asyncio.create_task(ask(first)) for first in range(PARALLEL)]
    await asyncio.wait(tasks, timeout=WARM_S + MEASURED_S)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    client.close()
    return finished
