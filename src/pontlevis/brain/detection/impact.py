"""How existing users are served: beyond the objective it gates hard steps, but it accuses nobody."""

from collections import deque
from statistics import median

from pontlevis.brain.detection.finding import DetectorName
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.detection.snapshot import Snapshot
from pontlevis.brain.detection.statement import Statement
from pontlevis.brain.detection.statistics import share_at_least
from pontlevis.brain.detection.wording import listed, number, share
from pontlevis.brain.observation import BandSample, ServiceSample
from pontlevis.brain.vocabulary import EXISTING

HORIZON_S = 5.0
"""Samples so old still count: one slow second is a hiccup, most of five are impact."""
LEAST_SAMPLES = 3
LEAST_CALLS = 10
MOST_SAMPLES = 256
TTFT_RATIO = 2.0
"""Times the usual p99 above which a time to first token is beyond the objective."""


class Impact:
    """Looks at the last five seconds of samples, from however many gateways."""

    name = DetectorName.IMPACT

    def __init__(self, policy: DetectionPolicy) -> None:
        self._policy = policy
        self._samples: deque[tuple[float, BandSample]] = deque(maxlen=MOST_SAMPLES)

    def sample(self, sample: ServiceSample) -> None:
        """Takes the existing users' bands of one sample."""
        for band in sample.bands:
            if band.standing in EXISTING and band.arrived + band.admitted + band.queued > 0:
                self._samples.append((sample.at, band))

    def ttft_s(self) -> float | None:
        """Median over the last seconds of existing users' p99 time to first token; None while unknown."""
        values = [band.ttft_p99_s for _, band in self._samples if band.ttft_p99_s > 0]
        return median(values) if values else None

    def look(self, snapshot: Snapshot) -> Statement | None:
        """A statement while existing users are served beyond the objective; never hostile."""
        policy = self._policy
        while self._samples and self._samples[0][0] < snapshot.now - HORIZON_S:
            self._samples.popleft()
        bands = [band for _, band in self._samples]
        if len(bands) < LEAST_SAMPLES:
            return None
        arrived = sum(band.arrived for band in bands)
        refused = sum(band.refused for band in bands)
        failed = sum(band.failed for band in bands)
        wait = median(band.wait_p99_s for band in bands)
        ttft = self.ttft_s() or 0.0
        usual_ttft = snapshot.baseline.ttft_s
        said = []
        if wait > policy.wait_objective_s:
            said.append(
                f"they wait {number(wait)} s in the queue (objective {number(policy.wait_objective_s)} s)"
            )
        ttft_limit = max(policy.ttft_objective_s, TTFT_RATIO * usual_ttft)
        if ttft > ttft_limit:
            said.append(f"their first token takes {number(ttft)} s (objective {number(ttft_limit)} s)")
        of = max(arrived, refused + failed)
        if of >= LEAST_CALLS and share_at_least(failed, of) > policy.failed_objective:
            said.append(f"{share(failed / of)} of {number(of)} calls failed")
        if of >= LEAST_CALLS and share_at_least(refused, of) > policy.failed_objective:
            said.append(f"{share(refused / of)} of {number(of)} calls were refused")
        if not said:
            return None
        return Statement(
            hostile=False,
            confidence=0.9,
            sentence=f"Existing users are served beyond the objective: {listed(said)}.",
            figures={
                "wait_p99_s": wait,
                "ttft_p99_s": ttft,
                "usual_ttft_p99_s": usual_ttft,
                "arrived": arrived,
                "refused": refused,
                "failed": failed,
            },
        )
