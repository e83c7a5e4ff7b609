"""What detection has learned, kept over a restart."""

import logging
from collections.abc import Callable

import msgspec

from pontlevis.brain.detection.detection import Detection, DetectionState
from pontlevis.storage.database import Database
from pontlevis.storage.tables.control import DetectionMemoryRow

KEEP_EVERY_S = 300.0  # at most this much is learned anew after kill -9

log = logging.getLogger("pontlevis.controller")


class Memory:
    """One row: what is usual, and who was served well in the last hour."""

    def __init__(self, database: Database, detection: Detection, clock: Callable[[], float]) -> None:
        self._database = database
        self._detection = detection
        self._clock = clock

    async def restore(self) -> None:
        """Takes up what was kept; of another version, or broken, nothing. Before the first observation."""
        async with self._database.session() as session:
            row = await session.get(DetectionMemoryRow, 1)
        if row is None:
            return
        now = self._clock()
        try:
            state = msgspec.msgpack.decode(row.state, type=DetectionState)
        except msgspec.DecodeError as error:
            log.warning("detection:memory:unreadable %s; it learns anew", error)
            return
        self._detection.restore(state, now)
        log.info(
            "detection:memory:restored %.0f s old, %.1f days learned",
            now - state.at,
            self._detection.baseline.days,
        )

    async def keep(self) -> None:
        """Writes it down; call every few minutes and before the end."""
        now = self._clock()
        state = msgspec.msgpack.encode(self._detection.state(now))
        async with self._database.session() as session:
            await session.merge(DetectionMemoryRow(id=1, state=state, updated_at=now))
