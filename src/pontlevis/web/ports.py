"""What the pages need of the running service; the controller provides it."""

from dataclasses import dataclass
from typing import Protocol

from pontlevis.accounts.ports import Publisher, Watch
from pontlevis.brain.detection.finding import Finding
from pontlevis.brain.observation import ServiceSample
from pontlevis.brain.posture.state import PostureState, Transition
from pontlevis.brain.vocabulary import Posture
from pontlevis.link.messages import DecisionRecord


@dataclass(frozen=True, slots=True)
class EngineView:
    """An engine as the console shows it."""

    url: str
    simulated: bool


@dataclass(frozen=True, slots=True)
class MeasureNote:
    """A measure that detection thought of and that is not in force."""

    at: float
    scope: str
    value: str
    reason: str
    outcome: str
    """``dry_run``: only shown; ``withheld``: refused, or not as wide, because of whom it would have hit."""
    why: str
    """Whom it would have hit; empty in a dry run."""


@dataclass(frozen=True, slots=True)
class FileView:
    """A file with knowledge of addresses."""

    path: str
    sort: str
    ranges: int
    bad: int
    error: str
    read_at: float
    sentence: str


@dataclass(frozen=True, slots=True)
class NetworkView:
    """An autonomous system and its acts of the last minute."""

    network: str
    acts: int
    hosted: int
    """How many of them came from data centres and VPN exits."""


@dataclass(frozen=True, slots=True)
class HeavyView:
    """Who has much of something in the last minute; the true weight lies between ``least`` and ``most``."""

    key: str
    weight: int
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class SourcesView:
    """Who comes, and what is known of them."""

    files: list[FileView]
    ranges: int
    networks: list[NetworkView]
    heavy: dict[str, list[HeavyView]]
    days_learned: float
    """Days' worth of calm hours that detection has learned from."""
    hourly: bool
    """Whether the hours of the week have a say in what is usual."""
    measures: dict[str, int]
    """Measures since the start that were not put in force, by outcome."""


class Service(Watch, Publisher, Protocol):
    """The running service, as the operator's pages and API see it."""

    @property
    def findings(self) -> list[Finding]: ...

    @property
    def samples(self) -> list[ServiceSample]:
        """The last ten minutes, one a second, oldest first, summed over gateway workers."""
        ...

    @property
    def postures(self) -> list[Transition]:
        """Changes of posture, newest first, at most 200."""
        ...

    @property
    def decisions(self) -> list[DecisionRecord]:
        """Decisions in force."""
        ...

    @property
    def measure_notes(self) -> list[MeasureNote]:
        """Measures of detection that were not put in force, newest first, at most 200."""
        ...

    @property
    def sources(self) -> SourcesView:
        """Who comes, and what is known of them."""
        ...

    @property
    def engines(self) -> list[EngineView]: ...

    @property
    def gateways(self) -> int:
        """Gateway workers connected now."""
        ...

    async def set_posture(
        self, posture: Posture, *, reason: str, actor: str, hold_s: float | None
    ) -> PostureState:
        """Forces a posture until ``hold_s`` seconds from now (None: the policy's longest hold)."""
        ...

    async def release_posture(self, *, actor: str, reason: str) -> PostureState: ...

    async def decide(
        self, *, scope: str, value: str, reason: str, duration_s: float, actor: str
    ) -> DecisionRecord:
        """Raises ValueError with a readable reason when the measure is refused."""
        ...

    async def lift(self, decision: int, *, actor: str, reason: str) -> DecisionRecord:
        """Raises KeyError when there is no such decision in force."""
        ...
