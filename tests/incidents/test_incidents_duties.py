"""Duties to notify: clocks from the moment personal data is known to be touched; and the post-mortem."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from incident_room import NORMAL, START, UNDER_ATTACK, Room, incident_room

from pontlevis.incidents.policy import Duty, IncidentPolicy

HOUR_S = 3_600.0


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with incident_room(tmp_path) as made:
        yield made


async def attacked(room: Room) -> str:
    await room.change(NORMAL, UNDER_ATTACK)
    (incident,) = await room.incidents.incidents()
    return incident.id


async def test_no_clock_runs_before_personal_data_is_known_to_be_touched(room: Room) -> None:
    """Then the clocks of 24 and of 72 hours run from when it became known."""
    incident = await attacked(room)
    assert room.incidents.duties.all() == []
    room.now += HOUR_S
    marked = await room.incidents.personal_data_touched(incident, START + 600, "Two accounts gave way.")
    assert (marked.data_touched_at, marked.data_touched_why) == (START + 600, "Two accounts gave way.")
    first, second = room.incidents.duties.all(incident)
    assert (first.due_at, first.hours, first.state) == (START + 600 + 24 * HOUR_S, 24, "running")
    assert (second.due_at, second.law) == (START + 600 + 72 * HOUR_S, "GDPR, article 33(1)")


async def test_a_clock_warns_runs_out_and_stops_when_done(room: Room) -> None:
    """And runs on from its start when that is taken back."""
    incident = await attacked(room)
    await room.incidents.personal_data_touched(incident, START, "A log.")
    duties = room.incidents.duties

    def states() -> list[str]:
        return [each.state for each in duties.all()]

    room.now = START + 13 * HOUR_S
    assert states() == ["soon", "running"]
    room.now = START + 25 * HOUR_S
    assert states() == ["overdue", "running"]
    late = duties.all()[0]
    done = await duties.done(late.id, actor="ada", note="CSIRT, number 7")
    assert (done.state, done.done_by, done.note) == ("done", "ada", "CSIRT, number 7")
    assert states() == ["running", "done"]
    await room.restart()
    assert [each.state for each in room.incidents.duties.all()] == ["running", "done"]
    assert (await room.incidents.duties.not_done(late.id, actor="ada")).state == "overdue"


async def test_said_twice_nothing_starts_anew_and_an_earlier_moment_counts(room: Room) -> None:
    """No later word buys time."""
    incident = await attacked(room)
    room.now += 2 * HOUR_S
    for at, why in ((START + HOUR_S, "First."), (START + 2 * HOUR_S, "Again."), (START, "It was earlier.")):
        marked = await room.incidents.personal_data_touched(incident, at, why)
    assert marked.data_touched_why == "First.\nAgain.\nIt was earlier."
    assert [each.began_at for each in room.incidents.duties.all()] == [START, START]
    with pytest.raises(ValueError, match="in the future"):
        await room.incidents.personal_data_touched(incident, room.now + HOUR_S, "No.")
    with pytest.raises(KeyError):
        await room.incidents.personal_data_touched("nope", START, "No.")
    with pytest.raises(KeyError):
        await room.incidents.duties.done("nope", actor="ada")


async def test_the_list_of_duties_is_the_operators(tmp_path: Path) -> None:
    """Name, hours and law."""
    policy = IncidentPolicy(write_limit_s=20.0, duties=(Duty("Tell the insurer", 48.0),))
    async with incident_room(tmp_path, policy) as room:
        incident = await attacked(room)
        await room.incidents.personal_data_touched(incident, START, "A log.")
        (duty,) = room.incidents.duties.all()
        assert (duty.name, duty.hours, duty.law) == ("Tell the insurer", 48.0, "")
    with pytest.raises(ValueError, match="different names"):
        IncidentPolicy(duties=(Duty("a", 1.0), Duty("a", 2.0)))
    with pytest.raises(ValueError, match="hours are from"):
        Duty("a", 0.0)


async def test_a_post_mortem_is_written_when_the_incident_is_over(room: Room) -> None:
    """Not before; it can be changed and taken back."""
    incident = await attacked(room)
    with pytest.raises(ValueError, match="once the incident is resolved"):
        await room.incidents.write_postmortem(incident, actor="ada", body_en="Too early.")
    room.now += 60
    await room.change(UNDER_ATTACK, NORMAL)
    room.now += 60
    told = await room.incidents.write_postmortem(incident, actor="ada", body_en="We learned.")
    assert (told.postmortem("fr"), told.postmortem_at, told.status) == ("We learned.", room.now, "resolved")
    room.now += 60
    again = await room.incidents.write_postmortem(
        incident, actor="ada", body_en="We learned.", body_fr="Appris."
    )
    assert (again.postmortem("fr"), again.postmortem_at) == ("Appris.", told.postmortem_at)
    gone = await room.incidents.write_postmortem(incident, actor="ada", body_en="")
    assert (gone.postmortem_en, gone.postmortem_at) == ("", None)
