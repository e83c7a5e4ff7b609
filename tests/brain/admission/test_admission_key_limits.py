"""Limits of a key's own, held together with its account's."""

import random

import pytest

from pontlevis.brain.admission.admission import Admission
from pontlevis.brain.admission.messages import Ask, Dispatch, Refuse
from pontlevis.brain.admission.policy import AdmissionPolicy
from pontlevis.brain.key_scope import MOST_LIMIT, KeyLimits
from pontlevis.brain.refusal_note import Cause
from pontlevis.brain.vocabulary import Standing
from pontlevis.gateway.fields import limit_fields

PAID = Standing.PAID


def make(**policy: object) -> Admission:
    figures: dict[str, object] = {
        "initial_limit": 1_000,
        "requests_per_minute": 100,
        "tokens_per_minute": 10_000,
    }
    admission = Admission(AdmissionPolicy(**{**figures, **policy}), enabled=True, rng=random.Random(1))  # type: ignore[arg-type]
    admission.set_engine("http://e", frozenset({"m"}), True, 0.0)
    return admission


class Desk:
    """Asks with one key after another."""

    def __init__(self, admission: Admission) -> None:
        self.admission = admission
        self.ticket = 0

    def ask(
        self,
        limits: KeyLimits | None,
        now: float = 0.0,
        *,
        key: str = "k",
        tokens: int = 10,
        unlimited: bool = False,
    ) -> Dispatch | Refuse:
        self.ticket += 1
        said = self.admission.ask(
            Ask(self.ticket, "ada", PAID, "m", tokens, 1, unlimited, key=key, limits=limits), now
        )
        assert isinstance(said, Dispatch | Refuse)
        return said


@pytest.mark.parametrize(
    ("limits", "cause", "words"),
    [
        (KeyLimits(requests_per_minute=3), Cause.REQUESTS_A_MINUTE, "its limit of 3 requests a minute"),
        (KeyLimits(tokens_per_minute=33), Cause.TOKENS_A_MINUTE, "its limit of 33 tokens a minute"),
        (KeyLimits(requests_per_day=3), Cause.REQUESTS_A_DAY, "its limit of 3 requests a day"),
        (KeyLimits(tokens_per_day=33), Cause.TOKENS_A_DAY, "its limit of 33 tokens a day"),
        (KeyLimits(concurrent=3), Cause.CONCURRENCY, "3 requests under way, which is its limit"),
    ],
)
def test_each_limit_holds_to_the_digit_and_for_this_key_alone(
    limits: KeyLimits, cause: Cause, words: str
) -> None:
    """The fourth is refused, and told that it is the key's limit; another key of the account goes on."""
    desk = Desk(make())
    assert [isinstance(desk.ask(limits), Dispatch) for _ in range(3)] == [True] * 3
    refused = desk.ask(limits)
    assert isinstance(refused, Refuse)
    assert (refused.status, refused.cause) == (429, cause)
    assert words in refused.reason
    assert "this API key" in refused.reason
    assert isinstance(desk.ask(None, key="other"), Dispatch)
    assert isinstance(desk.ask(limits, key="third"), Dispatch)


def test_a_key_never_gets_more_than_its_account_has() -> None:
    """A limit above the account's is the account's; and what other keys used counts."""
    desk = Desk(make(requests_per_minute=4))
    generous = KeyLimits(requests_per_minute=1_000, concurrent=1_000)
    said = desk.admission.allowance("ada", PAID, 0.0, "k", generous)
    assert said is not None
    assert said.limit_requests == 4
    assert [isinstance(desk.ask(generous), Dispatch) for _ in range(5)] == [True] * 4 + [False]
    assert isinstance(desk.ask(None, key="other"), Refuse)


def test_what_the_account_refuses_costs_the_key_nothing() -> None:
    """Its own limits are as they were."""
    desk = Desk(make(requests_per_minute=2))
    limits = KeyLimits(requests_per_minute=2)
    assert isinstance(desk.ask(None, key="other"), Dispatch)
    assert isinstance(desk.ask(None, key="other"), Dispatch)
    assert isinstance(desk.ask(limits), Refuse)
    assert isinstance(desk.ask(limits, 60.0), Dispatch)
    assert isinstance(desk.ask(limits, 60.0), Dispatch)


def test_the_headers_tell_exactly_what_is_left_of_the_lesser_limit() -> None:
    """Requests by the key's, tokens by the account's, after three requests of eleven tokens."""
    desk = Desk(make(tokens_per_minute=100))
    limits = KeyLimits(requests_per_minute=5)
    for _ in range(3):
        desk.ask(limits)
    said = desk.admission.allowance("ada", PAID, 0.0, "k", limits)
    assert said is not None
    assert (said.limit_requests, said.remaining_requests) == (5, 2)
    assert said.reset_requests_s == pytest.approx(36.0)
    assert (said.limit_tokens, said.remaining_tokens) == (100, 67)


def test_a_key_of_an_account_without_limits_has_its_own_alone() -> None:
    """And no header speaks of a limit that is not there."""
    desk = Desk(make(requests_per_minute=1, tokens_per_minute=1))
    limits = KeyLimits(requests_per_minute=3)
    assert [isinstance(desk.ask(limits, unlimited=True), Dispatch) for _ in range(4)] == [True] * 3 + [False]
    said = desk.admission.allowance("ada", PAID, 0.0, "k", limits, unlimited=True)
    assert said is not None
    assert (said.limit_requests, said.remaining_requests, said.limit_tokens) == (3, 0, MOST_LIMIT)
    assert b"limit-requests: 3\r\n" in limit_fields(said)
    assert b"tokens" not in limit_fields(said)
    assert isinstance(desk.ask(None, unlimited=True), Dispatch), "without a limit of its own"


def test_limits_that_change_take_hold_of_what_was_used() -> None:
    """A key that used four of ten has used four of three as well."""
    desk = Desk(make())
    for _ in range(4):
        assert isinstance(desk.ask(KeyLimits(requests_per_minute=10)), Dispatch)
    assert isinstance(desk.ask(KeyLimits(requests_per_minute=3)), Refuse)
    assert isinstance(desk.ask(KeyLimits(requests_per_minute=10)), Dispatch)


def test_what_a_key_reserved_comes_back_when_its_request_ends() -> None:
    """Settled by what was used, as its account's is."""
    desk = Desk(make())
    limits = KeyLimits(tokens_per_minute=100, concurrent=1)
    first = desk.ask(limits, tokens=90)
    assert isinstance(first, Dispatch)
    assert isinstance(desk.ask(limits), Refuse)
    desk.admission.finish(first.ticket, 0.0, input_tokens=5, output_tokens=5)
    said = desk.admission.allowance("ada", PAID, 0.0, "k", limits)
    assert said is not None
    assert said.remaining_tokens == 90
    assert isinstance(desk.ask(limits), Dispatch)
