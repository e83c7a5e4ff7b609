"""Rendered bytes that stay fresh for a second, so that a flood of readers costs one rendering."""

import asyncio
from collections.abc import Awaitable, Callable

FRESH_S = 1.0


class FreshBytes:
    """By name; whoever asks while one is made waits for it. Names are the caller's own, so they are few."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._held: dict[str, tuple[float, bytes]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def get(self, name: str, make: Callable[[], Awaitable[bytes]]) -> bytes:
        """What ``make`` gave at most a second ago."""
        async with self._locks.setdefault(name, asyncio.Lock()):
            held = self._held.get(name)
            now = self._clock()
            # A clock that was set back must not keep an old page for hours.
            if held is None or not 0 <= now - held[0] < FRESH_S:
                held = (now, await make())
                self._held[name] = held
            return held[1]
