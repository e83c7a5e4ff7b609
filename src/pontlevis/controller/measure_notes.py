"""What became of measures that were not put in force: shown, logged, and in the audit log."""

import logging
from collections import deque
from collections.abc import Awaitable, Callable

from pontlevis.brain.detection.judgement import Judgement
from pontlevis.web.ports import MeasureNote

KEPT = 200
AUDIT_EVERY_S = 60.0  # an attack must not fill the audit log

log = logging.getLogger("pontlevis.controller")


class MeasureNotes:
    """The newest notes. ``audit`` takes event, subject and detail."""

    def __init__(self, audit: Callable[[str, str, str], Awaitable[None]]) -> None:
        self._audit = audit
        self._notes: deque[MeasureNote] = deque(maxlen=KEPT)
        self._count = {"dry_run": 0, "withheld": 0}
        """All since the start."""
        self._waiting = {"dry_run": 0, "withheld": 0}
        self._told_at = {"dry_run": float("-inf"), "withheld": float("-inf")}

    @property
    def newest(self) -> list[MeasureNote]:
        """Newest first."""
        return list(reversed(self._notes))

    @property
    def count(self) -> dict[str, int]:
        """How many there were since the start, by outcome."""
        return dict(self._count)

    async def take(self, now: float, judgement: Judgement) -> None:
        """Takes what one tick proposed on trial, and what it withheld."""
        tried = [
            MeasureNote(now, each.scope, each.value, each.reason, "dry_run", "")
            for each in judgement.measures
            if each.dry_run
        ]
        withheld = [
            MeasureNote(now, each.scope, each.value, each.reason, "withheld", each.why)
            for each in judgement.withheld
        ]
        for outcome, notes in (("dry_run", tried), ("withheld", withheld)):
            if not notes:
                continue
            self._notes.extend(notes)
            self._count[outcome] += len(notes)
            self._waiting[outcome] += len(notes)
            first = notes[0]
            because = f"; it would have hit {first.why}" if first.why else ""
            log.warning("decision:source:%s count=%d (%s%s)", outcome, len(notes), first.reason, because)
            if now - self._told_at[outcome] >= AUDIT_EVERY_S:
                self._told_at[outcome] = now
                count, self._waiting[outcome] = self._waiting[outcome], 0
                detail = f"{count} since the last entry; this one: {first.reason}{because}"
                await self._audit(f"decision:source:{outcome}", f"{first.scope} {first.value}", detail)
