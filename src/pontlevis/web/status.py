"""The public status page, its feeds and badges, and the JSON that Statuspage's clients read.

Whatever a reader asks for is made at most once a second and kept in memory.
"""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from pontlevis.incidents import statuspage
from pontlevis.incidents.components import Component
from pontlevis.web.context import WebContext
from pontlevis.web.i18n import COOKIE, language_of
from pontlevis.web.status_cache import FRESH_S, FreshBytes
from pontlevis.web.status_site import StatusSite, day_text, month_text, percent

__all__ = ["create_status_router", "day_text", "month_text", "percent"]

_FOR_ALL = {"cache-control": f"public, max-age={FRESH_S:.0f}", "access-control-allow-origin": "*"}
_BY_READER = {
    "cache-control": f"public, max-age={FRESH_S:.0f}",
    "vary": "accept-language, cookie",
}
_PICTURE = {
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "cross-origin",
    "access-control-allow-origin": "*",
}
"""A picture opened by itself runs nothing and loads nothing."""


def create_status_router(context: WebContext) -> APIRouter:
    """``/status``, what belongs to it, and ``/api/v2/…``."""
    router = APIRouter()
    site = StatusSite(context)
    fresh = FreshBytes(context.incidents.clock)

    def language_for(request: Request) -> str:
        language = language_of(request)
        return language if language in site.languages else site.languages[0]

    def asked_for(request: Request) -> str:
        """For programs: only what the address says."""
        wanted = request.query_params.get("lang")
        return wanted if wanted in site.languages else ("en" if "en" in site.languages else site.languages[0])

    async def for_reader(request: Request, name: str, make: Callable[[], Awaitable[bytes]]) -> Response:
        answer = Response(await fresh.get(name, make), media_type="text/html", headers=_BY_READER)
        wanted = request.query_params.get("lang")
        if wanted in site.languages:
            answer.set_cookie(COOKIE, wanted, max_age=31_536_000, samesite="lax", httponly=True)
            answer.headers["cache-control"] = "no-store"
        return answer

    def add_json(name: str) -> None:
        @router.get(f"/api/v2/{name}.json", name=name, summary=f"Statuspage's {name}")
        async def show() -> Response:
            body = await fresh.get(name, lambda: site.document(name))
            return Response(body, media_type="application/json", headers=_FOR_ALL)

    for name in statuspage.DOCUMENTS:
        add_json(name)

    @router.get("/status", include_in_schema=False)
    async def status_page(request: Request) -> Response:
        language = language_for(request)
        return await for_reader(request, f"page:{language}", lambda: site.page(language))

    @router.get("/status/history", include_in_schema=False)
    async def history(request: Request, month: str = "") -> Response:
        language = language_for(request)

        async def make() -> bytes:
            return await site.history(language, month) or b""

        # Only months that can be get a place in memory, so that places are few.
        if month and not site.may_be(month):
            raise HTTPException(404, "there is no history of that month")
        if not await fresh.get(f"history:{language}:{month}", make):
            raise HTTPException(404, "there is no history of that month")
        return await for_reader(request, f"history:{language}:{month}", make)

    def add_feed(kind: str) -> None:
        @router.get(f"/status/history.{kind}", include_in_schema=False, name=f"feed {kind}")
        async def feed(request: Request) -> Response:
            language = asked_for(request)
            body = await fresh.get(f"{kind}:{language}", lambda: site.feed(kind, language))
            return Response(body, media_type=f"application/{kind}+xml", headers=_FOR_ALL)

    add_feed("atom")
    add_feed("rss")

    async def badge(request: Request, component: Component | None) -> Response:
        language = asked_for(request)
        body = await fresh.get(f"badge:{component or ''}:{language}", lambda: site.badge(component, language))
        return Response(body, media_type="image/svg+xml", headers={**_FOR_ALL, **_PICTURE})

    @router.get("/status/badge.svg", include_in_schema=False)
    async def whole_badge(request: Request) -> Response:
        return await badge(request, None)

    @router.get("/status/badge/{component}.svg", include_in_schema=False)
    async def component_badge(request: Request, component: str) -> Response:
        if component not in list(Component):
            raise HTTPException(404, "there is no such component")
        return await badge(request, Component(component))

    @router.get("/status/logo.{suffix}", include_in_schema=False)
    async def logo(suffix: str) -> Response:
        if site.logo is None or suffix != site.logo.suffix:
            raise HTTPException(404, "there is no such logo")
        headers = {**_PICTURE, "cache-control": "public, max-age=3600"}
        return Response(site.logo.data, media_type=site.logo.media_type, headers=headers)

    return router
