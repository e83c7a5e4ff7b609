"""The manifest: one line a file, each with the hash of the line before it, one manifest a day.

Whoever changes, adds or takes away a file, a line or the end of the chain is found out by ``check``,
the last only where the head is known from somewhere else: the database, a time stamp, a log.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import msgspec

FOLDER = "manifest"
SUFFIX = ".jsonl"
NO_LINE = "0" * 64
"""Stands where a first line would name the one before it."""
MOST_LINE_BYTES = 1_048_576


class FileLine(msgspec.Struct, frozen=True, tag="file", tag_field="kind"):
    """A file of events that was written."""

    n: int
    prev: str
    at: float
    file: str
    """Path below the store."""
    sha256: str
    bytes: int
    rows: int
    since: float
    until: float
    """Times of the first and last event, Unix seconds."""
    dropped: int = 0
    """Acts that were not kept before it because the disk was too slow, or refused."""
    layout: int = 1
    """Of its columns: 2 has ``agent``."""


class GoneLine(msgspec.Struct, frozen=True, tag="gone", tag_field="kind"):
    """Files that retention took away, and manifests of which nothing is left."""

    n: int
    prev: str
    at: float
    why: str
    files: tuple[str, ...] = ()
    manifest: str = ""
    last_n: int = 0
    """Of that manifest, and the hash of its last line: where the chain that is left begins."""
    last_hash: str = ""


class StampLine(msgspec.Struct, frozen=True, tag="stamp", tag_field="kind"):
    """A time-stamping authority saw the chain as it stood."""

    n: int
    prev: str
    at: float
    of: int
    """The line whose hash was stamped."""
    file: str
    sha256: str
    time: float
    """What the authority says, Unix seconds."""


Line = FileLine | GoneLine | StampLine
_decoder: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain ends: the number and the hash of its last line."""

    n: int = 0
    hash: str = NO_LINE


class Broken(ValueError):
    """The chain does not hold; the sentence names the first place."""

    def __init__(self, where: str, why: str) -> None:
        self.where = where
        super().__init__(f"{where}: {why}")


class Manifest:
    """Appends to the chain; one writer. ``folder`` is the store's."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER
        self.head = Head()
        self.last: Line | None = None

    def open(self) -> None:
        """Takes up the chain's end; a line torn by a kill is cut off. Raises ``OSError``, ``Broken``."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in reversed(manifests(self._folder)):
            data = path.read_bytes()
            whole = data[: data.rfind(b"\n") + 1]
            if len(whole) < len(data):
                with path.open("r+b") as file:
                    file.truncate(len(whole))
                    os.fsync(file.fileno())
            if whole:
                text = whole[:-1].rpartition(b"\n")[2]
                self.last = _decoded(text, path.name)
                self.head = Head(self.last.n, sha256(text).hexdigest())
                return
            path.unlink()

    def append(self, line: Line, day: str) -> None:
        """Adds a line to the manifest of ``day`` (``2025-01-27``) and sees it on the disk.

        A day never lies before the last one's: manifests are read in the order of their names.
        """
        last = manifests(self._folder)
        name = max(day + SUFFIX, last[-1].name if last else "")
        text = msgspec.json.encode(line)
        with os.fdopen(
            os.open(self._folder / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb"
        ) as file:
            file.write(text + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self.last = line
        self.head = Head(line.n, sha256(text).hexdigest())


def manifests(folder: Path) -> list[Path]:
    """The manifests, oldest first."""
    return sorted(folder.glob(f"????-??-??{SUFFIX}")) if folder.is_dir() else []


def last_line(path: Path) -> Head:
    """Number and hash of a manifest's last whole line. Raises ``Broken``."""
    text = path.read_bytes().rpartition(b"\n")[0].rpartition(b"\n")[2]
    return Head(_decoded(text, path.name).n, sha256(text).hexdigest())


@dataclass(frozen=True, slots=True)
class Placed:
    """A line, its own hash and where it stands."""

    line: Line
    hash: str
    where: str


def lines(store: Path) -> Iterator[Placed]:
    """The chain in its order, as it is. Raises ``Broken`` for what is no line, or a link that does not hold."""
    before: Head | None = None
    for path in manifests(store / FOLDER):
        with path.open("rb") as file:
            for number, raw in enumerate(file, 1):
                where = f"{FOLDER}/{path.name} line {number}"
                if not raw.endswith(b"\n"):
                    return  # being written, or torn by a kill: the next start cuts it off
                text = raw[:-1]
                line = _decoded(text, where)
                if before is not None and line.prev != before.hash:
                    raise Broken(
                        where, "it does not follow from the line before it: one was changed or taken away"
                    )
                if before is not None and line.n != before.n + 1:
                    raise Broken(where, f"line {before.n} of the chain is followed by line {line.n}")
                if before is None and line.n == 1 and line.prev != NO_LINE:
                    raise Broken(where, "the chain's first line names one before it")
                before = Head(line.n, sha256(text).hexdigest())
                yield Placed(line, before.hash, where)


def _decoded(text: bytes, where: str) -> Line:
    try:
        return _decoder.decode(text)
    except msgspec.DecodeError as error:
        raise Broken(where, f"no line of a manifest ({error})") from None
