"""The console's memory of the last day, and the counts for Prometheus."""

from pontlevis.brain.admission.histogram import DurationHistogram
from pontlevis.brain.observation import (
    WAIT_EDGES_S,
    BandSample,
    EngineSample,
    Kind,
    Observation,
    Outcome,
    ServiceSample,
)
from pontlevis.controller.history import COLUMNS, KEPT, STEP_S, History
from pontlevis.controller.samples import merge
from pontlevis.controller.totals import count_observation, count_sample, no_totals

START = 1_738_000_000.0


def second(at: float, *, admitted: int = 0, refused: int = 0, wait: float = 0.0) -> ServiceSample:
    band = BandSample(4, admitted + refused, admitted, refused, wait_p99_s=wait, waits=[admitted, 0, 0, 0, 0, 0, 0, 0], wait_sum_s=wait)  # fmt: skip
    engine = EngineSample("http://engine", True, 3, 900, 8, 0, 0, 0.5)
    return ServiceSample(at, 1.0, [band], 900, engines_up=1, engines=1, engine_busy=0.5, limit_requests=8, each_engine=[engine])  # fmt: skip


def test_a_step_holds_rates_and_the_worst_wait() -> None:
    """Five seconds of two admitted each are two a second; a second of waiting is not averaged away."""
    history = History()
    for at in range(60):
        history.sample(second(START + at, admitted=2, refused=at % 2, wait=3.0 if at == 30 else 0.1))
    series = history.series(START + 59, 60.0, 120)
    assert series.step_s == STEP_S
    assert len(series.at) == 12
    assert series.columns["admitted_paid"] == [2.0] * 12
    assert sum(series.columns["refused_paid"]) * STEP_S == 30
    assert round(max(series.columns["wait_p99_paid"]), 3) == 3.0
    assert series.columns["busy"] == [0.5] * 12
    wide = history.series(START + 59, 3_600.0, 60)
    assert (wide.step_s, len(wide.at)) == (60.0, 60)
    assert sum(wide.columns["admitted_paid"]) * 60 >= 120


def test_several_gateways_add_up_and_tries_are_counted() -> None:
    """Two workers' same second; log-ins that failed are not those turned away."""
    history, totals = History(), no_totals()
    for _ in range(2):
        history.sample(second(START, admitted=5))
    for outcome, count in ((Outcome.OK, 1), (Outcome.UNKNOWN_USER, 40), (Outcome.REFUSED, 7)):
        seen = Observation(START, Kind.LOGIN, outcome, "192.0.2.1", count=count)
        history.observe(seen)
        count_observation(totals, seen)
    for kind in (Kind.SIGNUP, Kind.REQUEST):
        seen = Observation(START, kind, Outcome.REFUSED, "192.0.2.1")
        history.observe(seen)
        count_observation(totals, seen)
    columns = history.series(START + 1, 5.0, 10).columns
    assert columns["admitted_paid"][-1] == 2.0
    assert [columns[f"logins_{each}"][-1] * 5 for each in ("ok", "failed", "refused")] == [1, 40, 7]
    assert columns["signups_refused"][-1] * 5 == 1
    assert (totals.logins["unknown_user"], totals.signups["refused"], totals.signups["ok"]) == (40, 1, 0)


def test_history_stays_within_its_length() -> None:
    """Two days of it hold one day."""
    history = History()
    for place in range(2 * KEPT):
        history.sample(second(START + place * STEP_S, admitted=1))
    assert len(history._steps) == KEPT
    end = START + (2 * KEPT - 1) * STEP_S
    series = history.series(end, 10 * 86_400.0, 96)
    assert len(series.at) <= 96
    assert all(len(series.columns[name]) == len(series.at) for name in COLUMNS)


def test_totals_hold_every_label_from_the_start() -> None:
    """And a histogram's buckets add up to what was admitted."""
    totals = no_totals()
    count_sample(totals, second(START, admitted=3, refused=2, wait=0.25))
    count_sample(totals, merge(second(START, admitted=1), second(START, admitted=2)))
    assert totals.requests["paid", "admitted"] == 6
    assert sum(totals.waits["paid"]) == 6
    assert totals.wait_s["paid"] == 0.25
    assert len(totals.requests) == 18


def test_a_histogram_counts_by_edges() -> None:
    """Nobody is lost, and nobody lies in a bucket that is not theirs."""
    held = DurationHistogram()
    assert held.counts(WAIT_EDGES_S) == []
    for value in (0.0, 0.001, 0.05, 0.3, 1.0, 4.0, 10.0, 60.0):
        held.add(value)
    assert held.counts(WAIT_EDGES_S) == [2, 0, 1, 1, 1, 1, 1, 1]
    assert round(held.total_s, 3) == 75.351
    held.clear()
    assert held.total_s == 0.0
