"""Hostile acts over time, and the times in which they came thick."""

from pontlevis.investigation.archive import Archive
from pontlevis.investigation.result import Series, Wave

MOST_BINS = 300
WAVE_SHARE = 0.15
"""Of the highest bin: above it a wave goes on; three bins below it end one."""
GAP_BINS = 3


def series(archive: Archive) -> Series:
    """Acts in bins of whole seconds, those of hostile clusters and all others.

    Of acts of one kind with one piece of software, the hostile share is that of the whole time: to look
    each source up again would take ten times as long. Exact where software is not shared.
    """
    width = max(1, -(-int(archive.until - archive.since) // MOST_BINS))
    bins = int((archive.until - archive.since) // width) + 1
    made = Series(archive.since, float(width), [0.0] * bins, [0.0] * bins)
    archive.ask(
        """CREATE TEMP TABLE share AS SELECT d.fingerprint, d.event, d.outcome,
                  coalesce(sum(d.acts) FILTER (f.source IS NOT NULL), 0) / sum(d.acts) hostile
           FROM deeds d LEFT JOIN foe f ON f.source = d.source AND f.fingerprint = d.fingerprint GROUP BY ALL"""
    )
    for place, hostile, acts in archive.ask(
        f"""WITH binned AS (
                SELECT (epoch_us(ts) - {int(archive.since * 1e6)}) // {width * 1_000_000} place, fingerprint, event, outcome,
                       sum("count" * weight) acts
                FROM events WHERE event IN ('request', 'login', 'signup', 'page') GROUP BY ALL)
            SELECT place::INTEGER, sum(acts * coalesce(hostile, 0)), sum(acts)
            FROM binned LEFT JOIN share USING (fingerprint, event, outcome) GROUP BY place"""
    ):
        at = min(bins - 1, max(0, int(str(place))))
        made.hostile[at] += float(str(hostile))
        made.other[at] += float(str(acts)) - float(str(hostile))
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
