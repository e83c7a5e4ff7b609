"""Every constant that steers incidents and the status page, with unit, default and source."""

from dataclasses import dataclass

from pontlevis.brain.setting import setting


@dataclass(frozen=True, slots=True)
class IncidentPolicy:
    """The settings of incidents and the status page."""

    partial_outage_weight: float = setting(
        0.3,
        unit="share",
        doc="How much of a partial outage's time counts as lost availability.",
        source="Statuspage counts 0.3, OpenStatus 0.5, incident.io 1",
    )
