"""The operator's files: read again when they change, never fatal."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pontlevis.brain.detection.knowledge import Knowledge, flat
from pontlevis.brain.detection.layers import Layer
from pontlevis.knowledge.gathering import Contents
from pontlevis.knowledge.lines import read_networks, read_prefixes
from pontlevis.knowledge.mmdb import read_mmdb
from pontlevis.knowledge.policy import KnowledgePolicy

SORTS = ("asn", "data_centre", "vpn")
Stamp = tuple[int, int, int]
"""Time of change, size and number of a file; None where there is none."""


@dataclass(frozen=True, slots=True)
class FileNote:
    """How it stands with one file."""

    path: str
    sort: str
    """``asn``, ``data_centre`` or ``vpn``."""
    ranges: int
    bad: int
    examples: tuple[str, ...]
    left_out: int
    error: str
    """Why it could not be read, else empty; what it said before is still used."""
    read_at: float
    """Unix time; 0 where it was never read."""

    @property
    def sentence(self) -> str:
        """For a log line or a page."""
        said = f"{self.ranges} ranges"
        if self.bad:
            said += f", {self.bad} bad lines ({'; '.join(self.examples)})"
        if self.left_out:
            said += f", {self.left_out} beyond the bound left out"
        if self.error:
            said = f"not read: {self.error}" + (f"; the {said} of before are used" if self.ranges else "")
        return said


@dataclass(frozen=True, slots=True)
class Report:
    """What the files say now."""

    knowledge: Knowledge
    files: tuple[FileNote, ...]
    changed: frozenset[str]
    """Paths whose note is new."""


@dataclass(slots=True)
class _File:
    path: str
    sort: str
    stamp: Stamp | None = None
    contents: Contents | None = None
    error: str = ""
    read_at: float = 0.0

    def note(self) -> FileNote:
        held = self.contents
        return FileNote(
            self.path,
            self.sort,
            held.ranges if held else 0,
            held.bad if held else 0,
            held.examples if held else (),
            held.left_out if held else 0,
            self.error,
            self.read_at,
        )


class Shelf:
    """Reads the files that a policy names. Slow: call ``look`` in a thread."""

    def __init__(self, policy: KnowledgePolicy, clock: Callable[[], float]) -> None:
        self._policy = policy
        self._clock = clock
        named = zip(SORTS, (policy.asn_files, policy.data_centre_files, policy.vpn_files), strict=True)
        self._files = [_File(path, sort) for sort, paths in named for path in paths]
        self._looked = False

    def look(self) -> Report | None:
        """A new report where a file has changed, or its trouble has; None where nothing did."""
        changed = frozenset(each.path for each in self._files if self._refresh(each))
        if self._looked and not changed:
            return None
        self._looked = True
        return Report(self._build(), tuple(each.note() for each in self._files), changed)

    def _refresh(self, file: _File) -> bool:
        path = Path(file.path)
        try:
            about = path.stat()
            stamp = (about.st_mtime_ns, about.st_size, about.st_ino)
            if stamp == file.stamp:
                return False
            file.stamp = stamp
            file.contents = self._read(path, file.sort)
            file.error = ""
            file.read_at = self._clock()
        except OSError as error:
            said = error.strerror or str(error)
            if file.error == said:
                return False
            file.error = said
            if not path.exists():
                file.stamp = None
        return True

    def _read(self, path: Path, sort: str) -> Contents:
        if path.suffix == ".mmdb":
            if sort != "asn":
                raise OSError("a .mmdb is read for AS numbers only")
            return read_mmdb(path, self._policy)
        return (read_networks if sort == "asn" else read_prefixes)(path, self._policy)

    def _build(self) -> Knowledge:
        v4 = tuple(self._layer(sort, wide=False) for sort in SORTS)
        v6 = tuple(self._layer(sort, wide=True) for sort in SORTS)
        names: dict[int, str] = {}
        for each in self._files:
            if each.contents is not None:
                for asn, name in each.contents.names.items():
                    names.setdefault(asn, name)
        return Knowledge((v4[0], v4[1], v4[2]), (v6[0], v6[1], v6[2]), names)

    def _layer(self, sort: str, *, wide: bool) -> Layer:
        held = [each.contents for each in self._files if each.sort == sort and each.contents is not None]
        layers = [layer for each in held if len(layer := each.v6 if wide else each.v4)]
        if len(layers) == 1:
            return layers[0]
        every = [
            each for layer in layers for each in zip(layer.starts, layer.ends, layer.values, strict=True)
        ]
        every.sort(key=lambda each: (each[0], -each[1]))
        return Layer(flat(every), wide=wide)
