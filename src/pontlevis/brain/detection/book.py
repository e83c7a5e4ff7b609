"""Findings from statements: opened, confirmed, kept while those accused go on, closed."""

from dataclasses import dataclass

from pontlevis.brain.detection.columns import (
    BANNED_CALLS,
    BANNED_REST,
    LOGIN_OK,
    REQUEST_OK,
    SIGNUP_OK,
    total,
)
from pontlevis.brain.detection.finding import DetectorName, Finding
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.detection.snapshot import Snapshot
from pontlevis.brain.detection.statement import Statement
from pontlevis.brain.detection.wording import number

MOST_FINGERPRINTS = 64
STILL_LEAST = 20
"""Fewer acts in ten seconds are not a going concern, however small the attack was."""
GOOD = {
    DetectorName.CREDENTIAL_STUFFING: (LOGIN_OK,),
    DetectorName.ROTATING_FLOOD: (REQUEST_OK,),
    DetectorName.SIGNUP_SURGE: (SIGNUP_OK,),
    DetectorName.SLOW_CLIENTS: (REQUEST_OK,),
    DetectorName.PAGE_FLOOD: (REQUEST_OK, LOGIN_OK, SIGNUP_OK),
}
"""What somebody who is not hostile achieves among the acts that the detector counts."""
BANNED = {
    DetectorName.CREDENTIAL_STUFFING: BANNED_REST,
    DetectorName.ROTATING_FLOOD: BANNED_CALLS,
    DetectorName.PAGE_FLOOD: BANNED_REST,
}
"""Where those show up whom the detector's findings got a decision against."""


@dataclass(slots=True)
class Open:
    """A finding that has not ended."""

    statement: Statement
    since: float
    at: float
    """When it was last confirmed."""
    peak: int
    fingerprints: tuple[int, ...]
    """All whom it has accused since it opened, newest first."""
    sentence: str

    def finding(self, detector: DetectorName, sources: tuple[str, ...]) -> Finding:
        """As others see it."""
        said = self.statement
        return Finding(
            id=f"{detector.value}:{self.since:.0f}",
            detector=detector,
            since=self.since,
            at=self.at,
            confidence=said.confidence,
            hostile=said.hostile,
            sentence=self.sentence,
            figures=dict(said.figures),
            sources=sources,
            fingerprints=self.fingerprints,
            local=said.local,
        )


class Book:
    """At most one open finding a detector."""

    __slots__ = ("_policy", "open")

    def __init__(self, policy: DetectionPolicy) -> None:
        self._policy = policy
        self.open: dict[DetectorName, Open] = {}

    def enter(self, snapshot: Snapshot, detector: DetectorName, said: Statement | None) -> None:
        """Takes what a detector said, or that it said nothing."""
        entry = self.open.get(detector)
        now = snapshot.now
        if entry is not None and entry.statement.hostile and (said is None or not said.hostile):
            self._unconfirmed(snapshot, detector, entry)
            if detector in self.open:
                return
            entry = None
        if said is None:
            if entry is not None and now - entry.at >= self._policy.linger_s:
                del self.open[detector]
            return
        if entry is None or said.hostile != entry.statement.hostile:
            self.open[detector] = Open(said, now, now, said.volume, said.fingerprints, said.sentence)
            return
        fresh = said.fingerprints
        older = tuple(key for key in entry.fingerprints if key not in fresh)
        entry.fingerprints = (*fresh, *older)[:MOST_FINGERPRINTS]
        entry.statement = said
        entry.at = now
        entry.peak = max(entry.peak, said.volume)
        entry.sentence = said.sentence

    def _unconfirmed(self, snapshot: Snapshot, detector: DetectorName, entry: Open) -> None:
        """Keeps a hostile finding that is no longer stated: while it is pushed on, or for the linger."""
        pushed = self._pushed(snapshot, detector, entry)
        if pushed >= max(STILL_LEAST, self._policy.still_share * entry.peak):
            entry.at = snapshot.now
            entry.sentence = (
                f"{entry.statement.sentence} Turned away, they go on: {number(pushed)} tries in 10 s."
            )
        elif snapshot.now - entry.at >= self._policy.linger_s:
            del self.open[detector]

    def _pushed(self, snapshot: Snapshot, detector: DetectorName, entry: Open) -> int:
        """What those accused still send, by their fingerprints, and what sources under a decision send."""
        columns = entry.statement.pushing
        if not columns:
            return 0
        good = GOOD.get(detector, ())
        pushed = snapshot.ten[BANNED[detector]] if detector in BANNED else 0
        for view in snapshot.fingerprints:
            if view.key in entry.fingerprints:
                tries = total(view.ten, columns)
                if total(view.ten, good) < tries:
                    pushed += tries
        return pushed

    @property
    def accused(self) -> dict[int, frozenset[str]]:
        """Fingerprints that open hostile findings accuse, with the detectors that do."""
        by_key: dict[int, set[str]] = {}
        for detector, entry in self.open.items():
            if entry.statement.hostile and detector.value not in self._policy.detectors_dry_run:
                for key in entry.fingerprints:
                    by_key.setdefault(key, set()).add(detector.value)
        return {key: frozenset(names) for key, names in by_key.items()}
