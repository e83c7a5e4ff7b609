"""How many different ones there were lately: exact while few, HyperLogLog above."""

from collections import deque
from itertools import islice

from datasketches import hll_sketch, hll_union

EXACT = 128
"""Members of one slot up to which they are kept by name."""
LG_K = 11
"""2^11 registers: 2.3 % standard error, 2 KiB (HyperLogLog, Flajolet et al. 2007, as in Apache DataSketches)."""


class SlidingDistinct:
    """Distinct keys over ``slots`` slots of ``width_s`` seconds, the one under way included."""

    __slots__ = ("_counted", "_current", "_exact", "_lg_k", "_past", "_slot", "_slots", "_width")

    def __init__(self, width_s: int, slots: int, *, exact: int = EXACT, lg_k: int = LG_K) -> None:
        self._width = width_s
        self._slots = slots
        self._exact = exact
        self._lg_k = lg_k
        self._slot = 0
        self._counted: dict[int, int] = {}
        """What was counted since anything last came, by how many slots were left out."""
        self._current: set[str] | hll_sketch = set()
        self._past: deque[set[str] | hll_sketch] = deque()

    def add(self, key: str, second: int) -> None:
        """Counts ``key`` as seen in ``second``; seconds before the slot under way count as in it."""
        if second // self._width > self._slot:
            self._turn(second // self._width)
        if self._counted:
            self._counted = {}
        current = self._current
        if isinstance(current, set):
            current.add(key)
            if len(current) > self._exact:
                self._current = self._sketch(current)
        else:
            current.update(key)

    def count(self, second: int, *, last: int = 0) -> int:
        """Distinct keys in the window that ends with ``second``, or in its ``last`` slots."""
        if second // self._width > self._slot:
            self._turn(second // self._width)
        skipped = max(0, len(self._past) + 1 - last) if last else 0
        counted = self._counted.get(skipped)
        if counted is None:
            counted = self._counted[skipped] = self._count(skipped)
        return counted

    def _count(self, skipped: int) -> int:
        parts = [*islice(self._past, skipped, None), self._current]
        sets = [part for part in parts if isinstance(part, set)]
        if len(sets) == len(parts):
            return len(set().union(*sets))
        union = hll_union(self._lg_k)
        for index, part in enumerate(parts, skipped):
            if isinstance(part, set):
                # Once: a closed slot that was small stays a sketch from now on.
                part = self._sketch(part)
                if index < len(self._past):
                    self._past[index] = part
            union.update(part)
        return round(float(union.get_estimate()))

    def merge(self, other: "SlidingDistinct", second: int) -> None:
        """Takes what another node counted, as if it had been seen here; both are brought up to ``second``.

        Raises ValueError where the windows differ.
        """
        if (self._width, self._slots, self._lg_k) != (other._width, other._slots, other._lg_k):
            raise ValueError("windows of different shape")
        slot = second // self._width
        self._counted = {}
        for each in (self, other):
            if slot > each._slot:
                each._turn(slot)
        while len(self._past) < len(other._past):
            self._past.appendleft(set())
        for back in range(1, len(other._past) + 1):
            self._past[-back] = self._both(self._past[-back], other._past[-back])
        self._current = self._both(self._current, other._current)

    def _both(self, one: set[str] | hll_sketch, two: set[str] | hll_sketch) -> set[str] | hll_sketch:
        if isinstance(one, set) and isinstance(two, set) and len(one | two) <= self._exact:
            return one | two
        union = hll_union(self._lg_k)
        for part in (one, two):
            union.update(self._sketch(part) if isinstance(part, set) else part)
        return union.get_result()

    def _turn(self, slot: int) -> None:
        gap = min(slot - self._slot, self._slots)
        self._counted = {}
        self._slot = slot
        for _ in range(gap):
            self._past.append(self._current)
            self._current = set()
        while len(self._past) > self._slots - 1:
            self._past.popleft()

    def _sketch(self, members: set[str]) -> hll_sketch:
        sketch = hll_sketch(self._lg_k)
        for member in members:
            sketch.update(member)
        return sketch
