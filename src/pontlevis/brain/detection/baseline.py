"""What is usual here: learned from calm seconds, with floors that carry from the first minute."""

from collections import deque
from math import exp

from pontlevis.brain.detection import columns as c
from pontlevis.brain.detection.columns import Counts, total
from pontlevis.brain.detection.policy import DetectionPolicy

QUARANTINE_S = 30.0
"""A second is learned only when so many more have passed without anything hostile, or a crowd's rise."""
SHARE_LIMITS = (0.05, 0.30)
"""However a service does, its usual failure share is taken to lie within these."""


class Baseline:
    """Exponentially weighted means of calm seconds.

    In its first minutes it is the plain mean of what it saw; the floors stand until more than they
    say was seen. A crowd teaches too, slowly: growth becomes usual.
    """

    __slots__ = (
        "_anonymous",
        "_crowd",
        "_fail_share",
        "_pending",
        "_policy",
        "_rates",
        "_seen",
        "_tokens",
        "_tokens_calls",
        "_ttft",
    )

    def __init__(self, policy: DetectionPolicy) -> None:
        self._policy = policy
        self._seen = 0.0
        self._crowd = False
        self._pending: deque[tuple[float, Counts, int, float]] = deque()
        self._rates = {"signups": 0.0, "logins": 0.0, "requests": 0.0, "turned_away": 0.0, "strangers": 0.0}
        self._fail_share = policy.usual_fail_share
        self._tokens = self._tokens_calls = 0.0
        self._anonymous = 0.0
        self._ttft = 0.0

    def learn(self, now: float, second: Counts, *, strangers: int, dt: float, crowd: bool) -> None:
        """Takes what happened in the last ``dt`` seconds, to be learned if what follows is as calm."""
        if dt <= 0:
            return
        # At once: nobody who attacks has a say in what existing users ask for.
        left = exp(-dt / self._policy.learning_s)
        self._tokens = self._tokens * left + second[c.TOKENS_ELDER]
        self._tokens_calls = self._tokens_calls * left + second[c.ELDER_REQUESTS]
        if crowd is not self._crowd:
            self._pending.clear()
            self._crowd = crowd
        self._pending.append((now, second, strangers, dt))
        while self._pending and self._pending[0][0] <= now - QUARANTINE_S:
            _, counts, seen, seconds = self._pending.popleft()
            self._commit(counts, seen, seconds, crowd=crowd)

    def forget_pending(self) -> None:
        """What led up to something hostile is not what is usual."""
        self._pending.clear()

    def _commit(self, second: Counts, strangers: int, dt: float, *, crowd: bool) -> None:
        policy = self._policy
        if crowd:
            time_constant_s = min(max(self._seen, policy.learning_s), policy.crowd_learning_s)
            weight = dt / max(dt, time_constant_s)
        else:
            time_constant_s = policy.learning_s
            self._seen += dt
            weight = dt / max(dt, min(self._seen, time_constant_s))
        fresh = {
            "signups": total(second, c.SIGNUPS) / dt,
            "logins": total(second, c.LOGINS) / dt,
            "requests": total(second, c.REQUESTS) / dt,
            "turned_away": total(second, c.TURNED_AWAY) / dt,
            "strangers": float(strangers),
        }
        for name, value in fresh.items():
            self._rates[name] += weight * (value - self._rates[name])
        # By log-ins, not by seconds: a slow attack on a small service must not teach it within minutes.
        fails = total(second, c.LOGIN_FAILURES)
        judged = fails + second[c.LOGIN_OK]
        if judged:
            step = judged / (judged + self._policy.learning_logins)
            self._fail_share += step * (fails / judged - self._fail_share)
        tokens = second[c.TOKENS_ANONYMOUS] + second[c.TOKENS_NEW] + second[c.TOKENS_ELDER]
        if tokens:
            self._anonymous += weight * (second[c.TOKENS_ANONYMOUS] / tokens - self._anonymous)

    def learn_ttft(self, ttft_s: float, *, dt: float) -> None:
        """Takes existing users' p99 time to first token of a calm second."""
        if not self._ttft:
            self._ttft = ttft_s
        self._ttft += min(1.0, dt / self._policy.learning_s) * (ttft_s - self._ttft)

    @property
    def signups(self) -> float:
        """Per second."""
        return max(self._policy.usual_signups, self._rates["signups"])

    @property
    def logins(self) -> float:
        """Per second."""
        return max(self._policy.usual_logins, self._rates["logins"])

    @property
    def requests(self) -> float:
        """Per second."""
        return max(self._policy.usual_requests, self._rates["requests"])

    @property
    def turned_away(self) -> float:
        """Made-up keys, malformed calls and calls without a key that were turned away, per second."""
        return max(self._policy.usual_turned_away, self._rates["turned_away"])

    @property
    def strangers(self) -> float:
        """Different unfamiliar sources in 10 s."""
        return max(self._policy.usual_strangers, self._rates["strangers"])

    @property
    def fail_share(self) -> float:
        """Share of judged log-ins that fail."""
        return min(max(self._fail_share, SHARE_LIMITS[0]), SHARE_LIMITS[1])

    @property
    def call_tokens(self) -> float:
        """Tokens that an account which is not young asks for in one call; 0 while none was seen."""
        return self._tokens / self._tokens_calls if self._tokens_calls >= 1 else 0.0

    @property
    def anonymous_share(self) -> float:
        """Share of tokens that calls without an account ask for."""
        return self._anonymous

    @property
    def ttft_s(self) -> float:
        """Existing users' p99 time to first token; 0 while none was seen."""
        return self._ttft
