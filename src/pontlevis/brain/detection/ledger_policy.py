"""The constants of the detectors that follow single keys, accounts and connections."""

from dataclasses import dataclass

from pontlevis.brain.detection.single_policy import SinglePolicy
from pontlevis.brain.setting import setting


@dataclass(frozen=True, slots=True)
class LedgerPolicy(SinglePolicy):
    """Settings of leaked keys, heavy hitters, sleepers and slow clients; part of detection's."""

    # Keys
    key_networks: int = setting(
        4,
        unit="networks",
        doc="Fewer new networks of a key in ten minutes are a person who travels.",
        source="choice: a phone, a laptop and an office are three",
    )
    key_spend_z: float = setting(
        6.0,
        unit="sigma",
        doc="A key spends beyond its history above this robust z of tokens a minute, on the log scale.",
        source="choice: with the least spread granted, eight times its median minute",
    )
    key_at_once: int = setting(
        6,
        unit="calls",
        doc="Fewer calls of a key at once are never too many.",
        source="choice: what a browser opens to one host",
    )
    key_at_once_ratio: float = setting(
        3.0,
        unit="ratio",
        doc="Calls at once must exceed the most that the key ever had by this.",
        source="choice",
    )

    # Shares of tokens
    hitter_share: float = setting(
        0.05,
        unit="share",
        doc="Nobody takes too many tokens below this share of a minute's.",
        source="choice: one in twenty",
    )
    hitter_tokens: int = setting(
        20_000,
        unit="tokens",
        doc="While everybody together asks for fewer tokens in a minute, no share of them is too large.",
        source="choice: a small model's work of a few seconds",
    )

    # Accounts that sleep
    sleepers: int = setting(
        20,
        unit="accounts",
        doc="Fewer accounts of a cohort that were never used say nothing.",
        source="measurement: below it the 99 % bound of a cohort that was never used exceeds 20 %",
    )
    wakes: int = setting(
        15,
        unit="accounts",
        doc="Fewer old accounts first used within ten minutes are no cohort that wakes up.",
        source="choice",
    )

    # Slow clients
    slow_streams: int = setting(
        3,
        unit="connections",
        doc="A source is slow on purpose from so many connections on that were cut within a minute.",
        source="choice: a bad line breaks one or two",
    )
    slow_acts: int = setting(
        30,
        unit="connections",
        doc="Fewer connections cut for slowness in a minute are never an attack of many.",
        source="choice: one in two seconds",
    )
    usual_slow: float = setting(
        3.0,
        unit="connections in 60 s",
        doc="Connections cut for slowness that are usual at least.",
        source="choice: a small service",
    )
