"""The engine model, as dialogues in virtual time."""

import pytest

from pontlevis.simulation.engine import STEP_S, EngineModel, EngineShape, Progress

SHAPE = EngineShape(slots=2, prefill_rate=1000, decode_rate=50, total_decode_rate=100, kv_tokens=1000)


def run(model: EngineModel, until: float, *, begin: float = 0.0) -> dict[int, list[tuple[float, int]]]:
    """Steps to ``until``; for each request the moments and counts of its tokens."""
    seen: dict[int, list[tuple[float, int]]] = {}
    steps = round((until - begin) / STEP_S)
    for step in range(1, steps + 1):
        now = begin + step * STEP_S
        for progress in model.advance(now):
            seen.setdefault(progress.id, []).append((now, progress.tokens))
    return seen


def first_token(seen: dict[int, list[tuple[float, int]]], id_: int) -> float:
    return seen[id_][0][0]


def test_one_request_waits_for_its_prompt_and_then_gets_its_rate() -> None:
    """A hundred prompt tokens at a thousand a second take 0.1 s, then ten tokens come at fifty a second."""
    model = EngineModel(SHAPE, 0.0)
    model.submit(1, 100, 10, 0.0)
    seen = run(model, 1.0)
    assert first_token(seen, 1) == pytest.approx(0.1, abs=STEP_S)
    assert sum(tokens for _, tokens in seen[1]) == 10
    assert seen[1][-1][0] - first_token(seen, 1) == pytest.approx(9 / 50, abs=STEP_S)
    assert model.idle
    assert model.finished == 1
    assert model.kv_used == 0


def test_a_jump_in_time_gives_what_many_steps_would() -> None:
    """Whoever looks once after a second learns the sum."""
    model = EngineModel(SHAPE, 0.0)
    model.submit(1, 100, 10, 0.0)
    assert model.advance(1.0) == [Progress(1, 10, True)]


def test_a_third_request_waits_for_a_slot() -> None:
    """Two slots are taken; the third gets its first token only when one is free."""
    model = EngineModel(SHAPE, 0.0)
    for id_ in (1, 2, 3):
        model.submit(id_, 10, 50, 0.0)
    assert (model.running, model.waiting) == (2, 1)
    seen = run(model, 3.0)
    assert first_token(seen, 3) > seen[1][-1][0]


def test_prefill_is_shared_in_order_of_arrival() -> None:
    """The second prompt is read when the first has been."""
    model = EngineModel(SHAPE, 0.0)
    model.submit(1, 400, 5, 0.0)
    model.submit(2, 400, 5, 0.0)
    seen = run(model, 2.0)
    assert first_token(seen, 1) == pytest.approx(0.4, abs=STEP_S)
    assert first_token(seen, 2) == pytest.approx(0.8, abs=2 * STEP_S)


def test_many_running_requests_share_the_total_rate() -> None:
    """Four requests of an engine of a hundred tokens a second get twenty-five each, not fifty."""
    shape = EngineShape(slots=4, prefill_rate=1e6, decode_rate=50, total_decode_rate=100, kv_tokens=10_000)
    model = EngineModel(shape, 0.0)
    for id_ in range(4):
        model.submit(id_, 1, 1000, 0.0)
    model.advance(10.0)
    assert model.tokens_out == pytest.approx(1000, rel=0.02)


def test_time_to_first_token_explodes_under_overload() -> None:
    """At twice what the engine can do the wait grows with every request that comes."""
    model = EngineModel(SHAPE, 0.0)
    gap = 1 / (2 * SHAPE.requests_per_s(50, 50))
    begun: dict[int, float] = {}
    first: dict[int, float] = {}
    now = 0.0
    while len(begun) < 60 or not model.idle:
        now += STEP_S
        for progress in model.advance(now):
            first.setdefault(progress.id, now)
        if len(begun) < 60 and now >= len(begun) * gap:
            model.submit(len(begun), 50, 50, now)
            begun[len(begun)] = now
    waits = [first[id_] - begun[id_] for id_ in range(60)]
    assert waits[0] < 0.2
    assert waits[59] > 20 * waits[0]
    assert waits[20] < waits[40] < waits[59]


def test_a_cancelled_request_frees_its_slot_at_once() -> None:
    """No time need pass before the next one runs."""
    model = EngineModel(SHAPE, 0.0)
    for id_ in (1, 2, 3):
        model.submit(id_, 10, 50, 0.0)
    model.cancel(1)
    assert (model.running, model.waiting, model.cancelled) == (2, 0, 1)
    assert 1 not in run(model, 2.0)


def test_cancelling_twice_or_after_the_end_changes_nothing() -> None:
    """A client may go at any time."""
    model = EngineModel(SHAPE, 0.0)
    model.submit(1, 10, 1, 0.0)
    model.advance(1.0)
    model.cancel(1)
    model.cancel(99)
    assert (model.cancelled, model.finished, model.kv_used) == (0, 1, 0)


def test_a_full_cache_keeps_the_next_request_waiting() -> None:
    """A free slot is not enough: prompt and a first token must fit in the cache."""
    model = EngineModel(SHAPE, 0.0)
    model.submit(1, 700, 10, 0.0)
    model.submit(2, 400, 10, 0.0)
    assert (model.running, model.waiting) == (1, 1)
    model.advance(5.0)
    assert model.finished == 2


def test_the_newest_is_preempted_when_the_cache_is_full_and_still_finishes() -> None:
    """Both fit with their prompts but not with their answers; the older goes on, the newer is read again."""
    model = EngineModel(SHAPE, 0.0)
    model.submit(1, 400, 300, 0.0)
    model.submit(2, 400, 300, 0.0)
    seen = run(model, 40.0)
    assert model.preempted > 0
    assert model.finished == 2
    assert seen[1][-1][0] < seen[2][-1][0]
    assert sum(tokens for _, tokens in seen[2]) == 300


def test_a_request_beyond_the_cache_is_refused() -> None:
    """It could never finish; the sentence names both figures."""
    model = EngineModel(SHAPE, 0.0)
    with pytest.raises(ValueError, match=r"1000 tokens; prompt and answer need 1001"):
        model.submit(1, 900, 101, 0.0)
    assert model.idle


def test_an_id_that_is_in_use_is_refused() -> None:
    """Progress could not be told apart."""
    model = EngineModel(SHAPE, 0.0)
    model.submit(1, 10, 10, 0.0)
    with pytest.raises(ValueError, match="already here"):
        model.submit(1, 10, 10, 0.0)


def test_a_delay_comes_before_the_queue() -> None:
    """Half a second of tokenizing puts the first token off by half a second."""
    shape = EngineShape(slots=2, prefill_rate=1000, decode_rate=50, kv_tokens=1000, delay_s=0.5)
    model = EngineModel(shape, 0.0)
    model.submit(1, 100, 10, 0.0)
    assert (model.running, model.waiting) == (0, 1)
    assert first_token(run(model, 2.0), 1) == pytest.approx(0.6, abs=2 * STEP_S)


def test_time_that_passed_while_idle_is_not_made_up_for() -> None:
    """A request after a quiet hour is treated like any other."""
    model = EngineModel(SHAPE, 0.0)
    model.advance(3600.0)
    model.submit(1, 100, 10, 7200.0)
    assert model.advance(7200.05) == []
    assert first_token(run(model, 7201.0, begin=7200.0), 1) == pytest.approx(7200.1, abs=STEP_S)


@pytest.mark.parametrize(
    "wrong",
    [{"slots": 0}, {"prefill_rate": 0.0}, {"decode_rate": -1.0}, {"kv_tokens": 1}, {"delay_s": -0.1}],
)
def test_a_shape_without_capacity_is_refused(wrong: dict[str, float]) -> None:
    """It would wait for ever."""
    with pytest.raises(ValueError, match="an engine"):
        EngineShape(**wrong)  # type: ignore[arg-type]


def test_capacity_is_what_the_model_delivers() -> None:
    """Kept busy, the engine finishes as many requests a second as its shape foretells."""
    shape = EngineShape(slots=4, prefill_rate=2000, decode_rate=50, total_decode_rate=150, kv_tokens=50_000)
    model = EngineModel(shape, 0.0)
    for id_ in range(200):
        model.submit(id_, 100, 60, 0.0)
    model.advance(40.0)
    assert model.finished / 40.0 == pytest.approx(shape.requests_per_s(100, 60), rel=0.1)
