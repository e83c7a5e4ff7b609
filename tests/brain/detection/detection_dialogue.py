"""A detection and a clock: so many acts arrive each second, this is said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pontlevis.brain.detection.detection import Detection
from pontlevis.brain.detection.finding import DetectorName, Finding
from pontlevis.brain.detection.judgement import Judgement
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.observation import BandSample, Kind, Observation, Outcome, ServiceSample
from pontlevis.brain.vocabulary import Posture, Standing

T0 = 1_740_000_000.0


class Dialogue:
    """Plays acts into a detection, a tick each second."""

    def __init__(
        self, policy: DetectionPolicy | None = None, *, protected: frozenset[str] = frozenset()
    ) -> None:
        # A service that has been up for a while; what is different at a start has tests of its own.
        grown = replace(policy or DetectionPolicy(), young_s=0.0)
        self.detection = Detection(grown, protected)
        self.now = T0
        self.posture = Posture.NORMAL
        self.judgements: list[Judgement] = []
        self._number = 0

    def see(
        self,
        kind: Kind,
        outcome: Outcome = Outcome.OK,
        source: str = "",
        *,
        fingerprint: int = 1,
        account: str = "",
        standing: Standing = Standing.ANONYMOUS,
        domain: str = "",
        tokens: int = 0,
        count: int = 1,
        credential: str = "",
        in_flight: int = 0,
        target: int = 0,
        parameters: int = 0,
        part: int = 0,
        solved: bool = False,
    ) -> None:
        """One act now; without a source from a fresh address."""
        self.detection.observe(
            Observation(
                self.now,
                kind,
                outcome,
                source or self.fresh(),
                fingerprint,
                account,
                standing.value,
                domain,
                count,
                tokens,
                credential,
                0,
                in_flight,
                target,
                parameters,
                part=part,
                solved=solved,
            )
        )

    def fresh(self) -> str:
        """An address not used before."""
        self._number += 1
        number = self._number * 7919
        return f"{45 + number % 50}.{number >> 8 & 255}.{number & 255}.{number >> 16 & 255}"

    def tick(self, seconds: float = 1.0) -> Judgement:
        """The second ends; or so many, where nothing depends on each."""
        self.now += seconds
        judgement = self.detection.tick(self.now, posture=self.posture)
        self.judgements.append(judgement)
        return judgement

    def quiet(self, seconds: int) -> Judgement:
        """Nothing happens for so long."""
        for _ in range(seconds):
            judgement = self.tick()
        return judgement

    def served(self, users: Iterable[int]) -> None:
        """Existing users' calls."""
        for user in users:
            self.see(
                Kind.REQUEST,
                source=f"10.0.0.{user}",
                account=f"user{user}",
                standing=Standing.ESTABLISHED,
                tokens=500,
                fingerprint=0xC0 + user % 5,
            )

    def sample(self, **band: float) -> None:
        """How existing users were served in the second that ends now."""
        values: dict[str, float] = {"arrived": 10, "admitted": 10, **band}
        whole = {name: value if name.endswith("_s") else int(value) for name, value in values.items()}
        sample = BandSample(Standing.ESTABLISHED.value, **whole)  # type: ignore[arg-type]
        self.detection.sample(ServiceSample(self.now, 1.0, [sample]))

    def said(self, detector: DetectorName) -> Finding | None:
        """That detector's open finding at the last tick."""
        return next((each for each in self.judgements[-1].findings if each.detector is detector), None)
