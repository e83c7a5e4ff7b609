"""Duties to notify: clocks that run from the moment personal data is known to be touched."""

from collections.abc import Callable
from uuid import uuid4

from sqlalchemy import select

from pontlevis.incidents.policy import IncidentPolicy
from pontlevis.incidents.shelf import Shelf, id_of
from pontlevis.incidents.texts import LONGEST_TEXT, clean, text_of
from pontlevis.incidents.views import DutyView, IncidentView
from pontlevis.storage.audit import record_audit
from pontlevis.storage.database import Database
from pontlevis.storage.tables.incidents import IncidentRow
from pontlevis.storage.tables.telling import DutyRow

HOUR_S = 3_600.0
SHOWN = 200


class Duties:
    """Kept in the database, read from memory. Nothing here is ever shown to the public."""

    def __init__(
        self, database: Database, policy: IncidentPolicy, clock: Callable[[], float], shelf: Shelf
    ) -> None:
        self._database = database
        self._policy = policy
        self._clock = clock
        self._shelf = shelf
        self._rows: list[tuple[DutyRow, str]] = []

    async def load(self) -> None:
        async with self._database.session() as session:
            found = await session.execute(
                select(DutyRow, IncidentRow.name_en)
                .join(IncidentRow, IncidentRow.id == DutyRow.incident_id)
                .order_by(DutyRow.done_at.is_not(None), DutyRow.due_at, DutyRow.id)
                .limit(SHOWN)
            )
            self._rows = [(row, name) for row, name in found]

    def all(self, incident: str | None = None) -> list[DutyView]:
        """Those not yet done first, the most urgent on top."""
        now = self._clock()
        return [
            self._view(row, name, now)
            for row, name in self._rows
            if incident is None or row.incident_id == incident
        ]

    async def personal_data_touched(
        self, incident: str, at: float, why: str, *, actor: str = "machine"
    ) -> IncidentView:
        """Starts the clocks of ``incident`` at ``at`` (Unix seconds), when it became known.

        Said again it starts nothing anew; an earlier moment moves the clocks back, a later one changes
        nothing. Raises ``KeyError`` for an unknown incident, ``ValueError`` for a moment in the future.
        """
        reason = text_of(why, LONGEST_TEXT, "a reason")
        now = self._clock()
        if at > now + 60.0:
            raise ValueError("personal data cannot have been touched in the future")
        async with self._shelf.writing() as session:
            row = await session.get(IncidentRow, incident)
            if row is None:
                raise KeyError(incident)
            began = at if row.data_touched_at is None else min(at, row.data_touched_at)
            row.data_touched_at = began
            if reason not in row.data_touched_why:
                row.data_touched_why = f"{row.data_touched_why}\n{reason}".strip()[-LONGEST_TEXT:]
            held = {
                each.name: each
                for each in await session.scalars(select(DutyRow).where(DutyRow.incident_id == incident))
            }
            for duty in self._policy.duties:
                due = began + duty.hours * HOUR_S
                kept = held.get(duty.name)
                if kept is None:
                    session.add(
                        DutyRow(
                            id=id_of(f"duty:{uuid4().hex}"),
                            incident_id=incident,
                            name=duty.name,
                            law=duty.law,
                            hours=duty.hours,
                            began_at=began,
                            due_at=due,
                            done_by="",
                            note="",
                        )
                    )
                elif kept.done_at is None:
                    kept.began_at, kept.due_at = began, kept.hours * HOUR_S + began
            await record_audit(
                session, at=now, actor=actor, event="incident:personal_data:touched", subject=incident,
                detail=reason,
            )  # fmt: skip
        await self.load()
        return self._shelf.view(incident)

    async def done(self, duty: str, *, actor: str, note: str = "") -> DutyView:
        """Stops a clock: whoever had to be told was told."""
        return await self._set(duty, self._clock(), actor, note, "done")

    async def not_done(self, duty: str, *, actor: str) -> DutyView:
        """Takes that back; the clock runs on from where it began."""
        return await self._set(duty, None, actor, "", "not_done")

    async def _set(self, duty: str, at: float | None, actor: str, note: str, action: str) -> DutyView:
        async with self._database.session() as session:
            row = await session.get(DutyRow, duty)
            if row is None:
                raise KeyError(duty)
            row.done_at, row.done_by = at, actor if at is not None else ""
            row.note = clean(note)[:LONGEST_TEXT]
            await record_audit(
                session, at=self._clock(), actor=actor, event=f"operator:duty:{action}", subject=duty,
                detail=f"{row.name}: {row.note}",
            )  # fmt: skip
        await self.load()
        return next(each for each in self.all() if each.id == duty)

    def _view(self, row: DutyRow, incident_name: str, now: float) -> DutyView:
        left = row.due_at - now
        if row.done_at is not None:
            state = "done"
        elif left <= 0:
            state = "overdue"
        else:
            state = "soon" if left <= min(self._policy.duty_warn_hours, row.hours / 2) * HOUR_S else "running"
        return DutyView(
            row.id, row.incident_id, row.name, row.law, row.hours, row.began_at, row.due_at, row.done_at,
            row.done_by, row.note, incident_name, state,
        )  # fmt: skip
