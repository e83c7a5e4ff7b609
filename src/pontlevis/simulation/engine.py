"""A continuous-batching inference engine as a pure model: slots, prefill, decode, KV-cache, queue.

Driven with times, by a process with the real clock or by a simulator with a virtual one. It overloads
the way engines do: its own queue is first come first served and has no end, so time to first token
explodes. After vLLM's scheduler (Kwon et al., SOSP 2023): prompts are read in chunks between decoding
steps, and the newest running request is preempted and recomputed when the KV-cache is full.
Left out: prefix caching, and that reading prompts slows decoding down; each has a rate of its own.
"""

from collections import OrderedDict
from typing import NamedTuple

from pontlevis.simulation.engine_shape import EngineShape

STEP_S = 0.02  # the longest stretch advanced at once; a real engine's step takes 10 to 50 ms

__all__ = ["STEP_S", "EngineModel", "EngineShape", "Progress"]


class Progress(NamedTuple):
    """What one request got."""

    id: int
    tokens: int
    finished: bool


class _Sequence:
    __slots__ = ("credit", "generated", "id", "output", "prefilled", "prompt", "ready_at")

    def __init__(self, id_: int, prompt: int, output: int, ready_at: float) -> None:
        self.id = id_
        self.prompt = prompt
        self.output = output
        self.ready_at = ready_at
        self.prefilled = 0.0
        self.generated = 0
        self.credit = 0.0

    @property
    def held(self) -> int:
        """Tokens in the KV-cache while it runs; what must be read again after a preemption."""
        return self.prompt + self.generated


class EngineModel:
    """One engine. Times are seconds of whatever clock the caller has."""

    def __init__(self, shape: EngineShape, now: float) -> None:
        self.shape = shape
        self._now = now
        # In order of admission, so that the newest is the last.
        self._running: OrderedDict[int, _Sequence] = OrderedDict()
        self._waiting: OrderedDict[int, _Sequence] = OrderedDict()
        self._kv_used = 0
        self.started = 0
        self.finished = 0
        self.cancelled = 0
        self.preempted = 0
        self.tokens_in = 0
        """Prompt tokens of all requests that were taken."""
        self.tokens_out = 0

    @property
    def running(self) -> int:
        return len(self._running)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def kv_used(self) -> int:
        """Tokens in the KV-cache, never above what it holds."""
        return self._kv_used

    @property
    def kv_usage(self) -> float:
        """Share of the KV-cache in use, 0 to 1."""
        return self._kv_used / self.shape.kv_tokens

    @property
    def idle(self) -> bool:
        return not self._running and not self._waiting

    def submit(self, id_: int, prompt_tokens: int, output_tokens: int, now: float) -> None:
        """A request arrives. Raises ``ValueError`` for one that the KV-cache can never hold, and for an id in use."""
        prompt, output = max(1, prompt_tokens), max(1, output_tokens)
        if prompt + output > self.shape.kv_tokens:
            raise ValueError(
                f"This model's maximum context length is {self.shape.kv_tokens} tokens; prompt and answer need {prompt + output}."
            )
        if id_ in self._running or id_ in self._waiting:
            raise ValueError(f"request {id_} is already here")
        if self.idle:
            self._now = max(self._now, now)
        self._waiting[id_] = _Sequence(id_, prompt, output, now + self.shape.delay_s)
        self.started += 1
        self.tokens_in += prompt
        self._admit()

    def cancel(self, id_: int) -> None:
        """The client went away: slot and KV-cache are free at once. Unknown requests are ignored."""
        if (gone := self._running.pop(id_, None)) is not None:
            self._kv_used -= gone.held
        elif self._waiting.pop(id_, None) is None:
            return
        self.cancelled += 1
        self._admit()

    def advance(self, now: float) -> list[Progress]:
        """Lets time pass up to ``now``; who got tokens since, each request once."""
        gained: dict[int, int] = {}
        done: set[int] = set()
        while self._now < now:
            if self.idle:
                self._now = now
                break
            step = min(STEP_S, now - self._now)
            self._now += step
            self._step(step, gained, done)
        return [Progress(id_, tokens, id_ in done) for id_, tokens in gained.items()]

    def _step(self, seconds: float, gained: dict[int, int], done: set[int]) -> None:
        self._admit()
        budget = self.shape.prefill_rate * seconds
        running = list(self._running.values())
        decoding = sum(each.prefilled >= each.held for each in running)
        rate = min(self.shape.decode_rate, self.shape.total_decode_rate / max(1, decoding))
        for each in running:
            if each.id not in self._running:
                continue  # preempted by an older one in this very step
            missing = each.held - each.prefilled
            if missing > 0:
                taken = min(missing, budget)
                budget -= taken
                each.prefilled += taken
                if each.prefilled < each.held:
                    continue
                # The step that ends the prefill yields the next token.
                each.credit = 1.0
            else:
                each.credit += rate * seconds
            if each.credit >= 1.0:
                self._emit(each, gained, done)
        self._admit()

    def _emit(self, each: _Sequence, gained: dict[int, int], done: set[int]) -> None:
        tokens = min(int(each.credit), each.output - each.generated)
        while self._kv_used + tokens > self.shape.kv_tokens:
            if self._preempt_newest() is each:
                return
        each.credit -= tokens
        each.generated += tokens
        each.prefilled = each.held
        self._kv_used += tokens
        self.tokens_out += tokens
        gained[each.id] = gained.get(each.id, 0) + tokens
        if each.generated >= each.output:
            done.add(each.id)
            self.finished += 1
            self._kv_used -= each.held
            del self._running[each.id]

    def _preempt_newest(self) -> _Sequence:
        _, newest = self._running.popitem()
        self._kv_used -= newest.held
        newest.prefilled = 0.0
        newest.credit = 0.0
        self._waiting[newest.id] = newest
        self._waiting.move_to_end(newest.id, last=False)
        self.preempted += 1
        return newest

    def _admit(self) -> None:
        while self._waiting and len(self._running) < self.shape.slots:
            first = next(iter(self._waiting.values()))
            if first.ready_at > self._now or self._kv_used + first.held + 1 > self.shape.kv_tokens:
                return
            del self._waiting[first.id]
            self._kv_used += first.held
            self._running[first.id] = first
