"""The plots' figures on disk, so that a restart does not lose the day: a file of fixed size, one slot a step.

A step is always written to the slot that its time names, so the file is a ring that never grows, each write
is a few hundred bytes, and a write that was cut short loses that one step.
"""

import asyncio
import logging
import os
import stat
import struct
import sys
from array import array
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from zlib import crc32

from pontlevis.controller.history import COLUMNS, KEPT, KEPT_S, STEP_S, History, Step

NAME = "history.ring"
KEEP_EVERY_S = 5.0
"""Choice: a step's length; a crash loses the last one at most."""
_MAGIC = b"pontlevis history 1\n"
_SHAPE = blake2b(f"{sys.byteorder} {STEP_S} {KEPT} {' '.join(COLUMNS)}".encode(), digest_size=12).digest()
_HEAD = _MAGIC + _SHAPE
_PREFIX = struct.Struct("<dI")
"""End of the step (Unix seconds), and the CRC-32 of that and of the columns."""
SLOT_BYTES = _PREFIX.size + 4 * len(COLUMNS)
FILE_BYTES = len(_HEAD) + KEPT * SLOT_BYTES

log = logging.getLogger("pontlevis.controller")


class HistoryFile:
    """Reads a history back at the start and keeps what is new. ``clock``: Unix seconds."""

    def __init__(self, path: Path, history: History, clock: Callable[[], float]) -> None:
        self._path = path
        self._history = history
        self._clock = clock
        self._written = 0.0
        """The newest step that is on disk; it may have grown since."""
        self._failing = False

    async def read(self) -> int:
        """Puts what is kept of the last day into the history; how many steps. A file that is none is told and left
        to be written anew: plots are no reason not to start."""
        try:
            found, damaged = await asyncio.to_thread(self._read)
        except FileNotFoundError:
            return 0
        except (OSError, ValueError) as error:
            log.warning("controller:history:discarded %s: %s; the plots begin anew", self._path, error)
            await asyncio.to_thread(self._discard)
            return 0
        if damaged:
            log.warning("controller:history:damaged %s: %d steps were left out", self._path, damaged)
        self._history.resume(found)
        self._written = found[-1][0] if found else 0.0
        return len(found)

    async def keep(self) -> None:
        """Writes the steps that are new or have grown. A disk that fails is told once, and tried again."""
        steps = self._history.since(self._written)
        if not steps:
            return
        packed = [(_place(at), _packed(at, step)) for at, step in steps]
        try:
            await asyncio.to_thread(self._write, packed)
        except OSError as error:
            if not self._failing:
                log.warning("controller:history:unwritten %s: %s", self._path, error)
            self._failing = True
            return
        self._failing = False
        self._written = steps[-1][0]

    def _read(self) -> tuple[list[Step], int]:
        """The steps of the last day, oldest first, and how many slots were damaged."""
        descriptor = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ValueError("it is no file")
            content = file.read(FILE_BYTES + 1)
        if not content.startswith(_HEAD):
            raise ValueError(
                "it was written by another version" if content.startswith(_MAGIC[:17]) else "it is no history"
            )
        if len(content) > FILE_BYTES:
            raise ValueError("it is too long")
        now = self._clock()
        found: list[Step] = []
        damaged = 0
        for start in range(len(_HEAD), len(content), SLOT_BYTES):
            slot = content[start : start + SLOT_BYTES]
            if not any(slot):
                continue
            step = _unpacked(slot)
            if step is None:
                damaged += 1
            elif now - KEPT_S < step[0] <= now + STEP_S:
                found.append(step)
        return sorted(found, key=lambda each: each[0]), damaged

    def _write(self, packed: list[tuple[int, bytes]]) -> None:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            if os.pread(descriptor, len(_HEAD), 0) != _HEAD:
                os.ftruncate(descriptor, 0)
                os.fchmod(descriptor, 0o600)
                os.pwrite(descriptor, _HEAD, 0)
            for place, slot in packed:
                os.pwrite(descriptor, slot, place)
        finally:
            os.close(descriptor)

    def _discard(self) -> None:
        """Out of the way; a directory or what cannot be removed stays, and keeping says so."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("controller:history:unremoved %s: %s", self._path, error)


def _place(at: float) -> int:
    return len(_HEAD) + int(at / STEP_S) % KEPT * SLOT_BYTES


def _packed(at: float, step: "array[float]") -> bytes:
    columns = step.tobytes()
    return _PREFIX.pack(at, crc32(struct.pack("<d", at) + columns)) + columns


def _unpacked(slot: bytes) -> Step | None:
    """None for a slot that is not as it was written."""
    if len(slot) < SLOT_BYTES:
        return None
    at, check = _PREFIX.unpack_from(slot)
    columns = slot[_PREFIX.size :]
    if crc32(struct.pack("<d", at) + columns) != check:
        return None
    return at, array("f", columns)
