"""Who decides who is served: Pontlevis' own admission, and what is used instead of it."""

import random
from collections import deque
from collections.abc import Iterable
from typing import Protocol

from pontlevis.brain.admission.admission import Admission
from pontlevis.brain.admission.messages import Ask, Command, Dispatch, Preempt, Queued, Refuse
from pontlevis.brain.admission.policy import AdmissionPolicy
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import EXISTING, Posture, Standing
from pontlevis.simulation.world.job import Job
from pontlevis.simulation.world.virtual_engine import VirtualEngine

MODEL = "m"
LOOKED_AT = 8
MINUTE_S = 60.0


class Hands(Protocol):
    """What a contender may do in the world."""

    @property
    def now(self) -> float: ...

    @property
    def engines(self) -> list[VirtualEngine]: ...

    def start(self, job: Job, engine: int) -> None:
        """Sends it to an engine."""

    def refuse(self, job: Job) -> None: ...

    def put_back(self, job: Job) -> None:
        """Takes it off its engine; it may be started again."""

    def cut(self, job: Job) -> None:
        """Ends its answer."""


class Contender(Protocol):
    """One way to decide."""

    name: str

    def arrive(self, job: Job, hands: Hands) -> None: ...

    def first_byte(self, job: Job, hands: Hands) -> None: ...

    def done(self, job: Job, hands: Hands) -> None: ...

    def gone(self, job: Job, hands: Hands) -> None:
        """Its client gave up while it waited at an engine."""

    def tick(self, hands: Hands) -> None:
        """Called every quarter of a second."""


def least_loaded(engines: list[VirtualEngine], rng: random.Random) -> int:
    """The engine with the fewest requests, of eight drawn by lot."""
    if len(engines) <= LOOKED_AT:
        among: Iterable[int] = range(len(engines))
    else:
        among = [int(rng.random() * len(engines)) for _ in range(LOOKED_AT)]
    return min(among, key=lambda each: engines[each].load)


class Fifo:
    """A plain load balancer: everything goes to an engine at once and waits there."""

    name = "first come, first served"

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def arrive(self, job: Job, hands: Hands) -> None:
        hands.start(job, least_loaded(hands.engines, self._rng))

    def first_byte(self, job: Job, hands: Hands) -> None:
        pass

    def done(self, job: Job, hands: Hands) -> None:
        pass

    def gone(self, job: Job, hands: Hands) -> None:
        pass

    def tick(self, hands: Hands) -> None:
        pass


class RateLimiter(Fifo):
    """So many requests a minute and account, whoever it is; what passes goes to an engine at once."""

    name = "rate limiter"

    def __init__(self, rng: random.Random, per_minute: int) -> None:
        super().__init__(rng)
        self._per_minute = per_minute
        self._used: dict[str, tuple[float, float]] = {}

    def arrive(self, job: Job, hands: Hands) -> None:
        used, at = self._used.get(job.account, (0.0, hands.now))
        used = max(0.0, used - (hands.now - at) / MINUTE_S * self._per_minute)
        if used + 1.0 > self._per_minute:
            self._used[job.account] = (used, hands.now)
            hands.refuse(job)
            return
        self._used[job.account] = (used + 1.0, hands.now)
        super().arrive(job, hands)


class StrictPriority:
    """As many requests as the engines have slots, existing users first, then recent, then new; a request is a request."""

    name = "strict priority by count"

    def __init__(self, rng: random.Random, patience_s: float, waiting: int) -> None:
        self._rng = rng
        self._patience_s = patience_s
        self._waiting = waiting
        self._queues: list[deque[Job]] = [deque() for _ in range(3)]
        self._in_flight = 0

    def arrive(self, job: Job, hands: Hands) -> None:
        queue = self._queues[_band(job.standing)]
        if len(queue) >= self._waiting:
            hands.refuse(job)
            return
        queue.append(job)
        self._serve(hands)

    def first_byte(self, job: Job, hands: Hands) -> None:
        pass

    def done(self, job: Job, hands: Hands) -> None:
        self._in_flight -= 1
        self._serve(hands)

    def gone(self, job: Job, hands: Hands) -> None:
        self.done(job, hands)

    def tick(self, hands: Hands) -> None:
        for queue in self._queues:
            while queue and hands.now - queue[0].at > self._patience_s:
                hands.refuse(queue.popleft())

    def _serve(self, hands: Hands) -> None:
        slots = sum(engine.slots for engine in hands.engines[:1]) * len(hands.engines)
        for queue in self._queues:
            while queue and self._in_flight < slots:
                self._in_flight += 1
                hands.start(queue.popleft(), least_loaded(hands.engines, self._rng))


class Pontlevis:
    """``brain.admission`` as the gateway runs it, at a posture that holds all the time."""

    def __init__(self, rng: random.Random, engines: int, posture: Posture, policy: AdmissionPolicy) -> None:
        self.name = f"Pontlevis, {posture.value.replace('_', ' ')}"
        self._admission = Admission(policy, enabled=True, rng=rng)
        self._admission.set_posture(PostureState(posture=posture), 0.0)
        self._names = [str(each) for each in range(engines)]
        self._jobs: dict[int, Job] = {}
        self._ticks = 0
        for name in self._names:
            self._admission.set_engine(name, frozenset({MODEL}), True, 0.0)

    def arrive(self, job: Job, hands: Hands) -> None:
        said = self._admission.ask(Ask(job.id, job.account, job.standing, MODEL, job.input), hands.now)
        if type(said) is Refuse:
            hands.refuse(job)
            return
        self._jobs[job.id] = job
        if type(said) is Dispatch:
            hands.start(job, int(said.engine))
        elif type(said) is Queued:
            self._obey(hands)

    def first_byte(self, job: Job, hands: Hands) -> None:
        self._admission.first_byte(job.id, hands.now)

    def done(self, job: Job, hands: Hands) -> None:
        self._jobs.pop(job.id, None)
        self._admission.finish(job.id, hands.now, input_tokens=job.input, output_tokens=job.output)
        self._obey(hands)

    def gone(self, job: Job, hands: Hands) -> None:
        self._jobs.pop(job.id, None)
        self._admission.abandon(job.id, hands.now)
        self._obey(hands)

    def tick(self, hands: Hands) -> None:
        self._ticks += 1
        if self._ticks % 4 == 0:
            self._admission.sample(hands.now, 1.0)
            for name, engine in zip(self._names, hands.engines, strict=True):
                self._admission.engine_metrics(
                    name,
                    running=engine.running,
                    waiting=len(engine.queue),
                    kv_usage=engine.kv_used / engine.kv_tokens,
                    now=hands.now,
                )
        self._obey(hands)

    def _obey(self, hands: Hands) -> None:
        while commands := self._admission.due(hands.now):
            for command in commands:
                self._do(command, hands)

    def _do(self, command: Command, hands: Hands) -> None:
        job = self._jobs[command.ticket]
        if type(command) is Dispatch:
            hands.start(job, int(command.engine))
        elif type(command) is Refuse:
            del self._jobs[job.id]
            hands.refuse(job)
        elif type(command) is Preempt and command.requeued:
            hands.put_back(job)
        else:
            del self._jobs[job.id]
            self._admission.finish(job.id, hands.now, input_tokens=None, output_tokens=None)
            hands.cut(job)


def _band(standing: Standing) -> int:
    return 0 if standing in EXISTING else 1 if standing is Standing.RECENT else 2
