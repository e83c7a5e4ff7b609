"""Announced work: made, changed and called off by operators; begun and ended by the clock."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import uuid4

import msgspec
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pontlevis.incidents import words
from pontlevis.incidents.components import Component
from pontlevis.incidents.policy import IncidentPolicy
from pontlevis.incidents.shelf import id_of
from pontlevis.incidents.texts import body_of, name_of
from pontlevis.incidents.views import MaintenanceView, UpdateView
from pontlevis.incidents.words import Words
from pontlevis.storage.audit import record_audit
from pontlevis.storage.database import Database
from pontlevis.storage.tables.telling import MaintenanceRow, MaintenanceUpdateRow, NoticeRow

STATUSES = ("scheduled", "in_progress", "verifying", "completed")
SHOWN = 50  # kept in memory and shown, as Statuspage's scheduled-maintenances.json has
MOST_OPEN = 100  # an operator's script gone wild must not fill the page
LATE_S = 300.0  # a start so little in the past means "now"


class Maintenances:
    """Shown from memory. Times are Unix seconds.

    Methods that change something raise ``KeyError`` for an unknown id and ``ValueError``, with a readable
    reason, for a bad value.
    """

    def __init__(self, database: Database, policy: IncidentPolicy, clock: Callable[[], float]) -> None:
        self._database = database
        self._policy = policy
        self._clock = clock
        self._views: tuple[MaintenanceView, ...] = ()
        self.version = 0

    async def load(self) -> None:
        async with self._database.session() as session:
            self._views = await _read(session)

    @property
    def all(self) -> list[MaintenanceView]:
        """The latest start first."""
        return list(self._views)

    @property
    def upcoming(self) -> list[MaintenanceView]:
        """The next one first."""
        return sorted((each for each in self._views if each.status == "scheduled"), key=_start)

    @property
    def active(self) -> list[MaintenanceView]:
        return [each for each in self._views if each.active]

    @property
    def components(self) -> frozenset[Component]:
        """Those that are being worked on now."""
        return frozenset(part for each in self._views if each.active for part in each.components)

    def view(self, maintenance: str) -> MaintenanceView:
        for each in self._views:
            if each.id == maintenance:
                return each
        raise KeyError(maintenance)

    async def create(
        self,
        *,
        actor: str,
        name_en: str,
        body_en: str,
        scheduled_for: float,
        scheduled_until: float,
        components: tuple[Component, ...],
        name_fr: str = "",
        body_fr: str = "",
    ) -> MaintenanceView:
        """Announces work; what begins now or began a moment ago begins at once."""
        now = self._clock()
        name = Words(name_of(name_en), name_of(name_fr or name_en))
        body = body_of(body_en, body_fr)
        if scheduled_for < now - LATE_S:
            raise ValueError("maintenance is announced before it begins: the past was measured as it was")
        start = max(scheduled_for, now)
        self._check(start, scheduled_until, components)
        if sum(1 for each in self._views if each.ended_at is None) >= MOST_OPEN:
            raise ValueError(f"there are {MOST_OPEN} announced maintenances already")
        id_ = id_of(f"maintenance:{uuid4().hex}")
        async with self._writing() as session:
            row = MaintenanceRow(
                id=id_, name_en=name.en, name_fr=name.fr, status="scheduled",
                components=_encoded(components), scheduled_for=start, scheduled_until=scheduled_until,
                created_at=now, updated_at=now, cancelled=False,
            )  # fmt: skip
            session.add(row)
            await session.flush()
            self._enter(session, row, "scheduled", body, now, actor=actor)
            if start <= now:
                self._enter(session, row, "in_progress", words.MAINTENANCE_BEGINS, now, actor=actor)
            await self._audit(session, actor, "announced", id_, name.en)
        return self.view(id_)

    async def change(
        self,
        maintenance: str,
        *,
        actor: str,
        name_en: str | None = None,
        name_fr: str | None = None,
        scheduled_for: float | None = None,
        scheduled_until: float | None = None,
        components: tuple[Component, ...] | None = None,
        status: str | None = None,
        body_en: str = "",
        body_fr: str = "",
    ) -> MaintenanceView:
        """Changes what is given; with a status or a text, an entry is added to the timeline."""
        now = self._clock()
        async with self._writing() as session:
            row = await self._open_row(session, maintenance)
            if status is not None and status not in STATUSES:
                raise ValueError(f"a status is one of {', '.join(STATUSES)}")
            if status is not None and STATUSES.index(status) < STATUSES.index(row.status):
                raise ValueError(f"it is {row.status} already")
            if scheduled_for is not None and scheduled_for != row.scheduled_for:
                if row.status != "scheduled":
                    raise ValueError("it has begun: its start cannot be moved")
                if scheduled_for < now - LATE_S:
                    raise ValueError("a start lies in the future")
                row.scheduled_for = max(scheduled_for, now)
            if scheduled_until is not None and scheduled_until != row.scheduled_until:
                if scheduled_until < now:
                    raise ValueError("an end lies in the future; to end it now, set its status to completed")
                row.scheduled_until = scheduled_until
            parts = components if components is not None else _decoded(row.components)
            self._check(row.scheduled_for, row.scheduled_until, parts)
            row.components = _encoded(parts)
            if name_en is not None:
                row.name_en = name_of(name_en)
            if name_fr is not None:
                row.name_fr = name_of(name_fr)
            row.updated_at = now
            if status is not None or body_en.strip():
                moved = status or row.status
                body = body_of(body_en, body_fr) if body_en.strip() else _WORDS[moved]
                self._enter(session, row, moved, body, now, actor=actor)
            await self._audit(session, actor, "changed", row.id, row.name_en)
        return self.view(maintenance)

    async def cancel(
        self, maintenance: str, *, actor: str, body_en: str = "", body_fr: str = ""
    ) -> MaintenanceView:
        """Calls it off, or what is left of it; said on the page."""
        now = self._clock()
        async with self._writing() as session:
            row = await self._open_row(session, maintenance)
            row.cancelled = True
            body = body_of(body_en, body_fr) if body_en.strip() else words.MAINTENANCE_CANCELLED
            self._enter(session, row, "completed", body, now, actor=actor)
            await self._audit(session, actor, "cancelled", row.id, body.en)
        return self.view(maintenance)

    def due(self, now: float) -> bool:
        """Whether one begins or ends by now."""
        return any(
            (each.status == "scheduled" and each.scheduled_for <= now)
            or (each.active and each.scheduled_until <= now)
            for each in self._views
        )

    async def follow_the_clock(self) -> None:
        """Begins and ends what is due."""
        now = self._clock()
        if not self.due(now):
            return
        async with self._writing() as session:
            rows = await session.scalars(select(MaintenanceRow).where(MaintenanceRow.ended_at.is_(None)))
            for row in rows.all():
                if row.status == "scheduled" and row.scheduled_for <= now:
                    self._enter(session, row, "in_progress", words.MAINTENANCE_BEGINS, now, automatic=True)
                if row.status != "scheduled" and row.scheduled_until <= now:
                    self._enter(session, row, "completed", words.MAINTENANCE_ENDS, now, automatic=True)

    def _check(self, start: float, end: float, components: tuple[Component, ...]) -> None:
        longest = self._policy.maintenance_longest_s
        if not 0 < end - start <= longest:
            raise ValueError(f"maintenance ends after it begins, within {longest / 3600:g} hours")
        if not components:
            raise ValueError(f"maintenance names components: {', '.join(Component)}")

    def _enter(
        self,
        session: AsyncSession,
        row: MaintenanceRow,
        status: str,
        body: Words,
        now: float,
        *,
        automatic: bool = False,
        actor: str = "clock",
    ) -> None:
        row.status = status
        row.updated_at = now
        if status in ("in_progress", "verifying") and row.began_at is None:
            row.began_at = now
        if status == "completed":
            row.ended_at = now
        update = id_of(f"maintenance:{row.id}:{uuid4().hex}")
        session.add(
            MaintenanceUpdateRow(
                id=update,
                maintenance_id=row.id,
                status=status,
                body_en=body.en,
                body_fr=body.fr,
                created_at=now,
                automatic=automatic,
                actor=actor,
            )
        )
        event = msgspec.json.encode({"kind": "maintenance", "id": row.id, "status": status}).decode()
        session.add(NoticeRow(subscriber_id="", event=event, created_at=now, due_at=now))

    async def _open_row(self, session: AsyncSession, maintenance: str) -> MaintenanceRow:
        row = await session.get(MaintenanceRow, maintenance)
        if row is None:
            raise KeyError(maintenance)
        if row.ended_at is not None:
            raise ValueError("it is over")
        return row

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[AsyncSession]:
        """A transaction after which everybody sees what was written; nobody does before."""
        async with self._database.session() as session:
            yield session
            await session.flush()
            views = await _read(session)
        self._views = views
        self.version += 1

    async def _audit(self, session: AsyncSession, actor: str, action: str, id_: str, detail: str) -> None:
        await record_audit(
            session, at=self._clock(), actor=actor, event=f"operator:maintenance:{action}", subject=id_,
            detail=detail,
        )  # fmt: skip


_WORDS = {
    "scheduled": words.MAINTENANCE_SCHEDULED,
    "in_progress": words.MAINTENANCE_BEGINS,
    "verifying": words.MAINTENANCE_VERIFIED,
    "completed": words.MAINTENANCE_ENDS,
}


def _start(view: MaintenanceView) -> float:
    return view.scheduled_for


def _encoded(components: tuple[Component, ...]) -> str:
    return msgspec.json.encode([each.value for each in Component if each in components]).decode()


def _decoded(text: str) -> tuple[Component, ...]:
    return tuple(Component(each) for each in msgspec.json.decode(text, type=list[str]))


async def _read(session: AsyncSession) -> tuple[MaintenanceView, ...]:
    newest = select(MaintenanceRow.id).order_by(MaintenanceRow.scheduled_for.desc()).limit(SHOWN)
    rows = list(
        await session.scalars(
            select(MaintenanceRow)
            .where(or_(MaintenanceRow.ended_at.is_(None), MaintenanceRow.id.in_(newest)))
            .order_by(MaintenanceRow.scheduled_for.desc(), MaintenanceRow.id)
        )
    )
    updates = list(
        await session.scalars(
            select(MaintenanceUpdateRow)
            .where(MaintenanceUpdateRow.maintenance_id.in_([row.id for row in rows]))
            .order_by(MaintenanceUpdateRow.created_at.desc(), MaintenanceUpdateRow.id)
        )
    )
    return tuple(
        _view(row, tuple(_update(each) for each in updates if each.maintenance_id == row.id)) for row in rows
    )


def _view(row: MaintenanceRow, updates: tuple[UpdateView, ...]) -> MaintenanceView:
    ordered = sorted(updates, key=lambda each: (each.created_at, STATUSES.index(each.status)), reverse=True)
    return MaintenanceView(
        row.id, row.name_en, row.name_fr, row.status, _decoded(row.components), row.scheduled_for,
        row.scheduled_until, row.created_at, row.updated_at, row.began_at, row.ended_at, row.cancelled,
        tuple(ordered),
    )  # fmt: skip


def _update(row: MaintenanceUpdateRow) -> UpdateView:
    return UpdateView(
        row.id, row.status, row.body_en, row.body_fr, row.created_at, row.created_at, row.automatic, row.actor
    )
