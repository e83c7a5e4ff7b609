"""Files to observations: recognised, read, put into order, mapped. Counts what could not be read."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from heapq import merge
from itertools import chain, islice, pairwise
from pathlib import Path

from pontlevis.backtest.entry import Entry
from pontlevis.backtest.formats import FIRST_LINES, UnknownFormat, named, recognised
from pontlevis.backtest.known import Known, KnownPolicy, with_standing
from pontlevis.backtest.mapping import Mapping, MappingPolicy
from pontlevis.backtest.opened import STDIN, Opened
from pontlevis.backtest.order import Reorder
from pontlevis.backtest.reader import Reader, Reading
from pontlevis.backtest.series import Series
from pontlevis.brain.observation import Observation
from pontlevis.brain.vocabulary import Standing

SHOWN_BROKEN = 5
"""The first broken lines are shown."""
SHOWN_CHARACTERS = 160
PROGRESS_LINES = 2000
LONGEST_ROW_S = 86_400.0
"""A row of a rate series is spread over at most a day."""
POINTS = 3600
"""And over at most so many moments."""


@dataclass
class FileReport:
    """What became of one file's lines."""

    path: str
    format: str = ""
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
        for path in paths:
            source = _Source(path, options, self._progressed)
            self._sources.append(source)
            self.files.append(source.report)
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
        for at, entry in self._order.run(self._entries()):
            observation = self._mapping.observation(entry, at)
            standing = self._known.standing(observation)
            yield observation if standing is Standing.ANONYMOUS else with_standing(observation, standing)

    def _entries(self) -> Iterator[tuple[float, Entry]]:
        """Files that follow one another are read one after the other, those that overlap side by side."""
        ordered = sorted(self._sources, key=lambda each: each.first)
        if _follow(ordered):
            return chain.from_iterable(each.entries() for each in ordered)
        return merge(*(each.entries() for each in ordered), key=_time)

    def _progressed(self) -> None:
        self._progress(sum(each.opened.position() for each in self._sources))


class _Source:
    """One file with its reader."""

    def __init__(self, path: Path, options: ReadOptions, progressed: Callable[[], None]) -> None:
        self.opened = Opened(path)
        self.report = FileReport(str(path))
        self._options = options
        self._progressed = progressed
        self._lines = self.opened.lines()
        head = list(islice(self._lines, FIRST_LINES))
        modified = _modified(path)
        self._reading = replace(
            options.reading, year=options.year or datetime.fromtimestamp(modified, UTC).year
        )
        self._reader = self._choose(path, head)
        if options.year is None and self._first(head, modified) > modified + LONGEST_ROW_S:
            self._reading = replace(self._reading, year=self._reading.year - 1)
            self._reader = self._choose(path, head)
        self.report.format = self._reader.name
        self._untimed_at = modified
        self.first = self._first(head, modified)
        self.last = max(self.first, modified)
        self._reader = named(self._reader.name, self._reading)
        self._head = head

    def _choose(self, path: Path, head: list[bytes]) -> Reader:
        try:
            if self._options.format:
                return named(self._options.format, self._reading)
            if self._options.reading.fields:
                return named("json", self._reading)
            return recognised(head, self._reading)
        except UnknownFormat as error:
            raise UnknownFormat(f"{path}: {error}") from None

    def _first(self, head: list[bytes], otherwise: float) -> float:
        reader = named(self._reader.name, self._reading)
        for line in head:
            read = reader.read(line.rstrip(b"\r"))
            if isinstance(read, Entry) and read.at is not None:
                return read.at
        return otherwise

    def entries(self) -> Iterator[tuple[float, Entry]]:
        """Its acts with their times, as they stand in the file."""
        found = self._found()
        return _spread(found) if isinstance(self._reader, Series) else found

    def _found(self) -> Iterator[tuple[float, Entry]]:
        report, reader = self.report, self._reader
        at = self.first
        step = 1.0 / self._options.untimed_rate
        for line in chain(self._head, self._lines):
            report.lines += 1
            if report.lines % PROGRESS_LINES == 0:
                self._progressed()
            bare = line.rstrip(b"\r")
            if not bare.strip():
                report.passed += 1
                continue
            read = reader.read(bare)
            if isinstance(read, Entry):
                report.read += 1
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


def _follow(sources: list[_Source]) -> bool:
    """Whether the files are rotations of one log: each but the last was finished before the next begins."""
    return all(one.opened.path != STDIN and one.last <= other.first + 1 for one, other in pairwise(sources))


def _spread(rows: Iterator[tuple[float, Entry]]) -> Iterator[tuple[float, Entry]]:
    """A rate series' counts over the time up to the next row; the last row's over as much as the one before."""
    length = 60.0
    last: tuple[float, Entry] | None = None
    for at, entry in rows:
        if last is not None and at > last[0]:
            length = at - last[0]
            yield from _points(last[0], length, last[1])
        last = (at, entry)
    if last is not None:
        yield from _points(last[0], length, last[1])


def _points(at: float, length: float, entry: Entry) -> Iterator[tuple[float, Entry]]:
    length = min(length, LONGEST_ROW_S)
    moments = max(1, min(POINTS, int(length)))
    given = 0
    for moment in range(moments):
        due = entry.count * (moment + 1) // moments
        if due > given:
            yield (
                at + length * moment / moments,
                Entry(kind=entry.kind, outcome=entry.outcome, count=due - given),
            )
            given = due


def _time(pair: tuple[float, Entry]) -> float:
    return pair[0]


def _modified(path: Path) -> float:
    return datetime.now(UTC).timestamp() if path == STDIN else path.stat().st_mtime


def _nothing(_: int) -> None:
    pass
