"""Hostile acts over time, and the times in which they came thick."""

from pontlevis.investigation.archive import Archive
from pontlevis.investigation.result import Series, Wave

MOST_BINS = 300
WAVE_SHARE = 0.15
"""Of the highest bin: above it a wave goes on; three bins below it end one."""
GAP_BINS = 3


def series(archive: Archive) -> Series:
    """Acts in bins of whole seconds, those of hostile clusters and all others."""
    width = max(1, -(-int(archive.until - archive.since) // MOST_BINS))
    bins = int((archive.until - archive.since) // width) + 1
    made = Series(archive.since, float(width), [0.0] * bins, [0.0] * bins)
    for place, hostile, acts in archive.ask(
        f"""SELECT ((epoch_us(e.ts) - {int(archive.since * 1e6)}) // {width * 1_000_000})::INTEGER, coalesce(m.hostile, false),
                   sum(e."count" * e.weight)
            FROM events e LEFT JOIN member m ON m.source = e.source AND m.fingerprint = e.fingerprint
            WHERE e.event IN ('request', 'login', 'signup', 'page') GROUP BY ALL"""
    ):
        at = min(bins - 1, max(0, int(str(place))))
        (made.hostile if hostile else made.other)[at] += float(str(acts))
    return made


def waves(found: Series) -> list[Wave]:
    """From a bin above ``WAVE_SHARE`` of the highest to the last before ``GAP_BINS`` quieter ones."""
    highest = max(found.hostile, default=0.0)
    if highest <= 0:
        return []
    made: list[Wave] = []
    begin, last = -1, -1
    for place, acts in enumerate([*found.hostile, *[0.0] * (GAP_BINS + 1)]):
        if acts >= WAVE_SHARE * highest:
            begin = place if begin < 0 else begin
            last = place
        elif begin >= 0 and place - last > GAP_BINS:
            part = found.hostile[begin : last + 1]
            made.append(
                Wave(
                    found.start + begin * found.width,
                    found.start + (last + 1) * found.width,
                    sum(part),
                    max(part) / found.width,
                )
            )
            begin = -1
    return made
