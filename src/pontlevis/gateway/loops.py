"""The loops that a process lives by: when one breaks the process ends, and the supervisor starts another.

Whoever went on without one would serve without time-outs, or without telling the controller anything.
"""

import asyncio
import logging
from collections.abc import Coroutine

log = logging.getLogger("pontlevis.gateway")


class Loops:
    """Started together, ended together; ``stopping`` is set when one breaks."""

    def __init__(self, stopping: asyncio.Event) -> None:
        self._stopping = stopping
        self._tasks: list[asyncio.Task[None]] = []
        self._broken: BaseException | None = None

    def start(self, *loops: Coroutine[object, object, None]) -> None:
        for each in loops:
            task = asyncio.create_task(each)
            task.add_done_callback(self._ended)
            self._tasks.append(task)

    async def end(self) -> None:
        """Cancels all. Raises ``RuntimeError`` where one had broken before."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._broken is not None:
            raise RuntimeError("a loop broke") from self._broken

    def _ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None and self._broken is None:
            self._broken = error
            log.critical("gateway:loop:broken %s", task.get_name(), exc_info=error)
            self._stopping.set()
