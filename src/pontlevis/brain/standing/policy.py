"""Every constant that steers standing, with unit, default and source."""

from dataclasses import dataclass

from pontlevis.brain.setting import check_numbers, setting

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class StandingPolicy:
    """The settings of standing."""

    new_for_s: float = setting(
        DAY_S,
        unit="s",
        doc="An account younger than this is new.",
        source="choice: bought accounts are used within hours",
    )
    recent_days: int = setting(
        2,
        unit="days",
        doc="Days of real use from which an account is recent, if it is no longer new by age.",
        source="choice: sleeper accounts, made in bulk, are first used on the day of the attack",
    )
    established_after_s: float = setting(
        7 * DAY_S,
        unit="s",
        doc="Tenure from which an account can be established.",
        source="PyPI's 2025 sleepers were used days after they were made; a week costs an attacker more",
    )
    established_days: int = setting(
        3,
        unit="days",
        doc="Days of real use from which an account is established.",
        source="choice: people come back",
    )
    established_tokens: int = setting(
        500, unit="tokens", doc="Tokens of real use, likewise.", source="choice: a few short conversations"
    )

    def __post_init__(self) -> None:
        check_numbers(self, "standing")
