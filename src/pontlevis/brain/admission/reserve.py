"""Slots that lower bands leave free because existing accounts lately used them.

A fixed share would be idle at night and too small on the day that matters; what existing accounts held
at their peak, fading over minutes, is neither.
"""

from math import ceil, exp

from pontlevis.brain.admission.policy import AdmissionPolicy

FADE_EVERY_S = 0.25


class Reserve:
    """``held`` slots are not lent to lower bands."""

    __slots__ = ("_at", "_headroom", "_memory_s", "_peak", "held")

    def __init__(self, policy: AdmissionPolicy) -> None:
        self._memory_s = policy.reserve_memory_s
        self._headroom = policy.reserve_headroom
        self._peak = 0.0
        self._at = 0.0
        self.held = 0

    def existing(self, in_flight: int, now: float) -> None:
        """So many requests of existing accounts run now."""
        passed = now - self._at
        if in_flight <= self._peak and passed < FADE_EVERY_S:
            return
        self._peak *= exp(-max(0.0, passed) / self._memory_s) if self._at else 1.0
        self._at = now
        self._peak = max(self._peak, float(in_flight))
        self.held = ceil(self._peak * (1.0 + self._headroom))
