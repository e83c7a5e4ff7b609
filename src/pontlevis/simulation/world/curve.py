"""Existing users' goodput against offered load, contender by contender."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from time import process_time

import msgspec

from pontlevis.brain.admission.policy import AdmissionPolicy
from pontlevis.brain.vocabulary import Posture
from pontlevis.simulation.engine_shape import EngineShape
from pontlevis.simulation.world.contenders import Contender, Fifo, Pontlevis, RateLimiter, StrictPriority
from pontlevis.simulation.world.population import WorldShape, arrivals, honest_rate, hostile_rate
from pontlevis.simulation.world.world import Tally, World

CONTENDERS = ("fifo", "rate-limiter", "strict", "pontlevis", "pontlevis-under-attack")
WAITING = 4_096  # choice: what strict priority keeps in a queue, by band


@dataclass(frozen=True, slots=True)
class Task:
    """One point of the curve."""

    contender: str
    multiple: float
    """Hostile load, of the engines' capacity."""
    seed: int
    world: WorldShape
    engine: EngineShape
    trace: Path | None = None

    @property
    def weight(self) -> float:
        """How long it takes, as a share of the others: its requests."""
        return (
            honest_rate(self.world, self.engine, recorded=self.trace is not None)
            + hostile_rate(self.world, self.engine, self.multiple)
        ) * self.world.duration_s


class Point(msgspec.Struct, frozen=True):
    """What was found there. Times are seconds."""

    contender: str
    name: str
    hostile: float
    """Of the engines' capacity."""
    offered: float
    """Honest and hostile together, of the engines' capacity."""
    existing_asked: int
    existing_goodput: float
    """Share whose first token came before the deadline and whose answer was not cut."""
    existing_ttft_p50_s: float
    existing_ttft_p99_s: float
    newcomers_goodput: float
    """The same for honest recent and new accounts."""
    hostile_share: float
    """Of the engines' slots and time."""
    requests: int
    cpu_s: float


def contender_for(task: Task) -> Contender:
    """Raises ``ValueError`` for an unknown name."""
    rng = random.Random(f"contender {task.seed}")  # noqa: S311 - a simulation's chance
    world = task.world
    policy = AdmissionPolicy()
    if task.contender == "fifo":
        return Fifo(rng)
    if task.contender == "rate-limiter":
        return RateLimiter(rng, world.requests_per_minute)
    if task.contender == "strict":
        return StrictPriority(rng, world.patience_s, WAITING)
    if task.contender == "pontlevis":
        return Pontlevis(rng, world.engines, Posture.NORMAL, policy)
    if task.contender == "pontlevis-under-attack":
        return Pontlevis(rng, world.engines, Posture.UNDER_ATTACK, policy)
    raise ValueError(f"there is no contender {task.contender!r}; there are {', '.join(CONTENDERS)}")


def play(task: Task) -> Point:
    """Plays one point. The same task gives the same point, but for ``cpu_s``."""
    begun = process_time()
    contender = contender_for(task)
    world = World(task.world, task.engine, contender)
    played = world.play(arrivals(task.world, task.engine, task.multiple, task.seed, task.trace))
    waits = sorted(played.existing.waits)
    return Point(
        task.contender,
        contender.name,
        task.multiple,
        round(task.multiple + task.world.honest_share, 3),
        played.existing.asked,
        _share(played.existing),
        _at(waits, 0.5),
        _at(waits, 0.99),
        _share(played.others),
        played.hostile_s / played.slots_s,
        played.requests,
        process_time() - begun,
    )


def play_all(tasks: list[Task], processes: int) -> Iterator[tuple[Task, Point]]:
    """As they are done; the longest first, so that no process waits for the last one."""
    ordered = sorted(tasks, key=lambda each: -each.weight)
    if processes == 1:
        for task in ordered:
            yield task, play(task)
        return
    with get_context("spawn").Pool(processes) as pool:
        for at, point in pool.imap_unordered(_numbered, list(enumerate(ordered))):
            yield ordered[at], point


def _numbered(task: tuple[int, Task]) -> tuple[int, Point]:
    return task[0], play(task[1])


def _share(tally: Tally) -> float:
    return tally.in_time / tally.asked if tally.asked else 0.0


def _at(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
