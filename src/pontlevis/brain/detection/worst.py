"""The sources with the most hostile deeds lately, however many sources there are."""

from datasketches import frequent_items_error_type, frequent_strings_sketch

from pontlevis.brain.detection.address import place_of
from pontlevis.brain.detection.familiar import Familiar
from pontlevis.brain.detection.good import Vouched

LG_SIZE = 10
"""Up to 768 sources (0.75 of 2^10) before the light ones are dropped: Anderson et al., IMC 2017."""
GENERATION_S = 60
REFRESH_S = 5
GUESSERS = 64
"""Sources of failed log-ins that a detector is told of."""


class Worst:
    """Heavy hitters of the last one to two minutes."""

    __slots__ = ("_born", "_list", "_listed", "_new", "_old", "_phase")

    def __init__(self, phase: int = 0) -> None:
        """``phase``: in which of five seconds the list is made anew, so that not all are in the same one."""
        self._phase = phase
        self._born = 0
        self._new = frequent_strings_sketch(LG_SIZE)
        self._old: dict[str, int] = {}
        self._list: tuple[str, ...] = ()
        self._listed: tuple[int, frozenset[int]] | None = None
        """In which five seconds the list was made, and about whom."""

    def add(self, source: str, count: int, second: int) -> None:
        """Counts ``count`` hostile deeds of ``source``."""
        if second - self._born >= GENERATION_S:
            self._turn(second)
        self._new.update(source, count)

    def worst(
        self, now: float, most: int, served: Vouched | Familiar, about: frozenset[int] = frozenset()
    ) -> tuple[str, ...]:
        """At most ``most`` sources, most deeds first, none that is ``served``; up to five seconds old.

        ``about``: of sources that were added as ``with_print``, those with one of these fingerprints.
        """
        turn = ((int(now) - self._phase) // REFRESH_S, about)
        if turn == self._listed:
            return self._list[:most]
        self._listed = turn
        if now - self._born >= GENERATION_S:
            self._turn(int(now))
        counts = dict(self._old)
        for source, count in self._items():
            counts[source] = counts.get(source, 0) + count
        if about:
            counts = _of_prints(counts, about)
        # By number, and those of one number by name.
        ranked = sorted(sorted(counts), key=counts.__getitem__, reverse=True)
        self._list = tuple(source for source in ranked if place_of(source) not in served)
        return self._list[:most]

    def _items(self) -> list[tuple[str, int]]:
        items = self._new.get_frequent_items(frequent_items_error_type.NO_FALSE_NEGATIVES)
        return [(item, estimate) for item, estimate, _, _ in items]

    def _turn(self, second: int) -> None:
        stale = second - self._born >= 2 * GENERATION_S
        self._old = {} if stale else dict(self._items())
        self._new = frequent_strings_sketch(LG_SIZE)
        self._born = second


def with_print(source: str, fingerprint: int) -> str:
    """Source and fingerprint as one key."""
    return f"{source} {fingerprint:x}"


def _of_prints(counts: dict[str, int], about: frozenset[int]) -> dict[str, int]:
    prints = {f"{each:x}" for each in about}
    found: dict[str, int] = {}
    for key, count in counts.items():
        source, _, fingerprint = key.partition(" ")
        if fingerprint in prints:
            found[source] = found.get(source, 0) + count
    return found
