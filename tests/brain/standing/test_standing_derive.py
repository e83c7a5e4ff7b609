"""What an account has earned."""

import itertools
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from pontlevis.brain.standing.derive import AccountFacts, derive
from pontlevis.brain.standing.policy import DAY_S, StandingPolicy
from pontlevis.brain.vocabulary import Standing

NOW = 1_800_000_000.0
POLICY = StandingPolicy()
# As often near the thresholds as anywhere, and not paid nor an operator's, or little would be tried.
ages = st.one_of(st.floats(0, 10 * DAY_S), st.floats(0, 400 * DAY_S))
rarely = st.sampled_from((False, False, False, True))
facts = st.builds(
    AccountFacts,
    created_at=ages.map(lambda age: NOW - age),
    operator=rarely,
    paid=rarely,
    verified=st.booleans(),
    active_days=st.one_of(st.integers(0, 10), st.integers(0, 400)),
    tokens_used=st.one_of(st.integers(0, 20_000), st.integers(0, 10**9)),
)


def standing(**known: object) -> Standing:
    plain = {"created_at": NOW, **known}
    return derive(AccountFacts(**plain), POLICY, NOW).standing  # type: ignore[arg-type]


def test_the_ladder() -> None:
    """An account made yesterday, last week and used, paid, and the operator's."""
    assert standing() is Standing.NEW
    assert standing(created_at=NOW - 2 * DAY_S, active_days=1) is Standing.NEW
    assert standing(created_at=NOW - 2 * DAY_S, active_days=2) is Standing.RECENT
    assert standing(created_at=NOW - 30 * DAY_S, active_days=2) is Standing.RECENT
    assert standing(created_at=NOW - 30 * DAY_S, active_days=5, tokens_used=9_000) is Standing.ESTABLISHED
    assert standing(created_at=NOW - 30 * DAY_S, verified=True, active_days=1) is Standing.ESTABLISHED
    assert standing(paid=True) is Standing.PAID
    assert standing(operator=True) is Standing.OPERATOR


def test_sleepers_earn_nothing_by_waiting() -> None:
    """Accounts made in bulk and never used are new on the day on which they are first used, however old."""
    assert standing(created_at=NOW - 400 * DAY_S) is Standing.NEW
    assert standing(created_at=NOW - 400 * DAY_S, active_days=1, tokens_used=10**9) is Standing.NEW


def test_evidence_holds_an_account_back() -> None:
    """However old and paid it is; only an operator's is not touched."""
    against = ("it took part in a flood",)
    assert standing(created_at=NOW - 400 * DAY_S, paid=True, evidence_against=against) is Standing.NEW
    assert standing(operator=True, evidence_against=against) is Standing.OPERATOR


@given(facts, ages, st.integers(0, 50), st.integers(0, 10**6))
@settings(deadline=None, max_examples=400)
def test_tenure_and_use_never_lower_standing(
    known: AccountFacts, seconds: float, days: int, tokens: int
) -> None:
    """Standing is monotone in what an account earns."""
    before = derive(known, POLICY, NOW).standing
    used = replace(known, active_days=known.active_days + days, tokens_used=known.tokens_used + tokens)
    assert derive(used, POLICY, NOW + seconds).standing >= before
    assert derive(replace(used, verified=True), POLICY, NOW + seconds).standing >= before
    assert derive(replace(used, paid=True), POLICY, NOW + seconds).standing >= before


def test_nowhere_around_the_thresholds_is_more_worth_less() -> None:
    """All of a grid, each pair of which one has at least as much of everything: chance would not meet it."""
    ages = (0.0, POLICY.new_for_s, 3 * DAY_S, POLICY.established_after_s)
    tokens = (0, POLICY.established_tokens)
    grid = list(itertools.product(ages, range(9), tokens, (False, True)))
    found = {
        each: standing(created_at=NOW - each[0], active_days=each[1], tokens_used=each[2], verified=each[3])
        for each in grid
    }
    assert {Standing.NEW, Standing.RECENT, Standing.ESTABLISHED} == set(found.values())
    for less, more in itertools.product(grid, grid):
        if all(one <= other for one, other in zip(less, more, strict=True)):
            assert found[less] <= found[more], (less, more)
