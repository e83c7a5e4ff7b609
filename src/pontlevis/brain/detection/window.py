"""Counts over the last 10 s, 60 s and, where asked for, 10 min: bounded whatever arrives."""

from operator import add, sub

from pontlevis.brain.detection.columns import WIDTH, Counts

TEN = 10
SIXTY = 60
LONG = 600
_NOTHING: Counts = [0] * WIDTH
"""Stands for every second in which nothing happened; never written to."""


class Window:
    """Sliding counts by column.

    The seconds of the last ten are kept one by one; older ones as blocks of ten seconds, and for a
    long window as blocks of a minute. A window therefore reaches back its length less at most one
    block of the level below. Lists, not deques, hold what is ten at most: an empty deque takes 600 bytes.
    """

    __slots__ = (
        "_block",
        "_blocks",
        "_fresh",
        "_last10",
        "_last60",
        "_last600",
        "_long",
        "_minute",
        "_minutes",
        "_seconds",
        "_taken",
        "second",
        "slot",
    )

    def __init__(self, second: int, *, long: bool = False) -> None:
        self.second = second
        self._long = long
        self._clear()

    def _clear(self) -> None:
        self.slot: Counts = [0] * WIDTH
        """The second under way: add to it directly."""
        self._seconds: list[Counts] = []
        self._last10 = _NOTHING
        self._block = _NOTHING
        self._blocks: list[Counts] = []
        self._last60 = _NOTHING
        self._minute = _NOTHING
        self._minutes: list[Counts] = []
        self._last600 = _NOTHING
        self._fresh = _NOTHING
        self._taken = _NOTHING

    def advance(self, second: int) -> None:
        """Moves on to ``second``; one in the past changes nothing."""
        gap = second - self.second
        if gap > (LONG if self._long else SIXTY):
            self._clear()
            self.second = second
            return
        for _ in range(gap):
            self._close()

    def _close(self) -> None:
        closed = self.slot
        if any(closed):
            self.slot = [0] * WIDTH
            self._last10 = _plus(self._last10, closed)
            self._block = _plus(self._block, closed)
            self._last60 = _plus(self._last60, closed)
            if self._long:
                self._fresh = _minus(_plus(self._fresh, closed), self._taken)
                self._taken = _NOTHING
        else:
            closed = _NOTHING
        self._seconds.append(closed)
        if len(self._seconds) >= TEN:
            self._last10 = _minus(self._last10, self._seconds.pop(0))
        self.second += 1
        if self.second % TEN == 0:
            self._close_block()

    def _close_block(self) -> None:
        closed = self._block
        self._block = _NOTHING
        self._blocks.append(closed)
        if len(self._blocks) >= SIXTY // TEN:
            self._last60 = _minus(self._last60, self._blocks.pop(0))
        if not self._long:
            return
        self._minute = _plus(self._minute, closed)
        self._last600 = _plus(self._last600, closed)
        if self.second % SIXTY == 0:
            self._minutes.append(self._minute)
            self._minute = _NOTHING
            if len(self._minutes) >= LONG // SIXTY:
                self._last600 = _minus(self._last600, self._minutes.pop(0))

    @property
    def _under_way(self) -> Counts:
        # Of most clusters the second under way has just begun when they are looked at.
        return list(self.slot) if any(self.slot) else _NOTHING

    @property
    def ten(self) -> Counts:
        """Counts of the last 10 s, the second under way included."""
        return _plus(self._last10, self._under_way)

    @property
    def seconds(self) -> list[Counts]:
        """Counts of each of the last 10 s, the second under way at the end; not to be written to."""
        return [*self._seconds, self.slot]

    @property
    def sixty(self) -> Counts:
        """Counts of the last 60 s."""
        return _plus(self._last60, self._under_way)

    @property
    def long(self) -> Counts:
        """Counts of the last 10 min; of a window that is not long, of 60 s."""
        if not self._long:
            return self.sixty
        return _plus(_plus(self._last600, self._block), self._under_way)

    def take_fresh(self) -> Counts:
        """Counts since the last call; for a long window only."""
        fresh = _minus(_plus(self._fresh, self._under_way), self._taken)
        self._fresh = _NOTHING
        self._taken = list(self.slot)
        return fresh


def _plus(left: Counts, right: Counts) -> Counts:
    if right is _NOTHING:
        return left
    if left is _NOTHING:
        return right
    return list(map(add, left, right))


def _minus(left: Counts, right: Counts) -> Counts:
    if right is _NOTHING:
        return left
    return list(map(sub, left, right))
