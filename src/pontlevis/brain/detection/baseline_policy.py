"""The settings of what is usual, and of the knowledge of sources."""

from dataclasses import dataclass

from pontlevis.brain.detection.ledger_policy import LedgerPolicy
from pontlevis.brain.setting import setting


@dataclass(frozen=True, slots=True)
class BaselinePolicy(LedgerPolicy):
    """A part of ``DetectionPolicy``."""

    usual_signups: float = setting(
        0.5, unit="1/s", doc="Sign-ups that are usual at least.", source="choice: a small service"
    )
    usual_logins: float = setting(
        1.0, unit="1/s", doc="Log-ins that are usual at least.", source="choice: a small service"
    )
    usual_requests: float = setting(
        5.0, unit="1/s", doc="Calls that are usual at least.", source="choice: a small service"
    )
    usual_turned_away: float = setting(
        1.0, unit="1/s", doc="Calls turned away that are usual at least.", source="choice: a small service"
    )
    usual_strangers: float = setting(
        5.0,
        unit="sources in 10 s",
        doc="Unfamiliar sources that are usual at least.",
        source="choice: a small service",
    )
    usual_fail_share: float = setting(
        0.12,
        unit="share",
        doc="Share of log-ins that fails, before the service's own is learned.",
        source="choice: between the 5 and 20 % that services report",
    )
    learning_s: float = setting(
        600.0,
        unit="s",
        doc="Time constant with which calm seconds teach what is usual.",
        source="choice: ten minutes",
    )
    learning_logins: float = setting(
        2000.0,
        unit="log-ins",
        doc="So many judged log-ins of calm seconds move the usual share of failures two thirds of the way.",
        source="choice: a slow attack below the bounds needs hours to teach it",
    )
    crowd_learning_s: float = setting(
        7200.0,
        unit="s",
        doc="The same while a crowd is there and nothing hostile: growth becomes usual, slowly.",
        source="choice: two hours",
    )

    hour_weight: float = setting(
        0.5,
        unit="share",
        doc="Weight of the hour's median in what is usual, once there are seven days; the rest is the recent "
        "mean, drawn to within three robust standard deviations of it.",
        source="choice: half, so that neither a slow teacher nor a public holiday decides alone",
    )
    hour_weeks: int = setting(
        8,
        unit="weeks",
        doc="Weeks of which each hour of the week is remembered.",
        source="choice: two months",
    )
    hour_least_s: float = setting(
        900.0,
        unit="s",
        doc="An hour is remembered when at least so much of it was calm.",
        source="choice: a quarter of an hour",
    )
    most_dispersion: float = setting(
        4.0,
        unit="ratio",
        doc="Variance over mean of the counts of calm seconds by which a surge test is tempered, at most.",
        source="quasi-likelihood (Wedderburn, Biometrika 1974); the bound is a choice, so that bursts "
        "cannot teach it to be blind",
    )
    hosted_share: float = setting(
        0.60,
        unit="share",
        doc="Data centres and VPN exits are never too many below this share of some acts.",
        source="choice: more than half",
    )
    hosted_margin: float = setting(
        0.30,
        unit="share",
        doc="Nor unless they surely exceed what is usual for such acts by this.",
        source="choice: thirty points, at 99.9 % confidence",
    )
    hosted_acts: int = setting(
        20, unit="acts", doc="Fewer acts say nothing about that share.", source="choice: as for diversity"
    )
    usual_hosted_people: float = setting(
        0.15,
        unit="share",
        doc="Share of sign-ups and log-ins from data centres and VPN exits, before the service's own is learned.",
        source="choice: VPN users and offices behind a cloud's proxy",
    )
    usual_hosted_calls: float = setting(
        0.50,
        unit="share",
        doc="The same of calls of the API.",
        source="choice: many honest clients are servers",
    )
    max_asns: int = setting(
        512,
        unit="rows",
        doc="Autonomous systems counted one by one.",
        source="choice: 3 MB while all of them act every second (measured)",
    )
