"""A token bucket (Turner, 1986): so many a second, so many at once. And when strangers are on it."""

from pontlevis.brain.observation import Kind
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import Posture


def rationed(state: PostureState, kind: Kind) -> bool:
    """Whether a stranger's log-in or sign-up is rationed now; whoever comes from a known place never is.

    In ``elevated`` only log-ins are, and only while a finding accuses them: a crowd is not rationed.
    """
    if state.posture is Posture.ELEVATED:
        return kind is Kind.LOGIN and state.logins_accused
    return state.posture in (Posture.UNDER_ATTACK, Posture.RECOVERING)


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
