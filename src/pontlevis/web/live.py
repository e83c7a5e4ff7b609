"""The console's live feed: server-sent events, for a bounded number of listeners, that never pile up.

There is one frame, made once a second while anybody listens. Whoever reads slowly gets the newest frame when they
come to it, and never what they missed in between: nothing is queued for anybody.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from pontlevis.web.operator_overview import Digests, Overview, Overviews

MOST_LISTENERS = 32
"""Choice: a control room's screens; each costs a connection and a few kilobytes a second."""
BEAT_S = 15.0
"""WHATWG HTML, server-sent events: a comment every 15 seconds keeps proxies from closing the connection."""
RETRY_MS = 2_000
FRAME_S = 1.0
Still = Callable[[], Awaitable[bool]]

log = logging.getLogger("pontlevis.web")


class TooManyListeners(Exception):
    """All places are taken."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One second as the feed tells it."""

    number: int
    parts: dict[str, bytes]
    """Name of the event and its JSON."""

    @property
    def id(self) -> str:
        return str(self.number)


class Live:
    """The feed. ``series_step`` says which step of the plots is the newest one, so that pages know when to redraw."""

    def __init__(
        self, overviews: Overviews, series_step: Callable[[], int], *, most: int = MOST_LISTENERS
    ) -> None:
        self._overviews = overviews
        self._series_step = series_step
        self._most = most
        self._listeners = 0
        self._frame = Frame(0, {})
        self._fresh = asyncio.Event()
        self._making: asyncio.Task[None] | None = None

    @property
    def frame_id(self) -> str:
        """Of the newest frame."""
        return self._frame.id

    @property
    def listeners(self) -> int:
        return self._listeners

    def join(self) -> None:
        """Takes a place; ``leave`` gives it back. Raises ``TooManyListeners``."""
        if self._listeners >= self._most:
            raise TooManyListeners
        self._listeners += 1
        if self._making is None or self._making.done():
            self._making = asyncio.create_task(self._make())

    def leave(self) -> None:
        self._listeners -= 1
        if not self._listeners and self._making is not None:
            self._making.cancel()
            self._making = None

    async def follow(
        self, last_id: str, still: Still, *, beat_s: float = BEAT_S
    ) -> AsyncGenerator[bytes, None]:
        """Events for one listener, who has a place. ``last_id``: of the last event they saw; what has not changed
        since is not told again. Ends when ``still`` says that they may not listen any more."""
        yield b"retry: %d\n\n" % RETRY_MS
        loop = asyncio.get_running_loop()
        told = dict(self._frame.parts) if last_id and last_id == self._frame.id else {}
        asked = loop.time()
        seen = -1
        while True:
            frame = self._frame
            if frame.number != seen and frame.parts:
                seen = frame.number
                fresh = {name: data for name, data in frame.parts.items() if told.get(name) != data}
                if fresh:
                    told.update(fresh)
                    yield b"".join(
                        b"id: %b\nevent: %b\ndata: %b\n\n" % (frame.id.encode(), name.encode(), data)
                        for name, data in fresh.items()
                    )
            if loop.time() - asked >= beat_s:
                asked = loop.time()
                if not await still():
                    yield b"event: gone\ndata: {}\n\n"
                    return
                yield b": beat\n\n"
            with suppress(TimeoutError):
                async with asyncio.timeout(beat_s):
                    await self._fresh.wait()

    async def _make(self) -> None:
        while True:
            try:
                overview, digests = await self._overviews.overview(), self._overviews.digests()
                self._tell(overview, digests)
            except Exception:
                log.exception("console:frame:failed")
            await asyncio.sleep(FRAME_S)

    def _tell(self, overview: Overview, digests: Digests) -> None:
        parts = {
            "now": msgspec.json.encode(overview),
            "parts": msgspec.json.encode(digests),
            "step": msgspec.json.encode({"step": self._series_step()}),
        }
        self._frame = Frame(self._frame.number + 1, parts)
        self._fresh.set()
        self._fresh = asyncio.Event()
