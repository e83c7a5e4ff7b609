"""The operator's API: who comes, what is known of them, and measures that are not in force."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from pontlevis.web.context import WebContext
from pontlevis.web.operator_visitor import GUARDED


class _Answer(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class FileAnswer(_Answer):
    """A file with knowledge of addresses; ``sort`` is asn, data_centre or vpn."""

    path: str
    sort: str
    ranges: int
    bad: int
    error: str
    read_at: float
    sentence: str


class NetworkAnswer(_Answer):
    """An autonomous system and its acts of the last minute."""

    network: str
    acts: int
    hosted: int


class HeavyAnswer(_Answer):
    """Who has much of something in the last minute."""

    key: str
    weight: int
    least: int
    most: int


class SourcesAnswer(_Answer):
    """Who comes, and what is known of them."""

    files: list[FileAnswer]
    ranges: int
    networks: list[NetworkAnswer]
    heavy: dict[str, list[HeavyAnswer]]
    days_learned: float
    hourly: bool
    measures: dict[str, int]


class MeasureNoteAnswer(_Answer):
    """A measure that is not in force; ``outcome`` is dry_run or withheld."""

    at: float
    scope: str
    value: str
    reason: str
    outcome: str
    why: str


class MeasureNotesAnswer(_Answer):
    measures: list[MeasureNoteAnswer]


def create_sources_router(context: WebContext) -> APIRouter:
    router = APIRouter(tags=["sources"])
    service = context.service

    @router.get("/sources", dependencies=GUARDED)
    async def sources() -> SourcesAnswer:
        """Networks and heavy hitters of the last minute, files of knowledge, what was learned."""
        return SourcesAnswer.model_validate(service.sources)

    @router.get("/measures", dependencies=GUARDED)
    async def measures(last: Annotated[int, Query(ge=1, le=200)] = 200) -> MeasureNotesAnswer:
        """Measures that detection thought of and that are not in force, newest first, and why."""
        notes = [MeasureNoteAnswer.model_validate(each) for each in service.measure_notes[:last]]
        return MeasureNotesAnswer(measures=notes)

    return router
