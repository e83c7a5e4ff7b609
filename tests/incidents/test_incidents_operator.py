"""Incidents as operators write them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from incident_room import NORMAL, UNDER_ATTACK, Room, incident_room

from pontlevis.incidents.components import Component, Status
from pontlevis.storage.audit import recent_audit


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with incident_room(tmp_path) as made:
        yield made


async def events(room: Room) -> list[tuple[str, str, str]]:
    async with room.database.session() as session:
        return [(row.event, row.actor, row.detail) for row in reversed(await recent_audit(session))]


async def test_an_operator_edits_both_languages_and_the_entry_is_no_longer_automatic(room: Room) -> None:
    """What a person has changed is the person's."""
    await room.change(NORMAL, UNDER_ATTACK)
    (incident,) = await room.incidents.incidents()
    changed = await room.incidents.edit_update(
        incident.id, incident.updates[0].id, actor="ada", body_en="We are on it.", body_fr="On s'en occupe."
    )
    (update,) = changed.updates
    assert (update.body("en"), update.body("fr")) == ("We are on it.", "On s'en occupe.")
    assert (update.automatic, update.actor) == (False, "ada")


async def test_an_update_of_an_operator_leaves_the_machine_at_work(room: Room) -> None:
    """Unless the operator takes over with it."""
    await room.change(NORMAL, UNDER_ATTACK)
    (incident,) = await room.incidents.incidents()
    room.now += 1
    posted = await room.incidents.post_update(
        incident.id, actor="ada", status="identified", body_en="Our carrier filters now."
    )
    assert posted.taken_over_by == ""
    assert posted.updates[0].body_fr == "Our carrier filters now."
    room.now += 60
    await room.change(UNDER_ATTACK, NORMAL)
    (incident,) = await room.incidents.incidents()
    assert incident.status == "resolved"


async def test_every_change_leaves_a_line_in_the_audit_log(room: Room) -> None:
    """With who and what, by the grammar source:subject:action."""
    await room.change(NORMAL, UNDER_ATTACK)
    (incident,) = await room.incidents.incidents()
    service = room.incidents
    await service.edit(incident.id, actor="ada", name_en="New name", impact="minor", take_over=True)
    await service.edit(incident.id, actor="ada", name_en="New name")
    await service.post_update(incident.id, actor="bob", status="resolved", body_en="Over.", take_over=False)
    await service.declare(Component.CHAT, Status.MAINTENANCE, actor="bob")
    assert [each[:2] for each in await events(room)] == [
        ("service:incident:identified", "service"),
        ("operator:incident:edited", "ada"),
        ("operator:incident:taken_over", "ada"),
        ("operator:incident:resolved", "bob"),
        ("operator:incident:handed_back", "bob"),
        ("operator:component:declared", "bob"),
    ]
    assert "impact: major → minor" in (await events(room))[1][2]


async def test_an_operators_own_incident_stands_beside_the_machines(room: Room) -> None:
    """Neither writes into the other's."""
    mine = await room.incidents.open_incident(
        actor="ada", name_en="New engines tonight", body_en="Short pauses from 22:00 UTC."
    )
    room.now += 1
    await room.change(NORMAL, UNDER_ATTACK)
    room.now += 60
    await room.change(UNDER_ATTACK, NORMAL)
    by_name = {each.name_en: each for each in await room.incidents.incidents()}
    assert by_name["New engines tonight"].resolved_at is None
    assert len(by_name["New engines tonight"].updates) == 1
    assert by_name["Registrations limited during an attack"].resolved_at is not None
    with pytest.raises(ValueError, match="opened by an operator"):
        await room.incidents.edit(mine.id, actor="ada", take_over=False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name_en": "  "}, "a name has 1 to 200 characters"),
        ({"name_fr": "x" * 201}, "a name has 1 to 200 characters"),
        ({"impact": "terrible"}, "an impact is one of none, minor, major, critical"),
    ],
)
async def test_bad_values_are_refused_with_a_reason(room: Room, change: dict[str, str], message: str) -> None:
    """And nothing is changed."""
    await room.change(NORMAL, UNDER_ATTACK)
    (before,) = await room.incidents.incidents()
    with pytest.raises(ValueError, match=message):
        await room.incidents.edit(before.id, actor="ada", **change)  # type: ignore[arg-type]
    assert await room.incidents.incidents() == [before]
    assert [each for each in await events(room) if each[1] != "service"] == []


async def test_unknown_incidents_and_updates_are_refused(room: Room) -> None:
    """By KeyError, for a 404."""
    await room.change(NORMAL, UNDER_ATTACK)
    (incident,) = await room.incidents.incidents()
    with pytest.raises(KeyError):
        await room.incidents.edit("nope", actor="ada", name_en="x")
    with pytest.raises(KeyError):
        await room.incidents.edit_update(incident.id, "nope", actor="ada", body_en="x")
    with pytest.raises(ValueError, match="a status is one of"):
        await room.incidents.post_update(incident.id, actor="ada", status="fine", body_en="x")


async def test_control_characters_do_not_reach_the_page(room: Room) -> None:
    """XML forbids them, and a terminal may obey them."""
    made = await room.incidents.open_incident(
        actor="ada", name_en="A\x00b\x1b[31mc", body_en="one\r\ntwo\x0bthree"
    )
    assert made.name_en == "Ab[31mc"
    assert made.updates[0].body_en == "one\ntwothree"


async def test_a_declared_state_is_shown_until_it_is_withdrawn(room: Room) -> None:
    """Also over a restart."""
    await room.incidents.declare(Component.CHAT, Status.MAINTENANCE, actor="ada")
    await room.restart()
    await room.seconds(20, asked=20, unserved=20)
    assert room.incidents.statuses[Component.CHAT] is Status.MAINTENANCE
    assert room.incidents.statuses[Component.API] is Status.MAJOR
    chat = (await room.incidents.components())[1]
    assert chat.declared_by == "ada"
    await room.incidents.declare(Component.CHAT, None, actor="ada")
    assert room.incidents.statuses[Component.CHAT] is Status.MAJOR
