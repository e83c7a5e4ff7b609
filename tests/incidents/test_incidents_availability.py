"""Components measured, days kept."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from incident_room import NORMAL, START, UNDER_ATTACK, Room, incident_room, recovering, sample

from pontlevis.brain.observation import BandSample, ServiceSample
from pontlevis.brain.vocabulary import Standing
from pontlevis.incidents.availability import DAY_S, day_view
from pontlevis.incidents.components import Component, Status, indicator
from pontlevis.incidents.measure import Served
from pontlevis.incidents.policy import IncidentPolicy

OK, SLOW, PART, DOWN, CARE = (
    Status.OPERATIONAL,
    Status.DEGRADED,
    Status.PARTIAL,
    Status.MAJOR,
    Status.MAINTENANCE,
)


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with incident_room(tmp_path) as made:
        yield made


def shown(room: Room) -> list[Status]:
    return list(room.incidents.statuses.values())


async def test_registration_follows_the_posture(room: Room) -> None:
    """Suspended is a partial outage, some let through is degraded; the other components do not care."""
    await room.seconds(1, UNDER_ATTACK)
    assert shown(room) == [OK, OK, OK, PART]
    await room.seconds(1, recovering(0, 0.05))
    assert shown(room) == [OK, OK, OK, SLOW]
    await room.seconds(1, recovering(3, 1.0))
    assert shown(room) == [OK, OK, OK, OK]


@pytest.mark.parametrize(
    ("asked", "unserved", "status"),
    [(100, 1, OK), (100, 2, SLOW), (100, 10, PART), (100, 50, DOWN), (0, 0, OK)],
)
async def test_the_share_of_existing_users_requests_makes_the_state(
    room: Room, asked: int, unserved: int, status: Status
) -> None:
    """Refused and failed alike."""
    await room.seconds(3, asked=asked, unserved=unserved)
    assert shown(room)[:2] == [status, status]


async def test_a_few_requests_say_nothing(room: Room) -> None:
    """One failure of one request is no outage."""
    await room.seconds(4, asked=1, unserved=1)
    assert shown(room)[0] is OK


async def test_requests_of_newcomers_do_not_count(room: Room) -> None:
    """They are who is shed first in an attack; the page speaks for those who have an account."""
    room.now += 1
    band = BandSample(standing=Standing.NEW, arrived=100, refused=100)
    crowd = ServiceSample(at=room.now, interval_s=1.0, bands=[band], engines_up=1, engines=1)
    await room.incidents.measure(crowd, NORMAL, room.now)
    assert shown(room)[0] is OK
    assert await room.incidents.existing_availability() == Served(0, 0)


async def test_slow_answers_are_degraded_performance(room: Room) -> None:
    """Most seconds with a first token after more than ten."""
    await room.seconds(10, asked=10, ttft_s=11.0)
    assert shown(room)[0] is SLOW


async def test_engines_that_start_are_no_outage_and_engines_that_stay_away_are(room: Room) -> None:
    """Five seconds of grace."""
    await room.seconds(4, engines_up=0)
    assert shown(room)[0] is OK
    await room.seconds(3, engines_up=0)
    assert shown(room)[:2] == [DOWN, DOWN]
    await room.seconds(1)
    assert shown(room)[0] is OK


async def test_a_gateway_that_is_silent_is_an_outage_of_everything(room: Room) -> None:
    """Nobody comes in without one."""
    await room.seconds(1)
    last = sample(room.now)
    for _ in range(12):
        room.now += 1
        await room.incidents.measure(last, NORMAL, room.now)
    assert shown(room) == [DOWN] * 4


async def test_log_in_is_measured_by_those_who_had_the_right_to(room: Room) -> None:
    """Turned away unheard counts; a wrong password never reaches this count."""
    for ok in (True, True, True, False, False):
        room.incidents.login(ok)
    await room.seconds(1)
    assert shown(room)[2] is PART


async def test_two_workers_figures_of_one_second_count_once(room: Room) -> None:
    """The second worker's come later and are added to the first's."""
    room.now += 1
    await room.incidents.measure(sample(room.now, asked=3), NORMAL, room.now)
    await room.incidents.measure(sample(room.now + 0.3, asked=5, unserved=1), NORMAL, room.now + 0.4)
    assert await room.incidents.existing_availability() == Served(5, 1)


async def test_days_survive_kill_9_but_for_the_last_seconds(room: Room) -> None:
    """Written every ten seconds."""
    await room.seconds(25, UNDER_ATTACK, asked=2)
    await room.restart()
    today = (await room.incidents.components())[3].days[-1]
    assert 10 <= sum(today.seconds) <= 25
    assert today.worst is PART
    kept = await room.incidents.existing_availability()
    assert 20 <= kept.asked <= 50


async def test_writing_twice_counts_nothing_twice(room: Room) -> None:
    """A write that timed out may have happened nevertheless."""
    await room.seconds(9, asked=1)
    for _ in range(3):
        await room.incidents.flush()
    await room.restart()
    assert (await room.incidents.components())[0].days[-1].seconds[0] == 8.0
    assert await room.incidents.existing_availability() == Served(9, 0)


async def test_days_without_data_are_not_a_hundred_percent(room: Room) -> None:
    """They are shown as having none."""
    await room.seconds(20)
    room.now += 3 * DAY_S
    await room.seconds(20)
    days = (await room.incidents.components())[0].days
    assert len(days) == 90
    assert [each.uptime for each in days[-5:]] == [None, 1.0, None, None, 1.0]
    assert days[-1].day == int(room.now // DAY_S)


async def test_a_gap_is_not_measured(room: Room) -> None:
    """A machine that slept did not serve, and was not down for anyone we know of."""
    await room.seconds(2)
    room.now += 3_600
    await room.seconds(2)
    assert sum((await room.incidents.components())[0].days[-1].seconds) == 2.0


async def test_log_in_and_registration_need_the_database_and_say_so(room: Room) -> None:
    """Keys and sessions that exist do not."""
    flush = room.incidents.availability.flush

    async def broken() -> None:
        raise OSError("disk full")

    room.incidents.availability.flush = broken  # type: ignore[method-assign]
    await room.seconds(13)
    assert shown(room) == [OK, OK, DOWN, DOWN]
    room.incidents.availability.flush = flush  # type: ignore[method-assign]
    await room.seconds(12)
    assert shown(room) == [OK, OK, OK, OK]


@pytest.mark.parametrize(
    ("seconds", "uptime", "worst"),
    [
        ([86_400.0, 0, 0, 0, 0], 1.0, OK),
        ([0, 0, 100.0, 0, 0], 0.7, PART),
        ([50.0, 0, 0, 50.0, 0], 0.5, DOWN),
        ([90.0, 10.0, 0, 0, 0], 1.0, SLOW),
        ([995.0, 0, 0, 5.0, 0], 0.995, OK),
        ([50.0, 0, 0, 0, 50.0], 1.0, CARE),
        ([0, 0, 0, 0, 60.0], None, CARE),
        ([0, 0, 0, 0, 0], None, None),
    ],
)
def test_a_days_share_follows_the_printed_rule(
    seconds: list[float], uptime: float | None, worst: Status | None
) -> None:
    """(total - down - 0.3 x partly down) / total, maintenance left out."""
    day = day_view(0, seconds, IncidentPolicy())
    assert day.uptime == (pytest.approx(uptime) if uptime is not None else None)
    assert day.worst is worst


@settings(deadline=None)
@given(st.lists(st.floats(0, 86_400), min_size=5, max_size=5), st.floats(0, 1))
def test_a_days_share_is_a_share(seconds: list[float], weight: float) -> None:
    """Whatever was measured."""
    uptime = day_view(0, seconds, IncidentPolicy(partial_outage_weight=weight)).uptime
    assert uptime is None or -1e-9 <= uptime <= 1 + 1e-9


@pytest.mark.parametrize(
    ("statuses", "word"),
    [
        ((OK, OK, OK, OK), "none"),
        ((OK, OK, OK, PART), "minor"),
        ((OK, OK, OK, DOWN), "minor"),
        ((SLOW, SLOW, OK, OK), "minor"),
        ((OK, OK, DOWN, DOWN), "major"),
        ((PART, PART, OK, OK), "major"),
        ((DOWN, DOWN, OK, OK), "critical"),
        ((OK, CARE, OK, OK), "maintenance"),
    ],
)
def test_the_banner_speaks_for_those_who_have_an_account(statuses: tuple[Status, ...], word: str) -> None:
    """Registration alone is never more than minor."""
    assert indicator(dict(zip(Component, statuses, strict=True))) == word


@pytest.mark.parametrize(
    "bad",
    [
        {"degraded_share": 0.2, "partial_share": 0.1},
        {"partial_outage_weight": 1.5},
        {"history_days": 0},
    ],
)
def test_settings_that_make_no_sense_are_refused(bad: dict[str, float]) -> None:
    """With the setting's name."""
    with pytest.raises(ValueError, match="incidents"):
        IncidentPolicy(**bad)  # type: ignore[arg-type]


def test_the_start_of_the_tests_clock_is_a_day_in_the_right_year() -> None:
    """Days are counted in UTC."""
    assert int(START // DAY_S) == 20_115
