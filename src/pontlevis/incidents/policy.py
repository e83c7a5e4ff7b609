"""Every constant that steers incidents and the status page, with unit, default and source."""

from dataclasses import dataclass

from pontlevis.brain.setting import setting


@dataclass(frozen=True, slots=True)
class IncidentPolicy:
    """The settings of incidents and the status page."""

    partial_outage_weight: float = setting(
        0.3, unit="share", doc="How much of a partial outage's time counts as lost availability.",
        source="Statuspage counts 0.3, OpenStatus 0.5, incident.io 1",
    )  # fmt: skip
    degraded_share: float = setting(
        0.02, unit="share", doc="Of existing users' requests unserved, from which a component is degraded.", source="choice: twice the drill's target"
    )  # fmt: skip
    partial_share: float = setting(
        0.1, unit="share", doc="The same for a partial outage.", source="choice: one in ten"
    )
    major_share: float = setting(
        0.5, unit="share", doc="The same for a major outage.", source="choice: every other one"
    )
    window_s: int = setting(
        30, unit="s", doc="Over which that share is measured.", source="choice: longer than one retry"
    )
    least_requests: int = setting(
        5, unit="requests", doc="Below which a window says nothing.", source="choice"
    )
    flush_s: float = setting(
        10.0,
        unit="s",
        doc="Between writes of measured availability.",
        source="choice: at most this is lost by kill -9",
    )
    reopen_s: float = setting(
        1_800.0, unit="s", doc="An attack that returns within this continues the resolved incident.", source="attack waves of January 2025 came 35 and 60 minutes apart"
    )  # fmt: skip
    history_days: int = setting(
        90, unit="days", doc="Shown on the status page.", source="Statuspage shows 90"
    )
