"""Log files line by line, compressed or not, in bounded memory, counting the bytes read."""

import bz2
import codecs
import gzip
import io
import lzma
import sys
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, cast

CHUNK = 1 << 18
MOST_LINE = 65_536
"""Longer lines are broken: 64 KiB is eight times what nginx lets a request line be."""
STDIN = Path("-")
_BROKEN = (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, OSError, ValueError)
"""What the decompressors of the standard library raise. Those of zstandard have no class in common."""
_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


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
        self._rest: Iterator[bytes] | None = None
        """What comes, of a stream of which the head was read already."""
        self._read_whole = False

    def position(self) -> int:
        """Bytes of the file on disk that were read."""
        raw = self._raw
        if raw is None or self._read_whole:
            return self.size if self._read_whole else 0
        with suppress(OSError, ValueError):
            return raw.tell()
        return self.size

    def head(self, most: int) -> list[bytes]:
        """Its first lines, which ``lines`` gives once more; raises ``Unreadable`` where it cannot be opened.

        Only the bare file stays open: a decompressor takes megabytes, and there may be hundreds of files.
        """
        lines = self._lines()
        try:
            found = list(islice(lines, most))
        except Unreadable:
            self.close()
            raise
        raw = self._raw
        assert raw is not None
        if self.path != STDIN and raw.seekable():
            lines.close()
            raw.seek(0)
        else:
            self._rest = chain(found, lines)
        return found

    def lines(self) -> Iterator[bytes]:
        """Its lines without their ends; raises ``Unreadable`` where it cannot be opened."""
        rest, self._rest = self._rest, None
        try:
            yield from rest if rest is not None else self._lines()
        finally:
            self._read_whole = True
            self.close()

    def close(self) -> None:
        """Lets the file go; ``lines`` does so at its end."""
        self._rest = None
        if self.path != STDIN and self._raw is not None:
            self._raw.close()

    def _lines(self) -> Generator[bytes, None, None]:
        self.too_long, self.cut_short = 0, ""
        if self._raw is None:
            try:
                self._raw = sys.stdin.buffer if self.path == STDIN else self.path.open("rb")
            except OSError as error:
                raise Unreadable(f"{self.path}: {error.strerror or error}") from None
        stream: BinaryIO | None = None
        try:
            stream = _decompressed(self._raw, self.path)
            yield from self._split(_recoded(stream))
        except Exception as error:
            if isinstance(error, Unreadable):
                raise
            if not isinstance(error, _BROKEN) and type(error).__name__ != "ZstdError":
                raise
            # A file that is still being written, or was cut, is read as far as it goes.
            self.cut_short = str(error) or "the compressed data ends early"
        finally:
            if stream is not None and stream is not self._raw:
                stream.close()

    def _split(self, stream: "BinaryIO | _Recoded") -> Iterator[bytes]:
        rest = b""
        skipping = False
        first = True
        while True:
            chunk = stream.read(CHUNK)
            if not chunk:
                break
            if first:
                first, chunk = False, chunk.removeprefix(codecs.BOM_UTF8)
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


class _Recoded:
    """A stream of UTF-16, as spreadsheets and shells of Windows write it, in UTF-8."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")

    def read(self, size: int) -> bytes:
        while chunk := self._stream.read(size):
            text = self._decoder.decode(chunk)
            if text:
                return text.encode("utf-8", "replace")
        return b""


def _recoded(stream: BinaryIO) -> "BinaryIO | _Recoded":
    peek = getattr(stream, "peek", None)
    encoding = _UTF16.get(peek(2)[:2]) if peek is not None else None
    if encoding is None:
        return stream
    stream.read(2)
    return _Recoded(stream, encoding)


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
