"""The public status page, its feed, and the JSON that Statuspage's clients read."""

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from math import floor

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pontlevis.brain.vocabulary import RegistrationMode
from pontlevis.incidents.components import Status, indicator
from pontlevis.incidents.views import ComponentView, DayView, IncidentView
from pontlevis.web import statuspage
from pontlevis.web.context import WebContext
from pontlevis.web.i18n import COOKIE, LANGUAGES, language_of
from pontlevis.web.render import page
from pontlevis.web.status_cache import FRESH_S, FreshBytes

_FOR_ALL = {"cache-control": f"public, max-age={FRESH_S:.0f}", "access-control-allow-origin": "*"}
_BY_READER = {
    "cache-control": f"public, max-age={FRESH_S:.0f}",
    "vary": "accept-language, cookie",
}
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


@dataclass(frozen=True, slots=True)
class Month:
    """Past incidents of one month (UTC), newest first."""

    first_day: float
    """Unix seconds."""
    incidents: list[IncidentView]


def create_status_router(context: WebContext) -> APIRouter:
    """``/status``, ``/status/history.atom`` and ``/api/v2/…``."""
    router = APIRouter()
    incidents = context.incidents
    clock = incidents.clock
    fresh = FreshBytes(clock)
    about = statuspage.Page(context.settings.name, context.settings.base_url)

    def add_json(name: str) -> None:
        async def make() -> bytes:
            components = await incidents.components()
            return statuspage.document(name, about, components, await incidents.incidents(), clock())

        @router.get(f"/api/v2/{name}.json", name=name, summary=f"Statuspage's {name}")
        async def show() -> Response:
            return Response(await fresh.get(name, make), media_type="application/json", headers=_FOR_ALL)

    for name in statuspage.DOCUMENTS:
        add_json(name)

    @router.get("/status", include_in_schema=False)
    async def status_page(request: Request) -> Response:
        language = language_of(request)

        async def make() -> bytes:
            return page(request, "status.html", await _values(context, language)).encode()

        answer = Response(
            await fresh.get(f"page:{language}", make), media_type="text/html", headers=_BY_READER
        )
        wanted = request.query_params.get("lang")
        if wanted in LANGUAGES:
            answer.set_cookie(COOKIE, wanted, max_age=31_536_000, samesite="lax", httponly=True)
            answer.headers["cache-control"] = "no-store"
        return answer

    @router.get("/status/history.atom", include_in_schema=False)
    async def feed(request: Request) -> Response:
        wanted = request.query_params.get("lang")
        language = wanted if wanted in LANGUAGES else "en"

        async def make() -> bytes:
            found = await incidents.incidents()
            values: dict[str, object] = {
                "lang": language,
                "base_url": about.url,
                "incidents": found,
                "updated": max((each.updated_at for each in found), default=clock()),
                "moment": statuspage.moment,
            }
            return page(request, "status_history.atom", values).encode()

        body = await fresh.get(f"feed:{language}", make)
        return Response(body, media_type="application/atom+xml", headers=_FOR_ALL)

    return router


async def _values(context: WebContext, language: str) -> dict[str, object]:
    incidents = context.incidents
    components = await incidents.components()
    found = await incidents.incidents()
    lately = await incidents.existing_availability()
    today = await incidents.existing_availability(days=1)
    state = context.service.posture
    return {
        "account": None,
        "path": "/status",
        "components": components,
        "indicator": indicator({each.component: each.status for each in components}),
        "open_incidents": [each for each in found if each.resolved_at is None],
        "months": _months([each for each in found if each.resolved_at is not None]),
        "lately": lately,
        "today": today,
        "registration": state,
        "limited": state.registration is not RegistrationMode.SUSPENDED and state.registration_share < 1.0,
        "policy": context.settings.incidents,
        "disturbed_days": _disturbed_days,
        "day_text": day_text,
        "month_text": lambda seconds: month_text(seconds, language),
        "percent": lambda share, digits=2: percent(share, language, digits),
        "now": incidents.clock(),
    }


def day_text(seconds: float) -> str:
    """A day (UTC), the same in both languages: ISO 8601."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"


def month_text(seconds: float, language: str) -> str:
    """Month and year in words."""
    at = datetime.fromtimestamp(seconds, UTC)
    return f"{_MONTHS[language][at.month - 1]} {at.year}"


def percent(share: float, language: str, digits: int) -> str:
    """Rounded down, so that 100 % means all of it."""
    scale = 10**digits
    text = f"{floor(share * 100 * scale + 1e-6) / scale:.{digits}f}"
    return f"{text.replace('.', ',')}\u00a0%" if language == "fr" else f"{text}%"


def _disturbed_days(component: ComponentView) -> list[DayView]:
    """Newest first: the bars in words, for whoever cannot see or hover over them."""
    return [day for day in reversed(component.days) if day.worst in _DISTURBED]


def _months(past: list[IncidentView]) -> list[Month]:
    def first_day(view: IncidentView) -> float:
        began = datetime.fromtimestamp(view.created_at, UTC)
        return datetime(began.year, began.month, 1, tzinfo=UTC).timestamp()

    return [Month(day, list(group)) for day, group in groupby(past, first_day)]
