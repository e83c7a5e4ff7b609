"""Every constant that steers standing, with unit, default and source."""

from dataclasses import dataclass

from pontlevis.brain.setting import setting


@dataclass(frozen=True, slots=True)
class StandingPolicy:
    """The settings of standing."""

    enabled: bool = setting(True, unit="yes/no", doc="Whether standing acts at all.", source="choice: on")
