"""What is kept of a flood: everything about accounts touched, of the rest a sample with its weights."""

from collections import deque
from collections.abc import Iterable

from pontlevis.brain.detection.finding import Finding
from pontlevis.brain.observation import Kind, Observation, Outcome
from pontlevis.evidence.frames import Seen
from pontlevis.evidence.store_policy import EvidencePolicy
from pontlevis.evidence.thinning import Thinning

ACCUSED_S = 3_600.0
"""How long a source counts as accused after a finding named it."""
MOST_ACCUSED = 100_000
LOOK_BACK = 20_000
"""Log-ins that succeeded before anybody was accused, looked through again when somebody is."""


class Keeping:
    """Two strata, each thinned beyond its own budget; a row's weight is the inverse of its chance to be kept.

    Sums of count times weight are unbiased (Horvitz and Thompson, JASA 1952); with systematic sampling
    within a stratum as in ``Thinning``.
    """

    def __init__(self, policy: EvidencePolicy) -> None:
        self._sampled = Thinning(policy.sampled_per_s)
        self._certain = Thinning(policy.certain_per_s)
        self._most_touched = policy.touched_accounts
        self._touched: dict[str, None] = {}
        self._sources: dict[str, float] = {}
        self._fingerprints: dict[int, float] = {}
        self._logins: deque[tuple[str, int, str]] = deque(maxlen=LOOK_BACK)

    def take(self, o: Observation) -> None:
        """One more, about half a microsecond."""
        if o.outcome is Outcome.OK:
            accused = o.source in self._sources or (
                o.fingerprint in self._fingerprints and o.fingerprint != 0
            )
            if o.kind is Kind.LOGIN:
                self._logins.append((o.source, o.fingerprint, o.account))
                if accused:
                    self._touch(o.account)
                self._certain.take(o)
                return
            if o.kind is Kind.SIGNUP or (accused and o.account):
                self._certain.take(o)
                return
        if o.account and o.account in self._touched:
            self._certain.take(o)
        else:
            self._sampled.take(o)

    def accuse(self, findings: Iterable[Finding], now: float) -> None:
        """From now on all that the accused achieve is kept, and so is all about accounts that gave way to them."""
        fresh = False
        for finding in findings:
            if not finding.hostile:
                continue
            for source in finding.sources:
                fresh |= source not in self._sources
                self._sources[source] = now
            for fingerprint in finding.fingerprints:
                fresh |= fingerprint not in self._fingerprints
                self._fingerprints[fingerprint] = now
        if fresh:
            for source, fingerprint, account in self._logins:
                if source in self._sources or fingerprint in self._fingerprints:
                    self._touch(account)
        if len(self._sources) > MOST_ACCUSED:
            self._sources = dict(
                sorted(self._sources.items(), key=lambda each: -each[1])[: MOST_ACCUSED // 2]
            )

    def second(self, now: float) -> list[Seen]:
        """What was kept since the last call."""
        if int(now) % 60 == 0:
            self._sources = {each: at for each, at in self._sources.items() if now - at < ACCUSED_S}
            self._fingerprints = {each: at for each, at in self._fingerprints.items() if now - at < ACCUSED_S}
        return [*self._certain.second(1), *self._sampled.second(1)]

    def _touch(self, account: str) -> None:
        if not account:
            return
        self._touched.pop(account, None)
        self._touched[account] = None
        if len(self._touched) > self._most_touched:
            del self._touched[next(iter(self._touched))]
