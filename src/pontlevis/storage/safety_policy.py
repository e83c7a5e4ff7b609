"""Every constant of data safety: where keys lie, how long each table keeps what, with unit, default and source."""

from dataclasses import dataclass

from pontlevis.brain.setting import check_numbers, setting


@dataclass(frozen=True, slots=True)
class SafetyPolicy:
    """The settings of keys and retention. Days are days of 86,400 s; 0 keeps for ever."""

    seal_keys: str = setting(
        "",
        unit="path",
        doc="File with the keys that seal addresses, newest first; empty: `secrets/seal.keys` in the data directory.",
        source="choice: a secret store can mount it elsewhere, and a backup of the data directory then lacks it",
    )
    usage_days: int = setting(
        400,
        unit="d",
        doc="Usage by account, key, model and day.",
        source="choice: a year and a month to compare",
    )
    waitlist_days: int = setting(
        180,
        unit="d",
        doc="Addresses on the waitlist that were invited or registered, after that.",
        source="choice: the invitation is long over",
    )
    waiting_days: int = setting(
        365,
        unit="d",
        doc="Addresses on the waitlist whose turn never came.",
        source="choice: whoever waited a year has asked again",
    )
    revoked_keys_days: int = setting(
        400,
        unit="d",
        doc="Revoked API keys, after their revocation.",
        source="choice: as long as their usage",
    )
    sign_up_source_days: int = setting(
        180,
        unit="d",
        doc="The address and header fingerprint from which an account was made.",
        source="choice: as long as an attack is investigated",
    )
    findings_days: int = setting(
        400, unit="d", doc="Findings, after they were last confirmed.", source="choice: a year and a month"
    )
    decisions_days: int = setting(
        400,
        unit="d",
        doc="Decisions, after they ended; they hold addresses.",
        source="choice: a year and a month",
    )
    transitions_days: int = setting(
        1_095, unit="d", doc="Changes of posture.", source="choice: three years; they name no user"
    )
    incidents_days: int = setting(
        1_095,
        unit="d",
        doc="Incidents, after they were resolved.",
        source="choice: three years, public history",
    )
    availability_days: int = setting(
        400, unit="d", doc="Measured availability by day.", source="choice: the status page shows 90"
    )
    audit_days: int = setting(
        1_095,
        unit="d",
        doc="Lines of the audit log; the chain goes on from the last one removed.",
        source="choice: three years, as long as most claims can be made",
    )
    sweep_rows: int = setting(
        1_000,
        unit="rows",
        doc="Removed in one transaction.",
        source="measured: 7 ms on SQLite on a busy machine, so that no log-in waits for it",
    )
    sweep_batches: int = setting(
        50,
        unit="count",
        doc="Transactions an hour and table.",
        source="choice: a backlog of a million goes in a day",
    )

    def __post_init__(self) -> None:
        check_numbers(self, "safety")
        if self.sweep_rows < 1 or self.sweep_batches < 1:
            raise ValueError("safety.sweep_rows and safety.sweep_batches must be greater than 0")
