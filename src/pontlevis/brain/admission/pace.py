"""What an engine's speed says of its load where it publishes no metrics.

By Little's law the requests that wait inside it are the rate of answers times what each waited beyond the
time that it takes an engine that is not full. That time is learnt per input token; the time per output
token is watched as well. Never a request's whole duration, which is the client's choice: an answer that
comes in one piece counts per output token.
"""

from pontlevis.brain.admission.policy import AdmissionPolicy

NEWEST = 0.2  # weight of the newest sample in the short average
OVERHEAD_TOKENS = 100  # stand for what every request costs beside its prompt
BASE_DRIFT = 0.002  # of the base, upward, for each sample without congestion: a base too low is forgotten
PACED = 8  # output tokens before the time of one is believed


class Pace:
    """One duration's short average against its base, the average while the engine was not full."""

    __slots__ = ("base", "short")

    def __init__(self) -> None:
        self.base = self.short = 0.0

    def see(self, value: float, *, congested: bool) -> None:
        if not self.short:
            self.base = self.short = value
            return
        self.short += (value - self.short) * NEWEST
        if value < self.base:
            self.base += (value - self.base) * NEWEST
        elif not congested:
            self.base += self.base * BASE_DRIFT

    def gradient(self, tolerance: float) -> float:
        """1 while all is well, less when it takes longer than ``tolerance`` times the base (Gradient2)."""
        return min(1.0, tolerance * self.base / self.short) if self.short > 0 else 1.0

    def rebase(self) -> None:
        """It is slower for good."""
        self.base = self.short


class Congestion:
    """One engine. ``judge`` ends an interval and says how many requests waited in it, on average."""

    __slots__ = ("_congested", "_first", "_late_s", "_next", "_policy", "_whole")

    def __init__(self, policy: AdmissionPolicy) -> None:
        self._policy = policy
        self._first, self._next, self._whole = Pace(), Pace(), Pace()
        self._late_s = 0.0
        self._congested = False

    @property
    def first_token_s(self) -> float:
        """Per input token, lately."""
        return self._first.short

    def first_byte(self, seconds: float, input_tokens: int) -> None:
        """The time to first token of one request."""
        size = input_tokens + OVERHEAD_TOKENS
        base = self._first.base * size
        if base and seconds > self._policy.gradient_tolerance * base:
            self._late_s += seconds - base
        self._first.see(seconds / size, congested=self._congested)

    def paced(self, seconds: float, tokens: int) -> None:
        """So many output tokens after the first took so long."""
        if tokens >= PACED:
            self._next.see(seconds / tokens, congested=self._congested)

    def whole_answer(self, seconds: float, tokens: int) -> None:
        """An answer of so many tokens that came in one piece took so long since it was sent."""
        if tokens >= PACED:
            self._whole.see(seconds / tokens, congested=self._congested)

    def judge(self, seconds: float) -> tuple[float, float]:
        """Requests that waited inside the engine; and 1 or, where decoding is slow, less (Gradient2)."""
        waiting = self._late_s / seconds
        self._late_s = 0.0
        tolerance = self._policy.pace_tolerance
        gradient = min(self._next.gradient(tolerance), self._whole.gradient(tolerance))
        self._congested = waiting > self._policy.engine_queue_target or gradient < 1.0
        return waiting, gradient

    def rebase(self) -> None:
        """Less load made it no faster: it is slower than it was, not fuller."""
        for each in (self._first, self._next, self._whole):
            each.rebase()
