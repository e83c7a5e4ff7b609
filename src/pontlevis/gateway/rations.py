"""A token bucket (Turner, 1986): so many a second, so many at once."""


class Ration:
    """``rate`` permits a second, at most ``burst`` saved up."""

    __slots__ = ("_at", "_burst", "_held", "_rate")

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._held = burst
        self._at = 0.0

    def take(self, now: float) -> bool:
        """Whether one more may pass at ``now`` (monotonic seconds)."""
        self._held = min(self._burst, self._held + (now - self._at) * self._rate)
        self._at = now
        if self._held < 1.0:
            return False
        self._held -= 1.0
        return True
