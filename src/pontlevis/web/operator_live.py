"""The live feed and the plots, for the console."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from pontlevis.web.context import WebContext
from pontlevis.web.errors import error_answer
from pontlevis.web.live import Live, TooManyListeners
from pontlevis.web.operator_overview import Overviews
from pontlevis.web.operator_plots import RANGES, plots
from pontlevis.web.operator_visitor import GUARDED, gate_of
from pontlevis.web.render import render

MOST_STEPS = 120
STEP_S = 5


class Feed(StreamingResponse):
    """The live feed as an answer; its place is given back however it ends, also before its first byte."""

    def __init__(self, live: Live, events: AsyncIterator[bytes]) -> None:
        super().__init__(events, media_type="text/event-stream", headers={"x-accel-buffering": "no"})
        self._live = live

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._live.join()
        except TooManyListeners:
            refusal = error_answer(503, "too_many_consoles", "too many consoles are open", retry_after_s=10.0)
            await refusal(scope, receive, send)
            return
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._live.leave()


class SeriesAnswer(BaseModel):
    """The recent past in steps; every column is as long as ``at``."""

    step_s: float
    at: list[float]
    columns: dict[str, list[float]]


def create_live_router(context: WebContext, overviews: Overviews) -> APIRouter:
    router = APIRouter()
    service = context.service
    live = Live(overviews, lambda: int(context.accounts.clock() // STEP_S))

    @router.get("/api/series", dependencies=GUARDED, responses={400: {"description": "Out of bounds."}})
    async def series(
        last_s: Annotated[float, Query(ge=60, le=86_400)] = 600.0,
        most: Annotated[int, Query(ge=1, le=1_000)] = MOST_STEPS,
    ) -> SeriesAnswer:
        """Load by standing, waits, sign-ups, log-ins and engine use over the last seconds, in steps."""
        found = service.series(last_s, most)
        return SeriesAnswer(step_s=found.step_s, at=found.at, columns=found.columns)

    @router.get("/api/events", dependencies=GUARDED, include_in_schema=False)
    async def events(request: Request) -> Response:
        """Server-sent events: ``now``, ``parts`` (what has changed), ``step``."""
        gate, last = gate_of(request), request.headers.get("last-event-id", "")[:20]

        async def still() -> bool:
            return await gate.visitor(request) is not None

        return Feed(live, live.follow(last, still))

    @router.get("/plots", dependencies=GUARDED, include_in_schema=False)
    async def drawn(request: Request, last: str = "10") -> Response:
        """The plots alone, for the page that renews them."""
        return render(request, "operator_plots.html", plots_of(context, request, last))

    return router


def plots_of(context: WebContext, request: Request, last: str) -> dict[str, object]:
    """What ``operator_plots.html`` needs. ``last``: minutes, one of ``RANGES``."""
    minutes = int(last) if last in {str(each) for each in RANGES} else RANGES[0]
    service = context.service
    return {
        "plots": plots(service.series(minutes * 60.0, MOST_STEPS), service.postures, service.posture),
        "ranges": RANGES,
        "range": minutes,
    }
