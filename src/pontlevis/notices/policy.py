"""Every constant that steers delivery of notices and alerts, with unit, default and source."""

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_network

from pontlevis.brain.setting import check_numbers, setting

EVENTS = ("attack", "elevated", "outage", "database", "duty", "incident")
SEVERITIES = ("warning", "critical")


@dataclass(frozen=True, slots=True)
class NoticePolicy:
    """The settings of delivery over HTTP. Raises ValueError for what cannot be."""

    timeout_s: float = setting(
        10.0,
        unit="s",
        doc="For one try, from name to answer.",
        source="Standard Webhooks: 15 to 30 s, here less",
    )
    first_retry_s: float = setting(
        10.0, unit="s", doc="After a failure, about; it doubles with each, with jitter.", source="choice"
    )
    longest_retry_s: float = setting(3_600.0, unit="s", doc="Between two tries at most.", source="choice")
    tries: int = setting(
        10, unit="tries", doc="Then a notice is given up.", source="Standard Webhooks: over several hours"
    )
    at_once: int = setting(8, unit="notices", doc="Under way at a time.", source="choice")
    most_waiting: int = setting(
        50_000, unit="notices", doc="That may wait; more are not made.", source="choice: bounds the table"
    )
    merge_s: float = setting(
        180.0,
        unit="s",
        doc="News of the same incident or announced work that follow the last within this time wait for its end"
        " and go out as one; the first and the resolution never wait. 0: each goes out by itself.",
        source="choice: an attack's first minutes write several entries, and nobody reads a letter a minute",
    )
    allow_networks: tuple[str, ...] = setting(
        (),
        unit="prefixes",
        doc="Networks that are not public to which subscribers' webhooks may lead all the same.",
        source="choice: none, against requests forged through us",
    )
    allow_http: bool = setting(
        False, unit="true or false", doc="Whether a subscriber's webhook may do without TLS.", source="choice"
    )

    def __post_init__(self) -> None:
        check_numbers(self, "notices", positive=True, zero=("merge_s",))
        for each in self.allow_networks:
            ip_network(each, strict=False)


class ReceiverKind(StrEnum):
    """How an alert is told."""

    WEBHOOK = "webhook"
    MAIL = "mail"
    SLACK = "slack"
    PAGERDUTY = "pagerduty"
    ALERTMANAGER = "alertmanager"


@dataclass(frozen=True, slots=True)
class AlertReceiver:
    """One place where alerts go. Raises ValueError for one that could not be reached."""

    name: str
    kind: ReceiverKind
    url: str = field(default="", repr=False)
    """Of the webhook, Slack's incoming webhook, or Alertmanager; PagerDuty has a default."""
    secret: str = field(default="", repr=False)
    """``whsec_…`` of a webhook, or PagerDuty's routing key."""
    to: str = ""
    """Address for mail."""
    events: tuple[str, ...] = ()
    """Of ``alerts.events``; empty: all of them."""
    least: str = "warning"
    """``critical``: warnings do not go there."""

    def __post_init__(self) -> None:
        here = f"alerts.receivers: {self.name!r}"
        if not self.name.strip() or len(self.name) > 60:
            raise ValueError("alerts.receivers: a receiver has a name of 1 to 60 characters")
        if self.kind is ReceiverKind.MAIL:
            if "@" not in self.to:
                raise ValueError(f"{here} needs an address in 'to'")
        elif self.kind is ReceiverKind.PAGERDUTY:
            if not self.secret:
                raise ValueError(f"{here} needs its routing key in 'secret'")
        elif not self.url.startswith(("http://", "https://")):
            raise ValueError(f"{here} needs an address in 'url'")
        if self.kind is ReceiverKind.WEBHOOK and not self.secret.startswith("whsec_"):
            raise ValueError(f"{here} needs a 'secret' that begins with whsec_")
        if not set(self.events) <= set(EVENTS) or self.least not in SEVERITIES:
            raise ValueError(f"{here}: events are of {', '.join(EVENTS)}; least is warning or critical")


@dataclass(frozen=True, slots=True)
class AlertPolicy:
    """The settings of alerts to operators. Raises ValueError for what cannot be."""

    receivers: tuple[AlertReceiver, ...] = setting(
        (),
        unit="name, kind, url, secret, to, events, least",
        doc="Where alerts go: `webhook`, `mail`, `slack`, `pagerduty` or `alertmanager`.",
        source="choice: nowhere",
    )
    events: tuple[str, ...] = setting(
        ("attack", "outage", "database", "duty"),
        unit="names",
        doc="What alerts: `attack`, `elevated`, `outage`, `database`, `duty`, `incident`.",
        source="choice: what somebody should get up for",
    )
    after_s: float = setting(
        30.0,
        unit="s",
        doc="An outage or a failing database stands this long before it alerts.",
        source="as incidents.sustained_s",
    )
    calm_s: float = setting(
        120.0,
        unit="s",
        doc="What is gone for this long is resolved; what comes back sooner is the same alert.",
        source="as incidents.calm_s",
    )
    per_hour: int = setting(
        60,
        unit="messages",
        doc="To one receiver; more are withheld and counted.",
        source="choice: one a minute",
    )
    most_waiting: int = setting(
        200, unit="messages", doc="For one receiver; the oldest are dropped.", source="choice: bounds memory"
    )
    resend_s: float = setting(
        60.0,
        unit="s",
        doc="Alertmanager is told again this often of what stands.",
        source="Prometheus resends each minute (`rules.alert.resend-delay`)",
    )

    def __post_init__(self) -> None:
        check_numbers(self, "alerts", positive=True, zero=("after_s", "calm_s"))
        if not set(self.events) <= set(EVENTS):
            raise ValueError(f"alerts.events must be of {', '.join(EVENTS)}")
        if len({each.name for each in self.receivers}) != len(self.receivers):
            raise ValueError("alerts.receivers must have different names")
