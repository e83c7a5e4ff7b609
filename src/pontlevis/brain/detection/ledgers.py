"""What single accounts, keys and places did over longer than a window; each of bounded size."""

from dataclasses import dataclass, field

from pontlevis.brain.detection.cohorts import Cohorts
from pontlevis.brain.detection.distinct import SlidingDistinct
from pontlevis.brain.detection.follow_ups import FollowUps
from pontlevis.brain.detection.key_ledger import KeyLedger
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.detection.slow_ledger import SlowLedger
from pontlevis.brain.detection.snapshot import Spans
from pontlevis.brain.detection.takers import Takers
from pontlevis.brain.detection.window import SIXTY, TEN


def _minute() -> SlidingDistinct:
    return SlidingDistinct(TEN, SIXTY // TEN)


def _ten() -> SlidingDistinct:
    return SlidingDistinct(1, TEN)


@dataclass(frozen=True, slots=True)
class Ledgers:
    """Asked only by the detectors that need them."""

    cohorts: Cohorts
    keys: KeyLedger
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
        return cls(cohorts=Cohorts(policy.max_sleepers), keys=KeyLedger(policy.max_keys))
