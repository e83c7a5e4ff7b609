"""Lending, taking back, floors, cohorts, fairness, budgets: what makes strict priority bearable."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pontlevis.brain.admission.account import AccountState, Quota
from pontlevis.brain.admission.admission import Admission
from pontlevis.brain.admission.cohorts import COHORTS, Cohorts
from pontlevis.brain.admission.cost import CostBook, OutputHistory
from pontlevis.brain.admission.fair_queue import SPARE, FairQueue
from pontlevis.brain.admission.messages import Ask, Dispatch, Preempt, Queued, Refuse
from pontlevis.brain.admission.policy import AdmissionPolicy
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.refusal_note import Cause
from pontlevis.brain.vocabulary import Posture, RefusalCode, Standing

M = frozenset({"m"})


def make(
    limit: int = 4, *, engines: int = 1, posture: Posture = Posture.NORMAL, **policy: object
) -> Admission:
    admission = Admission(
        AdmissionPolicy(initial_limit=limit, **policy),  # type: ignore[arg-type]
        enabled=True,
        rng=random.Random(1),
    )
    for number in range(engines):
        admission.set_engine(f"http://e{number}", M, True, 0.0)
    admission.set_posture(PostureState(posture=posture), 0.0)
    return admission


def ask(ticket: int, standing: Standing = Standing.ESTABLISHED, account: str = "", tokens: int = 100) -> Ask:
    return Ask(ticket, account or f"account {ticket}", standing, "m", tokens, 50)


# -- preemption


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


# -- floors


def test_strict_bands_starve_nobody() -> None:
    """While existing users would fill the engine for ever, newcomers get their small share, in tokens."""
    admission = make(1, min_limit=1, max_limit=1, floor_share=(0.05, 0.05, 0.05, 0.05), concurrent_requests=100_000, preempt_most=100,
                     queue_size=(100, 100, 100, 100), queue_wait_s=(1e9,) * 4, overload_after_s=1e9,
                     requests_per_minute=10**9, tokens_per_minute=10**12, requests_per_day=0, tokens_per_day=0)  # fmt: skip
    served = {Standing.ESTABLISHED: 0, Standing.NEW: 0}
    running: dict[int, Standing] = {}
    waiting: dict[int, Standing] = {}
    ticket = 0
    for step in range(1_500):
        now = float(step)
        for standing in served:
            while sum(each is standing for each in waiting.values()) < 3:
                ticket += 1
                said = admission.ask(ask(ticket, standing, standing.word), now)
                (running if isinstance(said, Dispatch) else waiting)[ticket] = standing
        for command in admission.due(now):
            if isinstance(command, Dispatch):
                running[command.ticket] = waiting.pop(command.ticket)
            else:
                assert isinstance(command, Preempt)
                waiting[command.ticket] = running.pop(command.ticket)
        for each, standing in list(running.items()):
            admission.first_byte(each, now)
            admission.finish(each, now, input_tokens=100, output_tokens=50)
            del running[each]
            served[standing] += 1
    share = served[Standing.NEW] / served[Standing.ESTABLISHED]
    assert 0.045 <= share <= 0.055


def test_under_attack_the_floor_is_a_hundredth() -> None:
    """What existing users may lose of their goodput."""
    policy = AdmissionPolicy()
    assert policy.at(policy.floor_share, Posture.UNDER_ATTACK) == 0.01


# -- overload


def test_an_overloaded_queue_serves_the_newest_and_waits_shorter() -> None:
    """Those who have waited long have mostly gone; serving them first would make everybody late."""
    admission = make(1, overload_after_s=5.0, overload_wait_s=(8.0, 6.0, 3.0, 2.0))
    admission.ask(ask(1), 0.0)
    admission.ask(ask(2), 0.0)
    for ticket, at in ((3, 6.0), (4, 7.0)):
        admission.ask(ask(ticket), at)
    admission.finish(1, 7.5, input_tokens=1, output_tokens=1)
    (started,) = admission.due(7.5)
    assert started.ticket == 4
    (late,) = admission.due(8.0)
    assert isinstance(late, Refuse)
    assert (late.ticket, late.cause) == (2, Cause.WAITED_OVERLOADED)


def test_who_fills_the_queue_makes_room_in_it() -> None:
    """A light account finds a place in a queue that a heavy one has filled."""
    admission = make(1, queue_size=(8, 8, 8, 8))
    for ticket in range(1, 10):
        admission.ask(ask(ticket, account="heavy"), 0.0)
    assert isinstance(refused := admission.ask(ask(20, account="heavy"), 0.1), Refuse)
    assert refused.cause is Cause.QUEUE_FULL
    assert isinstance(admission.ask(ask(30, account="light"), 0.1), Queued)
    (dropped,) = admission.due(0.1)
    assert isinstance(dropped, Refuse)
    assert (dropped.ticket, dropped.cause) == (9, Cause.QUEUE_FULL)
    admission.finish(1, 1.0, input_tokens=100, output_tokens=50)
    assert [each.ticket for each in admission.due(1.0)] == [2]
    admission.finish(2, 1.0, input_tokens=100, output_tokens=50)
    assert [each.ticket for each in admission.due(1.0)] == [30], "though heavy asked for it long before"


def test_cohorts_are_stable_for_an_hour_and_then_others() -> None:
    """So that a conversation goes on, and it is not always the same people."""
    cohorts = Cohorts(AdmissionPolicy(), 0.0)
    for second in range(11):
        cohorts.update(True, float(second))
    assert cohorts.level == pytest.approx(0.5)
    accounts = [f"account {number}" for number in range(2_000)]
    first = {each for each in accounts if cohorts.sheds(each, 60.0)}
    assert first == {each for each in accounts if cohorts.sheds(each, 3_500.0)}
    assert 0.45 <= len(first) / len(accounts) <= 0.55
    later = {each for each in accounts if cohorts.sheds(each, 3_700.0)}
    assert 0.4 <= len(first & later) / len(first) <= 0.6
    for second in range(11, 61):
        cohorts.update(False, float(second))
    assert not any(cohorts.sheds(each, 60.0) for each in accounts)
    assert COHORTS == 128


def test_a_crowd_is_shed_by_cohort() -> None:
    """More accounts than can each have a turn: the same ones are turned away at once, with the reason."""
    admission = make(2, queue_size=(10_000, 10_000, 10_000, 10_000), queue_wait_s=(1e6,) * 4, overload_wait_s=(1e6, 20.0, 10.0, 10.0))  # fmt: skip
    refused: dict[str, Cause] = {}
    ticket, running = 0, []
    for step in range(400):
        now = step * 0.1
        for _ in range(10):
            ticket += 1
            said = admission.ask(ask(ticket, Standing.NEW), now)
            if isinstance(said, Refuse):
                refused[said.explain] = said.cause
            elif isinstance(said, Dispatch):
                running.append(said.ticket)
        if running and step % 2:
            admission.finish(running.pop(0), now, input_tokens=100, output_tokens=50)
        running += [each.ticket for each in admission.due(now) if isinstance(each, Dispatch)]
        if step % 10 == 0:
            admission.sample(now, 1.0)
    assert Cause.COHORT in refused.values()
    assert any("of 128 is turned away this hour" in each for each in refused)


# -- fairness


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(1, 500), st.integers(1, 500)), min_size=20, max_size=200
    )
)
def test_two_accounts_with_work_are_served_alike(costs: list[tuple[str, int, int]]) -> None:
    """The bound of Sheng et al.: their service differs by at most two of the largest requests."""
    admission = make(1, concurrent_requests=10**6, requests_per_minute=10**6, tokens_per_minute=10**9,
                     tokens_per_day=0, requests_per_day=0, queue_size=(10**6,) * 4, overload_after_s=1e9)  # fmt: skip
    output: dict[int, int] = {}
    owner: dict[int, str] = {}
    for ticket, (account, tokens_in, tokens_out) in enumerate(costs, 1):
        output[ticket], owner[ticket] = tokens_out, account
        admission.ask(Ask(ticket, account, Standing.PAID, "m", tokens_in), 0.0)
    served = dict.fromkeys("ab", 0)
    waiting = {account: [each for each in owner if owner[each] == account] for account in "ab"}
    ticket, now = 1, 0.0
    most = max(tokens_in + 2 * tokens_out for _, tokens_in, tokens_out in costs)
    while True:
        waiting[owner[ticket]].remove(ticket)
        tokens_in = costs[ticket - 1][1]
        admission.finish(ticket, now, input_tokens=tokens_in, output_tokens=output[ticket])
        served[owner[ticket]] += tokens_in + 2 * output[ticket]
        if not all(waiting.values()):
            return
        (started,) = admission.due(now)
        ticket = started.ticket
        assert abs(served["a"] - served["b"]) <= 2 * most


def test_idling_earns_no_credit() -> None:
    """Who asked for nothing yesterday is not owed yesterday's share."""
    admission = make(1, concurrent_requests=1_000)
    for ticket in range(1, 30):
        admission.ask(ask(ticket, account="busy"), 0.0)
    for ticket in range(1, 20):
        admission.finish(ticket, 1.0, input_tokens=1_000, output_tokens=1_000)
        admission.due(1.0)
    for ticket in range(100, 110):
        admission.ask(ask(ticket, account="idle"), 2.0)
    order = []
    running = 20
    for _ in range(10):
        admission.finish(running, 3.0, input_tokens=1_000, output_tokens=1_000)
        (started,) = admission.due(3.0)
        running = started.ticket
        order.append(running >= 100)
    assert 4 <= sum(order) <= 6


@pytest.mark.parametrize("parallel", [False, True])
def test_working_while_nobody_waits_costs_no_turn_later(parallel: bool) -> None:
    """A batch job that had the engine to itself for a day is not put last for as long when others come: both are
    served alike from then on, within two of the largest requests and what runs (Sheng et al., theorem 4.4)."""
    admission = make(4, requests_per_minute=10**6, tokens_per_minute=10**9, concurrent_requests=1_000)

    def end(ticket: int, now: float) -> None:
        admission.finish(ticket, now, input_tokens=100, output_tokens=50)

    for ticket in range(1, 300):
        now = float(ticket)
        admission.ask(ask(ticket, account="busy"), now)
        if not parallel:
            end(ticket, now)
        elif ticket > 2:
            end(ticket - 2, now)
        if ticket % 50 == 0:
            admission.ask(ask(10_000 + ticket, account="light"), now)
            end(10_000 + ticket, now)
    for ticket in (298, 299):
        end(ticket, 300.0)
    owner: dict[int, str] = {}
    running: list[int] = []
    served = {"light": 0, "busy": 0}
    for _ in range(100):
        for account in ("light", "busy"):
            for _ in range(2):
                ticket = 20_000 + len(owner)
                owner[ticket] = account
                if isinstance(admission.ask(ask(ticket, account=account), 301.0), Dispatch):
                    running.append(ticket)
        for _ in range(2):
            ended = running.pop(0)
            end(ended, 301.0)
            served[owner[ended]] += 1
            running.extend(each.ticket for each in admission.due(301.0) if isinstance(each, Dispatch))
    assert abs(served["light"] - served["busy"]) <= 2 + 4


def test_a_queue_that_is_joined_and_left_again_and_again_does_not_grow() -> None:
    """Places that are stale are cleared away."""
    queue = FairQueue()
    queue.push("head", AccountState(0.0), 0)
    state = AccountState(0.0)
    for ticket in range(1, 50_000):
        state.counter += 1.0
        queue.push("leaver", state, ticket)
        queue.remove("leaver", ticket)
    assert len(queue._heap) <= 2 * queue.accounts + SPARE + 2
    assert queue.pop() == 0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3)), max_size=120))
def test_the_longest_queue_is_known_at_any_moment(steps: list[tuple[str, int]]) -> None:
    """Against counting; its newest ticket is the one that is turned out."""
    queue = FairQueue()
    states = {account: AccountState(0.0) for account in "abc"}
    held: dict[str, list[int]] = {account: [] for account in "abc"}
    owner: dict[int, str] = {}
    for ticket, (account, what) in enumerate(steps):
        if what <= 1:
            queue.push(account, states[account], ticket)
            held[account].append(ticket)
            owner[ticket] = account
        elif what == 2 and held[account]:
            queue.remove(account, held[account].pop(0))
        elif what == 3 and (found := queue.pop()) is not None:
            held[owner[found]].remove(found)
        most = max(len(each) for each in held.values())
        if most:
            longest, count = queue.longest()
            assert count == most == len(held[owner[longest]])
            assert held[owner[longest]][-1] == longest
        assert queue.size == sum(len(each) for each in held.values())
        assert queue.accounts == sum(bool(each) for each in held.values())


# -- budgets


@given(
    st.integers(1, 20),
    st.integers(100, 5_000),
    st.integers(0, 40),
    st.lists(st.tuples(st.floats(0.0, 30.0), st.integers(1, 800), st.integers(0, 800)), max_size=80),
)
def test_no_account_spends_more_than_its_limits(
    requests: int, tokens: int, day: int, asked: list[tuple[float, int, int]]
) -> None:
    """Whatever is asked and refunded: in any span no more than a full limit and what came back in that time."""
    quota = Quota(requests, tokens, 1_000, day, 0)
    state = AccountState(0.0)
    now, taken = 0.0, []
    for gap, reserve, used in asked:
        now += gap
        state.fade(now, quota)
        shortage = state.reserve(reserve, quota)
        if shortage is None:
            spent = min(reserve, used)
            state.settle(reserve, spent)
            taken.append((now, spent))
        else:
            assert shortage.wait_s > 0.0
            later = AccountState.__new__(AccountState)
            for name in ("_at", "_requests", "_tokens", "_day_requests", "_day_tokens"):
                setattr(later, name, getattr(state, name))
            later.fade(now + shortage.wait_s, quota)
            assert later.reserve(reserve, quota) is None, "Retry-After is true"
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            span = taken[last][0] - taken[first][0]
            count = last - first + 1
            assert count <= requests * (1 + span / 60.0) + 1e-3
            if day:
                assert count <= day * (1 + span / 86_400.0) + 1e-3
            spent = sum(each for _, each in taken[first : last + 1])
            largest = max(each for _, each in taken[first : last + 1])
            assert spent <= max(tokens, largest) * (1 + span / 60.0) + largest + 1e-3


def test_a_daily_limit_holds_to_the_digit_under_two_hundred_parallel_requests() -> None:
    """And the headers name the limit that is nearer."""
    admission = make(1_000, requests_per_day=37, concurrent_requests=1_000)
    said = [admission.ask(ask(each, account="one"), 0.0) for each in range(200)]
    assert sum(isinstance(each, Dispatch) for each in said) == 37
    refused = said[-1]
    assert isinstance(refused, Refuse)
    assert (refused.status, refused.cause) == (429, Cause.REQUESTS_A_DAY)
    assert refused.retry_after_s == pytest.approx(86_400 / 37)
    left = admission.allowance("one", Standing.ESTABLISHED, 0.0)
    assert left is not None
    assert (left.limit_requests, left.remaining_requests) == (37, 0)


def test_a_limit_that_shrank_for_a_minute_leaves_no_trace() -> None:
    """An hour of elevated posture does not eat a new account's day."""
    admission = make(1_000, tokens_per_day=1_000_000, new_share=0.5, new_share_elevated=0.1)
    admission.ask(ask(1, Standing.NEW, "one"), 0.0)
    before = admission.allowance("one", Standing.NEW, 1.0)
    admission.set_posture(PostureState(posture=Posture.ELEVATED), 2.0)
    admission.allowance("one", Standing.NEW, 60.0)
    admission.set_posture(PostureState(), 61.0)
    after = admission.allowance("one", Standing.NEW, 62.0)
    assert before is not None
    assert after is not None
    assert after.remaining_tokens >= before.remaining_tokens


# -- what a request will cost


def test_an_estimate_follows_the_account_and_before_that_the_model() -> None:
    """And never the length of the question."""
    book = CostBook(256)
    own: dict[str, OutputHistory] = {}
    assert book.estimate(None, "m", 10_000, cap=0, choices=1) == (10_000, 256, 256)
    for _ in range(200):
        book.learn({}, "m", 1_000, 800, 100)
    input_, reserve, expect = book.estimate(None, "m", 10_000, cap=0, choices=1)
    assert (input_, expect) == (8_000, 100)
    assert 90 <= reserve <= 130
    for _ in range(50):
        book.learn(own, "m", 1_000, 800, 1_000)
    assert book.estimate(own["m"], "m", 100, cap=0, choices=1)[2] == pytest.approx(1_000, rel=0.05)
    assert book.estimate(own["m"], "m", 100, cap=64, choices=1)[1:] == (64, 64)
    assert book.estimate(own["m"], "m", 100, cap=0, choices=4)[2] >= 3_800


def test_an_answer_that_outlives_the_short_mode_is_expected_to_reach_the_long_one() -> None:
    """Reasoning models answer in 100 tokens or in 4,000."""
    book = CostBook(256)
    rng = random.Random(2)
    for _ in range(500):
        book.learn(
            {}, "m", 100, 100, rng.randint(80, 120) if rng.random() < 0.7 else rng.randint(3_500, 4_500)
        )
    assert 3_000 <= book.beyond("m", 300, cap=0) <= 5_500
    assert book.beyond("m", 300, cap=1_000) == 1_000
    assert book.beyond("m", 20_000, cap=0) > 20_000


def test_an_answer_longer_than_reserved_is_charged_as_it_grows() -> None:
    """Before it ends: parallel ones cannot overshoot together."""
    admission = make(tokens_per_minute=10_000)
    admission.ask(Ask(1, "one", Standing.ESTABLISHED, "m", 100), 0.0)
    before = admission.allowance("one", Standing.ESTABLISHED, 0.0)
    admission.first_byte(1, 0.0)
    admission.progress(1, 2_000, 0.0)
    after = admission.allowance("one", Standing.ESTABLISHED, 0.0)
    assert before is not None
    assert after is not None
    assert before.remaining_tokens == 10_000 - 100 - 256
    assert after.remaining_tokens <= 10_000 - 100 - 2_000
    admission.finish(1, 0.0, input_tokens=100, output_tokens=2_000)
    settled = admission.allowance("one", Standing.ESTABLISHED, 0.0)
    assert settled is not None
    assert settled.remaining_tokens == 10_000 - 2_100


# -- engines that fail


def test_an_engine_that_fails_again_and_again_is_ejected_for_longer_and_longer() -> None:
    """Never more than half of them, and it comes back by itself."""
    admission = make(4, engines=2)
    now, ticket = 0.0, 0
    out_until: list[float] = []
    while len(out_until) < 2:
        ticket += 1
        said = admission.ask(ask(ticket), now)
        assert isinstance(said, Dispatch)
        admission.finish(ticket, now, input_tokens=0, output_tokens=0, failed=said.engine == "http://e0")
        deadline = admission.next_deadline()
        if deadline is not None:
            assert admission.limit == 4
            out_until.append(deadline - now)
            now = deadline
            admission.due(now)
            assert admission.limit == 8
    assert out_until == [5.0, 10.0]
    for each in range(20):
        said = admission.ask(ask(1_000 + each), now)
        assert isinstance(said, Dispatch)
        admission.finish(1_000 + each, now, input_tokens=0, output_tokens=0, failed=True)
    assert admission.limit == 4, "the last one stays whatever it does"


def test_trying_again_has_a_budget() -> None:
    """When every engine fails, retries do not double the load."""
    admission = make(1_000, engines=2, ejection_failures=10**6)
    moved = 0
    for ticket in range(1, 1_001):
        admission.ask(ask(ticket), 0.0)
        moved += admission.move(ticket, 0.0) is not None
    assert 200 <= moved <= 211


# -- work conservation


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
