"""The console's page of an investigation: who it was and what they touched, asked in a process of its own."""

import asyncio
from dataclasses import dataclass, replace

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from pontlevis.evidence.store import FOLDER
from pontlevis.investigation import exports
from pontlevis.investigation.ask import Question, answer
from pontlevis.investigation.incident import load_incident
from pontlevis.investigation.phrase import Phrase
from pontlevis.investigation.result import Investigation, Series
from pontlevis.investigation.statements import said
from pontlevis.investigation.told import Told
from pontlevis.investigation.tongue import Tongue
from pontlevis.web.context import WebContext
from pontlevis.web.i18n import language_of
from pontlevis.web.operator_visitor import Reader, gate_of
from pontlevis.web.render import render

KEPT_S = 60.0
"""An answer is shown again for so long: a page that is reloaded does not cost an investigation each time."""
MEMORY_MIB = 512
WIDTH, HEIGHT = 900.0, 180.0


@dataclass(frozen=True, slots=True)
class _Held:
    at: float
    incident: str
    found: Investigation | Phrase


@dataclass(frozen=True, slots=True)
class Curve:
    """The plot's outlines, as paths of an SVG ``WIDTH`` by ``HEIGHT``; ``top`` is what its height means."""

    hostile: str
    other: str
    top: float


def curve(series: Series) -> Curve:
    """Square roots of acts a second, so that a flood does not hide the people."""
    top = max([*series.hostile, *series.other, 1.0]) / series.width

    def path(values: list[float]) -> str:
        step = WIDTH / max(1, len(values))
        said = [f"M0 {HEIGHT:.0f}"]
        for place, value in enumerate(values):
            y = HEIGHT - HEIGHT * ((value / series.width) / top) ** 0.5
            said.append(f"L{place * step:.1f} {y:.1f}L{(place + 1) * step:.1f} {y:.1f}")
        return "".join([*said, f"L{WIDTH:.0f} {HEIGHT:.0f}Z"])

    return Curve(path(series.hostile), path(series.other), top)


def create_investigation_router(context: WebContext) -> APIRouter:
    """``/investigation`` for the last incident, ``/investigation/{incident}`` for another, and its exports."""
    router = APIRouter(include_in_schema=False)
    settings, incidents, accounts = context.settings, context.incidents, context.accounts
    asking = asyncio.Lock()
    held: list[_Held] = []

    async def ask(incident: str) -> Investigation | Phrase:
        """One at a time; whoever comes second gets the first one's answer."""
        async with asking:
            now = incidents.clock()
            for each in held:
                if each.incident == incident and 0 <= now - each.at < KEPT_S:
                    return each.found
            facts = await load_incident(accounts.database, incident)
            policy = replace(
                settings.investigation,
                threads=1,
                memory_mib=min(MEMORY_MIB, settings.investigation.memory_mib),
            )
            found = await answer(
                Question(
                    str(settings.data / FOLDER),
                    f"{facts.name} ({facts.id})",
                    facts.since,
                    facts.until(now),
                    policy,
                    settings.evidence.pseudonymise,
                )
            )
            held.append(_Held(incidents.clock(), incident, found))
            del held[:-4]
            return found

    @router.get("/investigation")
    async def latest(request: Request, actor: Reader) -> Response:
        newest = await incidents.incidents(most=1)
        if newest:
            return RedirectResponse(f"/investigation/{newest[0].id}", 303)
        return await page(request, "", None)

    @router.get("/investigation/{incident}")
    async def one(request: Request, actor: Reader, incident: str) -> Response:
        try:
            found = await ask(incident)
        except KeyError:
            return await page(request, "", None, status=404)
        return await page(request, incident, found)

    @router.get("/investigation/{incident}/block-list.csv")
    async def block_list(request: Request, actor: Reader, incident: str) -> Response:
        try:
            found = await ask(incident)
            if isinstance(found, Phrase):
                return await page(request, incident, found)
            return Response(exports.block_list(found), media_type="text/csv; charset=utf-8")
        except KeyError:
            return await page(request, "", None, status=404)
        except exports.CannotExport as error:
            return await page(request, incident, None, refused=str(error))

    async def page(
        request: Request,
        incident: str,
        found: Investigation | Phrase | None,
        *,
        status: int = 200,
        refused: str = "",
    ) -> Response:
        """``refused``: why an export is not made."""
        tongue = Tongue(language_of(request))
        values: dict[str, object] = {
            "actor": await gate_of(request).actor(request),
            "incidents": await incidents.incidents(most=20),
            "incident": incident,
            "tongue": tongue,
            "said": said,
            "told": Told(found, tongue) if isinstance(found, Investigation) else None,
            "made": found if isinstance(found, Investigation) else None,
            "curve": curve(found.series) if isinstance(found, Investigation) else None,
            "error": tongue.say(found) if isinstance(found, Phrase) else refused,
        }
        return render(request, "operator_investigation.html", values, status=status)

    return router
