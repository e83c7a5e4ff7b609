"""Admission before the engine simulator's model, in virtual time."""

import random
from dataclasses import dataclass, field

from pontlevis.brain.admission.admission import Admission
from pontlevis.brain.admission.messages import Ask, Dispatch, Preempt, Queued, Refuse
from pontlevis.brain.admission.policy import AdmissionPolicy
from pontlevis.brain.vocabulary import Standing
from pontlevis.simulation.engine import STEP_S, EngineModel, EngineShape

ENGINE = "http://e"
LOOK_EVERY_S = 1.0  # as the gateway probes


@dataclass
class Served:
    """One request's fate. Times are virtual seconds."""

    ask: Ask
    output: int
    at: float
    started: float | None = None
    first_byte: float | None = None
    done: float | None = None
    refused: Refuse | None = None
    preempted: int = 0
    got: int = 0


@dataclass
class VirtualService:
    """One engine behind admission; ``metrics`` False is an engine that tells nothing of itself."""

    shape: EngineShape
    policy: AdmissionPolicy
    metrics: bool = True
    cached: tuple[int, int, float] | None = None
    """Running, waiting and KV-cache use that a cache before the engine tells for ever instead of its own."""
    now: float = 0.0
    requests: dict[int, Served] = field(default_factory=dict)
    limits: list[tuple[float, int, int]] = field(default_factory=list)
    """Each second: time, admission's limit, how many wait at the engine."""

    def __post_init__(self) -> None:
        self.admission = Admission(self.policy, enabled=True, rng=random.Random(1))  # noqa: S311 - a simulation's chance
        self.admission.set_engine(ENGINE, frozenset({"m"}), True, 0.0)
        self.engine = EngineModel(self.shape, 0.0)
        self._ticket = 0
        self._looked = 0.0

    def ask(
        self,
        account: str,
        input_tokens: int,
        output_tokens: int,
        standing: Standing = Standing.ESTABLISHED,
        *,
        unlimited: bool = True,
    ) -> Served:
        """Somebody asks now."""
        self._ticket += 1
        ask = Ask(self._ticket, account, standing, "m", input_tokens, unlimited=unlimited)
        served = self.requests[self._ticket] = Served(ask, output_tokens, self.now)
        self._take(self.admission.ask(ask, self.now))
        self._pump()
        return served

    def run(self, seconds: float) -> None:
        """Lets time pass in the engine's steps."""
        end = self.now + seconds
        while self.now < end - 1e-9:
            self.now += STEP_S
            for progress in self.engine.advance(self.now):
                served = self.requests[progress.id]
                if served.first_byte is None:
                    served.first_byte = self.now
                    self.admission.first_byte(progress.id, self.now)
                served.got += progress.tokens
                self.admission.progress(progress.id, served.got, self.now)
                if progress.finished:
                    served.done = self.now
                    self.admission.finish(
                        progress.id,
                        self.now,
                        input_tokens=served.ask.input_tokens,
                        output_tokens=served.got,
                    )
            if self.now - self._looked >= LOOK_EVERY_S:
                self._look()
            self._pump()

    def replace_engine(self, shape: EngineShape) -> None:
        """The same requests go on at an engine of another speed."""
        self.shape = shape
        self.engine.shape = shape

    def _look(self) -> None:
        self._looked = self.now
        engine = self.engine
        if self.metrics:
            running, waiting, kv_usage = self.cached or (engine.running, engine.waiting, engine.kv_usage)
            self.admission.engine_metrics(
                ENGINE, running=running, waiting=waiting, kv_usage=kv_usage, now=self.now
            )
        self.admission.sample(self.now, LOOK_EVERY_S)
        self.limits.append((self.now, self.admission.limit, engine.waiting))

    def _pump(self) -> None:
        while commands := self.admission.due(self.now):
            for command in commands:
                self._take(command)

    def _take(self, said: Dispatch | Queued | Refuse | Preempt) -> None:
        served = self.requests[said.ticket]
        if isinstance(said, Dispatch):
            served.started = self.now
            self.engine.submit(said.ticket, served.ask.input_tokens, served.output, self.now)
        elif isinstance(said, Refuse):
            served.refused = said
        elif isinstance(said, Preempt):
            served.preempted += 1
            self.engine.cancel(said.ticket)
            if not said.requeued:
                self.admission.finish(said.ticket, self.now, input_tokens=None, output_tokens=None)
