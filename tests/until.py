"""Waiting for what must come, within one event loop."""

import asyncio
from collections.abc import Callable

from surroundings import PATIENCE_S


async def until(condition: Callable[[], bool]) -> None:
    """Returns when it holds; raises ``TimeoutError`` after two minutes."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.002)
