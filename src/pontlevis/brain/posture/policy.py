"""Every constant that steers posture, with unit, default and source."""

from dataclasses import dataclass

from pontlevis.brain.setting import setting


@dataclass(frozen=True, slots=True)
class PosturePolicy:
    """The settings of posture."""

    enabled: bool = setting(True, unit="yes/no", doc="Whether posture acts at all.", source="choice: on")
