"""The constants by which floods of pages are told from crowds that read."""

from dataclasses import dataclass

from pontlevis.brain.setting import setting


@dataclass(frozen=True, slots=True)
class PagePolicy:
    """Settings of the detector ``page_flood``; part of detection's."""

    usual_pages: float = setting(
        1.0,
        unit="1/s",
        doc="Pages that strangers open that are usual at least.",
        source="choice: a small service",
    )
    page_acts: int = setting(
        50,
        unit="pages",
        doc="Fewer pages in ten seconds are never a flood.",
        source="choice: five a second, as for calls",
    )
    page_margin: float = setting(
        0.30,
        unit="share",
        doc="First visits that load nothing of what a page needs are too many when their share surely exceeds the usual one by this.",
        source="choice: thirty points, at 99.9 % confidence; a letter to people who have it all cached may add twenty",
    )
    page_going_on: float = setting(
        0.50,
        unit="share",
        doc="Visitors do not go on when surely fewer than this share of the usual number do.",
        source="choice: half",
    )
    page_insistence: int = setting(
        10,
        unit="pages",
        doc="During an accused flood a source that opens so many pages in half a minute, and loads nothing of what they need, earns a measure.",
        source="choice: a page every three seconds is faster than people read",
    )
    preview_sources: int = setting(
        5000,
        unit="sources in 60 s",
        doc="So many sources, each with one request for the same page, may be programs that show a preview of a link that was shared.",
        source="choice: above the few thousand servers that a link shared in the fediverse is reported to bring within a minute",
    )
    learning_visits: float = setting(
        2000.0,
        unit="visits",
        doc="So many first visits of calm seconds are what the usual shares of those that load and that go on rest on; older ones fade.",
        source="choice: as for log-ins",
    )
    max_visits: int = setting(
        8192,
        unit="sources",
        doc="First visits that are followed for half a minute; of more in one second than a thirty-second part of it the rest is not followed.",
        source="measurement: 400 bytes each, and half a millisecond of a tick",
    )
    max_browsers: int = setting(
        2048,
        unit="fingerprints",
        doc="Fingerprints remembered with which somebody loaded what a page needs.",
        source="choice: more than there are common browsers",
    )
