"""The operator's API: incidents and the components of the status page."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import APIRouter, Body, HTTPException
from pydantic import BaseModel, Field

from pontlevis.incidents.components import Component, Status
from pontlevis.incidents.shelf import LONGEST_NOTES
from pontlevis.incidents.texts import LONGEST_NAME, LONGEST_TEXT
from pontlevis.web.context import WebContext
from pontlevis.web.operator_answers import (
    ComponentAnswer,
    ComponentsAnswer,
    IncidentAnswer,
    IncidentsAnswer,
)
from pontlevis.web.operator_visitor import GUARDED, Actor

Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
Words = Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]
French = Annotated[str, Field(max_length=LONGEST_TEXT, description="Empty: the English words.")]


class NewIncidentBody(BaseModel):
    name_en: Name
    name_fr: str = Field(default="", max_length=LONGEST_NAME)
    body_en: Words
    body_fr: French = ""
    status: str = "investigating"
    impact: str = "minor"


class IncidentBody(BaseModel):
    """Whatever is given is changed."""

    name_en: Name | None = None
    name_fr: Name | None = None
    impact: str | None = None
    notes: str | None = Field(default=None, max_length=LONGEST_NOTES)
    take_over: bool | None = Field(default=None, description="True: the machine stops writing this incident.")


class UpdateBody(BaseModel):
    status: str
    body_en: Words
    body_fr: French = ""
    take_over: bool | None = None


class WordsBody(BaseModel):
    body_en: Words
    body_fr: French = ""


class StatusBody(BaseModel):
    status: Status | None = Field(description="null: the measured state is shown again.")


@contextmanager
def refusals() -> Iterator[None]:
    """Turns the incident rooms' refusals into the API's."""
    try:
        yield
    except KeyError:
        raise HTTPException(404, "there is no such incident or update") from None
    except ValueError as error:
        raise HTTPException(400, str(error)) from None


def create_operator_incidents_router(context: WebContext) -> APIRouter:
    """Incidents as an operator reads and writes them."""
    router = APIRouter()
    incidents = context.incidents

    @router.get("/incidents", dependencies=GUARDED)
    async def list_incidents() -> IncidentsAnswer:
        """All incidents, newest first, with private notes."""
        found = await incidents.incidents()
        return IncidentsAnswer(incidents=[IncidentAnswer.model_validate(each) for each in found])

    @router.post("/incidents", status_code=201)
    async def open_incident(actor: Actor, body: Annotated[NewIncidentBody, Body()]) -> IncidentAnswer:
        """Open an incident of your own; the machine writes none of it."""
        with refusals():
            return IncidentAnswer.model_validate(
                await incidents.open_incident(actor=actor, **body.model_dump())
            )

    @router.patch("/incidents/{incident}")
    async def edit_incident(
        actor: Actor,
        incident: str,
        body: Annotated[IncidentBody, Body()],
    ) -> IncidentAnswer:
        """Change names, impact or private notes, take over, or hand back."""
        with refusals():
            return IncidentAnswer.model_validate(
                await incidents.edit(incident, actor=actor, **body.model_dump())
            )

    @router.post("/incidents/{incident}/updates", status_code=201)
    async def post_update(
        actor: Actor,
        incident: str,
        body: Annotated[UpdateBody, Body()],
    ) -> IncidentAnswer:
        """Add to an incident's timeline and set its status."""
        with refusals():
            return IncidentAnswer.model_validate(
                await incidents.post_update(incident, actor=actor, **body.model_dump())
            )

    @router.patch("/incidents/{incident}/updates/{update}")
    async def edit_update(
        actor: Actor,
        incident: str,
        update: str,
        body: Annotated[WordsBody, Body()],
    ) -> IncidentAnswer:
        """Put other words in an entry."""
        with refusals():
            return IncidentAnswer.model_validate(
                await incidents.edit_update(incident, update, actor=actor, **body.model_dump())
            )

    @router.get("/components", dependencies=GUARDED)
    async def list_components() -> ComponentsAnswer:
        """The components with the state shown, and who declared it where somebody did."""
        views = await incidents.components()
        return ComponentsAnswer(components=[ComponentAnswer.model_validate(each) for each in views])

    @router.put("/components/{component}")
    async def declare(
        actor: Actor,
        component: Component,
        body: Annotated[StatusBody, Body()],
    ) -> ComponentAnswer:
        """Show a state instead of the measured one, for instance ``under_maintenance``."""
        await incidents.declare(component, body.status, actor=actor)
        views = await incidents.components()
        return ComponentAnswer.model_validate(next(each for each in views if each.component is component))

    return router
