"""Measured availability: seconds by component, state and day, kept in memory and written every few seconds.

The days shown are all in memory, so that the status page needs no database. What is written are a
day's whole sums, not increments: a write that is tried again can count nothing twice.
"""

import logging
from collections.abc import Callable

from sqlalchemy import select

from pontlevis.brain.observation import ServiceSample
from pontlevis.brain.posture.state import PostureState
from pontlevis.incidents.components import COLUMNS, SEVERITY, Component, Status, Statuses
from pontlevis.incidents.measure import Measure, Served
from pontlevis.incidents.policy import IncidentPolicy
from pontlevis.incidents.views import ComponentView, DayView
from pontlevis.storage.database import Database
from pontlevis.storage.tables.incidents import ComponentDayRow, ComponentRow, ServedDayRow

DAY_S = 86_400.0
LONGEST_STEP_S = 5.0  # a longer gap between two ticks was not measured and is not counted

log = logging.getLogger("pontlevis.incidents")

Seconds = tuple[float, float, float, float, float]
_PLACE = {status: place for place, status in enumerate(COLUMNS)}


class Availability:
    """One service's components. Times are Unix seconds."""

    def __init__(self, database: Database, policy: IncidentPolicy, clock: Callable[[], float]) -> None:
        self._database = database
        self._policy = policy
        self._clock = clock
        self._measure = Measure(policy)
        self._measured: Statuses = dict.fromkeys(Component, Status.OPERATIONAL)
        self._declared: dict[Component, tuple[Status, str]] = {}
        self._changed_at: dict[Component, float] = {}
        self._first_seen: dict[Component, float] = {}
        self._days: dict[tuple[Component, int], list[float]] = {}
        self._served: dict[int, list[int]] = {}
        self._dirty: set[int] = set()
        self._measured_at: float | None = None
        self._write_at = 0.0
        self.database_ok = True
        self.maintained: frozenset[Component] = frozenset()
        """Components under announced work: their time is left out of the share."""

    async def start(self) -> None:
        """Loads the days shown and the states as last measured."""
        now = self._clock()
        first = self._first_day(now)
        async with self._database.session() as session:
            states = {row.component: row for row in await session.scalars(select(ComponentRow))}
            days = list(await session.scalars(select(ComponentDayRow).where(ComponentDayRow.day >= first)))
            served = list(await session.scalars(select(ServedDayRow).where(ServedDayRow.day >= first)))
        for component in Component:
            row = states.get(component.value)
            self._changed_at[component] = row.updated_at if row is not None else now
            self._first_seen[component] = row.first_seen_at if row is not None else now
            if row is not None:
                self._measured[component] = Status(row.status)
                if row.declared:
                    self._declared[component] = (Status(row.declared), row.declared_by)
        known = {each.value for each in Component}
        for day in days:
            if day.component in known:
                seconds = [float(getattr(day, column)) for column in COLUMNS.values()]
                self._days[Component(day.component), day.day] = seconds
        self._served = {row.day: [row.asked, row.unserved] for row in served}
        self._write_at = now + self._policy.flush_s

    @property
    def statuses(self) -> Statuses:
        """As shown: what an operator declared, else announced work, else what is measured."""
        return {component: self._shown(component, status) for component, status in self._measured.items()}

    def _shown(self, component: Component, measured: Status) -> Status:
        if component in self._declared:
            return self._declared[component][0]
        return Status.MAINTENANCE if component in self.maintained else measured

    @property
    def measured(self) -> Statuses:
        return dict(self._measured)

    def login(self, ok: bool) -> None:
        """An existing user tried to log in with the right to, and could or could not."""
        self._measure.login(ok, self._clock())

    def take(self, sample: ServiceSample, posture: PostureState, now: float) -> Served:
        """One more second; returns existing users' requests that it adds."""
        served = self._measure.take(sample, now)
        before = self.statuses
        self._measured = self._measure.statuses(posture, now, database_ok=self.database_ok)
        after = self.statuses
        day = int(now // DAY_S)
        step = now - self._measured_at if self._measured_at is not None else 0.0
        self._measured_at = now
        for component, status in after.items():
            if status is not before[component]:
                self._changed_at[component] = now
            if 0 < step <= LONGEST_STEP_S:
                seconds = self._days.setdefault((component, day), [0.0] * len(COLUMNS))
                seconds[_PLACE[status]] += step
                self._dirty.add(day)
        if served.asked or served.unserved:
            sums = self._served.setdefault(day, [0, 0])
            sums[0] += served.asked
            sums[1] += served.unserved
            self._dirty.add(day)
        return served

    def due(self, now: float) -> bool:
        """Whether it is time to write."""
        return now >= self._write_at

    async def flush(self) -> None:
        """Writes what was measured. What could not be written stays in memory and is written next time."""
        now = self._clock()
        self._write_at = now + self._policy.flush_s
        dirty, self._dirty = self._dirty, set()
        try:
            async with self._database.session() as session:
                for component in Component:
                    await session.merge(self._row(component))
                    for day in dirty:
                        seconds = self._days.get((component, day))
                        if seconds is not None:
                            values = dict(zip(COLUMNS.values(), seconds, strict=True))
                            await session.merge(ComponentDayRow(component=component.value, day=day, **values))
                for day in dirty & self._served.keys():
                    asked, unserved = self._served[day]
                    await session.merge(ServedDayRow(day=day, asked=asked, unserved=unserved))
        except BaseException:
            self._dirty |= dirty
            self._write_at = now + self._policy.write_limit_s
            raise
        self._forget(self._first_day(now))

    async def declare(self, component: Component, status: Status | None, *, actor: str) -> None:
        """Shows ``status`` instead of what is measured, until it is called with None."""
        held = self._declared.get(component)
        before = self.statuses[component]
        if status is None:
            self._declared.pop(component, None)
        else:
            self._declared[component] = (status, actor)
        try:
            async with self._database.session() as session:
                await session.merge(self._row(component))
        except BaseException:
            self._declared.pop(component, None)
            if held is not None:
                self._declared[component] = held
            raise
        if self.statuses[component] is not before:
            self._changed_at[component] = self._clock()

    def components(self) -> list[ComponentView]:
        """Every component with its days, today last."""
        today = int(self._clock() // DAY_S)
        first = today - self._policy.history_days + 1
        statuses = self.statuses
        return [
            self._component(component, statuses[component], range(first, today + 1))
            for component in Component
        ]

    def served(self, days: int | None = None) -> Served:
        """Existing users' requests of the last ``days`` days, today among them; of all days shown by default."""
        first = int(self._clock() // DAY_S) - (days or self._policy.history_days) + 1
        sums = [counts for day, counts in self._served.items() if day >= first]
        return Served(sum(asked for asked, _ in sums), sum(unserved for _, unserved in sums))

    def _component(self, component: Component, status: Status, days: range) -> ComponentView:
        policy = self._policy
        views = tuple(day_view(day, self._days.get((component, day)), policy) for day in days)
        total = [sum(each) for each in zip(*(view.seconds for view in views), strict=True)]
        return ComponentView(
            component,
            status,
            self._changed_at.get(component, 0.0),
            self._first_seen.get(component, 0.0),
            views,
            day_view(0, total, policy).uptime,
            self._declared[component][1] if component in self._declared else "",
        )

    def _row(self, component: Component) -> ComponentRow:
        status, by = self._declared.get(component, (None, ""))
        return ComponentRow(
            component=component.value,
            status=self._measured[component].value,
            updated_at=self._changed_at[component],
            first_seen_at=self._first_seen[component],
            declared=status.value if status is not None else "",
            declared_by=by,
        )

    def _first_day(self, now: float) -> int:
        return int(now // DAY_S) - self._policy.history_days + 1

    def _forget(self, first: int) -> None:
        for key in [key for key in self._days if key[1] < first]:
            del self._days[key]
        for day in [day for day in self._served if day < first]:
            del self._served[day]


def day_view(day: int, seconds: list[float] | None, policy: IncidentPolicy) -> DayView:
    """(total - major - weight x partial) / total, Statuspage's rule; time under maintenance is left out."""
    if seconds is None or sum(seconds) <= 0:
        return DayView(day, None, None)
    operational, degraded, partial, major, maintenance = seconds
    total = operational + degraded + partial + major
    uptime = (total - major - policy.partial_outage_weight * partial) / total if total > 0 else None
    lasted = [status for status in COLUMNS if seconds[_PLACE[status]] >= policy.bar_least_s]
    worst = max(lasted, key=SEVERITY.__getitem__, default=Status.OPERATIONAL)
    return DayView(day, uptime, worst, (operational, degraded, partial, major, maintenance))
