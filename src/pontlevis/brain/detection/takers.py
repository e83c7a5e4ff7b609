"""Who takes the tokens: a sample of calls, each as likely as it is heavy.

Every so many tokens that pass, the call that carries the mark is kept (systematic sampling with
probability proportional to size: Madow, Annals of Mathematical Statistics 1949). It costs an addition
for a call that is not kept, and shares of the sample are shares of the tokens.
"""

from collections import deque
from typing import NamedTuple

from pontlevis.brain.observation import Observation

MARKS = 512
"""Marks aimed at in a minute: a share of 5 % is then known to one point (one standard error)."""
KEPT = 2048
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

    __slots__ = ("_kept", "_left", "_minute", "_step", "_sum")

    def __init__(self) -> None:
        self._kept: deque[Taken] = deque(maxlen=KEPT)
        self._step = 1
        self._left = 1
        """Tokens until the next mark."""
        self._sum = 0
        self._minute = 0

    def take(self, o: Observation, second: int) -> None:
        """Counts a call's tokens, and keeps it where a mark falls on it."""
        left = self._left - o.tokens
        if left > 0:
            self._left = left
            return
        step = self._step
        marks = 1 + -left // step
        self._left = left + marks * step
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
            self._left = min(self._left, self._step)
            self._sum = 0
        # A surge: what is kept must still reach back a minute.
        while self._sum > 2 * MARKS * self._step:
            self._step *= 2
        return list(kept)
