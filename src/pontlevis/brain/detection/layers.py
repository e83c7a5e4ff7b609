"""Ranges of one kind of knowledge, packed; and several kinds laid over one another."""

from array import array
from collections.abc import Iterable, Iterator
from heapq import merge


class Layer:
    """Disjoint ranges in ascending order, each with a value: 16 or 24 bytes a range.

    Raises ValueError for a range that begins before the one before it ended.
    """

    __slots__ = ("ends", "starts", "values")

    def __init__(self, ranges: Iterable[tuple[int, int, int]] = (), *, wide: bool = False) -> None:
        code = "Q" if wide else "I"
        self.starts = array(code)
        self.ends = array(code)
        self.values = array("I")
        before = -1
        for first, last, value in ranges:
            if first <= before or last < first:
                raise ValueError("ranges must ascend and be disjoint")
            self.starts.append(first)
            self.ends.append(last)
            self.values.append(value)
            before = last

    def __len__(self) -> int:
        return len(self.starts)


class Runs:
    """Goes over several layers at once: each border, and what every layer says from there on."""

    def __init__(self, layers: tuple[Layer, ...]) -> None:
        self._layers = layers

    def __iter__(self) -> Iterator[tuple[int, tuple[int, ...]]]:
        now = [0] * len(self._layers)
        pending: int | None = None
        for border, layer, value in merge(
            *(_borders(number, each) for number, each in enumerate(self._layers))
        ):
            if pending is not None and border != pending:
                yield pending, tuple(now)
            pending = border
            now[layer] = value
        if pending is not None:
            yield pending, tuple(now)


def _borders(number: int, layer: Layer) -> Iterator[tuple[int, int, int]]:
    """Where a layer's value changes. Where two ranges touch, only the second's beginning."""
    starts, ends, values = layer.starts, layer.ends, layer.values
    for at in range(len(starts)):
        yield starts[at], number, values[at]
        if at + 1 == len(starts) or starts[at + 1] != ends[at] + 1:
            yield ends[at] + 1, number, 0
