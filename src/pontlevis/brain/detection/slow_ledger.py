"""Sources of which connections were cut because they sent or took bytes too slowly."""

from itertools import islice

CAPACITY = 4096
WINDOW_S = 60.0


class SlowLedger:
    """Connections cut by source over the last minute to two; the oldest sources are forgotten first."""

    __slots__ = ("_new", "_old", "_turned_at")

    def __init__(self) -> None:
        self._new: dict[str, int] = {}
        self._old: dict[str, int] = {}
        self._turned_at = 0.0

    def add(self, source: str, count: int, at: float) -> int:
        """Takes ``count`` cut connections; how many the source has had lately."""
        self._turn(at)
        new = self._new
        if source not in new and len(new) >= CAPACITY:
            # An eighth at once: to look for the first of a dict again and again is quadratic.
            for oldest in list(islice(new, CAPACITY // 8)):
                del new[oldest]
        new[source] = new.get(source, 0) + count
        return new[source] + self._old.get(source, 0)

    def holding(self, least: int, now: float) -> list[tuple[int, str]]:
        """Sources with at least so many, most first."""
        self._turn(now)
        counts = dict(self._old)
        for source, count in self._new.items():
            counts[source] = counts.get(source, 0) + count
        found = [(count, source) for source, count in counts.items() if count >= least]
        return sorted(found, key=lambda pair: (-pair[0], pair[1]))

    def served(self, source: str) -> None:
        """Somebody with a valid account was served there: its slowness was a bad line."""
        self._new.pop(source, None)
        self._old.pop(source, None)

    @property
    def empty(self) -> bool:
        return not self._new and not self._old

    def _turn(self, now: float) -> None:
        if now - self._turned_at < WINDOW_S:
            return
        stale = now - self._turned_at >= 2 * WINDOW_S
        self._old = {} if stale else self._new
        self._new = {}
        self._turned_at = now
