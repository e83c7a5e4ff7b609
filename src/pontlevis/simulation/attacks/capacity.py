"""Engines as a flow of tokens: existing users first, and the posture's ceilings for everybody else.

Coarser than the engine simulator, on purpose: detection needs to know who was refused and how long
existing users waited, second by second, and the queue itself is measured elsewhere.
"""

from pontlevis.brain.admission.bands import BAND_OF, BANDS, Band
from pontlevis.brain.admission.policy import AdmissionPolicy
from pontlevis.brain.observation import BandSample, ServiceSample
from pontlevis.brain.vocabulary import Posture, Standing
from pontlevis.simulation.attacks.shape import ServiceShape

TTFT_S = 0.4
"""Time to first token where nothing waits."""
_STANDING = {
    Band.EXISTING: Standing.ESTABLISHED,
    Band.RECENT: Standing.RECENT,
    Band.NEW: Standing.NEW,
    Band.ANONYMOUS: Standing.ANONYMOUS,
}


class Capacity:
    """Work that waits, by band; drained once a second."""

    def __init__(self, shape: ServiceShape) -> None:
        self._shape = shape
        self._policy = AdmissionPolicy()
        self._waiting = [0.0] * len(BANDS)
        self._arrived = [0] * len(BANDS)
        self._refused = [0] * len(BANDS)
        self._failed = [0] * len(BANDS)
        self.broken = False
        """Whether the engines fail every call."""

    def ask(self, standing: Standing, tokens: int, posture: Posture) -> bool:
        """Whether a call is taken."""
        band = BAND_OF[standing]
        self._arrived[band] += 1
        if self.broken:
            self._failed[band] += 1
            return True
        ceiling = self._policy.ceilings(posture)[band]
        room = self._shape.queue_s * self._shape.capacity * ceiling
        if sum(self._waiting[band:]) + tokens > room:
            self._refused[band] += 1
            return False
        self._waiting[band] += tokens
        return True

    def second(self, now: float, posture: Posture) -> ServiceSample:
        """Drains one second of work and says how everybody was served in it."""
        left = self._shape.capacity
        lends = self._policy.at(self._policy.borrow, posture) > 0.0
        ceilings = self._policy.ceilings(posture)
        samples = []
        for band in BANDS:
            waiting = self._waiting[band]
            most = (
                left if lends or band is Band.EXISTING else min(left, ceilings[band] * self._shape.capacity)
            )
            done = min(waiting, most)
            self._waiting[band] = waiting - done
            left -= done
            wait = self._waiting[band] / max(most, 0.05 * self._shape.capacity)
            arrived, refused, failed = self._arrived[band], self._refused[band], self._failed[band]
            samples.append(
                BandSample(
                    _STANDING[band].value,
                    arrived=arrived,
                    admitted=arrived - refused,
                    refused=refused,
                    failed=failed,
                    wait_p99_s=wait,
                    ttft_p99_s=wait + TTFT_S if arrived > refused + failed else 0.0,
                    tokens=int(done),
                )
            )
            self._arrived[band] = self._refused[band] = self._failed[band] = 0
        return ServiceSample(now, 1.0, samples, engines_up=1, engines=1)
