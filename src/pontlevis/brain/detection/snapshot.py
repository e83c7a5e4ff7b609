"""The last ten seconds, minute and ten minutes as every detector sees them at one tick."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from pontlevis.brain.detection.address import place_of
from pontlevis.brain.detection.baseline import Baseline
from pontlevis.brain.detection.cluster import View
from pontlevis.brain.detection.columns import Counts, total
from pontlevis.brain.detection.distinct import SlidingDistinct
from pontlevis.brain.detection.statistics import diversity
from pontlevis.brain.detection.window import LONG, SIXTY, TEN

if TYPE_CHECKING:
    from pontlevis.brain.detection.ledgers import Ledgers


WINDOWS = (TEN, SIXTY, LONG)


class Spans:
    """Different ones in each of the three windows."""

    __slots__ = ("_blocks", "_seconds")

    def __init__(self) -> None:
        self._seconds = SlidingDistinct(1, TEN)
        self._blocks = SlidingDistinct(TEN, LONG // TEN)

    def add(self, key: str, second: int) -> None:
        self._seconds.add(key, second)
        self._blocks.add(key, second)

    def merge(self, other: "Spans", second: int) -> None:
        """Takes what another node counted."""
        self._seconds.merge(other._seconds, second)
        self._blocks.merge(other._blocks, second)

    def count(self, second: int, seconds: int) -> int:
        """In the window of so many seconds that ends with ``second``."""
        if seconds <= TEN:
            return self._seconds.count(second)
        return self._blocks.count(second, last=seconds // TEN)


def _over_ten_seconds() -> SlidingDistinct:
    return SlidingDistinct(1, TEN)


def _over_a_minute() -> SlidingDistinct:
    return SlidingDistinct(TEN, SIXTY // TEN)


@dataclass(frozen=True, slots=True)
class Distincts:
    """Counters of different ones; asked only by detectors whose volume is reached."""

    failing_sources: Spans = field(default_factory=Spans)
    """Sources of failed log-ins."""
    failing_accounts: Spans = field(default_factory=Spans)
    """Accounts that failed log-ins tried."""
    turned_away_sources: SlidingDistinct = field(default_factory=_over_ten_seconds)
    """Unfamiliar sources of calls turned away, 10 s."""
    familiar_away: SlidingDistinct = field(default_factory=_over_ten_seconds)
    """Familiar ones of the same."""
    signup_sources: SlidingDistinct = field(default_factory=_over_a_minute)
    """Sources of sign-ups, 60 s."""
    young_active: SlidingDistinct = field(default_factory=_over_ten_seconds)
    """Young accounts that called, 10 s."""
    young_greedy: SlidingDistinct = field(default_factory=_over_ten_seconds)
    """Those of them that are greedy."""
    young_prompt: SlidingDistinct = field(default_factory=_over_ten_seconds)
    """Those of the greedy that were used at once after they were made."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """How diverse the fingerprints behind some acts are."""

    acts: int
    diversity: float
    """As many equally frequent fingerprints would be as diverse."""
    fingerprints: tuple[int, ...]
    """The ones behind four in five of the acts, most frequent first."""
    share: float
    """What those together have."""


class Place(Protocol):
    """A set of places, see ``address.place_of``."""

    def __contains__(self, source: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One tick's view. Nothing in it changes."""

    now: float
    second: int
    dt: float
    """Seconds since the last tick."""
    age_s: float
    """Seconds since the first tick: a window cannot hold more than that."""
    just_started: bool
    """Whether nobody can be familiar yet: just started, with nothing kept from before."""
    fresh: Counts
    """What came since the last tick."""
    ten: Counts
    sixty: Counts
    long: Counts
    strangers: int
    """Different unfamiliar sources in 10 s."""
    fingerprints: list[View[int]]
    slow_fingerprints: Callable[[tuple[int, ...], int], list[View[int]]]
    """Those with the most acts of some columns in the ten minutes before a second."""
    guessers: Callable[[frozenset[int]], tuple[str, ...]]
    """Sources of failed log-ins lately with one of these fingerprints, but those we serve."""
    prefixes: list[View[str]]
    domains: list[View[tuple[int, str]]]
    """Sign-ups by fingerprint and mail domain."""
    asns: list[View[int]]
    """By autonomous system; none without knowledge of sources."""
    network: Callable[[int], str]
    """What an autonomous system is called."""
    distincts: Distincts
    baseline: Baseline
    accused: dict[int, frozenset[str]]
    """Fingerprints that open hostile findings accuse, with the detectors that do."""
    ledgers: "Ledgers"
    served: Place
    """Where an existing account was served lately."""
    _slow: dict[tuple[int, ...], list[View[int]]] = field(default_factory=dict, repr=False)
    """Looked for once for all who ask."""
    _likenesses: dict[tuple[tuple[int, ...], int], Likeness] = field(default_factory=dict, repr=False)
    """Worked out once for all who ask."""

    def vouched(self, source: str) -> bool:
        """Whether an existing account was served there lately."""
        return place_of(source) in self.served

    def counts(self, seconds: int) -> Counts:
        """Everyone's counts in one of the three windows."""
        if seconds <= TEN:
            return self.ten
        return self.sixty if seconds <= SIXTY else self.long

    def span(self, seconds: int) -> float:
        """Seconds that a window really covers; after a start it is not full yet."""
        return min(seconds, max(self.age_s, TEN))

    def failing_sources(self, seconds: int) -> int:
        return self.distincts.failing_sources.count(self.second, seconds)

    def failing_accounts(self, seconds: int) -> int:
        return self.distincts.failing_accounts.count(self.second, seconds)

    def familiar_away_sources(self) -> int:
        return self.distincts.familiar_away.count(self.second)

    def turned_away_sources(self) -> int:
        return self.distincts.turned_away_sources.count(self.second)

    def young(self) -> tuple[int, int, int]:
        """Young accounts in 10 s: active, of them greedy, of those used at once after they were made."""
        greedy = self.distincts.young_greedy.count(self.second)
        active = max(greedy, self.distincts.young_active.count(self.second))
        return active, greedy, min(greedy, self.distincts.young_prompt.count(self.second))

    def signup_sources(self) -> int:
        return self.distincts.signup_sources.count(self.second)

    def fingerprints_in(self, columns: tuple[int, ...], seconds: int) -> list[View[int]]:
        """The busiest now, or in a long window those with the most acts of these columns."""
        if seconds <= SIXTY:
            return self.fingerprints
        found = self._slow.get(columns)
        if found is None:
            found = self._slow[columns] = self.slow_fingerprints(columns, self.second)
        return found

    def likeness(self, columns: tuple[int, ...], seconds: int) -> Likeness:
        """Of everyone's acts in these columns; acts beyond the clusters that are looked at count as all different.

        Acts whose fingerprint is unknown say nothing and are left out.
        """
        seconds = next(each for each in WINDOWS if seconds <= each)
        found = self._likenesses.get((columns, seconds))
        if found is None:
            found = self._likenesses[columns, seconds] = self._likeness(columns, seconds)
        return found

    def _likeness(self, columns: tuple[int, ...], seconds: int) -> Likeness:
        views = self.fingerprints_in(columns, seconds)
        counted = sorted(((total(view.counts(seconds), columns), view.key) for view in views), reverse=True)
        known = [(count, key) for count, key in counted if key and count > 0]
        unknown = sum(count for count, key in counted if not key)
        listed = sum(count for count, _ in known)
        alone = max(0, total(self.counts(seconds), columns) - unknown - listed)
        acts = listed + alone
        top: list[int] = []
        covered = 0
        for count, key in known:
            if covered >= 0.8 * acts:
                break
            top.append(key)
            covered += count
        spread = diversity((count for count, _ in known), alone=alone)
        return Likeness(acts, spread, tuple(top), covered / acts if acts else 0.0)

    def accused_elsewhere(self, fingerprint: int, detector: str) -> bool:
        """Whether another detector accuses this fingerprint."""
        return bool(self.accused.get(fingerprint, frozenset()) - {detector})


EXPECTED = 6
"""So many acts expected make their absence tell: e^-6 is one in four hundred."""


def lately(snapshot: Snapshot, columns: tuple[int, ...], seconds: int) -> int:
    """The shortest window in which acts seen in this one are to be expected, if they still come."""
    rate = total(snapshot.counts(seconds), columns) / snapshot.span(seconds)
    for shorter in WINDOWS:
        if shorter < seconds and rate * shorter >= EXPECTED:
            return shorter
    return TEN if seconds <= SIXTY else SIXTY


def still_on(snapshot: Snapshot, columns: tuple[int, ...], seconds: int) -> bool:
    """Whether acts seen in a long window still come: lately at a third of their rate. Over is over."""
    if seconds <= TEN:
        return True
    shorter = lately(snapshot, columns, seconds)
    expected = total(snapshot.counts(seconds), columns) * shorter / snapshot.span(seconds)
    return total(snapshot.counts(shorter), columns) >= max(1.0, expected / 3)
