"""Who asks: honest accounts with the shapes of production, and an attacker with as many accounts as he likes."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from pontlevis.brain.setting import setting
from pontlevis.brain.vocabulary import Standing
from pontlevis.simulation.engine_shape import EngineShape
from pontlevis.simulation.load import Arrival, honest_arrivals, trace_arrivals
from pontlevis.simulation.load_shape import CONVERSATION
from pontlevis.simulation.world.job import Job

CONVERSATION_MEANS = (1_155, 211)
"""Prompt and answer tokens of the Azure conversation trace."""
RECORDED_SCALE = 0.2
"""Of the DeepSeek-R1 traces' lengths: an answer of 1,527 tokens lasts as long as what is played."""
RECORDED_MEANS = (1_268 * RECORDED_SCALE, 1_527 * RECORDED_SCALE)
BURSTY_MOST = 20_000
"""Honest accounts with a rhythm of their own; the others ask once or twice in the time that is played."""


@dataclass(frozen=True, slots=True)
class WorldShape:
    """What is played."""

    engines: int = setting(1_000, unit="engines", doc="Engines.", source="choice: a large service")
    accounts: int = setting(
        1_000_000,
        unit="accounts",
        doc="Honest and hostile accounts together.",
        source="choice: a large service",
    )
    duration_s: float = setting(
        60.0, unit="s", doc="Virtual time that is played.", source="choice: ten times a mean request's life"
    )
    warm_up_s: float = setting(
        20.0, unit="s", doc="Virtual time before what is counted.", source="choice: engines are full by then"
    )
    honest_share: float = setting(
        0.6, unit="share of capacity", doc="Honest load.", source="choice: a healthy service at its busy hour"
    )
    established_share: float = setting(
        0.8, unit="share of accounts", doc="Honest accounts that are established; half of the others are recent, half new.", source="choice: a surge of newcomers the same day"
    )  # fmt: skip
    hostile_share: float = setting(
        0.5,
        unit="share of accounts",
        doc="Accounts in the attacker's hands, all of them new.",
        source="choice",
    )
    hostile_input: int = setting(
        4_000,
        unit="tokens",
        doc="Prompt of a hostile request.",
        source="choice: as costly as it is cheap to send",
    )
    hostile_output: int = setting(
        800, unit="tokens", doc="Answer to a hostile request.", source="choice: four times the honest mean"
    )
    deadline_s: float = setting(
        5.0,
        unit="s",
        doc="To the first token; later is not served.",
        source="choice: people look away after that",
    )
    patience_s: float = setting(
        20.0, unit="s", doc="After which a client has gone.", source="choice: longer than the deadline"
    )
    requests_per_minute: int = setting(
        60,
        unit="requests/min",
        doc="Of the plain rate limiter, for any account.",
        source="nginx limit_req examples",
    )

    def __post_init__(self) -> None:
        if self.engines < 1 or self.accounts < 100:
            raise ValueError("a simulation needs an engine and a hundred accounts")
        if not 0 <= self.warm_up_s < self.duration_s:
            raise ValueError("the warm-up must be shorter than the duration")


def honest_rate(world: WorldShape, engine: EngineShape, *, recorded: bool = False) -> float:
    """Honest requests a second, at the mean lengths of the trace that they follow."""
    means = RECORDED_MEANS if recorded else CONVERSATION_MEANS
    return world.honest_share * world.engines * engine.requests_per_s(*means)


def hostile_rate(world: WorldShape, engine: EngineShape, multiple: float) -> float:
    """Hostile requests a second for ``multiple`` times the engines' capacity."""
    return multiple * world.engines * engine.requests_per_s(world.hostile_input, world.hostile_output)


def arrivals(
    world: WorldShape, engine: EngineShape, multiple: float, seed: int, trace: Path | None
) -> Iterator[Job]:
    """All requests in order of time."""
    honest = _honest(world, engine, seed, trace)
    hostile = _hostile(world, engine, multiple, seed)
    ids = count(1)
    next_honest, next_hostile = next(honest, None), next(hostile, None)
    while next_honest is not None or next_hostile is not None:
        if next_hostile is None or (next_honest is not None and next_honest.at <= next_hostile.at):
            job, next_honest = next_honest, next(honest, None)
        else:
            job, next_hostile = next_hostile, next(hostile, None)
        if job is not None:
            job.id = next(ids)
            yield job


def _honest(world: WorldShape, engine: EngineShape, seed: int, trace: Path | None) -> Iterator[Job]:
    people = int(world.accounts * (1.0 - world.hostile_share))
    rate, users = honest_rate(world, engine, recorded=trace is not None), min(people, BURSTY_MOST)
    drawn: list[Arrival]
    if trace is not None:
        drawn = trace_arrivals(
            trace, users=users, duration_s=world.duration_s, rate_per_s=rate, seed=seed, trace="deepseek-r1",
            shape=replace(CONVERSATION, length_scale=RECORDED_SCALE),
        )  # fmt: skip
    else:
        drawn = honest_arrivals(seed, users, world.duration_s, rate)
    rng = random.Random(f"honest accounts {seed}")  # noqa: S311 - a simulation's chance
    cut = users // 10
    for each in drawn:
        # The heavy tenth keeps its rhythm; of the light ones each stands for many accounts that ask rarely.
        number = each.user if each.user < cut else cut + rng.randrange(max(1, people - cut))
        yield Job(0, each.at, f"h{number}", _standing(number, world), each.input_tokens, each.output_tokens, hostile=False)  # fmt: skip


def _standing(number: int, world: WorldShape) -> Standing:
    """The same account has the same one; heavy and light accounts alike."""
    place = number * 2_654_435_761 % 2**32 / 2**32  # Knuth's multiplicative hash
    if place < world.established_share:
        return Standing.ESTABLISHED
    return Standing.RECENT if place < (1.0 + world.established_share) / 2 else Standing.NEW


def _hostile(world: WorldShape, engine: EngineShape, multiple: float, seed: int) -> Iterator[Job]:
    rate = hostile_rate(world, engine, multiple)
    if rate <= 0.0:
        return
    rng = random.Random(f"hostile {seed}")  # noqa: S311 - a simulation's chance
    bots = max(1, int(world.accounts * world.hostile_share))
    at = 0.0
    while (at := at + rng.expovariate(rate)) < world.duration_s:
        account = f"b{rng.randrange(bots)}"
        yield Job(0, at, account, Standing.NEW, world.hostile_input, world.hostile_output, hostile=True)
