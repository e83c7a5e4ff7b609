"""Which observations of a flood are kept: each tells how many like it were not."""

from pontlevis.brain.observation import Observation
from pontlevis.evidence.frames import Seen

MOST_WEIGHT = 65_536


class Thinning:
    """Keeps one in ``weight``; the weight doubles within a second that brings too many, and comes down after it.

    Systematic sampling (Cochran, Sampling Techniques, 1977, chapter 8): counts and tokens scaled by the
    weight are unbiased; distinct sources are undercounted, and who reads says so.
    """

    __slots__ = ("_budget", "_in_tranche", "_kept", "_skip", "weight")

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self.weight = 1
        """That of the next one that is kept."""
        self._in_tranche = 0
        self._skip = 0
        self._kept: list[Seen] = []

    def take(self, observation: Observation) -> None:
        """One more; a fraction of a microsecond where it is not kept."""
        if self._skip > 0:
            self._skip -= 1
            return
        self._skip = self.weight - 1
        if not self._kept or self._kept[-1].weight != self.weight:
            self._kept.append(Seen(self.weight, []))
        self._kept[-1].observations.append(observation)
        self._in_tranche += 1
        if self._in_tranche >= self._budget and self.weight < MOST_WEIGHT:
            self.weight *= 2
            self._in_tranche = self._budget // 2

    def second(self, floor: int) -> list[Seen]:
        """What was kept since the last call. ``floor`` is the least weight from now on."""
        kept, self._kept = self._kept, []
        self.weight = max(1, floor, self.weight // 2 if self._in_tranche > self._budget // 2 else 1)
        self._in_tranche = 0
        self._skip = min(self._skip, self.weight - 1)
        return kept

    def cut(self) -> list[Seen]:
        """What was kept so far, so that what is told in between keeps its place; nothing else changes."""
        kept, self._kept = self._kept, []
        return kept
