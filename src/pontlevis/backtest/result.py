"""What a backtest found: lists that programs read, and figures for people and plots."""

from dataclasses import dataclass, field

import msgspec

from pontlevis.backtest.times import shown
from pontlevis.brain.observation import Kind
from pontlevis.brain.vocabulary import Posture, Verdict

MOST_LISTED = 20_000
"""Entries of one list that are kept; beyond, they are only counted."""
KINDS = frozenset(each.value for each in Kind)
MOST_SOURCES = 50
"""Sources of a finding that are listed."""


class FoundFinding(msgspec.Struct, omit_defaults=True):
    """A finding from its opening to its end."""

    at: str
    reason: str
    """Its sentence when it was surest."""
    detector: str
    id: str
    hostile: bool
    local: bool
    """Whether it accuses only those it names, so that a decision answers it."""
    confidence: float
    until: str
    """When it was last confirmed."""
    lines: int
    """Acts read by the time it was opened."""
    sources: list[str] = []
    """The loudest of those it accuses."""
    figures: dict[str, float] = {}
    since_s: float = 0.0
    until_s: float = 0.0


class FoundVerdict(msgspec.Struct):
    """A change of verdict."""

    at: str
    reason: str
    verdict: Verdict


class FoundPosture(msgspec.Struct):
    """A change of posture, or of the stage of recovery."""

    at: str
    reason: str
    posture: str
    before: str
    stage: int
    at_s: float


class FoundRegistration(msgspec.Struct):
    """A change of who may register."""

    at: str
    reason: str
    mode: str
    share: float


class FoundDecision(msgspec.Struct):
    """A decision that would have been put in force."""

    at: str
    reason: str
    scope: str
    value: str
    until: str
    finding: str
    lines: int
    """Acts read by then."""
    reach: str = "everything"
    """What of an address or prefix it would have closed."""


@dataclass
class Counters:
    """Acts by kind and by how they ended, in one bin of time."""

    kinds: dict[str, int] = field(default_factory=dict)
    good: int = 0
    bad: int = 0
    turned_away: int = 0
    """Acts of sources under a decision that the replay put in force."""


class Rates:
    """Counts over time in at most ``most`` bins: when they are full, two become one."""

    def __init__(self, most: int = 1200) -> None:
        self._most = most
        self.width = 1
        self.bins: dict[int, Counters] = {}
        self._first = 0

    def at(self, second: int) -> Counters:
        """The bin of a second."""
        if not self.bins:
            self._first = second
        while (second - self._first) // self.width >= self._most:
            self._halve()
        return self.bins.setdefault((second - self._first) // self.width, Counters())

    def _halve(self) -> None:
        self.width *= 2
        old, self.bins = self.bins, {}
        for place, counts in old.items():
            into = self.bins.setdefault(place // 2, Counters())
            for kind, count in counts.kinds.items():
                into.kinds[kind] = into.kinds.get(kind, 0) + count
            into.good += counts.good
            into.bad += counts.bad
            into.turned_away += counts.turned_away

    def times(self) -> list[float]:
        """Beginning of each bin, Unix seconds, without gaps."""
        last = max(self.bins, default=-1)
        return [float(self._first + place * self.width) for place in range(last + 1)]

    def series(self, what: str) -> list[float]:
        """Acts a second in each bin: of a kind by its word, or ``good``, ``bad``, ``turned_away``."""
        counted = []
        for place in range(max(self.bins, default=-1) + 1):
            held = self.bins.get(place)
            if held is None:
                counted.append(0.0)
            elif what in KINDS:
                counted.append(held.kinds.get(what, 0) / self.width)
            else:
                counted.append(int(getattr(held, what)) / self.width)
        return counted


@dataclass
class BacktestResult:
    """All that one replay says."""

    findings: list[FoundFinding] = field(default_factory=list)
    verdicts: list[FoundVerdict] = field(default_factory=list)
    postures: list[FoundPosture] = field(default_factory=list)
    registration: list[FoundRegistration] = field(default_factory=list)
    decisions: list[FoundDecision] = field(default_factory=list)
    not_listed: dict[str, int] = field(default_factory=dict)
    """How many more there were of each."""
    first_at: float | None = None
    last_at: float | None = None
    observations: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    turned_away: int = 0
    """Acts of sources under a decision that the replay put in force."""
    turned_away_good: int = 0
    """Of these, how many had ended well in the log: whom a decision would have hit wrongly, at most."""
    ticks: int = 0
    posture_s: dict[str, float] = field(default_factory=dict)
    """Seconds spent in each posture."""
    verdict_s: dict[str, float] = field(default_factory=dict)
    rates: Rates = field(default_factory=Rates)

    @property
    def hostile(self) -> list[FoundFinding]:
        """The findings that accuse somebody."""
        return [each for each in self.findings if each.hostile]

    @property
    def highest(self) -> Posture:
        """The worst posture that was reached."""
        seen = {Posture(each.posture) for each in self.postures}
        for posture in (Posture.UNDER_ATTACK, Posture.RECOVERING, Posture.ELEVATED):
            if posture in seen:
                return posture
        return Posture.NORMAL

    def keep(self, name: str, entry: object) -> bool:
        """Appends to a list while it has room; whether it did."""
        kept: list[object] = getattr(self, name)
        if len(kept) >= MOST_LISTED:
            self.not_listed[name] = self.not_listed.get(name, 0) + 1
            return False
        kept.append(entry)
        return True


def moment(at: float) -> str:
    """A time as reports write it."""
    return shown(at)
