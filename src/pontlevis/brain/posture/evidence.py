"""What the judgements of the last seconds amount to: since when which reason to rise has stood."""

from pontlevis.brain.detection.finding import DetectorName, Finding
from pontlevis.brain.detection.judgement import Judgement
from pontlevis.brain.posture.policy import PosturePolicy
from pontlevis.brain.vocabulary import Verdict

ATTACKS = frozenset({Verdict.ATTACK, Verdict.CROWD_AND_ATTACK})


class Evidence:
    """Remembers since when each condition has stood without a gap, from tick to tick."""

    __slots__ = (
        "_policy",
        "agreed_since",
        "busy_since",
        "findings",
        "hostile_since",
        "sure_since",
        "verdict",
    )

    def __init__(self, policy: PosturePolicy) -> None:
        self._policy = policy
        self.findings: tuple[Finding, ...] = ()
        self.verdict = Verdict.CALM
        self.hostile_since: float | None = None
        """At least one hostile finding stands."""
        self.busy_since: float | None = None
        """Existing users wait beyond the objective."""
        self.agreed_since: float | None = None
        """Two detectors accuse, or one does and existing users suffer."""
        self.sure_since: float | None = None
        """One finding stands that is sure enough alone."""

    def take(self, now: float, judgement: Judgement) -> None:
        """Weighs one judgement."""
        # What concerns only those it names is answered by a measure; a detector on trial moves nothing.
        self.findings = tuple(
            each for each in judgement.findings if not each.dry_run and not (each.hostile and each.local)
        )
        self.verdict = judgement.verdict
        accusers = {each.detector for each in self.hostile}
        busy = any(each.detector is DetectorName.IMPACT for each in self.findings)
        sure = judgement.verdict in ATTACKS and any(
            each.confidence >= self._policy.sure_confidence for each in self.hostile
        )
        agreed = len(accusers) >= 2 or (bool(accusers) and busy)
        self.hostile_since = _since(self.hostile_since, bool(accusers), now)
        self.busy_since = _since(self.busy_since, busy, now)
        self.agreed_since = _since(self.agreed_since, agreed, now)
        self.sure_since = _since(self.sure_since, sure, now)

    @property
    def hostile(self) -> list[Finding]:
        """The findings that accuse somebody, surest first."""
        return sorted(
            (each for each in self.findings if each.hostile), key=lambda each: each.confidence, reverse=True
        )

    def attack(self, now: float) -> str | None:
        """Why this is an attack for the posture, or None."""
        policy = self._policy
        if _lasts(self.agreed_since, now, policy.agreement_s):
            accusers = {each.detector for each in self.hostile}
            rule = (
                "Independent findings agree"
                if len(accusers) >= 2
                else "A finding and existing users' waiting"
            )
            return f"{rule}: {self.said(with_impact=True)}"
        if _lasts(self.sure_since, now, policy.sure_sustained_s):
            return f"One finding is sure enough alone: {self.said()}"
        return None

    def concern(self, now: float) -> str | None:
        """Why the posture should be elevated, or None."""
        policy = self._policy
        if _lasts(self.hostile_since, now, policy.hostile_sustained_s):
            return f"A hostile finding stands: {self.said()}"
        if _lasts(self.busy_since, now, policy.busy_sustained_s):
            return f"Busy: {self.said(with_impact=True)}"
        return None

    def lasting_hostile(self, now: float) -> bool:
        """Whether a hostile finding has stood long enough to count."""
        return _lasts(self.hostile_since, now, self._policy.hostile_sustained_s)

    @property
    def quiet(self) -> bool:
        """Neither an accusation nor impact now."""
        return self.hostile_since is None and self.busy_since is None

    def said(self, *, with_impact: bool = False) -> str:
        """The sentences of the hostile findings, and of impact where it counts."""
        chosen = self.hostile
        if with_impact:
            chosen += [each for each in self.findings if each.detector is DetectorName.IMPACT]
        return " ".join(each.sentence for each in chosen)

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(each.id for each in self.findings)


def _since(since: float | None, stands: bool, now: float) -> float | None:
    if not stands:
        return None
    return now if since is None else min(since, now)


def _lasts(since: float | None, now: float, seconds: float) -> bool:
    return since is not None and now - since >= seconds
