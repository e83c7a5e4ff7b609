"""How much an engine is given: in virtual time, against a model that overloads as engines do."""

import random

import pytest

from pontlevis.brain.admission.engine import EngineState
from pontlevis.brain.admission.policy import AdmissionPolicy
from pontlevis.simulation.engine import EngineShape
from pontlevis.simulation.virtual_service import Served, VirtualService

SHAPE = EngineShape(slots=8, prefill_rate=20_000, decode_rate=40, total_decode_rate=320, kv_tokens=200_000)


def press(house: VirtualService, seconds: float, *, rate: float, seed: int = 1) -> list[Served]:
    """Many accounts ask at random for 200 tokens and get 100, ``rate`` times a second."""
    rng = random.Random(seed)
    asked = []
    end = house.now + seconds
    due = house.now
    while house.now < end:
        while due <= house.now:
            asked.append(house.ask(f"account {rng.randrange(500)}", 200, 100))
            due += rng.expovariate(rate)
        house.run(0.1)
    return asked


def mean_limit(house: VirtualService, last: int) -> float:
    return sum(limit for _, limit, _ in house.limits[-last:]) / last


def worst_wait(house: VirtualService, last: int) -> int:
    """At the engine."""
    return max(waiting for _, _, waiting in house.limits[-last:])


@pytest.mark.parametrize("metrics", [True, False])
@pytest.mark.parametrize("initial", [4, 8, 32])
def test_the_limit_finds_the_engines_size_under_pressure(metrics: bool, initial: int) -> None:
    """From below and from above; told by metrics, or by the time to first token and per output token."""
    house = VirtualService(SHAPE, AdmissionPolicy(initial_limit=initial), metrics=metrics)
    press(house, 90.0, rate=6.0)  # the engine finishes 3.2 a second
    assert SHAPE.slots * 0.7 <= mean_limit(house, 20) <= SHAPE.slots * (1.4 if metrics else 2.0)
    assert worst_wait(house, 20) <= (4 if metrics else SHAPE.slots)
    done = [each for each in house.requests.values() if each.done and each.done > 60.0]
    assert len(done) / (house.now - 60.0) >= 0.85 * 3.2, "and the engine is kept busy"


def test_metrics_that_never_move_are_not_believed() -> None:
    """A cache that tells of a quiet engine for ever: the times of answers find its size, and its queue is short again."""
    house = VirtualService(SHAPE, AdmissionPolicy(initial_limit=32), cached=(3, 0, 0.1))
    press(house, 90.0, rate=6.0)
    assert mean_limit(house, 20) <= SHAPE.slots * 2.0
    assert worst_wait(house, 20) <= SHAPE.slots
    done = [each for each in house.requests.values() if each.done and each.done > 60.0]
    assert len(done) / (house.now - 60.0) >= 0.85 * 3.2


def test_an_engine_that_is_full_for_minutes_is_believed_although_its_figures_stand_still() -> None:
    """What it was given stands as still."""
    engine = EngineState("e", AdmissionPolicy(initial_limit=8, max_limit=8), 0.0)
    engine.set_up(True, frozenset({"m"}), 0.0)
    for _ in range(8):
        engine.start(100, 0)
    for second in range(1, 120):
        engine.metrics(8, 0, 0.5, float(second))
        engine.first_byte(30.0, 100, float(second))
    assert engine.limit == 8


def test_the_limit_does_not_grow_while_the_engine_is_not_full() -> None:
    """A quiet day teaches nothing about what it could do."""
    house = VirtualService(SHAPE, AdmissionPolicy(initial_limit=16))
    press(house, 60.0, rate=0.5)
    assert house.admission.limit == 16


@pytest.mark.parametrize("metrics", [True, False])
def test_an_engine_that_loses_half_its_speed_is_followed_within_seconds(metrics: bool) -> None:
    """Its queue is short again, and it is not starved."""
    house = VirtualService(SHAPE, AdmissionPolicy(initial_limit=8), metrics=metrics)
    press(house, 40.0, rate=6.0)
    house.replace_engine(
        EngineShape(slots=4, prefill_rate=10_000, decode_rate=40, total_decode_rate=160, kv_tokens=200_000)
    )
    press(house, 40.0, rate=6.0, seed=2)
    assert worst_wait(house, 15) <= 5
    assert 2 <= mean_limit(house, 15) <= 9
    late = [each for each in house.requests.values() if each.done and each.done > house.now - 20.0]
    assert len(late) / 20.0 >= 0.8 * 1.6


def test_an_engine_that_comes_back_is_learnt_anew() -> None:
    """A small past does not bind it."""
    house = VirtualService(SHAPE, AdmissionPolicy(initial_limit=8))
    house.replace_engine(EngineShape(slots=2, prefill_rate=10_000, decode_rate=40, kv_tokens=200_000))
    press(house, 30.0, rate=6.0)
    assert house.admission.limit <= 5
    house.admission.set_engine("http://e", frozenset({"m"}), False, house.now)
    house.admission.set_engine("http://e", frozenset({"m"}), True, house.now)
    assert house.admission.limit == 8


def test_a_full_cache_limits_tokens_and_not_requests() -> None:
    """Sixteen slots, and room for four of these: the engine never has to throw work away and read it again."""
    shape = EngineShape(
        slots=16, prefill_rate=50_000, decode_rate=40, total_decode_rate=640, kv_tokens=20_000
    )
    house = VirtualService(shape, AdmissionPolicy(initial_limit=16))
    rng = random.Random(3)
    for _ in range(120):
        house.ask(f"account {rng.randrange(500)}", 4_000, 400)
        house.run(0.5)
    preempted = house.engine.preempted
    for _ in range(60):
        house.ask(f"account {rng.randrange(500)}", 4_000, 400)
        house.run(0.5)
    assert house.engine.preempted - preempted <= 2
    assert worst_wait(house, 30) <= 3
    assert house.engine.kv_usage > 0.5


def test_thirty_two_noisy_neighbours_do_not_delay_a_light_account() -> None:
    """Its 99th percentile from question to last word is within 1.5 times of what it is alone."""

    def durations(neighbours: int) -> list[float]:
        house = VirtualService(SHAPE, AdmissionPolicy(initial_limit=8))
        rng = random.Random(5)
        light: list[Served] = []
        running: dict[int, list[Served]] = {each: [] for each in range(neighbours)}
        for step in range(2_500):
            for each, mine in running.items():
                mine[:] = [one for one in mine if one.done is None and one.refused is None]
                while len(mine) < 8:
                    mine.append(house.ask(f"noisy {each}", 300, rng.randint(20, 60)))
            if step >= 200 and step % 100 == 0:
                light.append(house.ask("light", 300, 100))
            house.run(0.1)
        return sorted(each.done - each.at for each in light if each.done is not None)

    alone, beside = durations(0), durations(32)
    assert len(beside) >= len(alone) - 1, "none was refused"
    assert beside[-1] <= 1.5 * alone[-1]
