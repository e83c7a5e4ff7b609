"""What operators write: texts edited, updates posted, incidents opened, taken over and handed back."""

from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from pontlevis.incidents.shelf import LONGEST_NOTES, OPERATOR, Shelf, id_of
from pontlevis.incidents.views import IMPACTS, STATUSES, IncidentView
from pontlevis.incidents.words import Words
from pontlevis.storage.audit import record_audit
from pontlevis.storage.tables.incidents import IncidentRow, IncidentUpdateRow

LONGEST_TEXT = 4_000
LONGEST_NAME = 200


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
        name = Words(_name(name_en), _name(name_fr or name_en))
        body = _body(body_en, body_fr)
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
            if name_en is not None and _name(name_en) != row.name_en:
                changed.append(f"name_en: {row.name_en} → {_name(name_en)}")
                row.name_en = _name(name_en)
            if name_fr is not None and _name(name_fr) != row.name_fr:
                changed.append(f"name_fr: {row.name_fr} → {_name(name_fr)}")
                row.name_fr = _name(name_fr)
            if impact is not None and _impact(impact) != row.impact:
                changed.append(f"impact: {row.impact} → {impact}")
                row.impact = impact
            if notes is not None and _clean(notes) != row.notes:
                changed.append("notes")
                row.notes = _clean(notes)[-LONGEST_NOTES:]
            if changed:
                row.updated_at = self._clock()
                await self._audit(session, actor, "edited", incident, "; ".join(changed))
            await self._write_by(session, row, actor, take_over)
        return self.view(incident)

    async def edit_update(
        self, incident: str, update: str, *, actor: str, body_en: str, body_fr: str = ""
    ) -> IncidentView:
        """Puts other words in an entry; from then on it counts as the operator's."""
        body = _body(body_en, body_fr)
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
        body = _body(body_en, body_fr)
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


def _clean(text: str) -> str:
    """Without control characters: they have no place on a page, and XML forbids them."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join("".join(each for each in line if each.isprintable()) for line in lines).strip()


def _body(english: str, french: str) -> Words:
    return Words(_text(english, LONGEST_TEXT, "an update"), _text(french.strip() or english, LONGEST_TEXT, "an update"))  # fmt: skip


def _name(text: str) -> str:
    return _text(" ".join(text.split()), LONGEST_NAME, "a name")


def _text(text: str, most: int, what: str) -> str:
    clean = _clean(text)
    if not clean or len(clean) > most:
        raise ValueError(f"{what} has 1 to {most} characters")
    return clean


def _status(status: str) -> str:
    if status not in STATUSES:
        raise ValueError(f"a status is one of {', '.join(STATUSES)}")
    return status


def _impact(impact: str) -> str:
    if impact not in IMPACTS:
        raise ValueError(f"an impact is one of {', '.join(IMPACTS)}")
    return impact
