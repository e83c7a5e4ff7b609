"""Strangers' first visits: whether they loaded what a page needs, and went on to do anything.

A browser fetches style sheets and scripts within a second or two; whoever reads goes on to sign up, to log in,
to call, or does not. Each visit is followed for half a minute and judged at the same ages as those of calm
seconds that taught what is usual.
"""

from collections import deque

import msgspec

from pontlevis.brain.detection import columns as c
from pontlevis.brain.detection.cluster import Row, Table
from pontlevis.brain.detection.columns import Counts
from pontlevis.brain.detection.distinct import SlidingDistinct
from pontlevis.brain.detection.familiar import Familiar
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.detection.statistics import Z_99, share_at_least
from pontlevis.brain.detection.window import SIXTY, TEN
from pontlevis.brain.observation import Observation, Outcome

AGES_S = (4, 6, 9, 14, 21, 32)
"""Ages at which a visit is judged, half as much again each; at the first it has loaded what its page needs, or does not."""
LOADED_S = 3600.0
"""Whoever loaded something within this time has it cached, and is no first visitor."""
LG_LOADED = 20
"""2^20 bits a generation: 0.4 % at 30,000 places an hour that loaded something."""
QUARANTINE_S = 30.0
"""As for what is usual: a visit teaches only when so much more has passed without anything hostile."""
MOST_PATHS = 16
"""Paths counted one by one in a second."""
MOST_OF_A_PRINT = 1000
"""Visits of one fingerprint after which what was before weighs half."""
_AGES = range(len(AGES_S))
_OK = Outcome.OK


class VisitsState(msgspec.Struct, frozen=True):
    """What was learned of visits, to be kept over a restart."""

    loads: tuple[float, float]
    """Visits by known browsers that loaded something, and all of them; faded."""
    loads_all: tuple[float, float]
    goes_on: tuple[tuple[float, float], ...]
    """By age: those that had gone on, and all."""
    browsers: list[tuple[int, int, int]]
    """Fingerprints, with visits that loaded something and all of them."""


class Share:
    """A share of the last so many trials, older ones fading."""

    __slots__ = ("_most", "ones", "whole")

    def __init__(self, most: float) -> None:
        self._most = most
        self.ones = self.whole = 0.0

    def add(self, ones: float, whole: float) -> None:
        """Takes trials."""
        self.ones += ones
        self.whole += whole
        if self.whole > self._most:
            self.ones *= self._most / self.whole
            self.whole = self._most

    @property
    def at_least(self) -> float:
        """Lower 99 % bound; 0 while nothing was learned."""
        return share_at_least(self.ones, self.whole, Z_99)


class Visit:
    """One stranger's first page and what came of it."""

    __slots__ = ("acted", "at", "bare", "fingerprint", "known", "loaded", "named", "path", "source", "views")

    def __init__(self, source: str, at: int, fingerprint: int, path: int, views: int, *, known: bool) -> None:
        self.source = source
        self.at = at
        self.path = path
        self.fingerprint = fingerprint
        self.known = known
        """Whether visits with these headers loaded something before: a browser, or a good copy of one."""
        self.views = views
        self.loaded = False
        self.acted = False
        """Whether it did anything but open pages and fetch what they need."""
        self.bare = True
        self.named = False


class Tally(msgspec.Struct):
    """Visits judged at one tick."""

    second: int
    visits: int = 0
    loaded: int = 0
    known: int = 0
    known_bare: int = 0
    prints: list[tuple[int, bool]] = msgspec.field(default_factory=list)
    """Fingerprint of each visit, and whether it loaded something."""
    paths: dict[int, int] = msgspec.field(default_factory=dict)
    """Visits that loaded nothing, by the path they began with; -1 for the rest of many."""
    bare_views: int = 0
    """Pages that these have opened."""
    reached: list[int] = msgspec.field(default_factory=lambda: [0] * len(AGES_S))
    """Visits by known browsers, by the age that they have reached."""
    went: list[int] = msgspec.field(default_factory=lambda: [0] * len(AGES_S))
    """Those that had gone on."""
    bare_reached: list[int] = msgspec.field(default_factory=lambda: [0] * len(AGES_S))
    """Of them, those that loaded nothing."""
    bare_went: list[int] = msgspec.field(default_factory=lambda: [0] * len(AGES_S))

    @property
    def bare(self) -> int:
        """Visits that loaded nothing."""
        return self.visits - self.loaded

    @property
    def top_path(self) -> float:
        """Share of the path with which most of these began."""
        return max(self.paths.values(), default=0) / max(1, self.bare)

    def add(self, other: "Tally") -> None:
        self.visits += other.visits
        self.loaded += other.loaded
        self.known += other.known
        self.known_bare += other.known_bare
        self.bare_views += other.bare_views
        for path, count in other.paths.items():
            self.paths[path] = self.paths.get(path, 0) + count
        for age in _AGES:
            self.reached[age] += other.reached[age]
            self.went[age] += other.went[age]
            self.bare_reached[age] += other.bare_reached[age]
            self.bare_went[age] += other.bare_went[age]


class FirstVisits:
    """At most ``max_visits`` of them at once, and what is usual of them."""

    def __init__(self, policy: DetectionPolicy) -> None:
        self._policy = policy
        self.open: dict[str, Visit] = {}
        """By source."""
        self._queues: tuple[deque[Visit], ...] = tuple(deque() for _ in AGES_S)
        self._room = (0, 0)
        """The second under way, and the visits that were taken in it."""
        self._room_each = max(1, policy.max_visits // AGES_S[-1])
        self._loaded = Familiar(LOADED_S, lg_bits=LG_LOADED)
        self._prints: dict[int, tuple[int, int]] = {}
        """By fingerprint, the visits of calm seconds that loaded something, and all; last seen last."""
        self._tallies: deque[Tally] = deque()
        self._pending: deque[Tally] = deque()
        self.loads = Share(policy.learning_visits)
        self.loads_all = Share(policy.learning_visits)
        self.goes_on = tuple(Share(policy.learning_visits) for _ in AGES_S)
        self.sources = SlidingDistinct(1, TEN)
        """Sources of pages in 10 s."""
        self.names = SlidingDistinct(1, TEN)
        """Paths with sets of parameter names, 10 s."""

    # -- taken by observation

    def viewed(self, o: Observation, slot: Counts, row: Row | None, second: int, *, accused: bool) -> int:
        """A stranger opened a page. ``accused``: a flood of pages is found.

        The number of pages that the source has opened in its visit where it earns a measure for them, once; else 0.
        """
        source, count = o.source, o.count
        slot[c.STRANGER_PAGES] += count
        if row is not None:
            row.slot[c.STRANGER_PAGES] += count
        self.sources.add(source, second)
        if o.parameters:
            self.names.add(f"{o.target:x} {o.parameters:x}", second)
        visit = self.open.get(source)
        if visit is None:
            # Who got no page has nothing to load.
            if o.outcome is _OK and source not in self._loaded:
                self._come(o, second)
            return 0
        visit.views += count
        if not accused or visit.loaded or visit.named or visit.views < self._policy.page_insistence:
            return 0
        visit.named = True
        return visit.views

    def _come(self, o: Observation, second: int) -> None:
        at, taken = self._room
        taken = taken + 1 if at == second else 1
        if taken > self._room_each:
            return
        self._room = (second, taken)
        known = self._loads(o.fingerprint)
        visit = self.open[o.source] = Visit(o.source, second, o.fingerprint, o.target, o.count, known=known)
        self._queues[0].append(visit)

    def fetched(self, source: str, at: float) -> None:
        """Something that pages need was asked for."""
        self._loaded.add(source, at)
        visit = self.open.get(source)
        if visit is not None:
            visit.loaded = True

    def acted(self, source: str) -> None:
        """The source signed up, logged in, called, or tried to."""
        visit = self.open.get(source)
        if visit is not None:
            visit.acted = True

    # -- once a tick

    def judge(self, second: int, slot: Counts, fingerprints: Table[int]) -> list[Visit]:
        """Judges those that have reached an age; those that loaded nothing are returned, once each."""
        tally = Tally(second)
        bare: list[Visit] = []
        for age in _AGES:
            queue = self._queues[age]
            while queue and second - queue[0].at >= AGES_S[age]:
                visit = queue.popleft()
                if age == 0:
                    self._settle(visit, tally, second, slot, fingerprints)
                    if visit.bare:
                        bare.append(visit)
                if visit.known:
                    tally.reached[age] += 1
                    tally.went[age] += visit.acted
                    if visit.bare:
                        tally.bare_reached[age] += 1
                        tally.bare_went[age] += visit.acted
                if age + 1 < len(AGES_S):
                    self._queues[age + 1].append(visit)
                elif self.open.get(visit.source) is visit:
                    del self.open[visit.source]
        self._tallies.append(tally)
        self._pending.append(tally)
        while self._tallies and self._tallies[0].second <= second - SIXTY:
            self._tallies.popleft()
        return bare

    def _settle(
        self, visit: Visit, tally: Tally, second: int, slot: Counts, fingerprints: Table[int]
    ) -> None:
        visit.bare = not visit.loaded
        row = fingerprints.row(visit.fingerprint, second, 0)
        for counts in (slot,) if row is None else (slot, row.slot):
            counts[c.VISITS] += 1
            counts[c.VISITS_BARE] += visit.bare
        tally.visits += 1
        tally.loaded += visit.loaded
        if visit.bare:
            tally.bare_views += visit.views
            path = visit.path if visit.path in tally.paths or len(tally.paths) < MOST_PATHS else -1
            tally.paths[path] = tally.paths.get(path, 0) + 1
        if visit.known:
            tally.known += 1
            tally.known_bare += visit.bare
        if visit.fingerprint:
            tally.prints.append((visit.fingerprint, visit.loaded))

    def _loads(self, fingerprint: int) -> bool:
        """Whether at least half of the visits with these headers loaded something: a program behind the address of
        somebody who reads may seem to, now and then."""
        loaded, visits = self._prints.get(fingerprint, (0, 1))
        return 2 * loaded >= visits

    def _print(self, fingerprint: int, loaded: int, visits: int) -> None:
        before = self._prints.pop(fingerprint, (0, 0))
        loaded, visits = loaded + before[0], visits + before[1]
        if visits > MOST_OF_A_PRINT:
            loaded, visits = loaded // 2, visits // 2
        self._prints[fingerprint] = (loaded, visits)
        if len(self._prints) > self._policy.max_browsers:
            del self._prints[next(iter(self._prints))]

    def judged(self, second: int, seconds: int) -> Tally:
        """All that were judged in so many seconds up to ``second``."""
        whole = Tally(second)
        for tally in self._tallies:
            if tally.second > second - seconds:
                whole.add(tally)
        return whole

    # -- what is usual

    def learn(self, now: float) -> None:
        """Takes what was judged before the quarantine; call in calm."""
        while self._pending and self._pending[0].second <= now - QUARANTINE_S:
            tally = self._pending.popleft()
            self.loads_all.add(tally.loaded, tally.visits)
            self.loads.add(tally.known - tally.known_bare, tally.known)
            for age in _AGES:
                self.goes_on[age].add(tally.went[age], tally.reached[age])
            for fingerprint, loaded in tally.prints:
                self._print(fingerprint, loaded, 1)

    def forget_pending(self) -> None:
        """What led up to something hostile, or a crowd, is not what is usual."""
        self._pending.clear()

    def state(self) -> VisitsState:
        """What was learned."""
        return VisitsState(
            (self.loads.ones, self.loads.whole),
            (self.loads_all.ones, self.loads_all.whole),
            tuple((each.ones, each.whole) for each in self.goes_on),
            [(each, *counts) for each, counts in self._prints.items()],
        )

    def restore(self, state: VisitsState) -> None:
        """Takes it up; shares of other ages are passed over."""
        self.loads.add(*state.loads)
        self.loads_all.add(*state.loads_all)
        if len(state.goes_on) == len(AGES_S):
            for share, kept in zip(self.goes_on, state.goes_on, strict=True):
                share.add(*kept)
        for kept_print in state.browsers[-self._policy.max_browsers :]:
            self._print(*kept_print)
