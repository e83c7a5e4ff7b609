"""Every constant that steers sign-up, log-in, sessions and keys, with unit, default and source."""

from dataclasses import dataclass

from pontlevis.brain.setting import setting


@dataclass(frozen=True, slots=True)
class AccountPolicy:
    """The settings of the account rooms."""

    session_lifetime_s: float = setting(
        14 * 86_400.0,
        unit="s",
        doc="How long a session lasts.",
        source="choice: two weeks, within OWASP ASVS 4.0 V3.3 level 1 (30 days)",
    )
