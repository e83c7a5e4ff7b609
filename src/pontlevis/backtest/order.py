"""Puts the lines of many writers into order, within a window, and survives clocks that jump."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

MOST_HELD = 100_000
"""Lines held back at most; beyond, the older half goes on early."""
AGREED = 100
"""So many lines in a row from before the window are a clock that was set back, not stragglers."""
NEARBY_S = 3600.0
"""Together they must lie within this."""

Item = TypeVar("Item")


@dataclass
class Disorder:
    """What was out of order."""

    late: int = 0
    """Lines older than the window: left out."""
    set_back: int = 0
    """Times that the clock went back for good."""
    set_back_s: float = 0.0
    """By how much in all; what follows keeps going forward by as much."""


class Reorder(Generic[Item]):
    """Yields items by time, to the second; within a second as they came.

    ``window_s``: how much later than a younger line an older one may stand in the log.
    """

    def __init__(self, window_s: float) -> None:
        self.disorder = Disorder()
        self._window = max(0, int(window_s))
        self._held: dict[int, list[tuple[float, Item]]] = {}
        self._count = 0
        self._newest = 0
        self._gone: int | None = None
        """The last second that went on."""
        self._shift = 0.0
        self._stragglers: deque[tuple[float, Item]] = deque(maxlen=AGREED)

    def run(self, items: Iterable[tuple[float, Item]]) -> Iterator[tuple[float, Item]]:
        """All of them, at last."""
        for at, item in items:
            yield from self.push(at, item)
        yield from self.flush()

    def push(self, at: float, item: Item) -> Iterator[tuple[float, Item]]:
        """Takes one; yields those that nothing older can precede any more."""
        moved = at + self._shift
        if self._gone is not None and int(moved) <= self._gone:
            yield from self._behind(at, item)
            return
        if self._stragglers:
            self.disorder.late += len(self._stragglers)
            self._stragglers.clear()
        yield from self._keep(moved, item)

    def _keep(self, at: float, item: Item) -> Iterator[tuple[float, Item]]:
        second = int(at)
        held = self._held.get(second)
        if held is None:
            self._held[second] = [(at, item)]
        else:
            held.append((at, item))
        self._count += 1
        if second > self._newest or self._gone is None:
            self._newest = max(second, self._newest)
            yield from self._release(self._newest - self._window)
        if self._count > MOST_HELD:
            # The older half at once: to look for the oldest of them line by line would be quadratic.
            seconds = sorted(self._held)
            yield from self._release(seconds[len(seconds) // 2] + 1)

    def _behind(self, at: float, item: Item) -> Iterator[tuple[float, Item]]:
        """One from before the window: left out, unless so many agree that the clock was set back."""
        stragglers = self._stragglers
        if stragglers and abs(stragglers[-1][0] - at) > NEARBY_S:
            self.disorder.late += len(stragglers)
            stragglers.clear()
        stragglers.append((at, item))
        if len(stragglers) < AGREED:
            return
        kept = list(stragglers)
        stragglers.clear()
        yield from self._release(self._newest + 1)
        first = min(each for each, _ in kept)
        shift = self._newest + 1 - first
        self.disorder.set_back += 1
        self.disorder.set_back_s += shift - self._shift
        self._shift = shift
        for each, what in kept:
            yield from self._keep(each + shift, what)

    def _release(self, before: int) -> Iterator[tuple[float, Item]]:
        """All of the seconds before ``before``."""
        ready = sorted(second for second in self._held if second < before)
        for second in ready:
            items = self._held.pop(second)
            self._count -= len(items)
            self._gone = second
            yield from items

    def flush(self) -> Iterator[tuple[float, Item]]:
        """What is still held, at the end."""
        self.disorder.late += len(self._stragglers)
        self._stragglers.clear()
        yield from self._release(self._newest + 1)
