"""What a key may, and that no key may more than its maker."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pontlevis.brain.key_scope import (
    ENDPOINTS,
    INFERENCE,
    MOST_STARS,
    KeyLimits,
    KeyScope,
    check,
    exceeds,
    matches,
    narrowed,
)

NAMES = st.text("ab*", max_size=6)
MODELS = st.lists(st.text("ab*", min_size=1, max_size=4), max_size=3).map(tuple)
LIMITS = st.none() | st.builds(KeyLimits, *[st.integers(0, 4)] * 5)
SCOPES = st.builds(KeyScope, MODELS, st.lists(st.sampled_from(ENDPOINTS), max_size=3).map(tuple), LIMITS)


@given(NAMES, st.text("ab", max_size=8))
def test_a_pattern_fits_what_its_regular_expression_would(pattern: str, text: str) -> None:
    """Only the star is special."""
    expected = re.fullmatch(".*".join(re.escape(each) for each in pattern.split("*")), text) is not None
    assert matches(pattern, text) is expected


@given(SCOPES, SCOPES, st.text("ab", min_size=1, max_size=5))
def test_whoever_does_not_exceed_its_maker_may_nothing_that_the_maker_may_not(
    scope: KeyScope, maker: KeyScope, model: str
) -> None:
    """For any model, any endpoint, any limit."""
    if exceeds(scope, maker) is not None:
        return
    assert not scope.permits_model(model) or maker.permits_model(model)
    for word in ENDPOINTS:
        assert not scope.permits_endpoint(word) or maker.permits_endpoint(word)
    if maker.limits is not None:
        for name in KeyLimits.__struct_fields__:
            most = getattr(maker.limits, name)
            assert not most or (scope.limits is not None and 0 < getattr(scope.limits, name) <= most)


@given(SCOPES, SCOPES, st.text("ab", min_size=1, max_size=5))
def test_what_is_narrowed_may_no_more_than_either(scope: KeyScope, maker: KeyScope, model: str) -> None:
    """Neither than before nor than its maker, and it can be; what was within already stays as it was."""
    left = narrowed(scope, maker)
    if exceeds(scope, maker) is None:
        assert left is not None
        for word in ENDPOINTS:
            assert left.permits_endpoint(word) == scope.permits_endpoint(word)
        assert left.permits_model(model) == scope.permits_model(model)
        assert (left.limits or KeyLimits()) == (scope.limits or KeyLimits())
    if left is not None:
        assert check(left) is None
        assert exceeds(left, maker) is None
        assert exceeds(left, scope) is None


def test_what_is_left_of_a_scope_can_be_nothing_and_is_bounded() -> None:
    """No model or no endpoint in common; more names than a scope may have."""
    assert narrowed(KeyScope(("a",)), KeyScope(("b*",))) is None
    assert narrowed(KeyScope(endpoints=("models",)), KeyScope(endpoints=("embeddings",))) is None
    assert narrowed(KeyScope(), KeyScope(endpoints=("keys",))) is None
    many = tuple(f"a{n}" for n in range(20))
    left = narrowed(KeyScope((*many, "b*")), KeyScope(("a*", *(f"b{n}" for n in range(20)))))
    assert left is not None
    assert left.models == (*many, *(f"b{n}" for n in range(12)))


@given(SCOPES)
def test_a_key_may_make_another_like_itself(scope: KeyScope) -> None:
    """Exceeding is strict."""
    assert exceeds(scope, scope) is None


def test_only_a_key_that_names_it_may_make_keys() -> None:
    """All endpoints of inference are in a scope without a list, this one is not."""
    assert all(KeyScope().permits_endpoint(each) for each in INFERENCE)
    assert not KeyScope().permits_endpoint("keys")
    assert KeyScope(endpoints=("keys",)).permits_endpoint("keys")
    found = exceeds(KeyScope(), KeyScope(endpoints=("keys", "models")))
    assert found is not None
    assert found[0] == "endpoints"


@pytest.mark.parametrize(
    ("scope", "field"),
    [
        (KeyScope(models=("m",) * 33), "models"),
        (KeyScope(models=("",)), "models"),
        (KeyScope(models=("m" * 257,)), "models"),
        (KeyScope(models=("bell\x07",)), "models"),
        (KeyScope(models=(" m",)), "models"),
        (KeyScope(models=("*" * (MOST_STARS + 1),)), "models"),
        (KeyScope(endpoints=("chat",)), "endpoints"),
        (KeyScope(limits=KeyLimits(requests_per_minute=-1)), "limits"),
        (KeyScope(limits=KeyLimits(tokens_per_day=2**54)), "limits"),
    ],
)
def test_what_cannot_be_is_named(scope: KeyScope, field: str) -> None:
    """Bounded in number and length, printable, known words, sensible numbers."""
    found = check(scope)
    assert found is not None
    assert found[0] == field
    assert check(KeyScope(("gpt-*",), ENDPOINTS, KeyLimits(1, 2, 3, 4, 5))) is None
