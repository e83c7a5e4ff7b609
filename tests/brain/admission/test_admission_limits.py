"""Limits of accounts, estimates of cost, engines that fail."""

import random

import pytest
from admission_asks import ask, make
from hypothesis import given
from hypothesis import strategies as st

from pontlevis.brain.admission.account import AccountState, Quota
from pontlevis.brain.admission.cost import CostBook, OutputHistory
from pontlevis.brain.admission.messages import Ask, Dispatch, Refuse
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.refusal_note import Cause
from pontlevis.brain.vocabulary import Posture, Standing


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
