"""A continuous-batching inference engine as a pure model: slots, prefill, decode, KV-cache, queue.

Driven with times, by a process with the real clock or by a simulator with a virtual one. It overloads
the way engines do: its own queue is first come first served and has no end, so time to first token
explodes. After vLLM's scheduler (Kwon et al., SOSP 2023): the newest running request is preempted and
recomputed when the KV-cache is full.
"""

from collections import deque
from dataclasses import dataclass

STEP_S = 0.02  # the longest stretch advanced at once; an engine's own step takes 10 to 50 ms


@dataclass(frozen=True, slots=True)
class EngineShape:
    """What an engine can do. Defaults: a small model on one small GPU."""

    slots: int = 16
    """Requests decoded together (vLLM's max_num_seqs)."""
    prefill_rate: float = 8_000.0
    """Prompt tokens a second, shared by all."""
    decode_rate: float = 40.0
    """Output tokens a second of one request."""
    total_decode_rate: float = 1_000.0
    """Output tokens a second of all together."""
    kv_tokens: int = 65_536
    """Tokens that the KV-cache holds."""


class _Sequence:
    __slots__ = ("credit", "generated", "id", "output", "prefilled", "prompt")

    def __init__(self, id_: int, prompt: int, output: int) -> None:
        self.id = id_
        self.prompt = prompt
        self.output = output
        self.prefilled = 0.0
        self.generated = 0
        self.credit = 0.0

    @property
    def to_prefill(self) -> int:
        """Prompt and, after a preemption, what had been generated."""
        return self.prompt + self.generated


@dataclass(frozen=True, slots=True)
class Progress:
    """Tokens that one request got, and whether it is done."""

    id: int
    tokens: int
    finished: bool


class EngineModel:
    """One engine. Times are seconds of whatever clock the caller has."""

    def __init__(self, shape: EngineShape, now: float) -> None:
        self.shape = shape
        self._now = now
        self._running: list[_Sequence] = []
        self._waiting: deque[_Sequence] = deque()
        self.started = 0
        self.finished = 0
        self.cancelled = 0
        self.preempted = 0
        self.tokens_out = 0

    @property
    def running(self) -> int:
        return len(self._running)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def kv_used(self) -> int:
        return sum(each.prompt + each.generated for each in self._running)

    @property
    def kv_usage(self) -> float:
        """Share of the KV-cache in use, 0 to 1."""
        return min(1.0, self.kv_used / self.shape.kv_tokens)

    @property
    def idle(self) -> bool:
        return not self._running and not self._waiting

    def submit(self, id_: int, prompt_tokens: int, output_tokens: int, now: float) -> None:
        """A request arrives. Raises ``ValueError`` for one that the KV-cache can never hold."""
        if prompt_tokens + output_tokens > self.shape.kv_tokens:
            raise ValueError(
                f"prompt and output of {prompt_tokens + output_tokens} tokens exceed the context of {self.shape.kv_tokens}"
            )
        if self.idle:
            self._now = max(self._now, now)
        self._waiting.append(_Sequence(id_, prompt_tokens, max(1, output_tokens)))
        self.started += 1
        self._admit()

    def cancel(self, id_: int) -> None:
        """The client went away: the slot is free at once. Unknown requests are ignored."""
        for held in (self._running, self._waiting):
            for each in held:
                if each.id == id_:
                    held.remove(each)
                    self.cancelled += 1
                    self._admit()
                    return

    def advance(self, now: float) -> list[Progress]:
        """Lets time pass up to ``now``; who got tokens, in order."""
        gained: dict[int, int] = {}
        done: list[int] = []
        while self._now < now:
            if self.idle:
                self._now = now
                break
            step = min(STEP_S, now - self._now)
            self._now += step
            self._step(step, gained, done)
        finished = set(done)
        return [Progress(id_, tokens, id_ in finished) for id_, tokens in gained.items()]

    def _step(self, seconds: float, gained: dict[int, int], done: list[int]) -> None:
        self._admit()
        budget = self.shape.prefill_rate * seconds
        decoding: list[_Sequence] = []
        for each in self._running:
            missing = each.to_prefill - each.prefilled
            if missing <= 0:
                decoding.append(each)
                continue
            taken = min(missing, budget)
            budget -= taken
            each.prefilled += taken
            if each.prefilled >= each.to_prefill:
                # The step that ends the prefill yields the next token.
                each.credit = max(each.credit, 1.0)
                self._emit(each, gained, done)
        if decoding:
            rate = min(self.shape.decode_rate, self.shape.total_decode_rate / len(decoding))
            for each in decoding:
                each.credit += rate * seconds
                if each.credit >= 1.0:
                    self._emit(each, gained, done)
        if done:
            gone = set(done)
            self._running = [each for each in self._running if each.id not in gone]
        while len(self._running) > 1 and self.kv_used > self.shape.kv_tokens:
            newest = self._running.pop()
            newest.prefilled = 0.0
            self._waiting.appendleft(newest)
            self.preempted += 1

    def _emit(self, each: _Sequence, gained: dict[int, int], done: list[int]) -> None:
        tokens = min(int(each.credit), each.output - each.generated)
        each.credit -= tokens
        each.generated += tokens
        each.prefilled += tokens
        self.tokens_out += tokens
        gained[each.id] = gained.get(each.id, 0) + tokens
        if each.generated >= each.output:
            done.append(each.id)
            self.finished += 1

    def _admit(self) -> None:
        used = self.kv_used
        while self._waiting and len(self._running) < self.shape.slots:
            first = self._waiting[0]
            need = first.prompt + first.generated + 1
            if used + need > self.shape.kv_tokens and self._running:
                return
            used += need
            self._running.append(self._waiting.popleft())
