"""What a detector says at one tick, before it is part of a finding."""

from dataclasses import dataclass, field
from typing import Protocol

from pontlevis.brain.detection.candidate import Candidate
from pontlevis.brain.detection.finding import DetectorName
from pontlevis.brain.detection.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Statement:
    """One detector's view of one second."""

    hostile: bool
    confidence: float
    sentence: str
    figures: dict[str, float]
    fingerprints: tuple[int, ...] = ()
    volume: int = 0
    """Acts in 10 s that it accuses; how loud the attack is."""
    pushing: tuple[int, ...] = field(default=())
    """Columns in which those it accuses show up even when they are turned away."""
    local: bool = False
    """Concerns only those it names: neither the posture nor what is usual depends on it."""
    fault: bool = False
    """It says that what fails is a fault of ours: nobody earns a measure for failing now."""
    candidates: tuple[Candidate, ...] = ()
    """Whom a measure may name for it, besides those whose own deeds were counted."""


class Detector(Protocol):
    """Looks once a second. May remember; reads no clock."""

    @property
    def name(self) -> DetectorName: ...

    def look(self, snapshot: Snapshot) -> Statement | None:
        """A statement while there is something to say."""
        ...
