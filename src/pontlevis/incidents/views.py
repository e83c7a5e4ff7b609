"""What pages and the API see of incidents and components. Times are Unix seconds."""

from dataclasses import dataclass

from pontlevis.incidents.components import Component, Status

STATUSES = ("investigating", "identified", "monitoring", "resolved")
IMPACTS = ("none", "minor", "major", "critical")


@dataclass(frozen=True, slots=True)
class Affected:
    """A component's state as an update reports it."""

    component: Component
    old: Status
    new: Status


@dataclass(frozen=True, slots=True)
class UpdateView:
    """One entry of a timeline."""

    id: str
    status: str
    body_en: str
    body_fr: str
    created_at: float
    updated_at: float
    automatic: bool
    """Whether the service wrote it and nobody has changed it since."""
    actor: str
    affected: tuple[Affected, ...] = ()

    def body(self, language: str) -> str:
        return self.body_fr if language == "fr" else self.body_en


@dataclass(frozen=True, slots=True)
class IncidentView:
    """One incident, newest update first."""

    id: str
    name_en: str
    name_fr: str
    status: str
    impact: str
    created_at: float
    updated_at: float
    monitoring_at: float | None
    resolved_at: float | None
    taken_over_by: str
    """The operator who writes; empty while the service does."""
    notes: str
    """For operators only."""
    updates: tuple[UpdateView, ...]
    kind: str = "attack"
    asked: int = 0
    """Requests of existing users since it began."""
    unserved: int = 0

    postmortem_en: str = ""
    postmortem_fr: str = ""
    postmortem_at: float | None = None
    data_touched_at: float | None = None
    """Since when personal data is known to have been touched; for operators only, as is why."""
    data_touched_why: str = ""

    def name(self, language: str) -> str:
        return self.name_fr if language == "fr" else self.name_en

    def postmortem(self, language: str) -> str:
        return self.postmortem_fr if language == "fr" else self.postmortem_en

    @property
    def components(self) -> tuple[Component, ...]:
        """All that any update names, in the order of the page."""
        named = {each.component for update in self.updates for each in update.affected}
        return tuple(each for each in Component if each in named)

    @property
    def served(self) -> float | None:
        """Share of existing users' requests served while it lasted; None where there were none."""
        return 1 - min(self.asked, self.unserved) / self.asked if self.asked else None


@dataclass(frozen=True, slots=True)
class DayView:
    """One day of one component; ``uptime`` and ``worst`` are None where nothing was measured."""

    day: int
    """Days since 1970 (UTC)."""
    uptime: float | None
    worst: Status | None
    seconds: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0)
    """Operational, degraded, partly out, out, under maintenance."""


@dataclass(frozen=True, slots=True)
class ComponentView:
    """One component with its history, oldest day first."""

    component: Component
    status: Status
    updated_at: float
    first_seen_at: float
    days: tuple[DayView, ...]
    uptime: float | None
    declared_by: str = ""
    """The operator who declared this state; empty while it is measured."""


@dataclass(frozen=True, slots=True)
class MaintenanceView:
    """Announced work, newest update first."""

    id: str
    name_en: str
    name_fr: str
    status: str
    """``scheduled``, ``in_progress``, ``verifying`` or ``completed``."""
    components: tuple[Component, ...]
    scheduled_for: float
    scheduled_until: float
    created_at: float
    updated_at: float
    began_at: float | None
    ended_at: float | None
    cancelled: bool
    updates: tuple[UpdateView, ...]

    def name(self, language: str) -> str:
        return self.name_fr if language == "fr" else self.name_en

    @property
    def active(self) -> bool:
        """Whether it goes on now."""
        return self.status in ("in_progress", "verifying")


@dataclass(frozen=True, slots=True)
class DutyView:
    """A duty to notify and its clock; for operators only."""

    id: str
    incident_id: str
    name: str
    law: str
    hours: float
    began_at: float
    due_at: float
    done_at: float | None
    done_by: str
    note: str
    incident_name: str
    state: str
    """``running``, ``soon``, ``overdue`` or ``done``."""
