"""Findings in the database: what the console and reports tell of once detection has forgotten them."""

import logging

import msgspec

from pontlevis.brain.detection.finding import Finding
from pontlevis.storage.database import Database
from pontlevis.storage.tables.control import FindingRow

AGAIN_S = 10.0
MOST_REMEMBERED = 1_000

log = logging.getLogger("pontlevis.controller")


class KeptFindings:
    """Writes each new finding, and one that stands again every ten seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._saved: dict[str, float] = {}

    def due(self, findings: tuple[Finding, ...]) -> list[Finding]:
        """Those that are new, or were written ten seconds ago."""
        return [each for each in findings if each.at - self._saved.get(each.id, 0.0) >= AGAIN_S]

    async def save(self, due: list[Finding]) -> None:
        async with self._database.session() as session:
            for finding in due:
                if finding.id not in self._saved:
                    log.warning("finding:%s:made %s", finding.detector.value, finding.sentence)
                await session.merge(
                    FindingRow(
                        id=finding.id,
                        detector=finding.detector.value,
                        since=finding.since,
                        at=finding.at,
                        sentence=finding.sentence,
                        finding=msgspec.json.encode(finding),
                    )
                )
                self._saved[finding.id] = finding.at
        if len(self._saved) > MOST_REMEMBERED:
            for stale in sorted(self._saved, key=lambda each: self._saved[each])[: MOST_REMEMBERED // 2]:
                del self._saved[stale]
