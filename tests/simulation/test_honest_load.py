"""Honest load: shares, burstiness, lengths, seeds."""

import random
import statistics
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pontlevis.simulation.load import honest_arrivals
from pontlevis.simulation.load_shape import (
    AZURE_INPUT,
    AZURE_OUTPUT,
    CONVERSATION,
    DEEPSEEK_CV,
    REASONING,
    LoadShape,
)
from pontlevis.simulation.quantiles import Quantiles
from pontlevis.simulation.renewal import Pattern, Renewal


@given(
    seed=st.integers(0, 10_000),
    users=st.integers(1, 200),
    duration_s=st.floats(1.0, 600.0),
    rate=st.floats(0.0, 5.0),
)
@settings(max_examples=60, deadline=None)
def test_load_is_in_order_within_its_time_and_of_the_size_asked_for(
    seed: int, users: int, duration_s: float, rate: float
) -> None:
    """Whatever is asked for, every request has a user, a time and lengths that make sense."""
    arrivals = honest_arrivals(seed, users, duration_s, rate)
    assert len(arrivals) == round(duration_s * rate)
    assert [each.at for each in arrivals] == sorted(each.at for each in arrivals)
    for each in arrivals:
        assert 0.0 <= each.at <= duration_s
        assert 0 <= each.user < users
        assert 1 <= each.input_tokens <= 14_050
        assert 1 <= each.output_tokens <= 1000


def test_the_same_seed_gives_the_same_load_and_another_gives_another() -> None:
    """So that a drill can be played again, with and without defence."""
    assert honest_arrivals(7, 40, 60.0, 5.0) == honest_arrivals(7, 40, 60.0, 5.0)
    assert honest_arrivals(7, 40, 60.0, 5.0) != honest_arrivals(8, 40, 60.0, 5.0)


def test_few_users_send_most() -> None:
    """As in production, a seventh of the users sends about two thirds of the requests."""
    arrivals = honest_arrivals(1, 73, 3600.0, 10.0)
    counted = Counter(each.user for each in arrivals)
    top = sum(counted[user] for user in range(10))
    assert top / len(arrivals) == pytest.approx(0.677, abs=0.08)


def test_the_shares_of_all_users_make_the_whole() -> None:
    """However many users there are."""
    for users in (1, 7, 73, 1000):
        assert sum(CONVERSATION.weight(user, users) for user in range(users)) == pytest.approx(1.0)


def test_lengths_have_the_means_that_were_measured() -> None:
    """The tables stand for the traces: within 8 % of the trace's own means."""
    assert AZURE_INPUT.mean() == pytest.approx(1154.7, rel=0.08)
    assert AZURE_OUTPUT.mean() == pytest.approx(211.1, rel=0.08)
    assert DEEPSEEK_CV.mean() == pytest.approx(2.28, rel=0.08)
    drawn = honest_arrivals(3, 100, 2000.0, 5.0)
    mean_in, mean_out = CONVERSATION.mean_tokens()
    assert statistics.mean(each.input_tokens for each in drawn) == pytest.approx(mean_in, rel=0.05)
    assert statistics.mean(each.output_tokens for each in drawn) == pytest.approx(mean_out, rel=0.05)
    assert REASONING.mean_tokens()[1] > 5 * mean_out


def test_a_length_scale_makes_every_request_shorter() -> None:
    """A small engine sees the shape of the load at a rate that it can bear."""
    mean_in, mean_out = LoadShape(length_scale=0.1).mean_tokens()
    assert mean_in == pytest.approx(CONVERSATION.mean_tokens()[0] / 10)
    assert mean_out == pytest.approx(CONVERSATION.mean_tokens()[1] / 10)


@pytest.mark.parametrize("pattern", ["gamma", "weibull"])
@pytest.mark.parametrize("cv", [0.5, 1.0, 2.5])
def test_gaps_have_mean_one_and_the_burstiness_asked_for(pattern: Pattern, cv: float) -> None:
    """Both families, regular and bursty."""
    renewal = Renewal(pattern, cv, random.Random(5))
    gaps = [renewal.gap() for _ in range(40_000)]
    assert statistics.mean(gaps) == pytest.approx(1.0, rel=0.08)
    assert statistics.pstdev(gaps) / statistics.mean(gaps) == pytest.approx(cv, rel=0.15)


@pytest.mark.parametrize("pattern", ["gamma", "weibull"])
def test_a_bursty_user_is_no_likelier_to_come_at_the_very_beginning(pattern: Pattern) -> None:
    """Over many drawings the first tenth of the time sees a tenth of the requests."""
    rng = random.Random(11)
    early = late = 0
    for _ in range(6000):
        renewal = Renewal(pattern, 3.0, rng)
        at = renewal.first()
        while at < 10.0:
            early, late = early + (at < 1.0), late + (at >= 1.0)
            at += renewal.gap()
    assert early / (early + late) == pytest.approx(0.1, abs=0.015)


@pytest.mark.parametrize(
    "points",
    [
        ((0.0, 1.0),),
        ((0.0, 1.0), (0.5, 2.0)),
        ((0.0, 0.0), (1.0, 2.0)),
        ((0.0, 3.0), (1.0, 2.0)),
        ((0.0, 1.0), (0.5, 2.0), (0.5, 3.0), (1.0, 4.0)),
    ],
)
def test_quantiles_that_make_no_sense_are_refused(points: tuple[tuple[float, float], ...]) -> None:
    """They run from 0 to 1 and rise, above zero."""
    with pytest.raises(ValueError, match="quantiles"):
        Quantiles(points)


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
@settings(deadline=None)
def test_quantiles_rise(low: float, high: float) -> None:
    """The greater the share below, the greater the value."""
    low, high = min(low, high), max(low, high)
    assert AZURE_INPUT.at(low) <= AZURE_INPUT.at(high)
    assert 3 <= AZURE_INPUT.at(low) <= 14_050.001


@pytest.mark.parametrize(("users", "duration_s", "rate"), [(0, 1.0, 1.0), (1, 0.0, 1.0), (1, 1.0, -1.0)])
def test_load_without_sense_is_refused(users: int, duration_s: float, rate: float) -> None:
    """Nobody, no time, less than nothing."""
    with pytest.raises(ValueError, match="load needs"):
        honest_arrivals(1, users, duration_s, rate)
