"""The constants by which single sources are judged on their own deeds."""

from dataclasses import dataclass

from pontlevis.brain.detection.page_policy import PagePolicy
from pontlevis.brain.setting import setting


@dataclass(frozen=True, slots=True)
class SinglePolicy(PagePolicy):
    """Settings of the detector ``single_source``; part of detection's."""

    hammer_failures: int = setting(
        5,
        unit="log-ins",
        doc="One source hammers when more log-ins than this fail in a burst and none succeeds.",
        source="CrowdSec http-generic-bf, http-bf-wordpress_bf and ssh-bf: capacity 5",
    )
    hammer_leak_s: float = setting(
        10.0,
        unit="s",
        doc="One failed log-in is forgiven in this time.",
        source="CrowdSec, the same: leakspeed 10s",
    )
    pace_requests: int = setting(
        40,
        unit="requests",
        doc="One source is faster than people when it is this many requests ahead of the forgiven pace.",
        source="CrowdSec http-crawl-non_statics: capacity 40",
    )
    pace_leak_s: float = setting(
        0.5,
        unit="s",
        doc="One request is forgiven in this time.",
        source="CrowdSec, the same: leakspeed 0.5s",
    )
    single_acts: int = setting(
        10,
        unit="requests",
        doc="Fewer requests of one source in a minute say nothing about how it asks.",
        source="measurement: below it the 99.9 % bound of an all-bad source falls under one half",
    )
    single_variety: int = setting(
        5,
        unit="fingerprints",
        doc="A source with this many fingerprints, and hardly one used twice, switches them.",
        source="choice: a household has fewer, and uses each more than once",
    )
    max_visitors: int = setting(
        4096,
        unit="sources",
        doc="Sources that are not familiar whose requests are followed one by one.",
        source="measurement: 400 bytes each; sources that come only once make room first",
    )
