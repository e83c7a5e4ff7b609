"""The console's forms for incidents and for the components of the status page."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from pontlevis.incidents.components import Component, Status
from pontlevis.incidents.shelf import LONGEST_NOTES
from pontlevis.web.context import WebContext
from pontlevis.web.operator_visitor import Actor

Text = Annotated[str, Form(max_length=4_000)]
Short = Annotated[str, Form(max_length=500)]
Notes = Annotated[str, Form(max_length=LONGEST_NOTES)]


ERRORS = frozenset(
    {"decision", "target", "undo", "reason", "ended", "opening", "text", "name", "writer", "state"}
)
"""Ends of the texts ``op.e_…``; an address cannot make the console say anything else."""


class _Refused(Exception):
    """What the incident rooms did not take."""


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except (KeyError, ValueError):
        raise _Refused from None


def back(part: str = "", error: str = "", *, page: str = "/") -> RedirectResponse:
    """To the console or another page, at one of its parts; ``error`` is the end of a text's key, ``op.e_…``."""
    return RedirectResponse(
        f"{page}{f'?error={error}' if error else ''}{f'#{part}' if part and not error else ''}", 303
    )


def known_error(request: Request) -> str:
    """What a form was refused for, as ``back`` said it; empty where it said nothing."""
    error = request.query_params.get("error", "")
    return error if error in ERRORS else ""


def _page(on: Annotated[str, Query(max_length=20)] = "") -> str:
    return "/incidents" if on == "incidents" else "/"


Page = Annotated[str, Depends(_page)]
"""On which of the two pages with this desk the form was."""


def create_desk_router(context: WebContext) -> APIRouter:
    """Each form does what the operator's API does, and leads back to the page that it was on."""
    router = APIRouter(include_in_schema=False)
    incidents = context.incidents

    @router.post("/incidents")
    async def open_incident(
        actor: Actor,
        page: Page,
        name_en: Short = "",
        name_fr: Short = "",
        body_en: Text = "",
        body_fr: Text = "",
        impact: Short = "minor",
    ) -> Response:
        try:
            with _refusals():
                await incidents.open_incident(
                    actor=actor,
                    name_en=name_en,
                    name_fr=name_fr,
                    body_en=body_en,
                    body_fr=body_fr,
                    impact=impact,
                )
        except _Refused:
            return back(error="opening", page=page)
        return back("incidents", page=page)

    @router.post("/incidents/{incident}/updates")
    async def post_update(
        actor: Actor,
        page: Page,
        incident: str,
        status: Short,
        body_en: Text = "",
        body_fr: Text = "",
        take_over: Short = "",
    ) -> Response:
        try:
            with _refusals():
                await incidents.post_update(
                    incident,
                    actor=actor,
                    status=status,
                    body_en=body_en,
                    body_fr=body_fr,
                    take_over=True if take_over else None,
                )
        except _Refused:
            return back(error="text", page=page)
        return back("incidents", page=page)

    @router.post("/incidents/{incident}/updates/{update}")
    async def edit_update(
        actor: Actor, page: Page, incident: str, update: str, body_en: Text = "", body_fr: Text = ""
    ) -> Response:
        try:
            with _refusals():
                await incidents.edit_update(incident, update, actor=actor, body_en=body_en, body_fr=body_fr)
        except _Refused:
            return back(error="text", page=page)
        return back("incidents", page=page)

    @router.post("/incidents/{incident}")
    async def edit_incident(
        actor: Actor, page: Page, incident: str, name_en: Short, name_fr: Short, notes: Notes = ""
    ) -> Response:
        try:
            with _refusals():
                await incidents.edit(incident, actor=actor, name_en=name_en, name_fr=name_fr, notes=notes)
        except _Refused:
            return back(error="name", page=page)
        return back("incidents", page=page)

    @router.post("/incidents/{incident}/writer")
    async def change_writer(actor: Actor, page: Page, incident: str, take_over: Short = "") -> Response:
        """Who writes from now on: the operator, or with nothing in ``take_over`` the service again."""
        try:
            with _refusals():
                await incidents.edit(incident, actor=actor, take_over=bool(take_over))
        except _Refused:
            return back(error="writer", page=page)
        return back("incidents", page=page)

    @router.post("/components/{component}")
    async def declare(actor: Actor, component: Component, status: Short = "") -> Response:
        """Nothing in ``status``: what is measured is shown again."""
        if status and status not in list(Status):
            return back(error="state")
        await incidents.declare(component, Status(status) if status else None, actor=actor)
        return back("components")

    return router
