"""What operators write: texts edited, updates posted, incidents opened, taken over and handed back."""

from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from pontlevis.incidents.shelf import LONGEST_NOTES, OPERATOR, Shelf, id_of
from pontlevis.incidents.texts import (
    LONGEST_POSTMORTEM,
    body_of,
    clean,
    name_of,
)
from pontlevis.incidents.views import IMPACTS, STATUSES, IncidentView
from pontlevis.incidents.words import Words
from pontlevis.storage.audit import record_audit
from pontlevis.storage.tables.incidents import IncidentRow, IncidentUpdateRow


class Desk(Shelf):
    """Every change is written together with its line in the audit log.

    All methods raise ``KeyError`` for an unknown incident or update and ``ValueError``, with a readable
    reason, for a bad value.
    """

    async def open_incident(
        self,
        *,
        actor: str,
        name_en: str,
        body_en: str,
        name_fr: str = "",
        body_fr: str = "",
        status: str = "investigating",
        impact: str = "minor",
    ) -> IncidentView:
        """An incident of the operator's own; the machine writes none of it."""
        name = Words(name_of(name_en), name_of(name_fr or name_en))
        body = body_of(body_en, body_fr)
        now = self._clock()
        cause = f"operator:{uuid4().hex}"
        async with self.writing() as session:
            incident = IncidentRow(
                id=id_of(cause), name_en=name.en, name_fr=name.fr, status=_status(status),
                impact=_impact(impact), created_at=now, updated_at=now, taken_over_by=actor, notes="",
                kind=OPERATOR, followed_at=0.0, asked=0, unserved=0,
            )  # fmt: skip
            session.add(incident)
            await session.flush()
            self.enter(
                session, incident, now=now, cause=cause, status=status, body=body,
                automatic=False, actor=actor, statuses=self._statuses(),
            )  # fmt: skip
            await self._audit(session, actor, "opened", incident.id, name.en)
        return self.view(incident.id)

    async def edit(
        self,
        incident: str,
        *,
        actor: str,
        name_en: str | None = None,
        name_fr: str | None = None,
        impact: str | None = None,
        notes: str | None = None,
        take_over: bool | None = None,
    ) -> IncidentView:
        """Changes what is given. ``take_over`` stops the machine from writing; False hands it back."""
        async with self.writing() as session:
            row = await self._row(session, incident)
            changed: list[str] = []
            if name_en is not None and name_of(name_en) != row.name_en:
                changed.append(f"name_en: {row.name_en} → {name_of(name_en)}")
                row.name_en = name_of(name_en)
            if name_fr is not None and name_of(name_fr) != row.name_fr:
                changed.append(f"name_fr: {row.name_fr} → {name_of(name_fr)}")
                row.name_fr = name_of(name_fr)
            if impact is not None and _impact(impact) != row.impact:
                changed.append(f"impact: {row.impact} → {impact}")
                row.impact = impact
            if notes is not None and clean(notes) != row.notes:
                changed.append("notes")
                row.notes = clean(notes)[-LONGEST_NOTES:]
            if changed:
                row.updated_at = self._clock()
                await self._audit(session, actor, "edited", incident, "; ".join(changed))
            await self._write_by(session, row, actor, take_over)
        return self.view(incident)

    async def edit_update(
        self, incident: str, update: str, *, actor: str, body_en: str, body_fr: str = ""
    ) -> IncidentView:
        """Puts other words in an entry; from then on it counts as the operator's."""
        body = body_of(body_en, body_fr)
        async with self.writing() as session:
            row = await self._row(session, incident)
            entry = await session.get(IncidentUpdateRow, update)
            if entry is None or entry.incident_id != incident:
                raise KeyError(update)
            before = entry.body_en
            entry.body_en, entry.body_fr = body.en, body.fr
            entry.automatic, entry.actor = False, actor
            entry.updated_at = row.updated_at = self._clock()
            await self._audit(session, actor, "update_edited", incident, f"{before} → {body.en}")
        return self.view(incident)

    async def post_update(
        self,
        incident: str,
        *,
        actor: str,
        status: str,
        body_en: str,
        body_fr: str = "",
        take_over: bool | None = None,
    ) -> IncidentView:
        """An operator's entry in the timeline; its status becomes the incident's."""
        body = body_of(body_en, body_fr)
        now = self._clock()
        async with self.writing() as session:
            row = await self._row(session, incident)
            self.enter(
                session, row, now=now, cause=f"operator:{uuid4().hex}", status=_status(status),
                body=body, automatic=False, actor=actor, statuses=self._statuses(),
            )  # fmt: skip
            await self._audit(session, actor, status, incident, body.en)
            await self._write_by(session, row, actor, take_over)
        return self.view(incident)

    async def write_postmortem(
        self, incident: str, *, actor: str, body_en: str, body_fr: str = ""
    ) -> IncidentView:
        """What was learned, for the public; an empty text takes it back. Only of an incident that is over."""
        now = self._clock()
        async with self.writing() as session:
            row = await self._row(session, incident)
            if row.resolved_at is None:
                raise ValueError("a post-mortem is written once the incident is resolved")
            if clean(body_en):
                body = body_of(body_en, body_fr, most=LONGEST_POSTMORTEM, what="a post-mortem")
                first = not row.postmortem_en
                row.postmortem_en, row.postmortem_fr = body.en, body.fr
                row.postmortem_at = row.postmortem_at or now
                if first:
                    self.announce(session, "incident", row.id, "postmortem", now)
            else:
                row.postmortem_en = row.postmortem_fr = ""
                row.postmortem_at = None
            row.updated_at = now
            await self._audit(session, actor, "postmortem", incident, row.postmortem_en)
        return self.view(incident)

    async def _row(self, session: AsyncSession, incident: str) -> IncidentRow:
        return await session.get_one(IncidentRow, self.view(incident).id)

    async def _write_by(
        self, session: AsyncSession, row: IncidentRow, actor: str, take_over: bool | None
    ) -> None:
        if take_over is None or take_over == bool(row.taken_over_by):
            return
        if not take_over and row.kind == OPERATOR:
            raise ValueError("this incident was opened by an operator; the machine does not know it")
        row.taken_over_by = actor if take_over else ""
        await self._audit(session, actor, "taken_over" if take_over else "handed_back", row.id)

    async def _audit(
        self, session: AsyncSession, actor: str, action: str, incident: str, detail: str = ""
    ) -> None:
        await record_audit(
            session,
            at=self._clock(),
            actor=actor,
            event=f"operator:incident:{action}",
            subject=incident,
            detail=detail,
        )


def _status(status: str) -> str:
    if status not in STATUSES:
        raise ValueError(f"a status is one of {', '.join(STATUSES)}")
    return status


def _impact(impact: str) -> str:
    if impact not in IMPACTS:
        raise ValueError(f"an impact is one of {', '.join(IMPACTS)}")
    return impact
