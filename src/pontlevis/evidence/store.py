"""The store: files of events by date and hour, each entered in the manifest before it can be seen."""

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from pontlevis.evidence.manifest import FOLDER as MANIFESTS
from pontlevis.evidence.manifest import (
    Broken,
    FileLine,
    GoneLine,
    Head,
    Line,
    Manifest,
    StampLine,
    last_line,
    lines,
    manifests,
)
from pontlevis.evidence.parquet import connect, write
from pontlevis.evidence.rows import LAYOUT, Value
from pontlevis.evidence.store_policy import EvidencePolicy

FOLDER = "evidence"
FRESH = ".new"
"""Of a file that is entered in the manifest, or is about to be, and has not got its name yet."""
STAMPS = "stamps"
MIB = 1_048_576
DAY_S = 86_400.0
HOUR_S = 3_600


@dataclass(frozen=True, slots=True)
class Hold:
    """Events of this time are kept for an incident."""

    incident: str
    since: float
    until: float


@dataclass(slots=True)
class _Kept:
    line: FileLine
    day: str


class Store:
    """One writer of one folder; used by one thread. ``open`` first. Times are Unix seconds."""

    def __init__(self, folder: Path, policy: EvidencePolicy, clock: Callable[[], float]) -> None:
        self.folder = folder
        self._policy = policy
        self._clock = clock
        self._manifest = Manifest(folder)
        self._files: dict[str, _Kept] = {}
        self._opened = False
        self.holds: tuple[Hold, ...] = ()
        """Set by another thread, whole."""

    @property
    def head(self) -> Head:
        """Where the chain ends now."""
        return self._manifest.head

    def open(self) -> None:
        """Takes up where the last writer stopped, however it did. Raises ``OSError``, ``Broken``.

        A file that was entered and had not got its name gets it; one that was not entered goes.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        self._manifest = Manifest(self.folder)
        self._manifest.open()
        last = self._manifest.last
        if isinstance(last, FileLine):
            fresh = self.folder / (last.file + FRESH)
            if not (self.folder / last.file).exists() and fresh.exists() and digest(fresh) == last.sha256:
                _name(fresh)
        for stale in self.folder.glob(f"date=*/hour=*/*{FRESH}"):
            stale.unlink()
        self._files = {}
        for placed in lines(self.folder):
            self._enter(placed.line, placed.where.partition("/")[2][:10])
        self._opened = True

    def set_aside(self) -> Path:
        """Leaves a chain that does not hold where it can be looked at; the next write begins a new one."""
        aside = self.folder.with_name(f"{self.folder.name}.broken-{self._clock():.0f}")
        self.folder.rename(aside)
        self._manifest = Manifest(self.folder)
        self._files = {}
        self._opened = False
        return aside

    def write(self, columns: Mapping[str, Sequence[Value]], *, dropped: int = 0) -> int:
        """Writes rows, a file for each hour that they lie in; says how many acts of later hours could not be.

        Raises ``OSError`` where nothing was written.
        """
        if not self._opened:
            self.open()
        lost = 0
        hours = sorted({int(float(at) // HOUR_S) for at in columns["ts"]})
        with contextlib.closing(connect()) as connection:
            for hour in hours:
                chosen = columns
                if len(hours) > 1:
                    mine = [int(float(at) // HOUR_S) == hour for at in columns["ts"]]
                    chosen = {
                        name: [value for value, taken in zip(values, mine, strict=True) if taken]
                        for name, values in columns.items()
                    }
                begins = datetime.fromtimestamp(hour * HOUR_S, UTC)
                number = self.head.n + 1
                name = f"date={begins:%Y-%m-%d}/hour={begins:%H}/{number:08d}.parquet"
                fresh = self.folder / (name + FRESH)
                fresh.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                try:
                    rows, since, until = write(connection, chosen, fresh, grain_s=self._policy.grain_s)
                except OSError:
                    if hour == hours[0]:
                        raise
                    lost += sum(int(each) for each in chosen["count"])
                    continue
                fresh.chmod(0o600)
                _see(fresh)
                line = FileLine(
                    number, self.head.hash, self._clock(), name, digest(fresh), fresh.stat().st_size, rows, since, until,
                    dropped, LAYOUT,
                )  # fmt: skip
                dropped = 0
                self._append(line)
                _name(fresh)
        self.sweep()
        return lost

    def stamp(self, head: Head, token: bytes, time: float) -> None:
        """Keeps what a time-stamping authority said of ``head``. Raises ``OSError``."""
        folder = self.folder / STAMPS
        folder.mkdir(mode=0o700, exist_ok=True)
        name = f"{STAMPS}/{head.n:08d}.tst"
        path = self.folder / name
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(token)
            file.flush()
            os.fsync(file.fileno())
        self._append(
            StampLine(
                self.head.n + 1, self.head.hash, self._clock(), head.n, name, sha256(token).hexdigest(), time
            )
        )

    def sweep(self) -> None:
        """Deletes what is too old or too much, and says so in the chain first. Raises ``OSError``."""
        now = self._clock()
        held = {name for name, each in self._files.items() if self._is_held(each.line, now)}
        old = [
            name
            for name, each in self._files.items()
            if name not in held and each.line.until < now - self._policy.keep_days * DAY_S
        ]
        self._drop(old, f"older than {self._policy.keep_days} days")
        most = self._policy.most_mib * MIB
        room = int(most * self._policy.held_share)
        beyond = self._oldest([name for name in self._files if name in held], room)
        self._drop(
            beyond, f"held for incidents, but these take more than {self._policy.held_share:.0%} of all bytes"
        )
        taken = sum(self._files[name].line.bytes for name in held if name in self._files)
        rest = [name for name in self._files if name not in held]
        self._drop(
            self._oldest(rest, most - taken), f"all files together take more than {self._policy.most_mib} MiB"
        )
        self._forget_manifests()

    def _oldest(self, names: list[str], room: int) -> list[str]:
        """Those that must go so that the others have room."""
        names.sort(key=lambda name: self._files[name].line.n)
        size = sum(self._files[name].line.bytes for name in names)
        gone = []
        for name in names:
            if size <= room:
                break
            size -= self._files[name].line.bytes
            gone.append(name)
        return gone

    def _is_held(self, line: FileLine, now: float) -> bool:
        keep = self._policy.hold_days * DAY_S
        return any(
            each.since <= line.until and line.since <= each.until and now <= each.until + keep
            for each in self.holds
        )

    def _drop(self, names: list[str], why: str) -> None:
        if not names:
            return
        self._append(GoneLine(self.head.n + 1, self.head.hash, self._clock(), why, files=tuple(names)))
        for name in names:
            self._files.pop(name, None)
            path = self.folder / name
            path.unlink(missing_ok=True)
            for folder in (path.parent, path.parent.parent):
                with contextlib.suppress(OSError):
                    folder.rmdir()

    def _forget_manifests(self) -> None:
        """The oldest manifests go once none of their files is left; the chain says where it begins then."""
        days = {each.day for each in self._files.values()}
        for path in manifests(self.folder / MANIFESTS)[:-1]:
            if path.stem in days or path.stat().st_mtime > self._clock() - self._policy.keep_days * DAY_S:
                return
            last = last_line(path)
            self._append(
                GoneLine(
                    self.head.n + 1, self.head.hash, self._clock(), "none of its files is left",
                    manifest=path.name, last_n=last.n, last_hash=last.hash,
                )
            )  # fmt: skip
            path.unlink()

    def _append(self, line: Line) -> None:
        day = f"{datetime.fromtimestamp(line.at, UTC):%Y-%m-%d}"
        self._manifest.append(line, day)
        self._enter(line, day)

    def _enter(self, line: Line, day: str) -> None:
        if isinstance(line, FileLine):
            self._files[line.file] = _Kept(line, day)
        elif isinstance(line, GoneLine):
            for name in line.files:
                self._files.pop(name, None)


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    held = sha256()
    with path.open("rb") as file:
        while block := file.read(MIB):
            held.update(block)
    return held.hexdigest()


def _see(path: Path) -> None:
    """Sees a file on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _name(fresh: Path) -> None:
    """Gives a file its name, for good."""
    fresh.rename(fresh.with_name(fresh.name.removesuffix(FRESH)))
    _see(fresh.parent)


__all__ = ["FOLDER", "Broken", "Hold", "Store", "digest"]
