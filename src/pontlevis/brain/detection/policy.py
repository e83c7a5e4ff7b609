"""Every constant that steers detection, with unit, default and source."""

from dataclasses import dataclass

from pontlevis.brain.setting import setting


@dataclass(frozen=True, slots=True)
class DetectionPolicy:
    """The settings of detection."""

    enabled: bool = setting(True, unit="yes/no", doc="Whether detection acts at all.", source="choice: on")
