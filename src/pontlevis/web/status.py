"""The public status page, its feed, and the JSON that Statuspage's clients read."""

import asyncio
from collections.abc import Awaitable, Callable
from xml.sax.saxutils import escape

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pontlevis.incidents.components import Status
from pontlevis.incidents.views import ComponentView
from pontlevis.web import statuspage
from pontlevis.web.context import WebContext
from pontlevis.web.i18n import LANGUAGES, language_of
from pontlevis.web.render import iso, page

FRESH_S = 1.0  # a flood of readers costs one rendering a second
MOST_CACHED = 32


class _Cache:
    """Rendered bytes by name, fresh for a second; a flood of readers waits for one rendering."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._held: dict[str, tuple[float, bytes]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def get(self, name: str, make: Callable[[], Awaitable[bytes]]) -> bytes:
        lock = self._locks.setdefault(name, asyncio.Lock())
        async with lock:
            held = self._held.get(name)
            now = self._clock()
            if held is None or not 0 <= now - held[0] < FRESH_S:
                held = (now, await make())
                self._held[name] = held
            return held[1]


def overall(components: list[ComponentView]) -> str:
    """The banner's word: none, minor, major or critical."""
    worst = {each.component.value: each.status for each in components}
    if worst["api"] is Status.MAJOR:
        return "critical"
    serious = (Status.PARTIAL, Status.MAJOR)
    if any(worst[name] in serious for name in ("api", "chat", "login")):
        return "major"
    return "none" if all(status is Status.OPERATIONAL for status in worst.values()) else "minor"


def create_status_router(context: WebContext) -> APIRouter:
    router = APIRouter()
    incidents = context.incidents
    clock = incidents._clock
    cache = _Cache(clock)
    base = context.settings.base_url
    about = statuspage.Page(context.settings.name, base)

    async def json_of(name: str) -> bytes:
        components = await incidents.components()
        indicator = overall(components)
        recent = await incidents.incidents(most=50)
        return statuspage.document(name, about, components, recent, indicator, clock())

    def add_json(name: str) -> None:
        @router.get(f"/api/v2/{name}.json", name=name, summary=f"Statuspage's {name}")
        async def show() -> Response:
            body = await cache.get(name, lambda: json_of(name))
            return Response(
                body, media_type="application/json", headers=_HEADERS | {"access-control-allow-origin": "*"}
            )

    for name in statuspage.DOCUMENTS:
        add_json(name)

    @router.get("/status", include_in_schema=False)
    async def status_page(request: Request) -> Response:
        language = language_of(request)

        async def make() -> bytes:
            components = await incidents.components()
            found = await incidents.incidents(most=50)
            asked, unserved = await incidents.existing_availability()
            state = context.service.posture
            values: dict[str, object] = {
                "account": None,
                "components": components,
                "indicator": overall(components),
                "open_incidents": [each for each in found if each.resolved_at is None],
                "past_incidents": [each for each in found if each.resolved_at is not None],
                "asked": asked,
                "served": 1 - unserved / asked if asked else None,
                "registration": state,
                "weight": context.settings.incidents.partial_outage_weight,
                "now": clock(),
            }
            return page(request, "status.html", values).encode()

        body = await cache.get(f"page:{language}", make)
        answer = Response(body, media_type="text/html", headers=_HEADERS)
        wanted = request.query_params.get("lang")
        if wanted in LANGUAGES:
            answer.set_cookie("lang", wanted, max_age=31_536_000, samesite="lax", httponly=True)
        return answer

    @router.get("/status/history.atom", include_in_schema=False)
    async def feed() -> Response:
        async def make() -> bytes:
            found = await incidents.incidents(most=50)
            updated = max((each.updated_at for each in found), default=clock())
            entries = "".join(
                f"<entry><id>{escape(base)}/status#{each.id}</id><title>{escape(each.name_en)}</title>"
                f"<updated>{iso(each.updated_at)}</updated><published>{iso(each.created_at)}</published>"
                f'<link href="{escape(base)}/status#{each.id}"/><content type="text">'
                + escape("\n".join(f"{iso(u.created_at)} {u.status}: {u.body_en}" for u in each.updates))
                + "</content></entry>"
                for each in found
            )
            text = (
                f'<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom">'
                f"<id>{escape(base)}/status</id><title>{escape(context.settings.name)}</title>"
                f"<author><name>{escape(context.settings.name)}</name></author>"
                f'<updated>{iso(updated)}</updated><link rel="self" href="{escape(base)}/status/history.atom"/>{entries}</feed>'
            )
            return text.encode()

        body = await cache.get("atom", make)
        return Response(body, media_type="application/atom+xml", headers=_HEADERS)

    return router


_HEADERS = {"cache-control": "public, max-age=1"}
