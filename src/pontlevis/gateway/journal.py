"""Frames kept in a file until they are not needed any more: they outlive kill -9 of the process that wrote them.

They are written to the system's cache, not to the disk: a power cut may lose them.
"""

import contextlib
import fcntl
import os
import struct
from collections.abc import Iterator
from pathlib import Path

_LENGTH = struct.Struct(">I")


class Journal:
    """One file of frames (four bytes of length, then the message), locked for as long as its process lives."""

    def __init__(self, path: Path) -> None:
        """Makes or opens the file. Raises ``BlockingIOError`` when another process holds it, ``OSError`` otherwise."""
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.size = os.fstat(self._file).st_size
        except OSError:
            os.close(self._file)
            raise

    def append(self, data: bytes) -> int:
        """Where the frame now lies. Raises ``OSError``, and leaves the file as it was, when it cannot be written."""
        at = self.size
        try:
            written = os.pwrite(self._file, data, at)
            if written < len(data):
                raise OSError("the disk is full")
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, at)
            raise
        self.size += len(data)
        return at

    def read(self, at: int, length: int) -> bytes:
        """Raises ``OSError``."""
        return os.pread(self._file, length, at)

    def frames(self) -> Iterator[tuple[int, int]]:
        """Place and length of each whole frame; one that was cut short by a kill ends it."""
        at = 0
        while at + _LENGTH.size <= self.size:
            (length,) = _LENGTH.unpack(self.read(at, _LENGTH.size))
            whole = _LENGTH.size + length
            if at + whole > self.size:
                return
            yield at, whole
            at += whole

    def empty(self) -> None:
        """Forgets all frames."""
        if self.size:
            os.ftruncate(self._file, 0)
            self.size = 0

    def close(self, *, delete: bool) -> None:
        if delete:
            self.path.unlink(missing_ok=True)
        os.close(self._file)
