"""Log files line by line, compressed or not, in bounded memory, counting the bytes read."""

import bz2
import gzip
import io
import lzma
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, cast

CHUNK = 1 << 18
MOST_LINE = 65_536
"""Longer lines are broken: 64 KiB is eight times what nginx lets a request line be."""
STDIN = Path("-")


class Unreadable(OSError):
    """A file that is not there, may not be read, or whose compression is broken."""


class Opened:
    """One file: its lines, and how many of its bytes on disk have gone by."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.too_long = 0
        """Lines that were longer than a line may be."""
        self.cut_short = ""
        """Why the file ended early, where its compression broke."""
        self.size = 0 if path == STDIN else _size(path)
        self._raw: BinaryIO | None = None

    def position(self) -> int:
        """Bytes of the file on disk that were read."""
        raw = self._raw
        if raw is None:
            return 0
        with suppress(OSError, ValueError):
            return raw.tell()
        return self.size

    def lines(self) -> Iterator[bytes]:
        """Its lines without their ends; raises ``Unreadable`` where it cannot be opened."""
        try:
            self._raw = sys.stdin.buffer if self.path == STDIN else self.path.open("rb")
        except OSError as error:
            raise Unreadable(f"{self.path}: {error.strerror or error}") from None
        stream: BinaryIO | None = None
        try:
            stream = _decompressed(self._raw, self.path)
            yield from self._split(stream)
        except (EOFError, gzip.BadGzipFile, lzma.LZMAError, OSError, ValueError) as error:
            if isinstance(error, Unreadable):
                raise
            # A file that is still being written, or was cut, is read as far as it goes.
            self.cut_short = str(error) or "the compressed data ends early"
        finally:
            if self.path != STDIN:
                for each in (stream, self._raw):
                    if each is not None:
                        each.close()

    def _split(self, stream: BinaryIO) -> Iterator[bytes]:
        rest = b""
        skipping = False
        while True:
            chunk = stream.read(CHUNK)
            if not chunk:
                break
            lines = (rest + chunk).split(b"\n")
            rest = lines.pop()
            if skipping and lines:
                skipping = False
                lines = lines[1:]
            for line in lines:
                if len(line) > MOST_LINE:
                    self.too_long += 1
                else:
                    yield line
            if skipping:
                rest = b""
            elif len(rest) > MOST_LINE:
                self.too_long += 1
                skipping = True
                rest = b""
        if rest and not skipping:
            yield rest


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror or error}") from None


def _decompressed(raw: BinaryIO, path: Path) -> BinaryIO:
    """By the first bytes, not by the name: rotated files are often named wrongly."""
    buffered = raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(cast(io.RawIOBase, raw))
    head = buffered.peek(6)[:6]
    if head.startswith(b"\x1f\x8b"):
        return cast(BinaryIO, gzip.GzipFile(fileobj=buffered))
    if head.startswith(b"BZh"):
        return cast(BinaryIO, bz2.BZ2File(buffered))
    if head.startswith(b"\xfd7zXZ"):
        return cast(BinaryIO, lzma.LZMAFile(buffered))
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return _zstd(buffered, path)
    return buffered


def _zstd(buffered: BinaryIO, path: Path) -> BinaryIO:
    """Python 3.14 reads it; before, the ``zstandard`` package does where it is installed."""
    from importlib import import_module

    for name in ("compression.zstd", "zstandard"):
        with suppress(ImportError):
            opener = cast(Callable[..., BinaryIO], import_module(name).open)
            return opener(buffered, "rb")
    raise Unreadable(f"{path}: .zst needs Python 3.14 or the zstandard package; or: zstd -dc FILE | … -")
