"""How many requests an engine may be given so that its own queue stays short."""

from collections import deque
from math import sqrt

from pontlevis.brain.admission.policy import AdmissionPolicy

GROWTH_FIRST = 1.25
"""A second, until the first sign of congestion: TCP's slow start (RFC 5681) with a factor that overshoots by a quarter."""
GROWTH_LATER = 1.05
"""A second, afterwards."""
BUSY = 0.5
"""Of the limit, before the first sign of congestion: a moment's peak does not show that the engine can run so many."""
LOOKS = 10
"""Over so many looks at its metrics the most that an engine ran is what it can run: while it reads long prompts, fewer
run and some wait, and that is no sign of a smaller engine. A smaller one is believed after as many looks."""
SEVERE = 4
"""Times the queue that is allowed: so many waiting are believed at the first look, fewer at the second."""
SHRINK_MOST = 0.5  # Gradient2 never halves the limit more than once a step
ADJUST_EVERY_S = 0.5


class EngineState:
    """One engine as admission knows it. Times are the caller's monotonic seconds."""

    __slots__ = (
        "_adjusted_at", "_congested", "_long", "_metrics_at", "_peak", "_policy", "_queued", "_recent", "_seen", "_short",
        "in_flight", "kv_usage", "limit", "models", "name", "running", "tokens_in_flight", "up", "waiting",
    )  # fmt: skip

    def __init__(self, name: str, policy: AdmissionPolicy, now: float) -> None:
        self.name = name
        self._policy = policy
        self.models: frozenset[str] = frozenset()
        self.up = False
        self.limit = float(policy.initial_limit)
        self.in_flight = 0
        self.tokens_in_flight = 0
        self.running = 0
        self.waiting = 0
        self.kv_usage = 0.0
        self._metrics_at = float("-inf")
        self._adjusted_at = now
        self._congested = False
        self._peak = 0
        self._long = 0.0
        self._short = 0.0
        self._seen = 0
        self._queued = False
        self._recent: deque[int] = deque(maxlen=LOOKS)

    @property
    def free(self) -> int:
        return int(self.limit) - self.in_flight

    def serves(self, model: str) -> bool:
        return self.up and (not self.models or model in self.models)

    def start(self, tokens: int) -> None:
        self.in_flight += 1
        self.tokens_in_flight += tokens
        self._peak = max(self._peak, self.in_flight)

    def end(self, tokens: int) -> None:
        self.in_flight -= 1
        self.tokens_in_flight -= tokens

    def set_up(self, up: bool, models: frozenset[str], now: float) -> None:
        """Health as last probed. An engine that comes back is learnt anew."""
        if up and not self.up:
            self.limit = float(self._policy.initial_limit)
            self._congested = self._queued = False
            self._recent.clear()
            self._long = self._short = 0.0
            self._seen = 0
            self._adjusted_at = now
        self.up = up
        self.models = models

    def metrics(self, running: int, waiting: int, kv_usage: float, now: float) -> None:
        """The engine's own figures; steer the limit while they are fresh."""
        self.running, self.waiting, self.kv_usage = running, waiting, kv_usage
        self._metrics_at = now
        policy = self._policy
        full = self._peak >= int(self.limit) and (self._congested or running >= BUSY * int(self.limit))
        target = policy.engine_queue_target
        self._recent.append(running)
        queued = waiting > target
        if queued and (self._queued or waiting > SEVERE * target):
            self._congested = True
            self.limit = max(float(policy.min_limit), min(self.limit, float(max(self._recent) + target // 2)))
        elif full and waiting == 0 and kv_usage < policy.engine_kv_ceiling:
            factor = GROWTH_LATER if self._congested else GROWTH_FIRST
            self.limit = min(float(policy.max_limit), max(self.limit + 1, self.limit * factor))
        self._queued = queued
        self._peak = self.in_flight

    def first_byte(self, seconds: float, input_tokens: int, now: float) -> None:
        """Time to first token, per input token, steers where the engine tells nothing itself.

        Gradient2 (Netflix concurrency-limits): the long average against the newest, with tolerance.
        """
        per_token = seconds / (input_tokens + 100)  # a hundred tokens stand for what every request costs
        self._seen += 1
        if self._seen == 1:
            self._long = self._short = per_token
            return
        window = min(self._seen, self._policy.gradient_window)
        self._long += (per_token - self._long) * 2.0 / (window + 1)
        self._short += (per_token - self._short) * 0.2
        if now - self._metrics_at <= self._policy.metrics_fresh_s or now - self._adjusted_at < ADJUST_EVERY_S:
            return
        self._adjusted_at = now
        if self._long > 2 * self._short:
            self._long *= 0.95  # the load has gone down: let the long average follow (Gradient2)
        gradient = max(
            SHRINK_MOST, min(1.0, self._policy.gradient_tolerance * self._long / max(self._short, 1e-9))
        )
        if gradient >= 1.0 and self._peak < self.limit / 2:
            self._peak = self.in_flight
            return
        wanted = self.limit * gradient + sqrt(self.limit)
        smoothing = self._policy.gradient_smoothing
        self.limit = self.limit * (1 - smoothing) + wanted * smoothing
        self.limit = min(float(self._policy.max_limit), max(float(self._policy.min_limit), self.limit))
        self._peak = self.in_flight
