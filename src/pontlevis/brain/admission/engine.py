"""How much an engine may be given so that its own queue stays short: requests and tokens in flight.

Where the engine publishes metrics they say it: how many run, how many wait, how full the KV-cache is.
Where it does not, the time to first token per input token and the time per output token say it, against
what they are when the engine is not full; never a request's whole duration, which is the client's choice.
"""

from collections import deque
from math import inf, sqrt

from pontlevis.brain.admission.bands import BANDS
from pontlevis.brain.admission.pace import Congestion
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
SWING, SWING_LEAST = 0.5, 4
"""Of the most that was in flight, and requests: figures that did not move while so many came or went are not the engine's.
Choice: a look may be late by one request or two, not by half of all."""
KV_SEEN = 0.2  # of the cache in use before it tells how many tokens it holds
KV_GAIN = 0.2  # weight of the newest look


class EngineState:
    """One engine as admission knows it. Times are the caller's monotonic seconds."""

    __slots__ = (
        "_adjusted_at", "_congested", "_kv_tokens", "_least", "_metrics_at", "_most", "_pace", "_peak", "_policy", "_queued", "_recent",
        "_same", "_shrunk_from", "_token_peak", "ejected_until", "ejections", "failures", "held", "in_flight", "kv_usage", "limit", "models",
        "name", "running", "slots", "token_limit", "tokens_in_flight", "up", "waiting",
    )  # fmt: skip

    def __init__(self, name: str, policy: AdmissionPolicy, now: float) -> None:
        self.name = name
        self._policy = policy
        self.models: frozenset[str] = frozenset()
        self.up = False
        self.in_flight = 0
        self.tokens_in_flight = 0
        self.held = [0 for _ in BANDS]
        """Requests in flight by band."""
        self.running = 0
        self.waiting = 0
        self.kv_usage = 0.0
        self.failures = 0
        """Requests in a row that it failed."""
        self.ejections = 0
        self.ejected_until = -inf
        self.slots = 0
        """Requests that it may be given: its limit, 0 while it is down or ejected."""
        self._begin(now)

    def _begin(self, now: float) -> None:
        self.limit = float(self._policy.initial_limit)
        self.token_limit = inf
        self._pace = Congestion(self._policy)
        self._kv_tokens = 0.0
        self._metrics_at = -inf
        self._adjusted_at = now
        self._congested = self._queued = False
        self._recent: deque[int] = deque(maxlen=LOOKS)
        self._same = 0
        self._least = self._most = self.in_flight
        self._peak = self.in_flight
        self._token_peak = self.tokens_in_flight
        self._shrunk_from: tuple[float, float] | None = None

    @property
    def open(self) -> bool:
        """Whether it may be given one more. The one that reaches the token limit may exceed it."""
        return self.in_flight < self.slots and self.tokens_in_flight < self.token_limit

    def start(self, tokens: int, band: int) -> None:
        self.in_flight += 1
        self.held[band] += 1
        self.tokens_in_flight += tokens
        if self.in_flight > self._peak:
            self._peak = self.in_flight
        if self.tokens_in_flight > self._token_peak:
            self._token_peak = self.tokens_in_flight

    def correct(self, tokens: int) -> None:
        """A request turns out to need so many more than was thought."""
        self.tokens_in_flight += tokens
        self._token_peak = max(self._token_peak, self.tokens_in_flight)

    def end(self, tokens: int, band: int) -> None:
        self.in_flight -= 1
        self.held[band] -= 1
        self.tokens_in_flight -= tokens

    def eject(self, now: float) -> None:
        """Gives it nothing for a while, each time longer (Envoy's outlier detection)."""
        policy = self._policy
        self.ejected_until = now + min(policy.ejection_s * 2**self.ejections, policy.ejection_most_s)
        self.ejections = min(self.ejections + 1, 16)
        self.failures = 0
        self.slots = 0

    def readmit(self) -> None:
        self.ejected_until = -inf
        self._resize()

    def answered(self) -> None:
        """A request that it did not fail."""
        self.failures = 0
        if self.ejections:
            self.ejections -= 1

    def set_up(self, up: bool, models: frozenset[str], now: float) -> None:
        """Health as last probed. An engine that comes back is learnt anew."""
        if up and not self.up:
            self._begin(now)
        self.up = up
        self.models = models
        self._resize()

    def metrics(self, running: int, waiting: int, kv_usage: float, now: float) -> None:
        """The engine's own figures; steer the limits while they are fresh and move with what it was given."""
        frozen = self._stand_still(running, waiting, kv_usage)
        self.running, self.waiting, self.kv_usage = running, waiting, kv_usage
        if frozen:
            return
        self._metrics_at = now
        policy = self._policy
        full = self._peak >= int(self.limit) and (self._congested or running >= BUSY * int(self.limit))
        target = policy.engine_queue_target
        self._recent.append(running)
        queued = waiting > target
        if queued and (self._queued or waiting > SEVERE * target):
            self._congested = True
            self.limit_to(min(self.limit, float(max(self._recent) + target // 2)))
        elif full and waiting == 0 and kv_usage < policy.engine_kv_ceiling:
            self.limit_to(
                max(self.limit + 1, self.limit * (GROWTH_LATER if self._congested else GROWTH_FIRST))
            )
        self._queued = queued
        if kv_usage >= KV_SEEN and self.in_flight > 1:
            holds = self.tokens_in_flight / kv_usage
            self._kv_tokens += (holds - self._kv_tokens) * (KV_GAIN if self._kv_tokens else 1.0)
            self.token_limit = max(1.0, self._kv_tokens * policy.engine_kv_ceiling)
        self._peak, self._token_peak = self.in_flight, self.tokens_in_flight

    def _stand_still(self, running: int, waiting: int, kv_usage: float) -> bool:
        """Whether its figures are some cache's: the same look after look, while what it was given came and went."""
        if (running, waiting, kv_usage) != (self.running, self.waiting, self.kv_usage):
            self._same = 0
            self._least = self._most = self.in_flight
            return False
        self._same += 1
        self._least, self._most = min(self._least, self.in_flight), max(self._most, self.in_flight)
        swing = self._most - self._least
        return self._same >= self._policy.metrics_same_looks and swing >= max(SWING_LEAST, SWING * self._most)

    def first_byte(self, seconds: float, input_tokens: int, now: float) -> None:
        """The time to first token of one request."""
        if self._untold(now):
            self._pace.first_byte(seconds, input_tokens)
            self._adjust(now)

    def paced(self, seconds: float, tokens: int, now: float) -> None:
        """So many output tokens after the first took so long."""
        if self._untold(now):
            self._pace.paced(seconds, tokens)
            self._adjust(now)

    def whole_answer(self, seconds: float, tokens: int, now: float) -> None:
        """An answer of so many tokens that came in one piece took so long since it was sent."""
        if self._untold(now):
            self._pace.whole_answer(seconds, tokens)
            self._adjust(now)

    def _untold(self, now: float) -> bool:
        return now - self._metrics_at > self._policy.metrics_fresh_s

    def _adjust(self, now: float) -> None:
        policy = self._policy
        passed = now - self._adjusted_at
        if passed < ADJUST_EVERY_S:
            return
        self._adjusted_at = now
        waiting, gradient = self._pace.judge(passed)
        full = self._peak >= int(self.limit) or self._token_peak >= self.token_limit
        busy = max(1, min(self._peak, int(self.limit)))
        self._peak, self._token_peak = self.in_flight, self.tokens_in_flight
        excess = max(0.0, waiting - policy.engine_queue_target / 2)
        if excess <= 0.0 and gradient >= 1.0:
            self._shrunk_from = None
            if full:
                self.limit_to(self.limit + sqrt(self.limit) * policy.gradient_smoothing)
                self.token_limit *= 1.0 + policy.gradient_smoothing / sqrt(self.limit)
            return
        if self._shrunk_from is None:
            self._shrunk_from = (self.limit, self._pace.first_token_s)
        limit, first = self._shrunk_from
        if self.limit <= limit * SHRINK_MOST and self._pace.first_token_s > first * (1 + SHRINK_MOST) / 2:
            self._pace.rebase()
            self._shrunk_from = None
            return
        wanted = max(busy * SHRINK_MOST, min(busy - excess, busy * gradient))
        self.limit_to(min(self.limit, self.limit + (wanted - self.limit) * 2 * policy.gradient_smoothing))

    def limit_to(self, limit: float) -> None:
        """So many, within the policy's bounds."""
        self.limit = min(float(self._policy.max_limit), max(float(self._policy.min_limit), limit))
        self._resize()

    def _resize(self) -> None:
        self.slots = int(self.limit) if self.up and self.ejected_until == -inf else 0
