"""The status site as texts: each page, document, feed and badge, for readers here and for static copies."""

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from math import floor

from pontlevis.brain.vocabulary import RegistrationMode
from pontlevis.incidents import statuspage
from pontlevis.incidents.badges import BY_INDICATOR, COLOURS, badge
from pontlevis.incidents.components import SEVERITY, Component, Status, indicator
from pontlevis.incidents.logo import Logo, load_logo
from pontlevis.incidents.views import ComponentView, DayView, IncidentView, MaintenanceView
from pontlevis.web.context import WebContext
from pontlevis.web.i18n import Translator
from pontlevis.web.render import text_of

_MONTHS = {
    "en": (
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ),
    "fr": (
        "Janvier", "Février", "Mars", "Avril", "Mai", "Juin",
        "Juillet", "Août", "Septembre", "Octobre", "Novembre", "Décembre",
    ),
}  # fmt: skip
_DISTURBED = frozenset(Status) - {Status.OPERATIONAL}
RECENT_MONTHS = 3
COPIED_MONTHS = 24  # of history in a static copy
FIRST_MONTH = 1_577_836_800.0  # January 2020: no service of ours is older


@dataclass(frozen=True, slots=True)
class Month:
    """What happened in one month (UTC), newest first."""

    first_day: float
    """Unix seconds."""
    incidents: list[IncidentView]
    maintenances: list[MaintenanceView]


@dataclass(frozen=True, slots=True)
class Links:
    """Where a page finds what belongs to it. ``root`` is ``/`` here and empty in a static copy."""

    static: bool
    languages: tuple[str, ...]
    logo: Logo | None

    @property
    def root(self) -> str:
        return "" if self.static else "/"

    def page(self, language: str) -> str:
        if self.static:
            return "index.html" if language == self.languages[0] else f"index.{language}.html"
        return f"/status?lang={language}"

    @property
    def home(self) -> str:
        return "/status"

    def history(self, language: str, month: str = "") -> str:
        if self.static:
            return "history.html" if language == self.languages[0] else f"history.{language}.html"
        return f"/status/history?month={month}" if month else "/status/history"

    def feed(self, kind: str, language: str) -> str:
        if self.static:
            return f"history.{kind}" if language == "en" else f"history.{language}.{kind}"
        return f"/status/history.{kind}" + ("?lang=fr" if language == "fr" else "")

    @property
    def brand(self) -> str:
        if self.logo is not None:
            return (
                f"{self.root}status/logo.{self.logo.suffix}"
                if not self.static
                else f"logo.{self.logo.suffix}"
            )
        return f"{self.root}static/logo.svg"


class StatusSite:
    """Makes everything that the public reads of the status. Raises ``BadLogo`` where the logo is none."""

    def __init__(self, context: WebContext) -> None:
        self.context = context
        self.policy = context.settings.status
        self.incidents = context.incidents
        self.title = self.policy.title or context.settings.name
        self.about = statuspage.Page(self.title, context.settings.base_url)
        self.logo = load_logo(self.policy.logo) if self.policy.logo is not None else None
        self.languages = self.policy.languages

    def links(self, static: bool) -> Links:
        return Links(static, self.languages, self.logo)

    async def facts(self) -> statuspage.Facts:
        return statuspage.Facts(
            self.about,
            await self.incidents.components(),
            await self.incidents.incidents(),
            self.incidents.maintenance.all,
            self.policy.groups,
            self.incidents.clock(),
        )

    async def document(self, name: str) -> bytes:
        return statuspage.document(name, await self.facts())

    async def feed(self, kind: str, language: str) -> bytes:
        """``atom`` or ``rss``."""
        found = await self.incidents.incidents()
        work = self.incidents.maintenance.all
        values: dict[str, object] = {
            "service_name": self.title,
            "base_url": self.about.url,
            "incidents": found,
            "maintenances": work,
            "updated": max(
                [each.updated_at for each in found] + [each.updated_at for each in work],
                default=self.incidents.clock(),
            ),
            "moment": statuspage.moment,
            "rfc822": rfc822,
        }
        return text_of(f"status_history.{kind}", language, values).encode()

    async def badge(self, component: Component | None, language: str) -> bytes:
        """SVG; of one component, or of the whole."""
        t = Translator(language)
        statuses = self.incidents.statuses
        if component is None:
            word = indicator(statuses)
            return badge(self.title, t(f"status.banner_{word}"), BY_INDICATOR[word]).encode()
        status = statuses[component]
        name, said = t(f"status.c_{component.value}"), t(f"status.s_{status.value}")
        return badge(name, said, COLOURS[status]).encode()

    async def page(self, language: str, *, static: bool = False) -> bytes:
        """The status page itself."""
        context, incidents = self.context, self.incidents
        components = await incidents.components()
        found = await incidents.incidents()
        maintenance = incidents.maintenance
        state = context.service.posture
        past = [each for each in found if each.resolved_at is not None]
        done = [each for each in maintenance.all if each.ended_at is not None]
        values = {
            **self._common(language, static),
            "parts": self._parts(components, language),
            "days": context.settings.incidents.history_days,
            "indicator": indicator({each.component: each.status for each in components}),
            "open_incidents": [each for each in found if each.resolved_at is None],
            "active": maintenance.active,
            "upcoming": maintenance.upcoming,
            "months": _months(past, done)[:RECENT_MONTHS],
            "lately": await incidents.existing_availability(),
            "today": await incidents.existing_availability(days=1),
            "registration": state,
            "limited": state.registration is not RegistrationMode.SUSPENDED
            and state.registration_share < 1.0,
            "disturbed_days": _disturbed_days,
            "subscribe": self.policy.subscribe and context.subscribers is not None,
            "by_mail": context.settings.mail.sends,
        }
        return text_of("status.html", language, values).encode()

    def may_be(self, month: str) -> bool:
        """Whether it is a month of this service's time at all."""
        at = _month_of(month)
        return at is not None and FIRST_MONTH <= at <= self.incidents.clock()

    async def history(self, language: str, month: str, *, static: bool = False) -> bytes | None:
        """One month (``YYYY-MM``), in a copy all of the last two years; None for a month that cannot be."""
        now = self.incidents.clock()
        this = month_start(now)
        first = await self.incidents.first_month()
        done = [each for each in self.incidents.maintenance.all if each.ended_at is not None]
        oldest = month_start(min([first or now, *(each.scheduled_for for each in done), now]))
        wanted = _month_of(month) if month else this
        if wanted is None or not oldest <= wanted <= this:
            return None
        since = wanted if not static else max(oldest, shifted(this, 1 - COPIED_MONTHS))
        until = shifted(wanted, 1)
        months = _months(
            await self.incidents.between(since, until),
            [each for each in done if since <= each.scheduled_for < until],
        )
        values = {
            **self._common(language, static),
            "path": "/status/history",
            "wanted": wanted,
            "months": months,
            "earlier": month_name(shifted(wanted, -1)) if wanted > oldest and not static else "",
            "later": month_name(until) if wanted < this and not static else "",
        }
        return text_of("status_past.html", language, values).encode()

    def _common(self, language: str, static: bool) -> dict[str, object]:
        links = self.links(static)
        values: dict[str, object] = {
            "layout": "status_base.html" if static else "base.html",
            "static": static,
            "links": links,
            "service_name": self.title,
            "languages": self.languages,
            "account": None,
            "path": "/status",
            "policy": self.context.settings.incidents,
            "stale_s": self.policy.export_stale_s,
            "live": f"{self.about.url}/status",
            "day_text": day_text,
            "month_text": lambda seconds: month_text(seconds, language),
            "percent": lambda share, digits=2: percent(share, language, digits),
            "now": self.incidents.clock(),
        }
        if static or self.logo is not None:
            values["brand_logo"] = links.brand
        return values

    def _parts(
        self, components: list[ComponentView], language: str
    ) -> list[tuple[str, Status | None, list[ComponentView]]]:
        """Heading, its worst state, and what stands under it; without a heading those that have none."""
        views = {each.component: each for each in components}
        found: list[tuple[str, Status | None, list[ComponentView]]] = []
        for group in self.policy.groups:
            inside = [views.pop(each) for each in Component if each in group.components]
            worst = max((each.status for each in inside), key=SEVERITY.__getitem__)
            name = group.name_fr if language == "fr" and group.name_fr else group.name
            found.append((name, worst, inside))
        if views:
            found.append(("", None, list(views.values())))
        return found


def day_text(seconds: float) -> str:
    """A day (UTC), the same in both languages: ISO 8601."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"


def month_text(seconds: float, language: str) -> str:
    """Month and year in words."""
    at = datetime.fromtimestamp(seconds, UTC)
    return f"{_MONTHS[language][at.month - 1]} {at.year}"


def month_name(seconds: float) -> str:
    """As addresses name it."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m}"


def month_start(seconds: float) -> float:
    at = datetime.fromtimestamp(seconds, UTC)
    return datetime(at.year, at.month, 1, tzinfo=UTC).timestamp()


def shifted(first_day: float, months: int) -> float:
    """The first day so many months later."""
    at = datetime.fromtimestamp(first_day, UTC)
    count = at.year * 12 + at.month - 1 + months
    return datetime(count // 12, count % 12 + 1, 1, tzinfo=UTC).timestamp()


def rfc822(seconds: float) -> str:
    """As RSS 2.0 wants times."""
    at = datetime.fromtimestamp(seconds, UTC)
    days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    return f"{days[at.weekday()]}, {at.day:02} {_MONTHS['en'][at.month - 1][:3]} {at:%Y %H:%M:%S} +0000"


def percent(share: float, language: str, digits: int) -> str:
    """Rounded down, so that 100 % means all of it."""
    scale = 10**digits
    text = f"{floor(share * 100 * scale + 1e-6) / scale:.{digits}f}"
    return f"{text.replace('.', ',')}\u00a0%" if language == "fr" else f"{text}%"


def _month_of(text: str) -> float | None:
    try:
        if len(text) != 7 or not text.isascii():
            return None
        return datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def _disturbed_days(component: ComponentView) -> list[DayView]:
    """Newest first: the bars in words, for whoever cannot see or hover over them."""
    return [day for day in reversed(component.days) if day.worst in _DISTURBED]


def _months(past: list[IncidentView], done: list[MaintenanceView]) -> list[Month]:
    incidents = {day: list(group) for day, group in groupby(past, lambda each: month_start(each.created_at))}
    work = {day: list(group) for day, group in groupby(done, lambda each: month_start(each.scheduled_for))}
    return [
        Month(day, incidents.get(day, []), work.get(day, []))
        for day in sorted(incidents.keys() | work.keys(), reverse=True)
    ]
