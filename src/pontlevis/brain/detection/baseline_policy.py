"""The settings of what is usual, and of the knowledge of sources."""

from dataclasses import dataclass

from pontlevis.brain.setting import setting


@dataclass(frozen=True, slots=True)
class BaselinePolicy:
    """A part of ``DetectionPolicy``."""

    hour_weight: float = setting(
        0.5,
        unit="share",
        doc="Weight of the hour's median in what is usual, once there are seven days; the rest is the recent "
        "mean, drawn to within three robust standard deviations of it.",
        source="choice: half, so that neither a slow teacher nor a public holiday decides alone",
    )
    hour_weeks: int = setting(
        8, unit="weeks", doc="Weeks of which each hour of the week is remembered.", source="choice: two months"
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
        512, unit="rows", doc="Autonomous systems counted one by one.", source="choice: 6 MB at most"
    )
