"""Slots that are taken back, and slots that must not be idle."""

import pytest
from admission_asks import ask, make
from hypothesis import given
from hypothesis import strategies as st

from pontlevis.brain.admission.messages import Dispatch, Preempt, Queued, Refuse
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import Posture, RefusalCode, Standing


def test_a_newcomer_that_has_not_begun_gives_its_slot_to_an_existing_user() -> None:
    """The newest of the lowest band; it goes back to its queue and starts again later."""
    admission = make(borrow_spare=0.0)
    for ticket in range(1, 5):
        assert isinstance(admission.ask(ask(ticket, Standing.NEW), 0.0), Dispatch)
    admission.first_byte(1, 0.1)
    assert isinstance(admission.ask(ask(9), 0.2), Queued)
    back, started = admission.due(0.2)
    assert isinstance(back, Preempt)
    assert isinstance(started, Dispatch)
    assert (back.ticket, back.requeued, started.ticket) == (4, True, 9)
    assert admission.in_flight == 4
    assert admission.queued == 1
    for ticket in (9, 1, 2):
        admission.finish(ticket, 1.0, input_tokens=100, output_tokens=50)
    (again,) = admission.due(1.0)
    assert isinstance(again, Dispatch)
    assert again.ticket == 4


def test_on_a_quiet_day_no_answer_under_way_is_cut() -> None:
    """The existing user waits for the next slot."""
    admission = make(borrow_spare=0.0)
    for ticket in range(1, 5):
        admission.ask(ask(ticket, Standing.NEW), 0.0)
        admission.first_byte(ticket, 0.1)
    admission.ask(ask(9), 0.2)
    assert admission.due(5.0) == []


@pytest.mark.parametrize("standing", [Standing.NEW, Standing.ANONYMOUS])
def test_under_attack_the_newest_answer_of_a_newcomer_is_ended(standing: Standing) -> None:
    """After a tenth of a second, and with what it generated charged."""
    admission = make(borrow_spare=0.0)
    for ticket in range(1, 5):
        assert isinstance(admission.ask(ask(ticket, standing), 0.0), Dispatch)
        admission.first_byte(ticket, 0.1)
        admission.progress(ticket, 7, 0.1)
    admission.set_posture(PostureState(posture=Posture.UNDER_ATTACK), 0.2)
    admission.ask(ask(9), 0.2)
    assert admission.due(0.25) == []
    cut, started = admission.due(0.31)
    assert isinstance(cut, Preempt)
    assert isinstance(started, Dispatch)
    assert (cut.ticket, cut.requeued, cut.code) == (4, False, RefusalCode.PREEMPTED)
    assert "existing user" in cut.reason
    admission.finish(4, 0.31, input_tokens=None, output_tokens=7)
    admission.finish(4, 0.31, input_tokens=None, output_tokens=7)
    assert admission.in_flight == 4
    band = next(each for each in admission.sample(1.0, 1.0).bands if each.standing == standing)
    assert band.tokens == 107


def test_an_answer_is_not_cut_for_who_came_this_moment() -> None:
    """Though somebody who had waited longer has just been served: each waits their own tenth of a second."""
    admission = make(2, posture=Posture.RECOVERING)
    for ticket, standing in ((1, Standing.ESTABLISHED), (2, Standing.NEW)):
        assert isinstance(admission.ask(ask(ticket, standing), 0.0), Dispatch)
        admission.first_byte(ticket, 0.01)
    assert isinstance(admission.ask(ask(3), 0.45), Queued)
    admission.finish(1, 0.5, input_tokens=100, output_tokens=50)
    assert isinstance(admission.ask(ask(4), 0.5), Queued)
    (started,) = admission.due(0.5)
    assert (type(started), started.ticket) == (Dispatch, 3)
    assert admission.due(0.59) == []
    cut, served = admission.due(0.61)
    assert (type(cut), cut.ticket, type(served), served.ticket) == (Preempt, 2, Dispatch, 4)


def test_a_recent_account_s_answer_is_never_cut() -> None:
    """It has earned that much."""
    admission = make(preempt_streams="always", borrow_spare=0.0)
    for ticket in range(1, 5):
        admission.ask(ask(ticket, Standing.RECENT), 0.0)
        admission.first_byte(ticket, 0.1)
    admission.ask(ask(9), 0.2)
    assert admission.due(5.0) == []


def test_the_same_request_is_not_put_off_for_ever() -> None:
    """Twice at most; work thrown away has a bound."""
    admission = make(1, borrow_spare=0.0)
    admission.ask(ask(1, Standing.NEW), 0.0)
    now = 0.0
    for round_ in range(2):
        admission.ask(ask(10 + round_), now)
        assert [type(each) for each in admission.due(now)] == [Preempt, Dispatch]
        now += 1.0
        admission.finish(10 + round_, now, input_tokens=1, output_tokens=1)
        assert [each.ticket for each in admission.due(now)] == [1]
    admission.ask(ask(20), now)
    assert admission.due(now) == []


def test_a_request_that_was_put_off_and_waits_its_time_out_is_told_why() -> None:
    """Its code says that others went first."""
    admission = make(1, borrow_spare=0.0)
    admission.ask(ask(1, Standing.NEW), 0.0)
    admission.ask(ask(2), 0.0)
    admission.due(0.0)
    (refused,) = admission.due(10.0)
    assert isinstance(refused, Refuse)
    assert (refused.ticket, refused.code) == (1, RefusalCode.PREEMPTED)


@given(st.integers(1, 6), st.lists(st.tuples(st.booleans(), st.integers(0, 100)), max_size=60))
def test_no_slot_is_idle_while_an_existing_user_waits(limit: int, steps: list[tuple[bool, int]]) -> None:
    """After every arrival and every end as many run as there are slots, or everybody does."""
    admission = make(limit)
    running: list[int] = []
    waiting: set[int] = set()
    for number, (arrives, pick) in enumerate(steps):
        now = number * 0.01
        if arrives or not running:
            said = admission.ask(ask(number), now)
            assert isinstance(said, Dispatch | Queued)
            waiting.add(number)
            if isinstance(said, Dispatch):
                waiting.remove(number)
                running.append(number)
        else:
            admission.finish(running.pop(pick % len(running)), now, input_tokens=100, output_tokens=10)
        while commands := admission.due(now):
            for command in commands:
                assert isinstance(command, Dispatch)
                waiting.remove(command.ticket)
                running.append(command.ticket)
        assert len(running) == min(admission.limit, len(running) + len(waiting))
