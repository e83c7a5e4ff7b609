"""Incidents: opened, continued, updated and resolved by the posture machine; edited by operators."""

from collections.abc import Callable
from hashlib import blake2b

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pontlevis.brain.posture.state import Transition
from pontlevis.brain.vocabulary import Posture, RegistrationMode, Verdict
from pontlevis.incidents import words
from pontlevis.incidents.availability import Availability
from pontlevis.incidents.policy import IncidentPolicy
from pontlevis.incidents.views import IMPACTS, STATUSES, IncidentView, UpdateView
from pontlevis.incidents.words import Words
from pontlevis.storage.audit import record_audit
from pontlevis.storage.database import Database
from pontlevis.storage.tables.incidents import IncidentRow, IncidentUpdateRow

MOST_TEXT = 4_000
MOST_NAME = 200


class Incidents(Availability):
    """The incidents of one service, and its measured availability. Times are Unix seconds."""

    def __init__(
        self, database: Database, policy: IncidentPolicy, clock: Callable[[], float], name: str
    ) -> None:
        super().__init__(database, policy, clock)
        self.name = name

    async def on_transition(self, transition: Transition) -> None:
        """Writes what the public should know of a change of posture. The same one twice writes once."""
        if transition.dry_run:
            return
        told = _tell(transition)
        if told is None:
            return
        status, impact, name, body, opens = told
        now = transition.at
        cause = f"posture:{transition.at:.6f}:{transition.after.posture.value}:{transition.after.stage}"
        async with self._database.session() as session:
            if await session.scalar(select(IncidentUpdateRow.id).where(IncidentUpdateRow.cause == cause)):
                return
            incident = await session.scalar(
                select(IncidentRow)
                .where(IncidentRow.resolved_at.is_(None))
                .order_by(IncidentRow.created_at.desc())
                .limit(1)
            )
            if incident is None:
                if not opens:
                    return
                incident = await session.scalar(
                    select(IncidentRow)
                    .where(
                        IncidentRow.resolved_at >= now - self._policy.reopen_s, IncidentRow.name_en == name.en
                    )
                    .order_by(IncidentRow.created_at.desc())
                    .limit(1)
                )
                if incident is not None:
                    incident.resolved_at = None
                else:
                    self.asked = self.unserved = 0
                    incident = IncidentRow(
                        id=_id(cause), name_en=name.en, name_fr=name.fr, status=status, impact=impact,
                        created_at=now, updated_at=now, taken_over_by="", notes="",
                    )  # fmt: skip
                    session.add(incident)
                    await session.flush()
            incident.notes = (f"{incident.notes}\n" if incident.notes else "") + transition.reason
            incident.notes = incident.notes[-20_000:]
            if incident.taken_over_by:
                return
            if not opens:
                body = words.with_availability(body, self.asked, self.unserved)
            elif name is words.NAME_ATTACK:
                incident.name_en, incident.name_fr = name.en, name.fr
            incident.status = status
            incident.impact = max(incident.impact, impact, key=IMPACTS.index)
            incident.updated_at = now
            if status == "monitoring":
                incident.monitoring_at = now
            if status == "resolved":
                incident.resolved_at = now
            session.add(
                IncidentUpdateRow(
                    id=_id(cause + "update"), incident_id=incident.id, status=status, body_en=body.en, body_fr=body.fr,
                    created_at=now, updated_at=now, automatic=True, actor=transition.actor, cause=cause,
                )
            )  # fmt: skip

    async def incidents(self, *, unresolved: bool = False, most: int = 50) -> list[IncidentView]:
        """The newest first."""
        async with self._database.session() as session:
            query = select(IncidentRow).order_by(IncidentRow.created_at.desc()).limit(most)
            if unresolved:
                query = query.where(IncidentRow.resolved_at.is_(None))
            return [await self._view(session, row) for row in list(await session.scalars(query))]

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
        """An operator's change. Raises ``KeyError`` for an unknown incident, ``ValueError`` for a bad value."""
        async with self._database.session() as session:
            row = await session.get(IncidentRow, incident)
            if row is None:
                raise KeyError(incident)
            if name_en is not None:
                row.name_en = _text(name_en, MOST_NAME, "a name")
            if name_fr is not None:
                row.name_fr = _text(name_fr, MOST_NAME, "a name")
            if impact is not None:
                if impact not in IMPACTS:
                    raise ValueError(f"an impact is one of {', '.join(IMPACTS)}")
                row.impact = impact
            if notes is not None:
                row.notes = notes[:20_000]
            if take_over is not None:
                row.taken_over_by = actor if take_over else ""
            row.updated_at = self._clock()
            await record_audit(
                session, at=row.updated_at, actor=actor, event="operator:incident:edited", subject=incident
            )
            return await self._view(session, row)

    async def post_update(
        self, incident: str, *, actor: str, status: str, body_en: str, body_fr: str = ""
    ) -> IncidentView:
        """An operator's entry in the timeline; from now on the operator writes, not the machine.

        Raises ``KeyError`` for an unknown incident, ``ValueError`` for a bad value.
        """
        if status not in STATUSES:
            raise ValueError(f"a status is one of {', '.join(STATUSES)}")
        english = _text(body_en, MOST_TEXT, "an update")
        french = body_fr.strip()[:MOST_TEXT] or english
        now = self._clock()
        async with self._database.session() as session:
            row = await session.get(IncidentRow, incident)
            if row is None:
                raise KeyError(incident)
            row.status = status
            row.updated_at = now
            row.taken_over_by = actor
            row.resolved_at = now if status == "resolved" else None
            if status == "monitoring":
                row.monitoring_at = now
            cause = f"operator:{now:.6f}:{incident}"
            session.add(
                IncidentUpdateRow(
                    id=_id(cause), incident_id=incident, status=status, body_en=english, body_fr=french,
                    created_at=now, updated_at=now, automatic=False, actor=actor, cause=cause,
                )
            )  # fmt: skip
            await session.flush()
            await record_audit(
                session,
                at=now,
                actor=actor,
                event=f"operator:incident:{status}",
                subject=incident,
                detail=english,
            )
            return await self._view(session, row)

    async def _view(self, session: AsyncSession, row: IncidentRow) -> IncidentView:
        updates = await session.scalars(
            select(IncidentUpdateRow)
            .where(IncidentUpdateRow.incident_id == row.id)
            .order_by(IncidentUpdateRow.created_at.desc(), IncidentUpdateRow.id)
        )
        return IncidentView(
            row.id, row.name_en, row.name_fr, row.status, row.impact, row.created_at, row.updated_at,
            row.monitoring_at, row.resolved_at, row.taken_over_by, row.notes,
            tuple(
                UpdateView(
                    each.id, each.status, each.body_en, each.body_fr, each.created_at, each.updated_at,
                    each.automatic, each.actor,
                )
                for each in updates
            ),
        )  # fmt: skip


def _tell(transition: Transition) -> tuple[str, str, Words, Words, bool] | None:
    """Status, impact, name, text, and whether it opens an incident; None for what is no news."""
    before, after = transition.before, transition.after
    if after.posture is Posture.UNDER_ATTACK:
        if before.posture is Posture.UNDER_ATTACK and before.registration is after.registration:
            return None
        if before.posture is Posture.RECOVERING:
            return "identified", "major", words.NAME_ATTACK, words.RELAPSE, True
        suspended = after.registration is RegistrationMode.SUSPENDED
        return (
            "investigating",
            "major",
            words.NAME_ATTACK,
            words.SUSPENDED if suspended else words.ATTACKED,
            True,
        )
    if after.posture is Posture.RECOVERING:
        return "monitoring", "minor", words.NAME_ATTACK, words.stage(after.registration_share), False
    if after.posture is Posture.NORMAL and before.posture is not Posture.NORMAL:
        was_attack = before.posture in (Posture.UNDER_ATTACK, Posture.RECOVERING)
        return (
            "resolved",
            "none",
            words.NAME_ATTACK,
            words.RESOLVED if was_attack else words.RESOLVED_BUSY,
            False,
        )
    if (
        after.posture is Posture.ELEVATED
        and after.verdict is Verdict.OVERLOAD
        and before.posture is Posture.NORMAL
    ):
        return "investigating", "minor", words.NAME_BUSY, words.BUSY, True
    return None


def _text(text: str, most: int, what: str) -> str:
    clean = text.strip()
    if not clean or len(clean) > most:
        raise ValueError(f"{what} has 1 to {most} characters")
    return clean


def _id(cause: str) -> str:
    return blake2b(cause.encode(), digest_size=8).hexdigest()
