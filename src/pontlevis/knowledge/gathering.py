"""Ranges as they are read, packed and put in order."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

from pontlevis.brain.detection.knowledge import flat
from pontlevis.brain.detection.layers import Layer

LONGEST_NAME = 60
"""Letters of an autonomous system's name that are kept."""
MOST_EXAMPLES = 3


class Bad(ValueError):
    """A line that says nothing; the message says why."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What one file says."""

    v4: Layer
    v6: Layer
    names: dict[int, str]
    bad: int = 0
    """Lines that could not be read."""
    examples: tuple[str, ...] = ()
    """The first of them, with number and reason."""
    left_out: int = 0
    """Ranges beyond the bound."""

    @property
    def ranges(self) -> int:
        return len(self.v4) + len(self.v6)


@dataclass(slots=True)
class Gathering:
    """Takes ranges in any order. An IPv6 range is kept by its /64s."""

    most_ranges: int
    most_names: int
    names: dict[int, str] = field(default_factory=dict)
    bad: int = 0
    left_out: int = 0
    _examples: list[str] = field(default_factory=list)
    _v4: "_Columns" = field(default_factory=lambda: _Columns())
    _v6: "_Columns" = field(default_factory=lambda: _Columns())

    def add(self, version: int, first: int, last: int, value: int, name: str = "") -> None:
        """One range; ``first`` and ``last`` as whole numbers of the family. Raises Bad for an impossible one."""
        if not 0 <= first <= last or last >> (32 if version == 4 else 128) or not 0 <= value < 1 << 32:
            raise Bad("no such range")
        if len(self._v4) + len(self._v6) >= self.most_ranges:
            self.left_out += 1
            return
        if version == 4:
            self._v4.add(first, last, value)
        else:
            self._v6.add(first >> 64, last >> 64, value)
        if name and value not in self.names and len(self.names) < self.most_names:
            self.names[value] = name[:LONGEST_NAME]

    def spoilt(self, number: int, why: str) -> None:
        """Counts a bad line; ``number`` from 1."""
        self.bad += 1
        if len(self._examples) < MOST_EXAMPLES:
            self._examples.append(f"line {number}: {why}")

    def contents(self) -> Contents:
        """All that was gathered, in order."""
        return Contents(
            Layer(self._v4.ordered()),
            Layer(self._v6.ordered(), wide=True),
            self.names,
            self.bad,
            tuple(self._examples),
            self.left_out,
        )


class _Columns:
    """First, last and value of each range: 20 bytes a range."""

    __slots__ = ("_ascends", "_firsts", "_lasts", "_values")

    def __init__(self) -> None:
        self._firsts = array("Q")
        self._lasts = array("Q")
        self._values = array("I")
        self._ascends = True

    def __len__(self) -> int:
        return len(self._firsts)

    def add(self, first: int, last: int, value: int) -> None:
        if self._ascends and self._lasts and first <= self._lasts[-1]:
            self._ascends = False
        self._firsts.append(first)
        self._lasts.append(last)
        self._values.append(value)

    def ordered(self) -> Iterator[tuple[int, int, int]]:
        firsts, lasts, values = self._firsts, self._lasts, self._values
        if self._ascends:
            return zip(firsts, lasts, values, strict=True)
        order = sorted(range(len(firsts)), key=lambda at: (firsts[at], -lasts[at]))
        return flat((firsts[at], lasts[at], values[at]) for at in order)
