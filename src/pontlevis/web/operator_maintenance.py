"""The operator's API: announced work, duties to notify, post-mortems, the status page as files."""

from base64 import b64encode
from typing import Annotated

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Field

from pontlevis.incidents.components import Component
from pontlevis.incidents.texts import LONGEST_NAME, LONGEST_POSTMORTEM, LONGEST_TEXT
from pontlevis.web.context import WebContext
from pontlevis.web.operator_answers import IncidentAnswer
from pontlevis.web.operator_incidents import refusals
from pontlevis.web.operator_visitor import GUARDED, Actor
from pontlevis.web.status_copy import files_of
from pontlevis.web.status_site import StatusSite

Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
Text = Annotated[str, Field(max_length=LONGEST_TEXT)]
Moment = Annotated[float, Field(ge=0, le=1e11, description="Unix seconds.")]
Parts = Annotated[tuple[Component, ...], Field(min_length=1, max_length=len(Component))]


class _Answer(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class MaintenanceUpdateAnswer(_Answer):
    id: str
    status: str
    body_en: str
    body_fr: str
    created_at: float
    automatic: bool
    actor: str


class MaintenanceAnswer(_Answer):
    """Announced work."""

    id: str
    name_en: str
    name_fr: str
    status: str
    components: tuple[Component, ...]
    scheduled_for: float
    scheduled_until: float
    created_at: float
    updated_at: float
    began_at: float | None
    ended_at: float | None
    cancelled: bool
    updates: tuple[MaintenanceUpdateAnswer, ...]


class MaintenancesAnswer(_Answer):
    maintenances: list[MaintenanceAnswer]


class DutyAnswer(_Answer):
    """A duty to notify; ``state`` is ``running``, ``soon``, ``overdue`` or ``done``."""

    id: str
    incident_id: str
    incident_name: str
    name: str
    law: str
    hours: float
    began_at: float
    due_at: float
    done_at: float | None
    done_by: str
    note: str
    state: str


class DutiesAnswer(_Answer):
    duties: list[DutyAnswer]


class FilesAnswer(_Answer):
    files: dict[str, str]
    """Base64 by path."""


class NewMaintenanceBody(BaseModel):
    name_en: Name
    name_fr: str = Field(default="", max_length=LONGEST_NAME)
    body_en: Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]
    body_fr: Text = ""
    scheduled_for: Moment
    scheduled_until: Moment
    components: Parts


class MaintenanceBody(BaseModel):
    """Whatever is given is changed; a status or a text adds to the timeline."""

    name_en: Name | None = None
    name_fr: Name | None = None
    scheduled_for: Moment | None = None
    scheduled_until: Moment | None = None
    components: Parts | None = None
    status: str | None = Field(default=None, max_length=20)
    body_en: Text = ""
    body_fr: Text = ""


class CancelBody(BaseModel):
    body_en: Text = ""
    body_fr: Text = ""


class TouchedBody(BaseModel):
    at: Moment | None = Field(default=None, description="When it became known; left out: now.")
    why: Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]


class DoneBody(BaseModel):
    done: bool = True
    note: Text = Field(default="", description="Whom, when, under which number.")


class PostmortemBody(BaseModel):
    """An empty English text takes it back."""

    body_en: Annotated[str, Field(max_length=LONGEST_POSTMORTEM)]
    body_fr: Annotated[str, Field(max_length=LONGEST_POSTMORTEM)] = ""


def create_operator_maintenance_router(context: WebContext) -> APIRouter:
    """What an operator announces and has to tell."""
    router = APIRouter()
    incidents, work = context.incidents, context.incidents.maintenance
    site = StatusSite(context)

    @router.get("/maintenances", dependencies=GUARDED)
    async def list_maintenances() -> MaintenancesAnswer:
        """Announced work, the latest start first."""
        return MaintenancesAnswer(maintenances=[MaintenanceAnswer.model_validate(each) for each in work.all])

    @router.post("/maintenances", status_code=201)
    async def announce(actor: Actor, body: Annotated[NewMaintenanceBody, Body()]) -> MaintenanceAnswer:
        """Announce work; it begins and ends by itself."""
        with refusals():
            return MaintenanceAnswer.model_validate(await work.create(actor=actor, **dict(body)))

    @router.patch("/maintenances/{maintenance}")
    async def change(
        actor: Actor, maintenance: str, body: Annotated[MaintenanceBody, Body()]
    ) -> MaintenanceAnswer:
        """Move it, rename it, say more, begin or end it before its time."""
        with refusals():
            return MaintenanceAnswer.model_validate(await work.change(maintenance, actor=actor, **dict(body)))

    @router.post("/maintenances/{maintenance}/cancel")
    async def cancel(
        actor: Actor, maintenance: str, body: Annotated[CancelBody, Body()]
    ) -> MaintenanceAnswer:
        """Call it off, or what is left of it."""
        with refusals():
            return MaintenanceAnswer.model_validate(await work.cancel(maintenance, actor=actor, **dict(body)))

    @router.get("/duties", dependencies=GUARDED)
    async def list_duties() -> DutiesAnswer:
        """Duties to notify, the most urgent first."""
        return DutiesAnswer(duties=[DutyAnswer.model_validate(each) for each in incidents.duties.all()])

    @router.post("/incidents/{incident}/personal-data")
    async def touched(actor: Actor, incident: str, body: Annotated[TouchedBody, Body()]) -> DutiesAnswer:
        """Personal data is known to have been touched: the clocks of the duties to notify start."""
        at = body.at if body.at is not None else incidents.clock()
        with refusals():
            await incidents.personal_data_touched(incident, at, body.why, actor=actor)
        found = incidents.duties.all(incident)
        return DutiesAnswer(duties=[DutyAnswer.model_validate(each) for each in found])

    @router.post("/duties/{duty}")
    async def done(actor: Actor, duty: str, body: Annotated[DoneBody, Body()]) -> DutyAnswer:
        """Note a duty as done, which stops its clock, or take that back."""
        with refusals():
            if body.done:
                made = await incidents.duties.done(duty, actor=actor, note=body.note)
            else:
                made = await incidents.duties.not_done(duty, actor=actor)
            return DutyAnswer.model_validate(made)

    @router.put("/incidents/{incident}/postmortem")
    async def postmortem(
        actor: Actor, incident: str, body: Annotated[PostmortemBody, Body()]
    ) -> IncidentAnswer:
        """What was learned, for the public."""
        with refusals():
            return IncidentAnswer.model_validate(
                await incidents.write_postmortem(incident, actor=actor, **dict(body))
            )

    @router.get("/status/files", dependencies=GUARDED)
    async def status_files() -> FilesAnswer:
        """The status page as static files."""
        files = await files_of(site)
        return FilesAnswer(files={name: b64encode(data).decode() for name, data in files.items()})

    return router
