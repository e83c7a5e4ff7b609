"""Every constant that steers admission, with unit, default and source."""

from dataclasses import dataclass

from pontlevis.brain.setting import setting


@dataclass(frozen=True, slots=True)
class AdmissionPolicy:
    """The settings of admission."""

    enabled: bool = setting(True, unit="yes/no", doc="Whether admission acts at all.", source="choice: on")
