"""Announced work: begun and ended by the clock, and what it does to the bars."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from incident_room import NORMAL, START, Room, incident_room

from pontlevis.incidents.components import Component, Status
from pontlevis.incidents.views import MaintenanceView
from pontlevis.storage.audit import recent_audit

HOUR_S = 3_600.0


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with incident_room(tmp_path) as made:
        yield made


async def announce(room: Room, start: float = START + 60, length: float = 120) -> MaintenanceView:
    return await room.incidents.maintenance.create(
        actor="ada",
        name_en="New engines",
        name_fr="Nouveaux moteurs",
        body_en="Short pauses.",
        scheduled_for=start,
        scheduled_until=start + length,
        components=(Component.API,),
    )


async def test_work_begins_and_ends_by_the_clock(room: Room) -> None:
    """With an entry of the machine's for each, and nothing before its time."""
    made = await announce(room)
    work = room.incidents.maintenance
    assert (made.status, work.upcoming, work.active) == ("scheduled", [made], [])
    await room.seconds(59)
    assert room.incidents.statuses[Component.API] is Status.OPERATIONAL
    await room.seconds(1)
    assert work.view(made.id).status == "in_progress"
    assert room.incidents.statuses[Component.API] is Status.MAINTENANCE
    assert room.incidents.statuses[Component.CHAT] is Status.OPERATIONAL
    await room.seconds(120)
    over = work.view(made.id)
    assert (over.status, over.ended_at, over.cancelled) == ("completed", START + 180, False)
    assert room.incidents.statuses[Component.API] is Status.OPERATIONAL
    assert [(each.status, each.automatic) for each in over.updates] == [
        ("completed", True), ("in_progress", True), ("scheduled", False),
    ]  # fmt: skip
    assert over.updates[0].body("fr") == "Les travaux annoncés sont terminés."


async def test_downtime_of_named_components_is_left_out_of_the_bars(room: Room) -> None:
    """From the announced start to the end; what is down before, after or beside it counts."""
    await announce(room, start=START + 20, length=60)
    await room.seconds(100, asked=10, unserved=10, engines_up=0)
    days = {each.component: each.days[-1] for each in await room.incidents.components()}
    assert days[Component.API].seconds[4] == 60
    assert days[Component.CHAT].seconds[4] == 0
    assert days[Component.API].uptime is not None
    assert days[Component.CHAT].uptime is not None
    assert days[Component.API].seconds[3] == days[Component.CHAT].seconds[3] - 60
    # What existing users felt is told as it was.
    served = await room.incidents.existing_availability()
    assert (served.asked, served.unserved) == (1_000, 1_000)


async def test_work_alone_opens_no_incident(room: Room) -> None:
    """The components named are down as announced; nobody has to be told twice."""
    await room.incidents.maintenance.create(
        actor="ada", name_en="Move", body_en="All is down.", scheduled_for=START,
        scheduled_until=START + 600, components=tuple(Component),
    )  # fmt: skip
    await room.seconds(120, asked=10, unserved=10, engines_up=0)
    assert await room.incidents.incidents() == []


async def test_it_is_kept_over_a_restart_and_caught_up_with(room: Room) -> None:
    """What ended while nothing ran has ended."""
    made = await announce(room)
    room.now = START + 500
    await room.restart()
    assert room.incidents.maintenance.view(made.id).status == "completed"


async def test_an_operator_moves_begins_ends_and_calls_off(room: Room) -> None:
    """Each with its entry and its line in the audit log."""
    work = room.incidents.maintenance
    made = await announce(room, start=START + HOUR_S)
    moved = await work.change(made.id, actor="bob", scheduled_for=START + 600, scheduled_until=START + 900)
    assert (moved.scheduled_for, len(moved.updates)) == (START + 600, 1)
    begun = await work.change(made.id, actor="bob", status="in_progress")
    assert begun.updates[0].body_en == "The announced work has begun."
    longer = await work.change(made.id, actor="bob", scheduled_until=START + HOUR_S, body_en="An hour more.")
    assert longer.updates[0].status == "in_progress"
    with pytest.raises(ValueError, match="it has begun"):
        await work.change(made.id, actor="bob", scheduled_for=START + 700)
    with pytest.raises(ValueError, match="in_progress already"):
        await work.change(made.id, actor="bob", status="scheduled")
    gone = await work.cancel(made.id, actor="bob")
    assert (gone.status, gone.cancelled) == ("completed", True)
    with pytest.raises(ValueError, match="it is over"):
        await work.cancel(made.id, actor="bob")
    async with room.database.session() as session:
        events = [row.event for row in await recent_audit(session)]
    assert events == [
        "operator:maintenance:cancelled", *["operator:maintenance:changed"] * 3, "operator:maintenance:announced",
    ]  # fmt: skip
    await room.seconds(1, NORMAL)
    assert room.incidents.statuses[Component.API] is Status.OPERATIONAL


@pytest.mark.parametrize(
    ("start", "length", "message"),
    [
        (START - HOUR_S, 2 * HOUR_S, "announced before it begins"),
        (START + 60, 0.0, "ends after it begins"),
        (START + 60, 8 * 24 * HOUR_S, "within 168 hours"),
    ],
)
async def test_the_past_cannot_be_announced_nor_work_without_end(
    room: Room, start: float, length: float, message: str
) -> None:
    """An outage that was measured is not turned into maintenance afterwards."""
    with pytest.raises(ValueError, match=message):
        await announce(room, start, length)
    assert room.incidents.maintenance.all == []
    with pytest.raises(KeyError):
        await room.incidents.maintenance.cancel("nope", actor="ada")
