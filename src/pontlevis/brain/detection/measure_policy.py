"""The settings of how a proposed measure is checked before anybody sees it."""

from dataclasses import dataclass

from pontlevis.brain.detection.baseline_policy import BaselinePolicy
from pontlevis.brain.setting import setting


@dataclass(frozen=True, slots=True)
class MeasurePolicy(BaselinePolicy):
    """A part of ``DetectionPolicy``."""

    measures_dry_run: bool = setting(
        False,
        unit="yes/no",
        doc="Whether proposed decisions are only shown and logged, not put in force.",
        source="choice: off",
    )
    good_hit_share: float = setting(
        0.01,
        unit="share",
        doc="A measure that would hit more than this share of the accounts that were served well in the last "
        "hour is narrowed or refused.",
        source="choice: one in a hundred",
    )
    good_keep_s: float = setting(
        3600.0,
        unit="s",
        doc="For how long an account that was served well, and the places it came from, count as known good.",
        source="choice: an hour",
    )
    max_good: int = setting(
        8192,
        unit="accounts",
        doc="Known good accounts remembered one by one; of more, a sample of this size that is the same "
        "whatever the order.",
        source="measurement: 600 bytes each; at 1 % the sample's standard error is 0.1 points",
    )
    shared_accounts: int = setting(
        3,
        unit="accounts",
        doc="An address from which so many accounts above new were served in the last hour is shared, and no "
        "measure names it.",
        source="choice: more than a couple",
    )
    prefix_sources: int = setting(
        16,
        unit="sources",
        doc="A /24 (or /48) is named instead of its addresses when so many of them earned a measure of their "
        "own within ten minutes.",
        source="choice: one in sixteen of a /24",
    )
    prefix_sources_hosted: int = setting(
        6,
        unit="sources",
        doc="The same where the prefix is known to be a data centre's or a VPN's.",
        source="choice: nobody lives there",
    )
