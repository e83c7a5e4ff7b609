"""The incidents as kept: written to the database first, shown from memory."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from hashlib import blake2b
from typing import TypedDict

import msgspec
from sqlalchemy import Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pontlevis.incidents.components import Component, Status, Statuses
from pontlevis.incidents.policy import IncidentPolicy
from pontlevis.incidents.views import Affected, IncidentView, UpdateView
from pontlevis.incidents.words import Words
from pontlevis.storage.audit import add_audit
from pontlevis.storage.database import Database
from pontlevis.storage.tables.incidents import IncidentRow, IncidentUpdateRow
from pontlevis.storage.tables.telling import NoticeRow

SHOWN = 50  # incidents kept in memory and shown, as Statuspage's incidents.json has
MOST_OF_A_SPAN = 200  # incidents of one month on a page of history
LONGEST_NOTES = 20_000
OPERATOR = "operator"
"""Kind of an incident that an operator opened: the machine writes its own beside it."""


class _Change(TypedDict):
    code: str
    old: str
    new: str


class Shelf:
    """Incidents of one service. Times are Unix seconds."""

    def __init__(
        self,
        database: Database,
        policy: IncidentPolicy,
        clock: Callable[[], float],
        statuses: Callable[[], Statuses],
    ) -> None:
        self._database = database
        self._policy = policy
        self._clock = clock
        self._statuses = statuses
        self._views: tuple[IncidentView, ...] = ()
        self.version = 0
        """Grows with everything that is written."""

    async def load(self) -> None:
        """Reads what the database has."""
        async with self._database.session() as session:
            self._views = await _read(session)

    async def incidents(self, *, unresolved: bool = False, most: int = SHOWN) -> list[IncidentView]:
        """The newest first, from memory."""
        found = [each for each in self._views if not unresolved or each.resolved_at is None]
        return found[:most]

    async def first_month(self) -> float | None:
        """When the oldest incident began; None where there was none."""
        async with self._database.session() as session:
            return await session.scalar(select(func.min(IncidentRow.created_at)))

    async def between(self, since: float, until: float, *, most: int = MOST_OF_A_SPAN) -> list[IncidentView]:
        """Those that began then, newest first, from the database."""
        async with self._database.session() as session:
            return list(
                await _read_rows(
                    session,
                    select(IncidentRow)
                    .where(IncidentRow.created_at >= since, IncidentRow.created_at < until)
                    .order_by(IncidentRow.created_at.desc(), IncidentRow.id)
                    .limit(most),
                )
            )

    @property
    def open(self) -> IncidentView | None:
        """The incident that the machine goes on with; None where none is open."""
        return next(
            (each for each in self._views if each.resolved_at is None and each.kind != OPERATOR), None
        )

    def count(self, asked: int, unserved: int) -> None:
        """Existing users' requests of the last second, for every open incident."""
        if asked or unserved:
            self._views = tuple(
                each
                if each.resolved_at is not None
                else replace(each, asked=each.asked + asked, unserved=each.unserved + unserved)
                for each in self._views
            )

    async def save_counts(self) -> None:
        """Writes what ``count`` added up."""
        unresolved = [each for each in self._views if each.resolved_at is None]
        if not unresolved:
            return
        async with self._database.session() as session:
            for view in unresolved:
                row = await session.get(IncidentRow, view.id)
                if row is not None:
                    row.asked, row.unserved = view.asked, view.unserved

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        """A transaction after which everybody sees what was written; nobody does before."""
        async with self._database.session() as session:
            yield session
            await session.flush()
            views = await _read(session)
        counts = {each.id: (each.asked, each.unserved) for each in self._views}
        # Counting goes on while a transaction is written.
        self.version += 1
        self._views = tuple(
            replace(each, asked=max(each.asked, counts[each.id][0]), unserved=max(each.unserved, counts[each.id][1]))
            if each.id in counts
            else each
            for each in views
        )  # fmt: skip

    def view(self, incident: str) -> IncidentView:
        """Raises ``KeyError`` for one that is not shown."""
        for each in self._views:
            if each.id == incident:
                return each
        raise KeyError(incident)

    def enter(
        self,
        session: AsyncSession,
        incident: IncidentRow,
        *,
        now: float,
        cause: str,
        status: str,
        body: Words,
        automatic: bool,
        actor: str,
        statuses: Statuses,
    ) -> None:
        """Adds an entry to an incident's timeline and sets its status."""
        known = {
            each.component: each.new
            for update in reversed(self._updates(incident.id))
            for each in update.affected
        }
        changes: list[_Change] = []
        for component, new in statuses.items():
            old = known.get(component, Status.OPERATIONAL)
            if new is not old or new is not Status.OPERATIONAL:
                changes.append({"code": component.value, "old": old.value, "new": new.value})
        incident.status = status
        incident.updated_at = max(now, incident.created_at)
        incident.resolved_at = now if status == "resolved" else None
        if status == "monitoring":
            incident.monitoring_at = now
        if automatic:
            # An operator's entry has its line from the desk.
            add_audit(session, at=now, actor="service", event=f"service:incident:{status}", subject=incident.id, detail=body.en)  # fmt: skip
        session.add(
            IncidentUpdateRow(
                id=id_of(f"{cause}:update"),
                incident_id=incident.id,
                status=status,
                body_en=body.en,
                body_fr=body.fr,
                created_at=now,
                updated_at=now,
                automatic=automatic,
                actor=actor,
                cause=cause,
                affected=msgspec.json.encode(changes).decode(),
            )
        )

        self.announce(session, "incident", incident.id, status, now)

    def announce(self, session: AsyncSession, kind: str, subject: str, status: str, now: float) -> None:
        """Leaves word for the subscribers, in the transaction of what it tells of: neither without the other."""
        session.add(
            NoticeRow(
                subscriber_id="",
                event=msgspec.json.encode({"kind": kind, "id": subject, "status": status}).decode(),
                created_at=now,
                due_at=now,
            )
        )

    def _updates(self, incident: str) -> tuple[UpdateView, ...]:
        try:
            return self.view(incident).updates
        except KeyError:
            return ()


def id_of(cause: str) -> str:
    """Sixteen hexadecimal digits; the same cause has the same."""
    return blake2b(cause.encode(), digest_size=8).hexdigest()


async def _read(session: AsyncSession) -> tuple[IncidentView, ...]:
    newest = select(IncidentRow.id).order_by(IncidentRow.created_at.desc(), IncidentRow.id).limit(SHOWN)
    return await _read_rows(
        session,
        select(IncidentRow)
        .where(or_(IncidentRow.resolved_at.is_(None), IncidentRow.id.in_(newest)))
        .order_by(IncidentRow.created_at.desc(), IncidentRow.id),
    )


async def _read_rows(session: AsyncSession, wanted: "Select[IncidentRow]") -> tuple[IncidentView, ...]:
    rows = list(await session.scalars(wanted))
    updates = list(
        await session.scalars(
            select(IncidentUpdateRow)
            .where(IncidentUpdateRow.incident_id.in_([row.id for row in rows]))
            .order_by(IncidentUpdateRow.created_at.desc(), IncidentUpdateRow.id)
        )
    )
    return tuple(_view(row, (each for each in updates if each.incident_id == row.id)) for row in rows)


def _view(row: IncidentRow, updates: Iterable[IncidentUpdateRow]) -> IncidentView:
    return IncidentView(
        id=row.id,
        name_en=row.name_en,
        name_fr=row.name_fr,
        status=row.status,
        impact=row.impact,
        created_at=row.created_at,
        updated_at=row.updated_at,
        monitoring_at=row.monitoring_at,
        resolved_at=row.resolved_at,
        taken_over_by=row.taken_over_by,
        notes=row.notes,
        updates=tuple(_update_view(each) for each in updates),
        kind=row.kind,
        asked=row.asked,
        unserved=row.unserved,
        postmortem_en=row.postmortem_en,
        postmortem_fr=row.postmortem_fr,
        postmortem_at=row.postmortem_at,
        data_touched_at=row.data_touched_at,
        data_touched_why=row.data_touched_why,
    )


def _update_view(row: IncidentUpdateRow) -> UpdateView:
    changes = msgspec.json.decode(row.affected, type=list[_Change])
    return UpdateView(
        id=row.id,
        status=row.status,
        body_en=row.body_en,
        body_fr=row.body_fr,
        created_at=row.created_at,
        updated_at=row.updated_at,
        automatic=row.automatic,
        actor=row.actor,
        affected=tuple(
            Affected(Component(each["code"]), Status(each["old"]), Status(each["new"])) for each in changes
        ),
    )
