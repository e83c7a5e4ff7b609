"""What became of the acts on their way into the evidence, for the console."""

from collections.abc import Mapping
from dataclasses import dataclass

from pontlevis.web.ports import Totals

LOSSES = ("disk_slow", "disk_refused", "too_many_notes")
"""What is not in the evidence although it should be; the names are those of ``pontlevis_evidence_acts_total``."""


@dataclass(frozen=True, slots=True)
class EvidenceFates:
    """Acts, findings and decisions since the controller started."""

    enabled: bool
    failing: bool
    kept: int
    sampled: int
    """That stand behind the weights of those that were kept."""
    merged: int
    """That were kept without their source."""
    lost: Mapping[str, int]
    """By reason, as far as any were."""

    @property
    def none(self) -> bool:
        return not (self.kept or self.sampled or self.merged or self.lost)


def evidence_fates(totals: Totals, *, enabled: bool) -> EvidenceFates:
    """``enabled``: ``evidence.enabled`` of the settings that run."""
    fates = totals.evidence
    lost = {each: fates[each] for each in LOSSES if fates.get(each)}
    return EvidenceFates(
        enabled, totals.evidence_failing, fates.get("kept", 0), fates.get("sampled_out", 0),
        fates.get("merged", 0), lost,
    )  # fmt: skip
