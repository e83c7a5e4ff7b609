"""Which time is meant: an incident of the database, by its number or as the last one."""

from dataclasses import dataclass

from sqlalchemy import select

from pontlevis.storage.database import Database
from pontlevis.storage.tables.control import FindingRow
from pontlevis.storage.tables.evidence import EvidenceHeadRow
from pontlevis.storage.tables.incidents import IncidentRow, IncidentUpdateRow

BEFORE_S = 60.0
"""Ahead of the first finding: what it rests on was seen before it."""
FINDINGS_BEFORE_S = 3_600.0
"""An incident is opened when the posture changes; a finding as old as this still belongs to it."""
LATEST = "latest"


@dataclass(frozen=True, slots=True)
class Update:
    """One entry of the public timeline."""

    at: float
    status: str
    text: str
    actor: str
    automatic: bool
    text_fr: str = ""

    def said(self, language: str) -> str:
        return (self.text_fr if language == "fr" else "") or self.text


@dataclass(frozen=True, slots=True)
class IncidentFacts:
    """An incident as investigation and report need it. Times are Unix seconds."""

    id: str
    name: str
    status: str
    impact: str
    created_at: float
    resolved_at: float | None
    notes: str
    asked: int
    unserved: int
    first_finding_at: float | None
    updates: tuple[Update, ...]
    name_fr: str = ""

    def called(self, language: str) -> str:
        return (self.name_fr if language == "fr" else "") or self.name

    @property
    def since(self) -> float:
        """From when on evidence is looked at."""
        first = (
            self.created_at if self.first_finding_at is None else min(self.created_at, self.first_finding_at)
        )
        return first - BEFORE_S

    def until(self, now: float) -> float:
        """Until when; ``now`` while it goes on."""
        return self.resolved_at if self.resolved_at is not None else now


async def load_incident(database: Database, wanted: str) -> IncidentFacts:
    """By its number, the beginning of it (at least four digits), or ``latest``. Raises ``KeyError``."""
    async with database.session() as session:
        newest = select(IncidentRow).order_by(IncidentRow.created_at.desc())
        if wanted == LATEST:
            row = await session.scalar(newest.limit(1))
        elif len(wanted) >= 4 and wanted.isalnum():
            row = await session.scalar(newest.where(IncidentRow.id.startswith(wanted)).limit(1))
        else:
            row = None
        if row is None:
            raise KeyError(wanted)
        updates = await session.scalars(
            select(IncidentUpdateRow)
            .where(IncidentUpdateRow.incident_id == row.id)
            .order_by(IncidentUpdateRow.created_at, IncidentUpdateRow.id)
        )
        first = await session.scalar(
            select(FindingRow.since)
            .where(
                FindingRow.since >= row.created_at - FINDINGS_BEFORE_S,
                FindingRow.since <= (row.resolved_at or row.created_at + FINDINGS_BEFORE_S),
            )
            .order_by(FindingRow.since)
            .limit(1)
        )
        return IncidentFacts(
            row.id,
            row.name_en,
            row.status,
            row.impact,
            row.created_at,
            row.resolved_at,
            row.notes,
            row.asked,
            row.unserved,
            first,
            tuple(
                Update(each.created_at, each.status, each.body_en, each.actor, each.automatic, each.body_fr)
                for each in updates
            ),
            row.name_fr,
        )


async def load_head(database: Database) -> tuple[int, str] | None:
    """Number and hash of the chain's line that the database has heard of last."""
    async with database.session() as session:
        row = await session.get(EvidenceHeadRow, 1)
        return None if row is None else (row.number, row.hash)
