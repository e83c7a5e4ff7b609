"""Files to observations: recognised, read, put into order, mapped. Counts what could not be read."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from math import inf
from pathlib import Path

from pontlevis.backtest.entry import Entry
from pontlevis.backtest.envelope import Letter, envelope_of
from pontlevis.backtest.formats import FIRST_LINES, UnknownFormat, named, recognised
from pontlevis.backtest.known import Known, KnownPolicy, with_standing
from pontlevis.backtest.mapping import Mapping, MappingPolicy
from pontlevis.backtest.merging import Merging
from pontlevis.backtest.opened import STDIN, Opened, Unreadable
from pontlevis.backtest.order import Reorder
from pontlevis.backtest.reader import Reader, Reading
from pontlevis.backtest.series import Series
from pontlevis.backtest.spread import Spread
from pontlevis.brain.observation import Observation
from pontlevis.brain.vocabulary import Standing

SHOWN_BROKEN = 5
"""The first broken lines are shown."""
SHOWN_CHARACTERS = 160
PROGRESS_LINES = 2000
DAY_S = 86_400.0


@dataclass
class FileReport:
    """What became of one file's lines."""

    path: str
    format: str = ""
    envelope: str = ""
    """What its lines were wrapped in."""
    empty: bool = False
    lines: int = 0
    read: int = 0
    """Acts."""
    passed: int = 0
    """Sound lines that tell of nobody's act, and empty ones."""
    broken: int = 0
    untimed: int = 0
    """Lines without a time, which were given one."""
    first_broken: list[str] = field(default_factory=list)
    """As ``line number: text``, shortened."""
    cut_short: str = ""


@dataclass(frozen=True)
class ReadOptions:
    """How files are read."""

    format: str = ""
    """Empty: recognised for each file."""
    reading: Reading = field(default_factory=Reading)
    year: int | None = None
    """None: the year in which the file was last written, or the year before where that is too late."""
    mapping: MappingPolicy = field(default_factory=MappingPolicy)
    known: KnownPolicy = field(default_factory=KnownPolicy)
    reorder_s: float = 60.0
    """How much later than a younger line an older one may stand, seconds."""
    untimed_rate: float = 1.0
    """Lines a second, where lines bear no time."""


class LogReading:
    """Reads the given files as one log.

    Raises ``Unreadable`` and ``UnknownFormat``, naming the file, before anything is replayed.
    """

    def __init__(self, paths: Iterable[Path], options: ReadOptions) -> None:
        self._progress: Callable[[int], None] = _nothing
        self.files: list[FileReport] = []
        self._sources: list[_Source] = []
        try:
            for path in paths:
                source = _Source(path, options, self._progressed)
                self._sources.append(source)
                self.files.append(source.report)
        except (Unreadable, UnknownFormat):
            for source in self._sources:
                source.opened.close()
            raise
        self._slack_s = options.reorder_s
        self._order: Reorder[Entry] = Reorder(options.reorder_s)
        self._mapping = Mapping(options.mapping)
        self._known = Known(options.known)

    def on_progress(self, progress: Callable[[int], None]) -> None:
        """``progress`` is told the bytes of the files on disk that have gone by, now and then."""
        self._progress = progress

    @property
    def size(self) -> int:
        """Bytes of all files on disk."""
        return sum(each.opened.size for each in self._sources)

    @property
    def disorder(self) -> tuple[int, int, float]:
        """Lines left out as too late, times that the clock was set back, and by how many seconds."""
        said = self._order.disorder
        return said.late, said.set_back, said.set_back_s

    def observations(self) -> Iterator[Observation]:
        """All acts, in the order of time."""
        for at, entry in self._order.run(Merging(self._sources, self._slack_s)):
            if ":" in entry.source:
                entry.source = _plain(entry.source)
            observation = self._mapping.observation(entry, at)
            standing = self._known.standing(observation)
            yield observation if standing is Standing.ANONYMOUS else with_standing(observation, standing)

    def _progressed(self) -> None:
        self._progress(sum(each.opened.position() for each in self._sources))


class _Source:
    """One file with its reader."""

    def __init__(self, path: Path, options: ReadOptions, progressed: Callable[[], None]) -> None:
        self.opened = Opened(path)
        self.report = FileReport(str(path))
        self._options = options
        self._progressed = progressed
        head = self.opened.head(FIRST_LINES)
        self.report.envelope, self._envelope = envelope_of(head)
        letters = [self._unwrapped(line) for line in head]
        modified = _modified(path)
        self._reading = replace(
            options.reading, year=options.year or datetime.fromtimestamp(modified, UTC).year
        )
        self._reader = self._choose([letter.line for letter in letters])
        times = self._times(letters)
        if options.year is None and times and times[0] > modified + DAY_S:
            self._reading = replace(self._reading, year=self._reading.year - 1)
            times = self._times(letters)
        self.report.format = self._reader.name
        self._reader = named(self._reader.name, self._reading)
        self._spread = Spread(times) if isinstance(self._reader, Series) else None
        self.begins = min(times) if self._spread is not None and times else times[0] if times else -inf
        """Unix seconds of the first act; minus infinity where the first lines do not say."""
        self._untimed_at = times[0] if times else modified

    def _choose(self, head: list[bytes]) -> Reader:
        try:
            if self._options.format:
                return named(self._options.format, self._reading)
            if not head and not self.opened.cut_short:
                # A log that was rotated a moment ago: nothing to recognise, and nothing wrong.
                self.report.empty = True
                return named("combined", self._reading)
            if self._options.reading.fields:
                return named("json", self._reading)
            return recognised(head, self._reading)
        except UnknownFormat as error:
            self.opened.close()
            why = f"{self.opened.cut_short}; " if self.opened.cut_short else ""
            raise UnknownFormat(f"{self.opened.path}: {why}{error}") from None

    def _unwrapped(self, line: bytes) -> Letter:
        bare = line.rstrip(b"\r")
        letter = self._envelope(bare) if self._envelope is not None else None
        return letter if letter is not None else Letter(bare)

    def _times(self, head: list[Letter]) -> list[float]:
        reader = named(self._reader.name, self._reading)
        read = [(reader.read(letter.line), letter.at) for letter in head]
        times = [(entry.at or at) for entry, at in read if isinstance(entry, Entry)]
        return [at for at in times if at is not None]

    def entries(self) -> Iterator[tuple[float, Entry]]:
        """Its acts with their times, as they stand in the file."""
        if self._spread is None:
            return self._found()
        return self._spread.acts(self._found())

    def _found(self) -> Iterator[tuple[float, Entry]]:
        report, reader = self.report, self._reader
        at = self._untimed_at
        step = 1.0 / self._options.untimed_rate
        for line in self.opened.lines():
            report.lines += 1
            if report.lines % PROGRESS_LINES == 0:
                self._progressed()
            letter = self._unwrapped(line)
            bare = letter.line
            if not bare.strip():
                report.passed += 1
                continue
            read = reader.read(bare)
            if isinstance(read, Entry):
                report.read += 1
                if read.at is None:
                    read.at = letter.at
                if read.at is None:
                    report.untimed += 1
                    at += step
                else:
                    at = read.at
                yield at, read
            elif read is None:
                self._broken(bare)
            else:
                report.passed += 1
        if self.opened.too_long:
            report.broken += self.opened.too_long
            report.first_broken.append(f"{self.opened.too_long} lines longer than 64 KiB")
        if self._spread is not None and self._spread.left_out:
            report.first_broken.append(
                f"{self._spread.left_out} rows too many, where the newest stands first"
            )
        report.cut_short = self.opened.cut_short
        self._progressed()

    def _broken(self, line: bytes) -> None:
        report = self.report
        report.broken += 1
        if len(report.first_broken) < SHOWN_BROKEN:
            text = line[:SHOWN_CHARACTERS].decode("utf-8", "replace")
            printable = "".join(each if each.isprintable() else "·" for each in text)
            report.first_broken.append(
                f"{report.lines}: {printable}{'…' if len(line) > SHOWN_CHARACTERS else ''}"
            )


@lru_cache(maxsize=8192)
def _plain(source: str) -> str:
    """An IPv4 address that a server of both families wrote as IPv6 (RFC 4291): else all of them were one /64."""
    try:
        address = ip_address(source)
    except ValueError:
        return source
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped) if mapped is not None else source


def _modified(path: Path) -> float:
    return datetime.now(UTC).timestamp() if path == STDIN else path.stat().st_mtime


def _nothing(_: int) -> None:
    pass
