"""Incidents as the posture machine writes them."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from incident_room import (
    ELEVATED,
    NORMAL,
    OVERLOADED,
    START,
    UNDER_ATTACK,
    Room,
    incident_room,
    recovering,
    sample,
)

from pontlevis.brain.posture.state import PostureState, Transition
from pontlevis.brain.vocabulary import Posture, RegistrationMode
from pontlevis.incidents import words
from pontlevis.incidents.components import Component, Status
from pontlevis.incidents.views import IncidentView


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with incident_room(tmp_path) as made:
        yield made


async def only(room: Room) -> IncidentView:
    (found,) = await room.incidents.incidents()
    return found


async def test_an_attack_is_one_incident_from_opening_to_resolution(room: Room) -> None:
    """Opened when the bridge goes up, updated at each stage, resolved when all is normal."""
    steps = [
        (ELEVATED, UNDER_ATTACK),
        (UNDER_ATTACK, recovering(0, 0.05)),
        (recovering(0, 0.05), recovering(1, 0.25)),
        (recovering(1, 0.25), recovering(3, 1.0)),
        (recovering(3, 1.0), NORMAL),
    ]
    for before, after in steps:
        room.now += 60
        await room.change(before, after)
    incident = await only(room)
    assert [each.status for each in reversed(incident.updates)] == [
        "identified",
        "monitoring",
        "monitoring",
        "monitoring",
        "resolved",
    ]
    assert incident.resolved_at == room.now
    assert incident.monitoring_at == START + 240
    assert incident.impact == "major"
    assert all(each.automatic for each in incident.updates)
    opening = incident.updates[-1]
    assert opening.body_en == (
        "The service is under attack. New registrations are suspended for now. "
        "If you already have an account, you can log in and use the service as usual."
    )
    assert "suspendues" in opening.body_fr
    assert "5% of new registrations" in incident.updates[-2].body_en


async def test_raised_eyebrows_holds_and_dry_runs_are_no_news(room: Room) -> None:
    """The public reads of doors and disturbances, not of internal moves."""
    await room.change(NORMAL, ELEVATED)
    await room.change(ELEVATED, NORMAL)
    held = msgspec.structs.replace(NORMAL, held_by="ada", held_until=START + 60)
    await room.change(NORMAL, held, actor="ada")
    await room.incidents.on_transition(Transition(START, NORMAL, UNDER_ATTACK, "Would.", dry_run=True))
    assert await room.incidents.incidents() == []


async def test_the_same_transition_twice_writes_once(room: Room) -> None:
    """After a crash the controller may tell again what it told already."""
    transition = await room.change(NORMAL, UNDER_ATTACK)
    await room.incidents.on_transition(transition)
    await room.restart()
    await room.incidents.on_transition(transition)
    incident = await only(room)
    assert len(incident.updates) == 1
    assert incident.notes.count("Because.") == 1


async def test_what_was_decided_but_not_told_before_a_crash_is_told_after_it(room: Room) -> None:
    """The posture is written first; the incident follows from it."""
    await room.persist(Transition(START, NORMAL, UNDER_ATTACK, "Surge."))
    assert await room.incidents.incidents() == []
    await room.restart()
    assert (await only(room)).status == "identified"
    await room.restart()
    assert len((await only(room)).updates) == 1


async def test_a_restart_leaves_the_open_incident_as_it_was(room: Room) -> None:
    """Kill -9 at any moment: texts, times, operator's words."""
    await room.change(NORMAL, UNDER_ATTACK)
    incident = await only(room)
    await room.incidents.edit(incident.id, actor="ada", name_en="Busy day", notes="call the carrier")
    before = await only(room)
    await room.restart()
    assert await only(room) == before


async def test_old_transitions_do_not_touch_a_later_incident(room: Room) -> None:
    """Replaying after a restart adds nothing to what came afterwards."""
    await room.change(NORMAL, UNDER_ATTACK)
    room.now += 60
    await room.change(UNDER_ATTACK, recovering(0, 0.05))
    room.now += 60
    await room.change(recovering(0, 0.05), NORMAL)
    room.now += 7_200
    await room.change(NORMAL, UNDER_ATTACK)
    before = await room.incidents.incidents()
    await room.restart()
    assert await room.incidents.incidents() == before
    assert len(before) == 2


async def test_a_relapse_says_that_the_attack_came_back(room: Room) -> None:
    """Within the same incident."""
    await room.change(NORMAL, UNDER_ATTACK)
    room.now += 60
    await room.change(UNDER_ATTACK, recovering(1, 0.25))
    room.now += 60
    await room.change(recovering(1, 0.25), recovering(0, 0.05))
    room.now += 60
    await room.change(recovering(0, 0.05), UNDER_ATTACK)
    incident = await only(room)
    assert [each.status for each in incident.updates] == [
        "identified",
        "identified",
        "monitoring",
        "identified",
    ]
    assert incident.updates[0].body_en.startswith("The attack has come back.")
    assert incident.updates[1].body_en.startswith("The attack has shown itself again. 5%")


@pytest.mark.parametrize(("pause_s", "incidents"), [(3_599, 1), (3_601, 2)])
async def test_an_attack_that_returns_soon_continues_its_incident(
    room: Room, pause_s: float, incidents: int
) -> None:
    """Waves an hour apart are one story; a day later is another."""
    await room.change(NORMAL, UNDER_ATTACK)
    room.now += 60
    await room.change(UNDER_ATTACK, NORMAL)
    room.now += pause_s
    await room.change(NORMAL, UNDER_ATTACK)
    found = await room.incidents.incidents()
    assert len(found) == incidents
    assert found[0].resolved_at is None
    assert found[0].monitoring_at is None


async def test_an_operator_who_takes_over_is_the_only_one_who_writes(room: Room) -> None:
    """The machine keeps notes, and resolves once the incident is handed back."""
    await room.change(NORMAL, UNDER_ATTACK, reason="Surge.")
    incident = await only(room)
    await room.incidents.edit(incident.id, actor="ada", take_over=True)
    room.now += 60
    await room.change(UNDER_ATTACK, NORMAL, reason="It is over.")
    held = await only(room)
    assert (held.status, len(held.updates), held.taken_over_by) == ("identified", 1, "ada")
    assert "It is over." in held.notes
    await room.seconds(5)
    assert len((await only(room)).updates) == 1
    await room.incidents.edit(incident.id, actor="ada", take_over=False)
    await room.seconds(1)
    resolved = await only(room)
    assert (resolved.status, resolved.updates[0].automatic) == ("resolved", True)


async def test_a_name_that_an_operator_wrote_stays(room: Room) -> None:
    """Also when the attack comes back."""
    await room.change(NORMAL, UNDER_ATTACK)
    await room.incidents.edit((await only(room)).id, actor="ada", name_en="Mine", name_fr="À moi")
    room.now += 60
    await room.change(UNDER_ATTACK, recovering(0, 0.05))
    room.now += 60
    await room.change(recovering(0, 0.05), UNDER_ATTACK)
    assert (await only(room)).name_en == "Mine"


async def test_an_operator_who_opens_the_gates_by_hand_is_told_of_as_such(room: Room) -> None:
    """The machine does not claim that the attack is over when it was merely told so."""
    await room.change(NORMAL, UNDER_ATTACK)
    room.now += 60
    await room.change(UNDER_ATTACK, ELEVATED, actor="ada")
    assert (await only(room)).updates[0].body_en.startswith("Registrations are open to everyone again.")
    room.now += 60
    await room.change(ELEVATED, NORMAL)
    incident = await only(room)
    assert incident.status == "resolved"
    assert incident.updates[0].body_en == "Registrations are open to everyone again."


async def test_a_closed_door_without_an_attack_claims_none(room: Room) -> None:
    """An operator may close registration for other reasons."""
    closed = PostureState(
        posture=Posture.ELEVATED, registration=RegistrationMode.WAITLIST, registration_share=1.0
    )
    await room.change(NORMAL, closed)
    incident = await only(room)
    assert incident.name_en == "Registrations limited"
    assert "attack" not in incident.updates[0].body_en
    room.now += 60
    await room.change(closed, NORMAL)
    assert (await only(room)).status == "resolved"


async def test_updates_tell_the_measured_share_and_never_round_it_up(room: Room) -> None:
    """Once enough requests were counted to say anything."""
    await room.change(NORMAL, UNDER_ATTACK)
    await room.seconds(30, UNDER_ATTACK, asked=100)
    await room.seconds(1, UNDER_ATTACK, asked=100, unserved=1)
    await room.change(UNDER_ATTACK, recovering(0, 0.05))
    update = (await only(room)).updates[0]
    assert update.body_en.endswith("Since it began, 99.9% of existing users' requests were served.")
    assert "99,9\u00a0%" in update.body_fr


async def test_reassurance_is_given_only_while_it_is_true(room: Room) -> None:
    """With existing users' requests failing, the words say so."""
    await room.seconds(10, asked=10, unserved=5)
    await room.change(NORMAL, UNDER_ATTACK)
    body = (await only(room)).updates[0].body_en
    assert "as usual" not in body.replace("than usual", "")
    assert "some of them fail" in body


async def test_updates_name_the_components_and_their_change(room: Room) -> None:
    """As Statuspage's affected_components."""
    await room.change(NORMAL, UNDER_ATTACK)
    room.now += 60
    await room.change(UNDER_ATTACK, NORMAL)
    incident = await only(room)
    assert [(each.component, each.old, each.new) for each in incident.updates[1].affected] == [
        (Component.REGISTRATION, Status.OPERATIONAL, Status.PARTIAL)
    ]
    assert [(each.old, each.new) for each in incident.updates[0].affected] == [
        (Status.PARTIAL, Status.OPERATIONAL)
    ]
    assert incident.components == (Component.REGISTRATION,)


@pytest.mark.parametrize(
    ("unserved", "engines_up", "impact", "body"),
    [
        (1, 1, "minor", words.SLOW),
        (3, 1, "major", words.FAILING),
        (0, 0, "critical", words.DOWN),
    ],
)
async def test_a_lasting_disturbance_without_an_attack_opens_an_incident(
    room: Room, unserved: int, engines_up: int, impact: str, body: words.Words
) -> None:
    """And its end, measured, resolves it."""
    await room.seconds(25, asked=20, unserved=unserved, engines_up=engines_up)
    assert await room.incidents.incidents() == []
    await room.seconds(20, asked=20, unserved=unserved, engines_up=engines_up)
    incident = await only(room)
    assert (incident.status, incident.impact) == ("investigating", impact)
    assert incident.updates[0].body_en.startswith(body.en)
    await room.seconds(160, asked=20)
    incident = await only(room)
    assert incident.status == "resolved"
    assert incident.updates[0].body_en.startswith("Everything works as usual again.")


async def test_a_disturbance_survives_a_restart_without_being_told_twice(room: Room) -> None:
    """It goes on, then it ends; one incident with two entries."""
    await room.seconds(45, asked=20, unserved=20)
    await room.incidents.flush()
    await room.restart()
    await room.seconds(45, asked=20, unserved=20)
    await room.seconds(160, asked=20)
    incident = await only(room)
    assert [each.status for each in incident.updates] == ["resolved", "investigating"]


async def test_a_disturbance_that_worsens_says_so_once(room: Room) -> None:
    """From slow to down."""
    await room.seconds(40, OVERLOADED)
    assert (await only(room)).impact == "minor"
    await room.seconds(60, OVERLOADED, asked=20, unserved=20)
    incident = await only(room)
    assert (incident.impact, len(incident.updates)) == ("critical", 2)
    assert incident.name_en == "Requests are not answered"


async def test_a_disturbance_that_turns_out_an_attack_stays_one_incident(room: Room) -> None:
    """One open incident at a time."""
    await room.seconds(45, asked=20, unserved=20)
    await room.change(NORMAL, UNDER_ATTACK)
    await room.seconds(200, UNDER_ATTACK, asked=20)
    await room.change(UNDER_ATTACK, NORMAL)
    incident = await only(room)
    assert incident.name_en == "Registrations limited during an attack"
    assert incident.status == "resolved"
    assert len(incident.updates) == 3


async def test_a_database_that_is_away_delays_the_words_and_not_the_defence(room: Room) -> None:
    """What could not be written is written when the database is back."""
    write = room.incidents.writing

    def refuse() -> None:
        raise OSError("disk full")

    room.incidents.writing = refuse  # type: ignore[assignment,method-assign]
    await room.change(NORMAL, UNDER_ATTACK)
    assert await room.incidents.incidents() == []
    room.incidents.writing = write  # type: ignore[method-assign]
    await room.incidents.measure(sample(room.now), UNDER_ATTACK, room.now)
    assert (await only(room)).status == "identified"


def test_the_machine_names_nobody_and_claims_nothing_about_data() -> None:
    """Its vocabulary leaves attribution and breaches to people."""
    texts = [each for each in vars(words).values() if isinstance(each, words.Words)]
    texts += [words.stage(0.05), words.stage(1.0), words.recovery(0.25), words.step_back(0.5)]
    texts.append(words.availability(1000, 1))
    assert len(texts) > 20
    for text in texts:
        lower = f"{text.en} {text.fr}".lower()
        for claim in ("data", "donnée", "breach", "leak", "hacker", "botnet", "country", "china", "russia"):
            assert claim not in lower
        assert text.en[0].isupper()
        assert text.fr[0].isupper()
