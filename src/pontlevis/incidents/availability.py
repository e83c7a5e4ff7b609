"""Measured availability, kept by day."""

from collections.abc import Callable

from sqlalchemy import select

from pontlevis.brain.observation import ServiceSample
from pontlevis.brain.posture.state import PostureState
from pontlevis.incidents.components import SEVERITY, Component, Measure, Status, existing_of
from pontlevis.incidents.policy import IncidentPolicy
from pontlevis.incidents.views import ComponentView, DayView
from pontlevis.storage.database import Database
from pontlevis.storage.tables.incidents import ComponentDayRow, ComponentRow, ServedDayRow

DAY_S = 86_400.0
_COLUMNS = {
    Status.OPERATIONAL: "operational_s",
    Status.DEGRADED: "degraded_s",
    Status.PARTIAL: "partial_s",
    Status.MAJOR: "major_s",
}
LONGEST_STEP_S = 5.0  # a gap longer than this was not measured and is not counted


class Availability:
    """Counts seconds by component and state; writes them every ``flush_s``."""

    def __init__(self, database: Database, policy: IncidentPolicy, clock: Callable[[], float]) -> None:
        self._database = database
        self._policy = policy
        self._clock = clock
        self._measure = Measure(policy)
        self.statuses: dict[Component, Status] = dict.fromkeys(Component, Status.OPERATIONAL)
        self._changed_at: dict[Component, float] = {}
        self._first_seen: dict[Component, float] = {}
        self._unsaved: dict[tuple[Component, int, Status], float] = {}
        self._served: dict[int, list[int]] = {}
        self._measured_at: float | None = None
        self._saved_at = 0.0
        self._sample_at = 0.0
        self.asked = 0
        self.unserved = 0

    async def start(self) -> None:
        now = self._clock()
        async with self._database.session() as session:
            rows = {row.component: row for row in await session.scalars(select(ComponentRow))}
        for component in Component:
            row = rows.get(component.value)
            self._changed_at[component] = row.updated_at if row is not None else now
            self._first_seen[component] = row.first_seen_at if row is not None else now
            if row is not None:
                self.statuses[component] = Status(row.status)
        self._saved_at = now

    def login(self, ok: bool) -> None:
        self._measure.login(ok, self._clock())

    async def measure(self, sample: ServiceSample, posture: PostureState, now: float) -> None:
        """One more second."""
        statuses = self._measure.sample(sample, posture, now)
        day = int(now // DAY_S)
        if self._measured_at is not None:
            step = now - self._measured_at
            if 0 < step <= LONGEST_STEP_S:
                for component, status in statuses.items():
                    key = (component, day, status)
                    self._unsaved[key] = self._unsaved.get(key, 0.0) + step
        self._measured_at = now
        for component, status in statuses.items():
            if status is not self.statuses[component]:
                self.statuses[component] = status
                self._changed_at[component] = now
        if sample.at != self._sample_at:
            self._sample_at = sample.at
            asked, unserved = existing_of(sample)
            self.asked += asked
            self.unserved += unserved
            if asked:
                served = self._served.setdefault(day, [0, 0])
                served[0] += asked
                served[1] += unserved
        if now - self._saved_at >= self._policy.flush_s:
            self._saved_at = now
            await self.flush()

    async def flush(self) -> None:
        """Writes what was measured since the last time."""
        unsaved, self._unsaved = self._unsaved, {}
        served, self._served = self._served, {}
        try:
            async with self._database.session() as session:
                for (component, day, status), seconds in unsaved.items():
                    row = await session.get(ComponentDayRow, (component.value, day))
                    if row is None:
                        row = ComponentDayRow(
                            component=component.value,
                            day=day,
                            operational_s=0.0,
                            degraded_s=0.0,
                            partial_s=0.0,
                            major_s=0.0,
                        )
                        session.add(row)
                    column = _COLUMNS[status]
                    setattr(row, column, getattr(row, column) + seconds)
                for day, (asked, unserved) in served.items():
                    kept = await session.get(ServedDayRow, day)
                    if kept is None:
                        kept = ServedDayRow(day=day, asked=0, unserved=0)
                        session.add(kept)
                    kept.asked += asked
                    kept.unserved += unserved
                for component in Component:
                    await session.merge(
                        ComponentRow(
                            component=component.value,
                            status=self.statuses[component].value,
                            updated_at=self._changed_at[component],
                            first_seen_at=self._first_seen[component],
                        )
                    )
        except BaseException:
            for key, seconds in unsaved.items():
                self._unsaved[key] = self._unsaved.get(key, 0.0) + seconds
            for day, counts in served.items():
                held = self._served.setdefault(day, [0, 0])
                held[0] += counts[0]
                held[1] += counts[1]
            raise

    async def components(self) -> list[ComponentView]:
        """Every component with its days, today last."""
        today = int(self._clock() // DAY_S)
        first = today - self._policy.history_days + 1
        async with self._database.session() as session:
            rows = list(await session.scalars(select(ComponentDayRow).where(ComponentDayRow.day >= first)))
        seconds: dict[tuple[str, int], list[float]] = {
            (row.component, row.day): [row.operational_s, row.degraded_s, row.partial_s, row.major_s]
            for row in rows
        }
        for (component, day, status), extra in self._unsaved.items():
            seconds.setdefault((component.value, day), [0.0] * 4)[SEVERITY[status]] += extra
        views = []
        for component in Component:
            days = tuple(
                day_view(day, seconds.get((component.value, day)), self._policy.partial_outage_weight)
                for day in range(first, today + 1)
            )
            measured = [each for each in days if each.uptime is not None]
            total = (
                [sum(values) for values in zip(*(_seconds(each) for each in measured), strict=True)]
                if measured
                else None
            )
            whole = day_view(0, total, self._policy.partial_outage_weight).uptime
            views.append(
                ComponentView(
                    component,
                    self.statuses[component],
                    self._changed_at.get(component, 0.0),
                    self._first_seen.get(component, 0.0),
                    days,
                    whole,
                )
            )
        return views

    async def existing_availability(self) -> tuple[int, int]:
        """Existing users' requests of the days shown, and how many of them were not served."""
        first = int(self._clock() // DAY_S) - self._policy.history_days + 1
        async with self._database.session() as session:
            rows = list(await session.scalars(select(ServedDayRow).where(ServedDayRow.day >= first)))
        asked = sum(row.asked for row in rows) + sum(held[0] for held in self._served.values())
        unserved = sum(row.unserved for row in rows) + sum(held[1] for held in self._served.values())
        return asked, unserved


def _seconds(day: DayView) -> tuple[float, float, float, float]:
    return day.operational_s, day.degraded_s, day.partial_s, day.major_s


def day_view(day: int, seconds: list[float] | None, partial_weight: float) -> DayView:
    """(total - major - weight x partial) / total, Statuspage's rule; None where nothing was measured."""
    if seconds is None or sum(seconds) <= 0:
        return DayView(day, None, None)
    total = sum(seconds)
    uptime = (total - seconds[3] - partial_weight * seconds[2]) / total
    worst = next(
        (status for status in reversed(Status) if seconds[SEVERITY[status]] >= 1.0),
        Status.OPERATIONAL,
    )
    return DayView(day, uptime, worst, *seconds)
