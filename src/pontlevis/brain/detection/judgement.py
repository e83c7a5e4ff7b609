"""What detection says at one tick: the verdict, why, the findings, the proposed measures."""

import msgspec

from pontlevis.brain.detection.finding import Finding, Measure, Withheld
from pontlevis.brain.vocabulary import Verdict


class Judgement(msgspec.Struct, frozen=True):
    """All that the posture machine and the operator need of one second."""

    at: float
    verdict: Verdict
    reason: str
    """One sentence with the figures that the verdict rests on."""
    findings: tuple[Finding, ...] = ()
    """Open findings; the hostile ones first, then the surest."""
    measures: tuple[Measure, ...] = ()
    """New proposals of this tick; one already in force is not proposed again."""
    withheld: tuple[Withheld, ...] = ()
    """Measures that were refused or narrowed at this tick, for whom they would have hit."""

    @property
    def hostile(self) -> bool:
        """Whether any finding accuses somebody."""
        return any(each.hostile for each in self.findings)
