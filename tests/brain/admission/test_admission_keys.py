"""Limits of one key within its account's."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pontlevis.brain.admission.admission import Admission
from pontlevis.brain.admission.messages import Ask, Dispatch, Refuse
from pontlevis.brain.admission.policy import AdmissionPolicy
from pontlevis.brain.vocabulary import RefusalCode, Standing

ENGINE = "http://e"
PAID = Standing.PAID


def make(**policy: object) -> Admission:
    limits: dict[str, object] = {
        "initial_limit": 1_000,
        "concurrent_requests": 1_000,
        "key_share": 0.5,
    } | policy
    admission = Admission(AdmissionPolicy(**limits), enabled=True, rng=random.Random(1))  # type: ignore[arg-type]
    admission.set_engine(ENGINE, frozenset({"m"}), True, 0.0)
    return admission


def ask(ticket: int, key: str, *, tokens: int = 100) -> Ask:
    return Ask(ticket, "ada", PAID, "m", tokens, 1, key=key)


def served(admission: Admission, keys: list[str], now: float = 0.0) -> list[bool]:
    said = [admission.ask(ask(ticket, key), now) for ticket, key in enumerate(keys, 1)]
    return [isinstance(each, Dispatch) for each in said]


def test_a_key_that_has_used_its_share_is_refused_and_its_sister_goes_on() -> None:
    """To the digit; the account's own limit holds for both together."""
    admission = make(requests_per_minute=10)
    assert served(admission, ["a"] * 7) == [True] * 5 + [False] * 2
    refused = admission.ask(ask(50, "a"), 0.0)
    assert isinstance(refused, Refuse)
    assert (refused.status, refused.code) == (429, RefusalCode.RATE_LIMIT_EXCEEDED)
    assert "5 requests a minute" in refused.reason
    assert refused.retry_after_s == pytest.approx(12.0)
    assert [isinstance(admission.ask(ask(100 + each, "b"), 0.0), Dispatch) for each in range(6)] == [
        True, True, True, True, True, False,
    ]  # fmt: skip
    assert isinstance(admission.ask(ask(200, "c"), 0.0), Refuse), "the account's ten are used up"


def test_a_key_holds_its_share_of_parallel_requests() -> None:
    """And gives it back when they end, or are abandoned."""
    admission = make(concurrent_requests=4)
    assert served(admission, ["a", "a", "a", "b"]) == [True, True, False, True]
    admission.finish(1, 1.0, input_tokens=1, output_tokens=1)
    admission.abandon(2, 1.0)
    assert [isinstance(admission.ask(ask(10 + each, "a"), 1.0), Dispatch) for each in range(3)] == [
        True, True, False,
    ]  # fmt: skip


def test_what_a_request_did_not_use_goes_back_to_its_key() -> None:
    """Tokens are reserved and settled for both."""
    admission = make(tokens_per_minute=2_000)
    first = admission.ask(ask(1, "a", tokens=900), 0.0)
    assert isinstance(first, Dispatch)
    assert isinstance(admission.ask(ask(2, "a", tokens=900), 0.0), Refuse)
    admission.finish(1, 0.0, input_tokens=10, output_tokens=1)
    assert isinstance(admission.ask(ask(3, "a", tokens=900), 0.0), Dispatch)


def test_a_refusal_by_the_account_costs_the_key_nothing() -> None:
    """Nothing is half done."""
    admission = make(requests_per_minute=4)
    assert served(admission, ["a", "a", "b", "b", "c"]) == [True, True, True, True, False]
    allowance = admission.allowance("ada", PAID, 0.0, "c")
    assert allowance is not None
    assert allowance.remaining_requests == 0, "of the account's"
    later = admission.allowance("ada", PAID, 30.0, "c")
    assert later is not None
    assert later.remaining_requests == 2, "nothing of its own share was taken"


def test_the_headers_tell_the_lesser_of_both() -> None:
    """A key's own share, or what its sisters have left of the account's."""
    admission = make(requests_per_minute=10)
    served(admission, ["a"] * 3)
    for key, limit, left in (("a", 5, 2), ("b", 5, 5), ("", 10, 7)):
        allowance = admission.allowance("ada", PAID, 0.0, key)
        assert allowance is not None
        assert (allowance.limit_requests, allowance.remaining_requests) == (limit, left)


@given(
    st.lists(st.sampled_from("abcd"), max_size=60), st.integers(2, 20), st.sampled_from([0.25, 0.5, 0.9, 1.0])
)
def test_neither_limit_is_ever_overdrawn(keys: list[str], most: int, share: float) -> None:
    """However the keys of one account take turns."""
    admission = make(requests_per_minute=most, key_share=share)
    done = served(admission, keys)
    assert sum(done) <= most
    for key in "abcd":
        mine = [ok for name, ok in zip(keys, done, strict=True) if name == key]
        assert sum(mine) <= max(1, int(most * share))
        if not all(mine):
            assert sum(mine) == max(1, int(most * share)) or sum(done) == most, "refused without a reason"


def test_a_share_above_one_is_no_share() -> None:
    """Said when the service starts."""
    with pytest.raises(ValueError, match="key_share"):
        AdmissionPolicy(key_share=1.5)
