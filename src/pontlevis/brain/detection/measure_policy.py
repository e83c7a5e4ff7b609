"""The settings of what is done about a finding, and how a measure is checked first."""

from dataclasses import dataclass

from pontlevis.brain.detection.baseline_policy import BaselinePolicy
from pontlevis.brain.setting import setting


@dataclass(frozen=True, slots=True)
class MeasurePolicy(BaselinePolicy):
    """A part of ``DetectionPolicy``."""

    linger_s: float = setting(
        5.0,
        unit="s",
        doc="A finding that is no longer confirmed stays open this long.",
        source="choice: gaps between bursts",
    )
    still_share: float = setting(
        0.25,
        unit="share",
        doc="A hostile finding goes on while those it accuses still send this share of what they sent at "
        "their worst, refused or not.",
        source="choice",
    )
    ban_s: float = setting(
        900.0, unit="s", doc="Length of a proposed decision.", source="choice: a quarter of an hour"
    )
    guesser_ban_s: float = setting(
        3600.0,
        unit="s",
        doc="Length of one against a source that guesses passwords.",
        source="CrowdSec's default is 4 h; addresses change hands sooner",
    )
    sprt_alpha: float = setting(
        0.0001,
        unit="probability",
        doc="Chance that an honest source is taken for one that guesses passwords.",
        source="choice: one in ten thousand, about seven failures at seven accounts",
    )
    sprt_alpha_attack: float = setting(
        0.001,
        unit="probability",
        doc="The same while credential stuffing is found.",
        source="choice: about five failures at five accounts",
    )
    guess_half_life_s: float = setting(
        900.0,
        unit="s",
        doc="The odds that a source guesses passwords halve in this time without a log-in.",
        source="choice: a quarter of an hour; a guesser then stays unseen below one try in four minutes, while what hundreds behind a "
        "carrier's address mistype in an hour does not add up",
    )
    bad_key_acts: int = setting(
        60,
        unit="calls",
        doc="Made-up keys or malformed calls of one unfamiliar source in a minute that earn it a decision.",
        source="choice: one a second is a broken client, and it is told so",
    )
    bad_key_acts_attack: int = setting(
        3,
        unit="calls",
        doc="The same, and calls without a key by the accused cluster, while a flood is found.",
        source="choice: one typing error, one retry, one more",
    )
    young_s: float = setting(
        600.0,
        unit="s",
        doc="So long after a start without memory of who is familiar, a flood earns nobody a decision for fewer calls than without "
        "one: a library that breaks its users' keys looks the same.",
        source="choice: most clients that are running come by within ten minutes",
    )
    measures_per_tick: int = setting(
        300, unit="decisions", doc="Proposals in one second.", source="choice: one message to the gateways"
    )
    measures_in_force: int = setting(
        50_000,
        unit="decisions",
        doc="Proposals remembered as being in force; beyond, none is made.",
        source="choice: 10 MB",
    )
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
