"""What pages and the API see of incidents and components. Times are Unix seconds."""

from dataclasses import dataclass

from pontlevis.incidents.components import Component, Status

STATUSES = ("investigating", "identified", "monitoring", "resolved")
IMPACTS = ("none", "minor", "major", "critical")


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
    actor: str

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
    notes: str
    updates: tuple[UpdateView, ...]

    def name(self, language: str) -> str:
        return self.name_fr if language == "fr" else self.name_en


@dataclass(frozen=True, slots=True)
class DayView:
    """One day of one component; ``uptime`` None where nothing was measured."""

    day: int
    uptime: float | None
    worst: Status | None
    operational_s: float = 0.0
    degraded_s: float = 0.0
    partial_s: float = 0.0
    major_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ComponentView:
    """One component with its history, oldest day first."""

    component: Component
    status: Status
    updated_at: float
    first_seen_at: float
    days: tuple[DayView, ...]
    uptime: float | None
