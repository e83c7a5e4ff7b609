"""Admission as a dialogue: this arrives, that is answered."""

import random

import pytest

from pontlevis.brain.admission.admission import Admission
from pontlevis.brain.admission.messages import Ask, Dispatch, Queued, Refuse
from pontlevis.brain.admission.policy import AdmissionPolicy
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import Posture, RefusalCode, Standing

E, F = "http://e", "http://f"
M = frozenset({"m"})


def make(
    limit: int = 10, *, enabled: bool = True, engines: tuple[str, ...] = (E,), **policy: object
) -> Admission:
    admission = Admission(
        AdmissionPolicy(initial_limit=limit, **policy),  # type: ignore[arg-type]
        enabled=enabled,
        rng=random.Random(1),
    )
    for engine in engines:
        admission.set_engine(engine, M, True, 0.0)
    return admission


def ask(ticket: int, standing: Standing = Standing.ESTABLISHED, account: str = "", **more: object) -> Ask:
    return Ask(ticket, account or f"account {ticket}", standing, "m", 100, 50, **more)  # type: ignore[arg-type]


def fill(
    admission: Admission, count: int, standing: Standing = Standing.ESTABLISHED, first: int = 1
) -> list[Dispatch | Queued | Refuse]:
    return [admission.ask(ask(first + each, standing), 0.0) for each in range(count)]


def test_a_request_goes_to_the_engine_at_once_while_there_is_room() -> None:
    """Without a queue, and with its tokens reserved."""
    said = make().ask(ask(1), 5.0)
    assert said == Dispatch(1, E, 0.0, 100, 50)


def test_beyond_the_limit_requests_wait_and_start_as_slots_come_back() -> None:
    """First come, first served within one band of equals."""
    admission = make(2)
    first, second, third = fill(admission, 3)
    assert isinstance(first, Dispatch)
    assert isinstance(second, Dispatch)
    assert isinstance(third, Queued)
    assert admission.due(0.1) == []
    admission.finish(1, 0.2, input_tokens=100, output_tokens=50)
    (started,) = admission.due(0.3)
    assert isinstance(started, Dispatch)
    assert started.ticket == 3
    assert started.waited_s == pytest.approx(0.3)


def test_existing_users_go_before_everybody_who_waits() -> None:
    """However long the others have waited."""
    admission = make(1)
    fill(admission, 1)
    for ticket, standing in ((2, Standing.NEW), (3, Standing.RECENT), (4, Standing.ESTABLISHED)):
        assert isinstance(admission.ask(ask(ticket, standing), 1.0), Queued)
    admission.finish(1, 2.0, input_tokens=1, output_tokens=1)
    assert [each.ticket for each in admission.due(2.0)] == [4]


@pytest.mark.parametrize(
    ("posture", "slots"), [(Posture.NORMAL, 9), (Posture.RECOVERING, 6), (Posture.UNDER_ATTACK, 1)]
)
def test_newcomers_never_fill_the_engine(posture: Posture, slots: int) -> None:
    """They borrow what is idle, less the more the service is in danger; a slot stays free for an existing user."""
    admission = make(10)
    admission.set_posture(PostureState(posture=posture), 0.0)
    said = fill(admission, 30, Standing.NEW)
    assert sum(isinstance(each, Dispatch) for each in said) == slots
    assert isinstance(admission.ask(ask(100, Standing.ESTABLISHED), 0.0), Dispatch)


def test_what_existing_users_lately_held_is_not_lent() -> None:
    """The reserve follows their peak, and fades when they are gone."""
    admission = make(10)
    fill(admission, 8)
    for ticket in range(1, 9):
        admission.finish(ticket, 1.0, input_tokens=1, output_tokens=1)
    assert [type(admission.ask(ask(50 + each, Standing.RECENT), 1.0)) for each in range(2)] == [
        Dispatch,
        Queued,
    ]


def test_what_is_not_lent_fades_when_existing_users_are_gone() -> None:
    """Though none of them ever asks again: an hour later newcomers borrow what is idle, also those who wait."""
    admission = make(10)
    fill(admission, 8)
    for ticket in range(1, 9):
        admission.finish(ticket, 1.0, input_tokens=1, output_tokens=1)
    assert isinstance(admission.ask(ask(50, Standing.RECENT), 1.0), Dispatch)
    assert isinstance(admission.ask(ask(51, Standing.RECENT), 1.0), Queued)
    assert [each.ticket for each in admission.due(3_600.0) if isinstance(each, Dispatch)] == []
    later = [admission.ask(ask(60 + each, Standing.RECENT), 3_600.0) for each in range(8)]
    assert sum(isinstance(each, Dispatch) for each in later) >= 7


def test_who_waits_gets_what_existing_users_no_longer_need() -> None:
    """Nobody need arrive for that."""
    admission = make(10, reserve_memory_s=5.0)
    fill(admission, 8)
    for ticket in range(1, 9):
        admission.finish(ticket, 1.0, input_tokens=1, output_tokens=1)
    for ticket in (50, 51):
        admission.ask(ask(ticket, Standing.RECENT), 1.0)
    assert admission.due(1.5) == []
    assert [each.ticket for second in (2, 3, 4) for each in admission.due(float(second))] == [51]


def test_under_attack_seventy_percent_are_kept_and_anonymous_use_is_off() -> None:
    """The ceilings follow the posture."""
    admission = make(10)
    admission.set_posture(PostureState(posture=Posture.UNDER_ATTACK), 0.0)
    assert sum(isinstance(each, Dispatch) for each in fill(admission, 20, Standing.RECENT)) == 3
    refused = admission.ask(ask(99, Standing.ANONYMOUS), 0.0)
    assert isinstance(refused, Refuse)
    assert (refused.status, refused.code) == (503, RefusalCode.ANONYMOUS_SUSPENDED)


def test_within_a_band_the_least_served_account_goes_first() -> None:
    """A heavy account's queue does not delay a light one."""
    admission = make(1, concurrent_requests=1_000)
    assert isinstance(admission.ask(ask(1, account="heavy"), 0.0), Dispatch)
    for ticket in range(2, 30):
        admission.ask(ask(ticket, account="heavy"), 0.0)
    admission.ask(ask(50, account="light"), 1.0)
    admission.finish(1, 2.0, input_tokens=100, output_tokens=500)
    assert [each.ticket for each in admission.due(2.0)] == [50]
    admission.finish(50, 3.0, input_tokens=100, output_tokens=5_000)
    assert [each.ticket for each in admission.due(3.0)] == [2]


def test_who_waits_too_long_is_told_so() -> None:
    """At its deadline, with a time to come back."""
    admission = make(1)
    fill(admission, 1)
    queued = admission.ask(ask(2, Standing.NEW), 0.0)
    assert isinstance(queued, Queued)
    assert admission.next_deadline() == queued.deadline
    assert admission.due(queued.deadline - 0.01) == []
    (refused,) = admission.due(queued.deadline)
    assert isinstance(refused, Refuse)
    assert refused.code is RefusalCode.QUEUE_TIMEOUT
    assert refused.retry_after_s > 0
    assert "new account" in refused.explain


def test_a_full_queue_refuses_at_once_with_jitter() -> None:
    """So that those who come back do not come back together."""
    admission = make(1, queue_size=(2, 2, 2, 2))
    said = fill(admission, 40)
    refused = [each for each in said if isinstance(each, Refuse)]
    assert len(refused) == 37
    assert all(each.code is RefusalCode.OVERLOADED for each in refused)
    assert len({each.retry_after_s for each in refused}) > 30


def test_a_large_service_has_a_large_queue() -> None:
    """A burst that many slots serve in a moment waits for it instead of being turned away; few slots keep the least."""
    many, few = (
        make(slots, queue_size=(2, 2, 2, 2), queue_per_slot=(1.0, 0.0, 0.0, 0.0)) for slots in (50, 1)
    )
    waiting = [sum(isinstance(each, Queued) for each in fill(admission, 200)) for admission in (many, few)]
    assert waiting == [50, 2]


def test_two_hundred_parallel_requests_do_not_overshoot_a_quota() -> None:
    """Tokens are reserved before the run: a burst gets what the quota holds and not one more."""
    admission = make(1_000, tokens_per_minute=15_000, requests_per_minute=10_000, concurrent_requests=1_000)
    said = [admission.ask(ask(each, account="one"), 0.0) for each in range(200)]
    assert sum(isinstance(each, Dispatch) for each in said) == 100
    refused = [each for each in said if isinstance(each, Refuse)]
    assert {each.status for each in refused} == {429}
    assert refused[0].retry_after_s == pytest.approx(0.6)
    later = admission.ask(ask(500, account="one"), refused[0].retry_after_s)
    assert isinstance(later, Dispatch)


def test_what_was_reserved_too_much_is_given_back() -> None:
    """And what was used beyond it is taken."""
    admission = make(tokens_per_minute=600)
    admission.ask(ask(1, account="one"), 0.0)
    left = admission.allowance("one", Standing.ESTABLISHED, 0.0)
    assert left is not None
    assert left.remaining_tokens == 450
    admission.finish(1, 0.0, input_tokens=20, output_tokens=10)
    left = admission.allowance("one", Standing.ESTABLISHED, 0.0)
    assert left is not None
    assert left.remaining_tokens == 570


def test_aborted_work_is_charged_and_its_slot_is_free_at_once() -> None:
    """Tokens that were generated for a client that went away count."""
    admission = make(1, tokens_per_minute=600)
    admission.ask(ask(1, account="one"), 0.0)
    admission.progress(1, 30, 0.5)
    admission.abandon(1, 1.0)
    admission.abandon(1, 1.0)
    left = admission.allowance("one", Standing.ESTABLISHED, 0.0)
    assert left is not None
    assert left.remaining_tokens == 470
    assert admission.in_flight == 0
    assert isinstance(admission.ask(ask(2), 1.0), Dispatch)


def test_engines_are_chosen_by_least_tokens_in_flight() -> None:
    """Among those that are up and have the model."""
    admission = make(4, engines=(E, F))
    assert isinstance(big := admission.ask(Ask(1, "a", Standing.PAID, "m", 10_000, 10), 0.0), Dispatch)
    small = [admission.ask(ask(each), 0.0) for each in (2, 3, 4)]
    assert {each.engine for each in small if isinstance(each, Dispatch)} == ({E, F} - {big.engine})


def test_an_unknown_model_and_an_absent_engine_are_told_apart() -> None:
    """404 for what does not exist, 503 for what is away."""
    admission = make()
    missing = admission.ask(Ask(1, "a", Standing.PAID, "x", 1, 1), 0.0)
    assert isinstance(missing, Refuse)
    assert (missing.status, missing.code) == (404, RefusalCode.MODEL_NOT_FOUND)
    admission.set_engine(E, M, False, 1.0)
    away = admission.ask(ask(2), 1.0)
    assert isinstance(away, Refuse)
    assert (away.status, away.code) == (503, RefusalCode.ENGINE_UNAVAILABLE)
    admission.set_engine(F, frozenset({"other"}), True, 1.0)
    still_away = admission.ask(ask(3), 1.0)
    assert isinstance(still_away, Refuse)
    assert (still_away.status, still_away.code) == (503, RefusalCode.ENGINE_UNAVAILABLE)


def test_a_request_whose_engine_fails_moves_to_another_before_its_first_byte() -> None:
    """Even to a full one, with its slot and tokens; after the first byte it stays where it broke."""
    admission = make(1, engines=(E, F))
    first, second = fill(admission, 2)
    assert isinstance(first, Dispatch)
    assert isinstance(second, Dispatch)
    moved = admission.move(1, 0.5)
    assert moved is not None
    assert (moved.engine, admission.in_flight) == (second.engine, 2)
    admission.first_byte(1, 0.6)
    assert admission.move(1, 0.7) is None
    for ticket in (1, 2):
        admission.finish(ticket, 1.0, input_tokens=1, output_tokens=1)
    assert admission.in_flight == 0


def test_the_limit_falls_to_what_the_engine_runs_when_its_queue_grows() -> None:
    """And grows again only while it is full and the engine's queue is empty."""
    admission = make(50)
    fill(admission, 50)
    admission.engine_metrics(E, running=16, waiting=34, kv_usage=0.5, now=1.0)
    assert admission.limit == 17
    admission.engine_metrics(E, running=17, waiting=0, kv_usage=0.5, now=2.0)
    assert admission.limit == 18
    for ticket in range(1, 51):
        admission.finish(ticket, 2.5, input_tokens=1, output_tokens=1)
    for second in range(3, 20):
        admission.engine_metrics(E, running=0, waiting=0, kv_usage=0.0, now=float(second))
    assert admission.limit <= 19


def test_long_prompts_do_not_make_an_engine_small() -> None:
    """While they are read few run and some wait; the limit keeps to what it was seen to run."""
    admission = make(16)
    fill(admission, 14)
    admission.engine_metrics(E, running=14, waiting=0, kv_usage=0.5, now=1.0)
    admission.engine_metrics(E, running=4, waiting=4, kv_usage=0.5, now=2.0)
    assert admission.limit == 16
    admission.engine_metrics(E, running=5, waiting=3, kv_usage=0.5, now=3.0)
    assert admission.limit == 15
    for second in range(4, 15):
        admission.engine_metrics(E, running=8, waiting=4, kv_usage=0.5, now=float(second))
    assert admission.limit == 9, "it has lost half of its slots"


def test_the_limit_does_not_grow_on_a_moments_peak() -> None:
    """Sixteen at once for an instant do not show that the engine runs sixteen."""
    admission = make(16)
    fill(admission, 16)
    for ticket in range(1, 13):
        admission.finish(ticket, 0.5, input_tokens=1, output_tokens=1)
    admission.engine_metrics(E, running=4, waiting=0, kv_usage=0.1, now=1.0)
    assert admission.limit == 16
    fill(admission, 12, first=100)
    admission.engine_metrics(E, running=16, waiting=0, kv_usage=0.1, now=2.0)
    assert admission.limit == 20


def test_without_metrics_the_limit_follows_the_time_to_first_token() -> None:
    """When answers begin ten times later, the limit goes down."""
    admission = make(100)
    now, ticket = 0.0, 0
    for round_ in range(400):
        slow = round_ >= 200
        now += 0.6
        tickets = []
        for _ in range(60):
            ticket += 1
            if isinstance(admission.ask(ask(ticket, unlimited=True), now), Dispatch):
                tickets.append(ticket)
        for each in tickets:
            admission.first_byte(each, now + (0.5 if slow else 0.05))
            admission.finish(each, now + 0.5, input_tokens=100, output_tokens=50)
        for command in admission.due(now + 0.55):
            admission.finish(command.ticket, now + 0.55, input_tokens=1, output_tokens=1)
        if round_ == 199:
            before = admission.limit
        if round_ == 204:
            assert admission.limit < before
            return


def test_switched_off_it_lets_everything_through() -> None:
    """That is what a drill without defence compares with."""
    admission = make(1, enabled=False)
    assert all(isinstance(each, Dispatch) for each in fill(admission, 500, Standing.ANONYMOUS))


def test_a_hundred_thousand_passers_by_leave_nothing_behind() -> None:
    """Idle accounts are forgotten beyond the bound."""
    admission = make(1_000, accounts_remembered=1_000)
    for ticket in range(100_000):
        admission.ask(ask(ticket, Standing.ANONYMOUS), 0.0)
        admission.finish(ticket, 0.0, input_tokens=1, output_tokens=1)
    assert len(admission._accounts) <= 1_000


def test_a_sample_tells_what_happened_and_begins_anew() -> None:
    """By standing, with the times at the 99th percentile."""
    admission = make(2)
    fill(admission, 3)
    admission.first_byte(1, 0.4)
    sample = admission.sample(1.0, 1.0)
    band = next(each for each in sample.bands if each.standing == Standing.ESTABLISHED)
    assert (band.arrived, band.admitted, band.queued, band.in_flight) == (3, 2, 1, 2)
    assert band.ttft_p99_s == pytest.approx(0.4, rel=0.1)
    again = next(each for each in admission.sample(2.0, 1.0).bands if each.standing == Standing.ESTABLISHED)
    assert (again.arrived, again.queued) == (0, 1)
