"""Every constant that steers incidents and the status page, with unit, default and source."""

from dataclasses import dataclass

from pontlevis.brain.setting import check_numbers, setting


@dataclass(frozen=True, slots=True)
class Duty:
    """Somebody has to be told within a time. Raises ValueError for one without a name or a time."""

    name: str
    hours: float
    law: str = ""

    def __post_init__(self) -> None:
        if not self.name.strip() or len(self.name) > 200 or len(self.law) > 200:
            raise ValueError("incidents.duties: a duty has a name of 1 to 200 characters, and a law as short")
        if not 0 < self.hours <= 8_760:
            raise ValueError("incidents.duties: hours are from 0 to 8760")


@dataclass(frozen=True, slots=True)
class IncidentPolicy:
    """The settings of incidents and the status page.

    Raises ValueError for a share that is not between 0 and 1, or thresholds that do not rise.
    """

    partial_outage_weight: float = setting(
        0.3,
        unit="share",
        doc="How much of a partial outage's time counts as lost availability.",
        source="Statuspage counts 0.3, OpenStatus 0.5, incident.io 1",
    )
    degraded_share: float = setting(
        0.02,
        unit="share",
        doc="Of existing users' requests refused or failed, from which a component is degraded.",
        source="choice: twice what the drill allows",
    )
    partial_share: float = setting(
        0.1, unit="share", doc="The same for a partial outage.", source="choice: one in ten"
    )
    major_share: float = setting(
        0.5, unit="share", doc="The same for a major outage.", source="choice: every other one"
    )
    slow_ttft_s: float = setting(
        10.0,
        unit="s",
        doc="Existing users' p99 time to first token above this in most seconds makes a component degraded.",
        source="Nielsen (1993): ten seconds keep a reader's attention",
    )
    window_s: float = setting(
        30.0, unit="s", doc="Over which these shares are measured.", source="choice: longer than one retry"
    )
    least_requests: int = setting(
        5,
        unit="requests",
        doc="A window with fewer says nothing.",
        source="choice: one failure of one request is no outage",
    )
    engines_down_s: float = setting(
        5.0,
        unit="s",
        doc="No engine up for this long is a major outage.",
        source="choice: health checks of a service that starts take a few seconds",
    )
    silent_s: float = setting(
        10.0,
        unit="s",
        doc="No gateway heard of for this long is a major outage of everything.",
        source="choice: a killed gateway is back within two",
    )
    sustained_s: float = setting(
        30.0,
        unit="s",
        doc="A disturbance without an attack lasts this long before an incident is opened.",
        source="choice: one window",
    )
    calm_s: float = setting(
        120.0,
        unit="s",
        doc="Everything works for this long before such an incident is resolved.",
        source="choice: no flapping",
    )
    continue_s: float = setting(
        3_600.0,
        unit="s",
        doc="What comes back within this time after it was resolved continues its incident.",
        source="attack waves of January 2025 lasted 35 and 60 minutes",
    )
    bar_least_s: float = setting(
        10.0,
        unit="s",
        doc="A day's bar takes the colour of the worst state that lasted at least this long.",
        source="choice: a restart is no bad day; its seconds count in the share nevertheless",
    )
    least_told: int = setting(
        100,
        unit="requests",
        doc="Fewer requests of existing users since an incident began are no share worth telling.",
        source="choice: a percent of them is one request",
    )
    flush_s: float = setting(
        10.0,
        unit="s",
        doc="Between writes of measured availability.",
        source="choice: at most this is lost by kill -9",
    )
    write_limit_s: float = setting(
        1.0,
        unit="s",
        doc="A write that takes longer is given up and tried again.",
        source="choice: detection ticks once a second and must not wait for a database",
    )
    history_days: int = setting(
        90, unit="days", doc="Shown on the status page.", source="Statuspage shows 90"
    )

    maintenance_longest_s: float = setting(
        604_800.0,
        unit="s",
        doc="Longest announced maintenance.",
        source="choice: what is longer is no maintenance, and its time would be missing in the bars",
    )
    duties: tuple[Duty, ...] = setting(
        (
            Duty("Early warning to the CSIRT", 24.0, "Directive (EU) 2022/2555 (NIS 2), article 23(4)(a)"),
            Duty("Notification of the data protection authority", 72.0, "GDPR, article 33(1)"),
        ),
        unit="name, hours, law",
        doc="Who has to be notified, within how many hours of personal data being known to be touched.",
        source="the articles named; which of them bind you is for your counsel to say",
    )
    duty_warn_hours: float = setting(
        12.0,
        unit="hours",
        doc="So long before a duty's time is over operators are alerted, but not before half of it.",
        source="choice: a working day is left",
    )

    def __post_init__(self) -> None:
        check_numbers(self, "incidents")
        if len({each.name for each in self.duties}) != len(self.duties):
            raise ValueError("incidents.duties must have different names")
        rising = 0 < self.degraded_share <= self.partial_share <= self.major_share <= 1
        if not rising:
            raise ValueError("incidents: degraded_share, partial_share and major_share must rise from 0 to 1")
        if not 0 <= self.partial_outage_weight <= 1:
            raise ValueError("incidents.partial_outage_weight must be from 0 to 1")
        if not 1 <= self.history_days <= 366:
            raise ValueError("incidents.history_days must be from 1 to 366")
