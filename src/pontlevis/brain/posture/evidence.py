"""What the judgements of the last seconds amount to: since when which reason to rise has stood."""

from pontlevis.brain.detection.finding import DetectorName, Finding
from pontlevis.brain.detection.judgement import Judgement
from pontlevis.brain.posture.grounds import accuses_logins, accuses_signups, grounds_of
from pontlevis.brain.posture.policy import PosturePolicy
from pontlevis.brain.vocabulary import Verdict

NO_REASON_TO_RISE = frozenset({DetectorName.SINGLE_SOURCE})
"""Detectors whose findings a measure against the source answers: everybody else need not feel them."""


class Evidence:
    """Remembers since when each condition has stood without a gap, from tick to tick."""

    __slots__ = (
        "agreed_since",
        "busy_since",
        "findings",
        "hostile_since",
        "logins_quiet_since",
        "logins_since",
        "policy",
        "signups_quiet_since",
        "signups_since",
        "verdict",
    )

    def __init__(self, policy: PosturePolicy) -> None:
        self.policy = policy
        self.findings: tuple[Finding, ...] = ()
        self.verdict = Verdict.CALM
        self.hostile_since: float | None = None
        """At least one hostile finding stands."""
        self.busy_since: float | None = None
        """Existing users wait beyond the objective."""
        self.agreed_since: float | None = None
        """Findings on two grounds accuse, or one does and existing users suffer."""
        self.signups_since: float | None = None
        """A hostile finding about sign-ups stands."""
        self.signups_quiet_since: float | None = None
        """None does."""
        self.logins_since: float | None = None
        self.logins_quiet_since: float | None = None
        """The same for log-ins."""

    def take(self, now: float, judgement: Judgement) -> None:
        """Weighs one judgement."""
        # What concerns only those it names is answered by a measure; a detector on trial moves nothing.
        self.findings = tuple(
            each for each in judgement.findings if not each.dry_run and not (each.hostile and each.local)
        )
        self.verdict = judgement.verdict
        grounds = grounds_of(self.hostile)
        busy = any(each.detector is DetectorName.IMPACT for each in self.findings)
        agreed = len(grounds) >= 2 or (bool(grounds) and busy)
        signups = any(accuses_signups(each) for each in self.hostile)
        logins = any(accuses_logins(each) for each in self.hostile)
        self.hostile_since = _since(self.hostile_since, bool(grounds), now)
        self.busy_since = _since(self.busy_since, busy, now)
        self.agreed_since = _since(self.agreed_since, agreed, now)
        self.signups_since = _since(self.signups_since, signups, now)
        self.signups_quiet_since = _since(self.signups_quiet_since, not signups, now)
        self.logins_since = _since(self.logins_since, logins, now)
        self.logins_quiet_since = _since(self.logins_quiet_since, not logins, now)

    @property
    def hostile(self) -> list[Finding]:
        """The findings that accuse more than a single source, surest first."""
        return sorted(
            (each for each in self.findings if each.hostile and each.detector not in NO_REASON_TO_RISE),
            key=lambda each: each.confidence,
            reverse=True,
        )

    def attack(self, now: float) -> str | None:
        """Why this is an attack for the posture, or None.

        How sure a single detector is plays no part: a confidence is not calibrated, and two detectors on the
        same acts are one witness (docs/decisions/0009).
        """
        if not _lasts(self.agreed_since, now, self.policy.agreement_s):
            return None
        independent = len(grounds_of(self.hostile)) >= 2
        rule = "Independent findings agree" if independent else "A finding and existing users' waiting"
        return f"{rule}: {self.said(with_impact=True)}"

    def concern(self, now: float) -> str | None:
        """Why the posture should be elevated, or None."""
        policy = self.policy
        if _lasts(self.hostile_since, now, policy.hostile_sustained_s):
            return f"A hostile finding stands: {self.said()}"
        if _lasts(self.busy_since, now, policy.busy_sustained_s):
            return f"Busy: {self.said(with_impact=True)}"
        return None

    def signups_accused(self, now: float, before: bool, calm_s: float) -> bool:
        """Whether the sign-ups are accused: a finding has stood, or did and has not been gone for ``calm_s``."""
        stood = _lasts(self.signups_since, now, self.policy.hostile_sustained_s)
        return stood or (before and not _lasts(self.signups_quiet_since, now, calm_s))

    def logins_accused(self, now: float, before: bool, calm_s: float) -> bool:
        """The same of log-ins."""
        stood = _lasts(self.logins_since, now, self.policy.hostile_sustained_s)
        return stood or (before and not _lasts(self.logins_quiet_since, now, calm_s))

    def lasting_hostile(self, now: float) -> bool:
        """Whether a hostile finding has stood long enough to count."""
        return _lasts(self.hostile_since, now, self.policy.hostile_sustained_s)

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
