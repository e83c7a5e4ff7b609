"""Who takes the tokens: a sample of calls, each as likely as it is heavy.

Of every so many tokens that pass one bears a mark, and the call it belongs to is kept (sampling with
probability proportional to size, after Madow, Annals of Mathematical Statistics 1949, with a mark
anywhere in each step). It costs an addition for a call that is not kept, and shares of the sample are
shares of the tokens.
"""

from collections import deque
from typing import NamedTuple

from pontlevis.brain.observation import Observation

MARKS = 400
"""Marks aimed at in a minute: a share of 5 % is then known to one point (one standard error)."""
KEPT = 1024
LCG_FACTOR, LCG_ADDEND, LCG_MASK = 1_664_525, 1_013_904_223, 0xFFFFFFFF
"""A congruential generator (Numerical Recipes, 7.1): the same calls are kept in every process."""
FIRST_STEP = 500
"""Tokens between the marks of the first minute, before it is known how many there are: half a usual call."""
WINDOW_S = 60


class Taken(NamedTuple):
    """One call that was kept."""

    second: int
    address: str
    account: str
    fingerprint: int
    standing: int
    tokens: int
    """For how many tokens it stands."""


class Takers:
    """At most ``KEPT`` calls of the last minute."""

    __slots__ = ("_draw", "_kept", "_minute", "_offset", "_step", "_sum", "left")

    def __init__(self) -> None:
        self._kept: deque[Taken] = deque(maxlen=KEPT)
        self._step = FIRST_STEP
        self._draw = 1
        self._offset = 0
        self.left = FIRST_STEP
        """Tokens until the next mark: take from it directly, and keep the call that brings it to 0."""
        self._sum = 0
        self._minute = 0

    def keep(self, o: Observation, second: int) -> None:
        """Keeps a call on which one mark or several have fallen."""
        step = self._step
        marks = 1 + -self.left // step
        # Each mark lies anywhere within its step, so that no rhythm of calls keeps clear of them.
        self._draw = (self._draw * LCG_FACTOR + LCG_ADDEND) & LCG_MASK
        offset = (self._draw >> 16) % step
        self.left += marks * step + offset - self._offset
        self._offset = offset
        if self.left <= 0:
            self.left += step
            marks += 1
        self._sum += marks * step
        self._kept.append(Taken(second, o.source, o.account, o.fingerprint, o.standing, marks * step))

    def minute(self, second: int) -> list[Taken]:
        """The kept calls of the last minute; also sets how far apart the marks are from now on."""
        kept = self._kept
        while kept and kept[0].second <= second - WINDOW_S:
            kept.popleft()
        if second // WINDOW_S != self._minute:
            self._minute = second // WINDOW_S
            self._step = max(1, self._sum // MARKS)
            self.left = min(self.left, self._step)
            self._offset = 0
            self._sum = 0
        # A surge: what is kept must still reach back a minute.
        while self._sum > 2 * MARKS * self._step:
            self._step *= 2
        return list(kept)
