"""Several files as one, by time, with no more of them open than overlap."""

from collections import deque
from collections.abc import Iterator, Sequence
from heapq import heappop, heappush, heapreplace
from typing import Generic, Protocol, TypeVar

Item = TypeVar("Item")
Item_co = TypeVar("Item_co", covariant=True)


class Timed(Protocol[Item_co]):
    """A file of items with their times."""

    @property
    def begins(self) -> float:
        """Unix seconds of its first item; minus infinity where nobody knows."""

    def entries(self) -> Iterator[tuple[float, Item_co]]:
        """Its items, nearly in the order of time; reads nothing before it is asked for the first."""


class Merging(Generic[Item]):
    """All items by time, of equal ones those of the file first named.

    A file is begun ``slack_s`` before its first item is due, since that need not be its oldest; so a year of
    rotations costs one decompressor at a time, whatever order they were named in.
    """

    def __init__(self, files: Sequence[Timed[Item]], slack_s: float) -> None:
        self._waiting = deque(sorted(files, key=lambda each: each.begins))
        self._slack = slack_s
        self._heap: list[tuple[float, int, Item, Iterator[tuple[float, Item]]]] = []
        self._begun = 0

    def __iter__(self) -> Iterator[tuple[float, Item]]:
        heap = self._heap
        self._begin()
        while heap:
            at, number, item, rest = heap[0]
            yield at, item
            following = next(rest, None)
            if following is None:
                heappop(heap)
            else:
                heapreplace(heap, (following[0], number, following[1], rest))
            self._begin()

    def _begin(self) -> None:
        waiting, heap = self._waiting, self._heap
        while waiting and (not heap or waiting[0].begins - self._slack <= heap[0][0]):
            entries = waiting.popleft().entries()
            first = next(entries, None)
            self._begun += 1
            if first is not None:
                heappush(heap, (first[0], self._begun, first[1], entries))
