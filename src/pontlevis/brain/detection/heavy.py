"""Who has the most of something lately: exact while few, frequent items above; mergeable between nodes."""

from collections import deque
from enum import StrEnum
from heapq import nlargest
from typing import NamedTuple

import msgspec
from datasketches import frequent_items_error_type, frequent_strings_sketch

from pontlevis.brain.detection.columns import LOGIN_FAILURES, SIGNUPS
from pontlevis.brain.detection.window import LONG, SIXTY, TEN
from pontlevis.brain.observation import Kind, Observation

EXACT = 384
"""Keys up to which each is counted by name: as many as the sketch would hold."""
LG_SIZE = 9
"""Up to 384 keys (0.75 of 2^9); no estimate is off by more than 0.69 % of the whole (Anderson et al., IMC 2017)."""
MOST_KEY = 200
"""Letters of a key that count."""


class Dimension(StrEnum):
    """What is weighed, by whom."""

    TOKENS_BY_ACCOUNT = "tokens_by_account"
    CALLS_BY_KEY = "calls_by_key"
    CALLS_BY_SOURCE = "calls_by_source"
    """Calls of the API that were not an existing account's."""
    BYTES_BY_SOURCE = "bytes_by_source"
    FAILURES_BY_ACCOUNT = "failures_by_account"
    """Failed log-ins by the account that was tried."""
    SIGNUPS_BY_DOMAIN = "signups_by_domain"


class Weight(NamedTuple):
    """One key's weight, and between which bounds it surely lies."""

    key: str
    weight: int
    least: int
    most: int


class HeavyState(msgspec.Struct, frozen=True, array_like=True):
    """One sketch, to be sent to another node."""

    exact: dict[str, int] | None
    sketch: bytes = b""


class Heavy:
    """Weights by key. In bounded memory: 384 exact ones, or a sketch of about 30 KB."""

    __slots__ = ("_exact", "_sketch")

    def __init__(self) -> None:
        self._exact: dict[str, int] = {}
        self._sketch: frequent_strings_sketch | None = None

    def add(self, key: str, weight: int) -> None:
        """Adds to a key's weight; one of 0 or less is passed over."""
        exact = self._exact
        if self._sketch is not None:
            if weight > 0:
                self._sketch.update(key[:MOST_KEY], weight)
        elif key in exact:
            exact[key] += max(0, weight)
        elif weight > 0:
            exact[key[:MOST_KEY]] = exact.get(key[:MOST_KEY], 0) + weight
            if len(exact) > EXACT:
                self._summarise()

    def merge(self, other: "Heavy") -> None:
        """Takes another's weights as if it had seen the same itself; ``other`` stays as it is."""
        if other._sketch is None:
            for key, weight in other._exact.items():
                self.add(key, weight)
            return
        if self._sketch is None:
            self._summarise()
        assert self._sketch is not None
        self._sketch.merge(other._sketch)

    def _summarise(self) -> None:
        sketch = self._sketch = frequent_strings_sketch(LG_SIZE)
        for key, weight in self._exact.items():
            sketch.update(key, weight)
        self._exact = {}

    def heaviest(self, most: int) -> list[Weight]:
        """At most ``most`` keys, heaviest first."""
        if self._sketch is None:
            listed = [Weight(key, weight, weight, weight) for key, weight in self._exact.items()]
        else:
            items = self._sketch.get_frequent_items(frequent_items_error_type.NO_FALSE_NEGATIVES)
            listed = [Weight(*item) for item in items]
        return nlargest(most, listed, key=lambda each: (each.weight, each.key))

    @property
    def total(self) -> int:
        """Of all weights."""
        return sum(self._exact.values()) if self._sketch is None else int(self._sketch.total_weight)

    def state(self) -> HeavyState:
        """For another node."""
        if self._sketch is None:
            return HeavyState(dict(self._exact))
        return HeavyState(None, self._sketch.serialize())

    @classmethod
    def of(cls, state: HeavyState) -> "Heavy":
        """Another node's. Raises ValueError for bytes that are no sketch."""
        made = cls()
        if state.exact is not None:
            for key, weight in state.exact.items():
                made.add(key, weight)
            return made
        try:
            made._sketch = frequent_strings_sketch.deserialize(state.sketch)
        except (RuntimeError, IndexError) as error:
            raise ValueError(f"no sketch: {error}") from error
        return made


class SlidingHeavy:
    """Weights over the last 10 s, 60 s and 10 min, from blocks of ten seconds and of a minute."""

    __slots__ = ("_block", "_minute", "_minutes", "_tens", "now")

    def __init__(self) -> None:
        self.now = Heavy()
        """The ten seconds under way: add to it directly, after ``turn``."""
        self._block = 0
        self._minute = 0
        self._tens: deque[Heavy] = deque(maxlen=SIXTY // TEN)
        self._minutes: deque[Heavy] = deque(maxlen=LONG // SIXTY)

    def turn(self, second: int) -> None:
        """Moves on to ``second``; the past changes nothing."""
        block = second // TEN
        gap = block - self._block
        if gap <= 0:
            return
        # Blocks that nobody filled are as empty as they look.
        for _ in range(min(gap, LONG // TEN)):
            self._tens.append(self.now)
            self.now = Heavy()
            self._block += 1
            if self._block * TEN // SIXTY > self._minute:
                self._minute = self._block * TEN // SIXTY
                self._minutes.append(_together(self._tens))
        self._block = block
        self._minute = block * TEN // SIXTY

    def over(self, seconds: int) -> Heavy:
        """All of a window that ends now and begins up to one block earlier than it says."""
        if seconds <= TEN:
            return _together([*list(self._tens)[-1:], self.now])
        if seconds <= SIXTY:
            return _together([*self._tens, self.now])
        # Of the minute under way only the tens of seconds that no closed minute holds.
        open_ = self._block % (SIXTY // TEN)
        return _together([*self._minutes, *(list(self._tens)[-open_:] if open_ else []), self.now])


def _together(parts: "deque[Heavy] | list[Heavy]") -> Heavy:
    whole = Heavy()
    for part in parts:
        whole.merge(part)
    return whole


class Heavies:
    """All dimensions of one node."""

    __slots__ = ("_by", "_bytes", "_calls", "_domains", "_failures", "_keys", "_second", "_tokens")

    def __init__(self) -> None:
        self._by = {dimension: SlidingHeavy() for dimension in Dimension}
        self._second = 0
        self._take_over()

    def _take_over(self) -> None:
        """The tables under way, at hand for the hot path."""
        by = self._by
        self._tokens = by[Dimension.TOKENS_BY_ACCOUNT].now
        self._keys = by[Dimension.CALLS_BY_KEY].now
        self._calls = by[Dimension.CALLS_BY_SOURCE].now
        self._bytes = by[Dimension.BYTES_BY_SOURCE].now
        self._failures = by[Dimension.FAILURES_BY_ACCOUNT].now
        self._domains = by[Dimension.SIGNUPS_BY_DOMAIN].now

    def take(self, o: Observation, column: int, second: int, *, known: bool) -> None:
        """Weighs one observation; ``known``: whether it bears an account."""
        if second // TEN != self._second // TEN:
            self.turn(second)
        if o.kind is Kind.REQUEST:
            if known:
                if o.tokens and o.account:
                    self._tokens.add(o.account, o.tokens)
                if o.credential:
                    self._keys.add(o.credential, o.count)
            elif o.source:
                self._calls.add(o.source, o.count)
        elif column in LOGIN_FAILURES:
            if o.account:
                self._failures.add(o.account, o.count)
        elif column in SIGNUPS and o.domain:
            self._domains.add(o.domain, o.count)
        if o.bytes and o.source:
            self._bytes.add(o.source, o.bytes)

    def turn(self, second: int) -> None:
        """Moves all windows on to ``second``."""
        if second // TEN <= self._second // TEN:
            return
        self._second = second
        for sliding in self._by.values():
            sliding.turn(second)
        self._take_over()

    def over(self, dimension: Dimension, seconds: int) -> Heavy:
        """A window of one dimension, to be read or to be merged with other nodes'."""
        return self._by[dimension].over(seconds)
