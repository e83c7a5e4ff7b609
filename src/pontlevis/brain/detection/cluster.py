"""Clusters of sources that share something: a fingerprint, a prefix, a mail domain.

Exact rows for as many as the bound allows; what comes when the table is full is counted by a
frequent-items sketch, and takes the place of the lightest row once it proves heavy.
"""

from array import array
from collections.abc import Hashable, Iterable, Iterator
from heapq import nlargest, nsmallest
from typing import Generic, TypeVar

from datasketches import frequent_items_error_type, frequent_items_sketch

from pontlevis.brain.detection.columns import Counts, total
from pontlevis.brain.detection.statistics import share_at_least
from pontlevis.brain.detection.window import LONG, SIXTY, TEN, Window

LG_REST = 9
"""The sketch of the rest holds up to 384 heavy items (0.75 of 2^9): Anderson et al., IMC 2017."""
PROMOTED = 32
"""Heavy items that may take a row at one pruning."""
MOST_IN = 48
"""Clusters that are looked at over ten minutes."""
SCARCE = 0.5
"""With more of the rows than this in use, those who were idle for a minute give theirs back."""
REMEMBERS = 0.95
"""What is left of a row's weight after a second: who is busy now is looked at first, and who was so within the minute that is judged."""
HEAVIEST = 1e200
"""Of an act's weight in its table, which grows instead of the others fading; all are made light again beyond it."""

Key = TypeVar("Key", bound=Hashable)


class Row(Window):
    """What one cluster did."""

    __slots__ = ("acted", "place")

    def __init__(self, second: int, place: int) -> None:
        super().__init__(second)
        self.acted = second
        """When it last did something; to look at it is nothing that it does."""
        self.place = place
        """Where its table keeps its weight."""


class View(Generic[Key]):
    """A cluster as the detectors see it at one tick."""

    __slots__ = ("_long", "_sixty", "_ten", "key", "row")

    def __init__(self, key: Key, row: Row) -> None:
        self.key = key
        self.row = row
        self._ten: Counts | None = None
        self._sixty: Counts | None = None
        self._long: Counts | None = None

    @property
    def ten(self) -> Counts:
        """Counts of 10 s; only within the tick."""
        if self._ten is None:
            self._ten = self.row.ten
        return self._ten

    @property
    def sixty(self) -> Counts:
        """Counts of 60 s; only within the tick."""
        if self._sixty is None:
            self._sixty = self.row.sixty
        return self._sixty

    @property
    def long(self) -> Counts:
        """Counts of 10 min; only within the tick."""
        if self._long is None:
            self._long = self.row.long
        return self._long

    def by_second(self, columns: tuple[int, ...]) -> list[int]:
        """Acts of these columns in each of the last 10 s, the newest at the end; only within the tick."""
        return self.row.by_second(columns)

    def counts(self, seconds: int) -> Counts:
        """Of one of the three windows."""
        if seconds <= TEN:
            return self.ten
        return self.sixty if seconds <= SIXTY else self.long


class Table(Generic[Key]):
    """At most ``capacity`` clusters of one sort."""

    __slots__ = ("_bar", "_capacity", "_keys", "_now", "_rest", "_unit", "_weights", "rows")

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._rest = frequent_items_sketch(LG_REST)
        self.rows: dict[Key, Row] = {}
        # Beside the rows, not in them: a tick ranks all of them, and they lie scattered in memory. An act of now weighs
        # ever more, which ranks as if those of before faded: forward decay (Cormode et al., ICDE 2009).
        self._keys: list[Key] = []
        self._weights = array("d")
        self._unit = 1.0
        self._now = 0
        self._bar = 0.0

    def row(self, key: Key, second: int, count: int) -> Row | None:
        """The cluster's row, brought up to ``second``; None where it has none and the table is full."""
        row = self.rows.get(key)
        if row is None:
            if len(self.rows) >= self._capacity:
                self._rest.update(key, count)
                return None
            return self._place(key, second, count)
        if row.acted < second:
            row.acted = second
            row.advance(second)
        self._weights[row.place] += count * self._at(second)
        return row

    def busiest(self, second: int, most: int) -> list[View[Key]]:
        """The clusters of the last minute with the most acts lately, heaviest first."""
        views: list[View[Key]] = []
        for place in self._ranked():
            key = self._keys[place]
            row = self.rows[key]
            if row.acted > second - SIXTY:
                row.advance(second)
                views.append(View(key, row))
                if len(views) >= most:
                    break
        self._bar = self._weights[views[-1].row.place] if len(views) >= most else 0.0
        return views

    def _ranked(self) -> Iterator[int]:
        """Places, heaviest first. Weights only grow, so that whoever is under the lightest of the last time is seldom needed."""
        weigh = self._weights.__getitem__
        heavy = [place for place, weight in enumerate(self._weights) if weight >= self._bar]
        yield from sorted(heavy, key=weigh, reverse=True)
        # Some of those have gone idle.
        light = [place for place, weight in enumerate(self._weights) if weight < self._bar]
        yield from sorted(light, key=weigh, reverse=True)

    def most_in(self, columns: tuple[int, ...], second: int, most: int = MOST_IN) -> list[View[Key]]:
        """The clusters with the most acts of these columns in ten minutes."""
        acts = []
        for key, row in self.rows.items():
            if row.long_in(columns):
                row.advance(second)
                if count := row.long_in(columns):
                    acts.append((count, row.place, View(key, row)))
        return [view for _, _, view in nlargest(most, acts)]

    def prune(self, second: int) -> None:
        """Forgets who was idle for ten minutes, or one where rows grow scarce; the heavy among the rest get theirs."""
        kept_s = SIXTY if len(self.rows) > SCARCE * self._capacity else LONG
        idle = [key for key, row in self.rows.items() if row.acted < second - kept_s]
        for key in idle:
            self._drop(key)
        heavy = self._rest.get_frequent_items(frequent_items_error_type.NO_FALSE_POSITIVES)[:PROMOTED]
        self._rest = frequent_items_sketch(LG_REST)
        if not heavy:
            return
        unit = self._at(second)
        weights = {key: self._weights[row.place] / unit for key, row in self.rows.items()}
        lightest = nsmallest(len(heavy), weights, key=weights.__getitem__)
        for (key, _, least, _), light in zip(heavy, lightest, strict=False):
            if len(self.rows) >= self._capacity:
                if weights[light] >= least:
                    break
                self._drop(light)
            self._place(key, second, least)

    def _place(self, key: Key, second: int, weight: float) -> Row:
        row = self.rows[key] = Row(second, len(self._keys))
        self._keys.append(key)
        self._weights.append(weight * self._at(second))
        return row

    def _at(self, second: int) -> float:
        """What an act of this second weighs; of one before the newest as much as of that."""
        if second > self._now:
            gap = second - self._now
            self._now = second
            unit = self._unit / REMEMBERS ** min(gap, LONG)
            if unit > HEAVIEST or gap > LONG:
                for place, weight in enumerate(self._weights):
                    self._weights[place] = weight / unit
                self._bar /= unit
                unit = 1.0
            self._unit = unit
        return self._unit

    def _drop(self, key: Key) -> None:
        """The last one takes its place."""
        place = self.rows.pop(key).place
        last, weight = self._keys.pop(), self._weights.pop()
        if last != key:
            self._keys[place], self._weights[place] = last, weight
            self.rows[last].place = place


class Parted(Generic[Key]):
    """Clusters in which nearly every act is bad, apart from the rest of the population."""

    __slots__ = ("bad", "condemned", "good", "rest_bad", "rest_good")

    def __init__(
        self, condemned: list[View[Key]], bad: int, good: int, rest_bad: int, rest_good: int
    ) -> None:
        self.condemned = condemned
        self.bad = bad
        self.good = good
        self.rest_bad = rest_bad
        self.rest_good = rest_good

    def apart(self, at_most: float, least: int) -> bool:
        """Whether the rest does well: at least ``least`` acts, at most this share of them bad.

        Then the cluster decides the fate of an act, which no failure of ours explains.
        """
        rest = self.rest_bad + self.rest_good
        return bool(self.condemned) and rest >= least and self.rest_bad <= at_most * rest


def part(
    views: Iterable[View[Key]],
    everyone: Counts,
    seconds: int,
    *,
    bad: tuple[int, ...],
    whole: tuple[int, ...],
    least: int,
    share: float,
) -> Parted[Key]:
    """Peels off the clusters with at least ``least`` acts whose bad share surely exceeds ``share``.

    ``whole`` are the columns of all acts, the bad ones included.
    """
    condemned = []
    all_bad = all_acts = 0
    for view in views:
        counts = view.counts(seconds)
        bad_here = total(counts, bad)
        acts = max(total(counts, whole), bad_here)
        if acts >= least and share_at_least(bad_here, acts) > share:
            condemned.append(view)
            all_bad += bad_here
            all_acts += acts
    rest_bad = max(0, total(everyone, bad) - all_bad)
    rest_acts = max(rest_bad, total(everyone, whole) - all_acts)
    return Parted(condemned, all_bad, all_acts - all_bad, rest_bad, rest_acts - rest_bad)
