"""Queues: who goes first, who makes room, whom a crowd costs its turn."""

import pytest
from admission_asks import ask, make
from hypothesis import given
from hypothesis import strategies as st

from pontlevis.brain.admission.account import AccountState
from pontlevis.brain.admission.cohorts import COHORTS, Cohorts
from pontlevis.brain.admission.fair_queue import SPARE, FairQueue
from pontlevis.brain.admission.messages import Ask, Dispatch, Preempt, Queued, Refuse
from pontlevis.brain.admission.policy import AdmissionPolicy
from pontlevis.brain.refusal_note import Cause
from pontlevis.brain.vocabulary import Posture, Standing


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
