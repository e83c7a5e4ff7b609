"""How many different sources of one prefix earned a measure lately."""

from pontlevis.brain.reach import Reach

WITHIN_S = 600.0
MOST_PREFIXES = 4096
MOST_SOURCES = 64
"""Sources remembered of one prefix; more say nothing new."""


class Ranks:
    """Prefixes and their sources, in bounded memory: the prefixes longest without a new one are forgotten first."""

    __slots__ = ("_prefixes",)

    def __init__(self) -> None:
        self._prefixes: dict[tuple[str, Reach], dict[str, float]] = {}

    def add(self, prefix: str, reach: Reach, place: str, now: float) -> int:
        """Takes a source that earned a measure of this reach; how many of its prefix did within ten minutes."""
        named = (prefix, reach)
        sources = self._prefixes.pop(named, None)
        if sources is None:
            sources = {}
            if len(self._prefixes) >= MOST_PREFIXES:
                del self._prefixes[next(iter(self._prefixes))]
        self._prefixes[named] = sources
        sources.pop(place, None)
        while sources:
            oldest = next(iter(sources))
            if sources[oldest] > now - WITHIN_S and len(sources) < MOST_SOURCES:
                break
            del sources[oldest]
        sources[place] = now
        return len(sources)
