"""Counts over the last 10 s, 60 s and 10 min: bounded whatever arrives."""

from itertools import compress

from pontlevis.brain.detection.columns import WIDTH, Counts

TEN = 10
SIXTY = 60
LONG = 600
_NOTHING: Counts = [0] * WIDTH
"""Stands for a stretch in which nothing happened; never written to."""
Packed = tuple[int, ...]
"""The columns that are not zero, and after them what is in each: of fifty columns an act touches a few."""
_COLUMNS = range(WIDTH)


class Window:
    """Sliding counts by column.

    The seconds of the last ten are kept one by one; older ones as blocks of ten seconds, and those older
    than a minute as blocks of a minute. A window therefore reaches back its length less at most one
    block of the level below. Lists, not deques, hold what is ten at most: an empty deque takes 600 bytes.
    """

    __slots__ = (
        "_block",
        "_blocks",
        "_fresh",
        "_last10",
        "_last60",
        "_last600",
        "_minute",
        "_minutes",
        "_seconds",
        "_taken",
        "_tells_fresh",
        "second",
        "slot",
    )

    def __init__(self, second: int, *, fresh: bool = False) -> None:
        """``fresh``: whether ``take_fresh`` will be called."""
        self.second = second
        self._tells_fresh = fresh
        self._fresh = _NOTHING
        self._taken = _NOTHING
        self._clear()

    def _clear(self) -> None:
        self.slot: Counts = [0] * WIDTH
        """The second under way: add to it directly."""
        self._clear_short()
        self._minute = _NOTHING
        self._minutes: list[Packed] = []
        self._last600 = _NOTHING

    def _clear_short(self) -> None:
        self._seconds: list[Packed] = []
        self._last10 = _NOTHING
        self._block = _NOTHING
        self._blocks: list[Packed] = []
        self._last60 = _NOTHING

    def advance(self, second: int) -> None:
        """Moves on to ``second``; one in the past changes nothing."""
        gap = second - self.second
        if gap > LONG:
            self._close()
            self._clear()
            self.second = second
            return
        if gap > 2 * SIXTY:
            # Whoever comes back after minutes is not charged for each of their seconds.
            self._close()
            while self.second % SIXTY:
                self._close()
            self._clear_short()
            while second - self.second >= SIXTY:
                self.second += SIXTY
                self._close_minute()
            gap = second - self.second
        for _ in range(gap):
            self._close()

    def _close(self) -> None:
        slot = self.slot
        closed: Packed = ()
        if any(slot):
            closed = _packed(slot)
            self.slot = [0] * WIDTH
            self._last10 = _plus(self._last10, closed)
            self._block = _plus(self._block, closed)
            self._last60 = _plus(self._last60, closed)
            if self._tells_fresh:
                self._fresh = _minus(_plus(self._fresh, closed), _packed(self._taken))
                self._taken = _NOTHING
        self._seconds.append(closed)
        if len(self._seconds) >= TEN:
            self._last10 = _minus(self._last10, self._seconds.pop(0))
        self.second += 1
        if self.second % TEN == 0:
            self._close_block()

    def _close_block(self) -> None:
        closed = _packed(self._block)
        self._block = _NOTHING
        self._blocks.append(closed)
        if len(self._blocks) >= SIXTY // TEN:
            self._last60 = _minus(self._last60, self._blocks.pop(0))
        self._minute = _plus(self._minute, closed)
        self._last600 = _plus(self._last600, closed)
        if self.second % SIXTY == 0:
            self._close_minute()

    def _close_minute(self) -> None:
        self._minutes.append(_packed(self._minute))
        self._minute = _NOTHING
        if len(self._minutes) >= LONG // SIXTY:
            self._last600 = _minus(self._last600, self._minutes.pop(0))

    @property
    def _under_way(self) -> Packed:
        # Of most clusters the second under way has just begun when they are looked at.
        return _packed(self.slot)

    @property
    def ten(self) -> Counts:
        """Counts of the last 10 s, the second under way included."""
        return _plus(self._last10, self._under_way)

    def by_second(self, columns: tuple[int, ...]) -> list[int]:
        """Acts of these columns in each of the last ten seconds, the one under way at the end."""
        young = [0] * (TEN - 1 - len(self._seconds))
        return young + [_in(closed, columns) for closed in (*self._seconds, self._under_way)]

    @property
    def sixty(self) -> Counts:
        """Counts of the last 60 s."""
        return _plus(self._last60, self._under_way)

    @property
    def long(self) -> Counts:
        """Counts of the last 10 min."""
        return _plus(_plus(self._last600, _packed(self._block)), self._under_way)

    def long_in(self, columns: tuple[int, ...]) -> int:
        """Acts of these columns in the last 10 min."""
        return sum(self._last600[each] + self._block[each] + self.slot[each] for each in columns)

    def take_fresh(self) -> Counts:
        """Counts since the last call; only where the window was made for it."""
        fresh = _minus(_plus(self._fresh, self._under_way), _packed(self._taken))
        self._fresh = _NOTHING
        self._taken = list(self.slot)
        return fresh


def _packed(counts: Counts) -> Packed:
    if counts is _NOTHING or not any(counts):
        return ()
    return (*compress(_COLUMNS, counts), *filter(None, counts))


def _plus(left: Counts, right: Packed) -> Counts:
    if not right:
        return left
    counts = left.copy()
    half = len(right) // 2
    for column, count in zip(right[:half], right[half:], strict=True):
        counts[column] += count
    return counts


def _minus(left: Counts, right: Packed) -> Counts:
    if not right:
        return left
    counts = left.copy()
    half = len(right) // 2
    for column, count in zip(right[:half], right[half:], strict=True):
        counts[column] -= count
    return counts


def _in(packed: Packed, columns: tuple[int, ...]) -> int:
    half = len(packed) // 2
    return sum(count for column, count in zip(packed[:half], packed[half:], strict=True) if column in columns)
