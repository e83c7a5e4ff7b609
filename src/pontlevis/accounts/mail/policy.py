"""Every constant that steers mail, with unit, default and source."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pontlevis.brain.setting import SettingNote, check_numbers, setting

HOUR_S = 3_600.0
DAY_S = 86_400.0


class Encryption(StrEnum):
    """How the connection to the SMTP server is protected."""

    TLS = "tls"
    """From the first byte, usually port 465 (RFC 8314)."""
    STARTTLS = "starttls"
    """Begun in clear and turned into TLS, usually port 587; refused where the server cannot."""
    NONE = "none"
    """For a server on the same machine."""


def _secret(*, unit: str, doc: str, source: str) -> Any:
    """A setting that no ``repr`` shows."""
    return field(default="", repr=False, metadata={"note": SettingNote(unit=unit, doc=doc, source=source)})


@dataclass(frozen=True, slots=True)
class MailPolicy:
    """The settings of mail. Raises ValueError for what cannot be."""

    host: str = setting(
        "",
        unit="name or address",
        doc="SMTP server; empty: letters go to the operator's mailbox page.",
        source="choice: works without",
    )
    port: int = setting(587, unit="port", doc="Of the SMTP server.", source="RFC 6409, submission")
    encryption: Encryption = setting(  # noqa: RUF009 - an enum member is immutable
        Encryption.STARTTLS,
        unit="tls, starttls or none",
        doc="How the connection to the server is protected; certificates are checked.",
        source="RFC 8314",
    )
    username: str = setting("", unit="name", doc="At the SMTP server; empty: no log-in.", source="choice")
    password: str = _secret(
        unit="password",
        doc="At the SMTP server; better in the environment, `PONTLEVIS_MAIL__PASSWORD`.",
        source="choice",
    )
    sender: str = setting(
        "",
        unit="e-mail address",
        doc="From whom letters come; empty: `no-reply@` the host of the public address.",
        source="choice",
    )
    timeout_s: float = setting(
        20.0,
        unit="s",
        doc="For one letter, from connect to accepted.",
        source="choice, below RFC 5321's minutes",
    )
    per_address: int = setting(
        5,
        unit="letters",
        doc="To one person (plus-tags and Gmail's dots do not make another) of one kind within an hour; more are dropped "
        "without a word to who asked.",
        source="choice: nobody's mailbox is flooded through us",
    )
    per_source: int = setting(
        20,
        unit="letters",
        doc="Asked for by one address (or /64) within an hour, likewise.",
        source="as signups_per_source",
    )
    per_hour: int = setting(
        2_000,
        unit="letters",
        doc="That anybody can ask for, in all within an hour, likewise: the last quarter for forgotten passwords alone, a quarter "
        "at most to subscribers. As many again tell of something that happened; waitlist letters wait instead.",
        source="choice: below usual limits of providers for one sender",
    )
    most_waiting: int = setting(
        10_000,
        unit="letters",
        doc="That may wait to be sent; more are dropped.",
        source="choice: bounds the table",
    )
    first_retry_s: float = setting(
        60.0, unit="s", doc="After a failure; it doubles with each.", source="choice"
    )
    longest_retry_s: float = setting(
        HOUR_S, unit="s", doc="Between two tries at most.", source="RFC 5321 4.5.4.1 asks for 30 min or more"
    )
    give_up_s: float = setting(
        DAY_S,
        unit="s",
        doc="A letter that could not be sent for so long is given up.",
        source="choice: its link is stale",
    )
    keep_s: float = setting(
        7 * DAY_S,
        unit="s",
        doc="How long what was sent, failed or kept in the mailbox stays listed.",
        source="choice: a week",
    )
    mailbox_letters: int = setting(
        500, unit="letters", doc="Kept in the operator's mailbox, newest.", source="choice: bounds the table"
    )

    def __post_init__(self) -> None:
        check_numbers(self, "mail", positive=True)
        if not 1 <= self.port <= 65_535:
            raise ValueError("mail.port must be from 1 to 65535")
        for name in ("host", "sender", "username"):
            value = getattr(self, name)
            if not value.isprintable() or (name != "username" and " " in value):
                raise ValueError(f"mail.{name} must be one word")
        if self.sender and "@" not in self.sender:
            raise ValueError("mail.sender must be an e-mail address")

    @property
    def sends(self) -> bool:
        """Whether there is a server to send through."""
        return bool(self.host)
