"""The loop of virtual time."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush

from pontlevis.brain.vocabulary import EXISTING
from pontlevis.simulation.engine_shape import EngineShape
from pontlevis.simulation.world.contenders import Contender
from pontlevis.simulation.world.job import Job
from pontlevis.simulation.world.population import WorldShape
from pontlevis.simulation.world.virtual_engine import Start, VirtualEngine

TICK_S = 0.25
FIRST, DONE = 0, 1


@dataclass(slots=True)
class Tally:
    """What became of one kind of requests that arrived in the counted time."""

    asked: int = 0
    in_time: int = 0
    """First token before the deadline, and not cut afterwards."""
    waits: list[float] = field(default_factory=list)
    """Seconds to the first token of those that had one."""


@dataclass(slots=True)
class Played:
    """What one world came to."""

    existing: Tally
    others: Tally
    """Honest recent and new accounts."""
    hostile_s: float
    """Slot-seconds that hostile requests held, in the counted time and after."""
    slots_s: float
    requests: int


class World:
    """``engines`` engines, and a contender who decides."""

    def __init__(self, shape: WorldShape, engine: EngineShape, contender: Contender) -> None:
        self._shape = shape
        self._contender = contender
        self.now = 0.0
        self.engines = [VirtualEngine(engine, shape.patience_s) for _ in range(shape.engines)]
        self._events: list[tuple[float, int, int, int, Job]] = []
        self._order = 0
        self._gone: list[Job] = []
        self._telling = False
        self._hostile_s = 0.0

    def play(self, arriving: Iterator[Job]) -> Played:
        """Until the last arrival; what is counted arrived early enough to be served by then."""
        shape, contender = self._shape, self._contender
        counted: list[Job] = []
        requests, tick = 0, TICK_S
        last = shape.duration_s - shape.deadline_s
        for job in arriving:
            self._run_to(job.at, tick)
            while tick <= job.at:
                self.now = tick
                contender.tick(self)
                tick += TICK_S
                self._run_to(min(job.at, tick), tick)
            self.now = job.at
            requests += 1
            if not job.hostile and shape.warm_up_s <= job.at <= last:
                counted.append(job)
            contender.arrive(job, self)
        existing, others = Tally(), Tally()
        for job in counted:
            self._count(job, existing if job.standing in EXISTING else others)
        slots = self.engines[0].slots * len(self.engines)
        return Played(existing, others, self._hostile_s, slots * shape.duration_s, requests)

    # -- Hands

    def start(self, job: Job, engine: int) -> None:
        job.engine = engine
        self._schedule(self.engines[engine], self.engines[engine].submit(job, self.now))

    def refuse(self, job: Job) -> None:
        job.over = True

    def put_back(self, job: Job) -> None:
        self._take_off(job)
        job.first_at = job.done_at = float("inf")

    def cut(self, job: Job) -> None:
        self._take_off(job)
        job.over = True
        job.done_at = float("inf")

    # -- inside

    def _run_to(self, until: float, tick: float) -> None:
        events, contender = self._events, self._contender
        until = min(until, tick)
        while events and events[0][0] <= until:
            at, _, kind, epoch, job = heappop(events)
            if job.epoch != epoch:
                continue
            self.now = at
            if kind == FIRST:
                contender.first_byte(job, self)
                continue
            job.over = True
            job.epoch += 1
            self._held(job)
            engine = self.engines[job.engine]
            self._schedule(engine, engine.leave(job, at))
            contender.done(job, self)

    def _take_off(self, job: Job) -> None:
        job.epoch += 1
        self._held(job)
        engine = self.engines[job.engine]
        self._schedule(engine, engine.leave(job, self.now))

    def _held(self, job: Job) -> None:
        if job.hostile and job.first_at < float("inf"):
            self._hostile_s += self.now - min(self.now, job.first_at)

    def _schedule(self, engine: VirtualEngine, started: list[Start]) -> None:
        self._gone.extend(engine.gone)
        engine.gone.clear()
        for first, done, job in started:
            self._order += 1
            heappush(self._events, (first, self._order, FIRST, job.epoch, job))
            heappush(self._events, (done, self._order, DONE, job.epoch, job))
        if self._telling:
            return
        # Whoever is told may start others, and then more are found to have gone: one after another, not within.
        self._telling = True
        while self._gone:
            job = self._gone.pop()
            job.over = True
            self._contender.gone(job, self)
        self._telling = False

    def _count(self, job: Job, tally: Tally) -> None:
        tally.asked += 1
        if job.first_at > self.now or (job.over and job.done_at == float("inf")):
            return
        wait = job.first_at - job.at
        tally.waits.append(wait)
        tally.in_time += wait <= self._shape.deadline_s
