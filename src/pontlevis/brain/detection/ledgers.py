"""What single accounts, keys and places did over longer than a window; each of bounded size."""

from dataclasses import dataclass, field

from pontlevis.brain.detection import columns as c
from pontlevis.brain.detection.cohorts import Cohorts
from pontlevis.brain.detection.columns import Counts
from pontlevis.brain.detection.distinct import SlidingDistinct
from pontlevis.brain.detection.first_visits import FirstVisits
from pontlevis.brain.detection.follow_ups import FollowUps
from pontlevis.brain.detection.key_ledger import KeyLedger
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.detection.slow_ledger import SlowLedger
from pontlevis.brain.detection.snapshot import Spans
from pontlevis.brain.detection.takers import Takers
from pontlevis.brain.detection.window import SIXTY, TEN
from pontlevis.brain.observation import Observation


def _minute() -> SlidingDistinct:
    return SlidingDistinct(TEN, SIXTY // TEN)


def _ten() -> SlidingDistinct:
    return SlidingDistinct(1, TEN)


@dataclass(frozen=True, slots=True)
class Ledgers:
    """Asked only by the detectors that need them."""

    cohorts: Cohorts
    keys: KeyLedger
    visits: FirstVisits
    takers: Takers = field(default_factory=Takers)
    follow_ups: FollowUps = field(default_factory=FollowUps)
    slow: SlowLedger = field(default_factory=SlowLedger)
    slow_sources: SlidingDistinct = field(default_factory=_minute)
    slow_strangers: SlidingDistinct = field(default_factory=_minute)
    young_refused: SlidingDistinct = field(default_factory=_ten)
    """Young accounts of which a call was turned away."""
    stranger_failures: Spans = field(default_factory=Spans)
    """Accounts above NEW at which a log-in from an unfamiliar place failed."""

    @classmethod
    def of(cls, policy: DetectionPolicy) -> "Ledgers":
        """Empty, and as large as the policy allows."""
        return cls(
            cohorts=Cohorts(policy.max_sleepers),
            keys=KeyLedger(policy.max_keys),
            visits=FirstVisits(policy),
        )

    def was_slow(self, source: str, count: int, at: float, second: int, *, stranger: bool) -> None:
        """Connections of this source were cut for slowness; ``stranger``: where nobody was ever served."""
        self.slow.add(source, count, at)
        self.slow_sources.add(source, second)
        if stranger:
            self.slow_strangers.add(source, second)

    def tried_elder(
        self, o: Observation, slot: Counts, column: int, second: int, *, familiar: bool, at_home: bool
    ) -> None:
        """A log-in at an account above NEW, by whether somebody was served at the source before, this log-in
        included (``familiar``) or not (``at_home``).
        """
        if column == c.LOGIN_OK:
            if not at_home:
                slot[c.STRANGER_OK] += o.count
            self.follow_ups.succeeded(o.account)
        elif not familiar:
            slot[c.STRANGER_FAILURES] += o.count
            self.stranger_failures.add(o.account, second)
            self.follow_ups.failed(o.account, o.at)
