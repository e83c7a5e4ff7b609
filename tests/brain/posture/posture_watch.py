"""A posture machine and a clock: so many findings stand, this is done."""

from __future__ import annotations

from pontlevis.brain.detection.finding import DetectorName, Finding
from pontlevis.brain.detection.judgement import Judgement
from pontlevis.brain.posture.machine import PostureMachine
from pontlevis.brain.posture.policy import PosturePolicy
from pontlevis.brain.posture.state import PostureState, Transition
from pontlevis.brain.vocabulary import Posture, RegistrationMode, Verdict

T0 = 1_740_000_000.0


def finding(detector: DetectorName, *, confidence: float = 0.91) -> Finding:
    hostile = detector is not DetectorName.IMPACT
    return Finding(
        f"{detector.value}:1", detector, T0, T0, confidence, hostile, f"{detector.value} is seen.", {}
    )


STUFFING = finding(DetectorName.CREDENTIAL_STUFFING)


FLOOD = finding(DetectorName.ROTATING_FLOOD)


IMPACT = finding(DetectorName.IMPACT)


class Watch:
    """A machine and a clock that ticks."""

    def __init__(self, policy: PosturePolicy | None = None, state: PostureState | None = None) -> None:
        self.machine = PostureMachine(policy or PosturePolicy(), state)
        self.now = T0
        self.seen: list[Transition] = []

    def judge(self, seconds: float, *findings: Finding) -> list[Transition]:
        """The same findings for so many seconds, one tick each."""
        news: list[Transition] = []
        for _ in range(round(seconds)):
            hostile = any(each.hostile for each in findings)
            verdict = Verdict.ATTACK if hostile else Verdict.OVERLOAD if findings else Verdict.CALM
            judgement = Judgement(self.now, verdict, "as it is", findings)
            news += self.machine.tick(self.now, judgement)
            self.now += 1
        self.seen += news
        return news

    @property
    def rung(self) -> tuple[Posture, RegistrationMode, float]:
        state = self.machine.state
        return state.posture, state.registration, state.registration_share
