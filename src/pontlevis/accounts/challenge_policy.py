"""Every constant that steers the challenge, with unit, default and source."""

from dataclasses import dataclass

from pontlevis.brain.setting import check_numbers, setting
from pontlevis.brain.vocabulary import Posture

MOST_TRIES = 1_000_000
"""Whatever posture and cluster ask for together: minutes of one core, and far below the solver's 32-bit counter."""


@dataclass(frozen=True, slots=True)
class ChallengePolicy:
    """The settings of the challenge. Raises ValueError for what cannot be."""

    login: bool = setting(
        True,
        unit="yes/no",
        doc="Whether a log-in on an unfamiliar device takes a challenge while posture is not normal, or half of accounts.hash_queue waits.",
        source="choice: who logged in here before never sees it",
    )
    login_share: float = setting(
        0.25,
        unit="ratio",
        doc="Of the tries below, so much a log-in's challenge takes.",
        source="choice: delays slow guessing beside it, and somebody who has an account waits",
    )
    iterations: int = setting(
        1_000,
        unit="iterations",
        doc="PBKDF2/SHA-256 iterations of one try; a challenge costs the service one try.",
        source="choice: 0.2 ms here, and a few hundred tries a second in a slow phone's browser",
    )
    tries: int = setting(
        1_500,
        unit="tries",
        doc="That a solution takes on average, at the normal posture.",
        source="choice: below a second on a desktop, a few seconds on a phone",
    )
    tries_elevated: int = setting(
        3_000, unit="tries", doc="The same while elevated or recovering.", source="choice: twice as much"
    )
    tries_under_attack: int = setting(
        8_000, unit="tries", doc="The same while under attack.", source="choice: some seconds on a desktop"
    )
    cluster_factor: float = setting(
        4.0,
        unit="ratio",
        doc="So many times the tries for who asks with header fields that a hostile finding accuses.",
        source="choice: a cost, not a ban, since honest people may look alike",
    )
    lifetime_s: float = setting(
        600.0,
        unit="s",
        doc="From when a challenge is set to when its solution must be there.",
        source="choice: time to fill in a form on a slow phone",
    )
    per_source: int = setting(
        300,
        unit="challenges",
        doc="Set for one prefix (/24 or /48) within an hour.",
        source="choice: a campus signing up; making them costs a third of a second in all",
    )
    spent_remembered: int = setting(
        100_000,
        unit="challenges",
        doc="Spent ones kept in memory; the database keeps all until they expire.",
        source="choice: about 10 MB",
    )

    def __post_init__(self) -> None:
        check_numbers(self, "challenge", positive=True)
        if self.login_share > 1:
            raise ValueError("challenge.login_share must not exceed 1")
        if self.cluster_factor < 1:
            raise ValueError("challenge.cluster_factor must be at least 1")

    def tries_at(self, posture: Posture, factor: float = 1.0, share: float = 1.0) -> int:
        """Tries that a solution takes on average at ``posture``; ``factor`` is the asker's cluster's, ``share`` the action's."""
        base = {Posture.NORMAL: self.tries, Posture.UNDER_ATTACK: self.tries_under_attack}.get(
            posture, self.tries_elevated
        )
        return max(1, min(MOST_TRIES, round(base * max(1.0, factor) * share)))
