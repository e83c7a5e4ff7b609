"""What the status page looks like, and who may be told by it: every setting with unit, default and source."""

from dataclasses import dataclass
from pathlib import Path

from pontlevis.brain.setting import check_numbers, setting
from pontlevis.incidents.components import Component


@dataclass(frozen=True, slots=True)
class ComponentGroup:
    """Components under one heading. Raises ValueError for one without a name or components."""

    name: str
    components: tuple[Component, ...]
    name_fr: str = ""

    def __post_init__(self) -> None:
        if not self.name.strip() or not self.components:
            raise ValueError("status.groups: a group has a name and components")


@dataclass(frozen=True, slots=True)
class StatusPolicy:
    """The settings of the status page, its copies and its subscribers. Raises ValueError for what cannot be."""

    title: str = setting(
        "", unit="text", doc="Whose status page it is; empty: the service's `name`.", source="choice"
    )
    logo: Path | None = setting(  # noqa: RUF009 - a path is immutable
        None,
        unit="file",
        doc="PNG or SVG of at most 256 KiB, shown on the status page; an SVG keeps shapes and colours only.",
        source="choice: none",
    )
    languages: tuple[str, ...] = setting(
        ("en", "fr"),
        unit="en, fr",
        doc="In which the page is offered; the first is the fallback.",
        source="choice",
    )
    groups: tuple[ComponentGroup, ...] = setting(
        (),
        unit="name, name_fr, components",
        doc="Headings over components; a component in none stands by itself.",
        source="choice: four components need no headings",
    )
    export_dir: Path | None = setting(  # noqa: RUF009
        None,
        unit="directory",
        doc="Where the page is written as static files on every change; none by default.",
        source="choice",
    )
    export_every_s: float = setting(
        60.0,
        unit="s",
        doc="The static files are written this often without a change, so that a reader sees they are alive.",
        source="choice: figures move by the minute",
    )
    export_stale_s: float = setting(
        300.0,
        unit="s",
        doc="A static page older than this says that the service has not written since.",
        source="choice: five missed writes",
    )
    subscribe: bool = setting(
        True,
        unit="true or false",
        doc="Whether the public may subscribe, by mail (where mail is set up) and by webhook.",
        source="choice",
    )
    most_subscribers: int = setting(
        10_000,
        unit="subscribers",
        doc="At most, unconfirmed ones among them.",
        source="choice: bounds the table and the letters of one update",
    )
    per_source: int = setting(
        10,
        unit="subscriptions",
        doc="From one address (or /64) within an hour.",
        source="choice: half of mail.per_source",
    )
    pending_s: float = setting(
        86_400.0, unit="s", doc="An unconfirmed subscription is forgotten after this.", source="choice: a day"
    )
    mails_per_hour: int = setting(
        2_000,
        unit="letters",
        doc="News to subscribers in all; the rest waits. Apart from the other letters, which keep their own cap.",
        source="as mail.per_hour",
    )
    end_after: int = setting(
        10,
        unit="notices",
        doc="A subscription ends after so many notices in a row that could not be delivered.",
        source="choice",
    )
    keep_s: float = setting(
        604_800.0, unit="s", doc="How long delivered notices stay listed.", source="choice: a week"
    )

    def __post_init__(self) -> None:
        check_numbers(self, "status", positive=True)
        if not self.languages or not set(self.languages) <= {"en", "fr"}:
            raise ValueError("status.languages must be of en and fr")
        grouped = [part for each in self.groups for part in each.components]
        if len(set(grouped)) != len(grouped):
            raise ValueError("status.groups must not name a component twice")
