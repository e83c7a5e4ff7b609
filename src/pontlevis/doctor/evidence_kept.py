"""Whether the evidence of the last day is whole, as its manifest tells."""

from collections.abc import Iterator

from pontlevis.config import Settings
from pontlevis.doctor.check import Check, failed, ok, warn
from pontlevis.evidence.manifest import Broken, FileLine, lines
from pontlevis.evidence.store import DAY_S, FOLDER


def check_evidence(settings: Settings, now: float) -> Iterator[Check]:
    """Acts that were dropped on the way to the disk. ``now``: Unix seconds."""
    if not settings.evidence.enabled:
        yield ok("evidence", "None is kept: evidence.enabled is false.")
        return
    dropped = files = 0
    try:
        for placed in lines(settings.data / FOLDER):
            line = placed.line
            if isinstance(line, FileLine) and line.at > now - DAY_S:
                files += 1
                dropped += line.dropped
    except (Broken, OSError) as error:
        yield failed("evidence", f"The manifest does not hold: {error}", "Run `pontlevis evidence verify`.")
        return
    if dropped:
        yield warn(
            "evidence.dropped",
            f"{dropped:,} acts of the last day are missing: the disk was too slow, or refused.",
            "Look at the disk; pontlevis_evidence_acts_total says which of the two it was.",
        )
    elif files:
        yield ok("evidence", f"{files:,} files of the last day, nothing dropped before them.")
    else:
        yield ok("evidence", "No file of the last day: nothing happened, or the service did not run.")
