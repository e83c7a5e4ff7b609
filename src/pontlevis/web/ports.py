"""What the pages need of the running service; the controller provides it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pontlevis.accounts.ports import Publisher, Watch
from pontlevis.brain.detection.finding import Finding
from pontlevis.brain.observation import ServiceSample
from pontlevis.brain.posture.state import PostureState, Transition
from pontlevis.brain.reach import Reach
from pontlevis.brain.registration_order import RegistrationOrder
from pontlevis.brain.vocabulary import Posture, RegistrationMode
from pontlevis.config import Settings
from pontlevis.link.messages import DecisionRecord
from pontlevis.policy_file import Change


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


@dataclass
class Totals:
    """What happened since the controller started; every label is a word of ours."""

    requests: dict[tuple[str, str], int]
    """Inference requests by standing and outcome (``admitted``, ``refused``, ``failed``)."""
    tokens: dict[str, int]
    """Settled, by standing."""
    waits: dict[str, list[int]]
    """Admitted requests by standing and time in queue: up to each of ``WAIT_EDGES_S``, and longer."""
    wait_s: dict[str, float]
    """Their times in queue together, by standing."""
    signups: dict[str, int]
    """Tries to make an account, by outcome."""
    logins: dict[str, int]
    evidence: dict[str, int]
    """Acts by what became of them on the way into the evidence."""
    evidence_failing: bool = False
    """Whether the last try to write evidence failed."""
    journal_dropped: int = 0
    """Observations that the journal lost because the disk was too slow, or refused."""


@dataclass(frozen=True, slots=True)
class Series:
    """The recent past in steps, oldest first; every column is as long as ``at``."""

    step_s: float
    at: list[float]
    """The end of each step, Unix seconds."""
    columns: dict[str, list[float]]
    """Rates a second (``admitted_paid``, ``signups_refused`` …), the worst of the step for waits
    (``wait_p99_paid``, seconds), the newest for engines (``busy``, ``tokens``, ``limit``)."""


class Service(Watch, Publisher, Protocol):
    """The running service, as the operator's pages and API see it."""

    @property
    def findings(self) -> list[Finding]: ...

    @property
    def samples(self) -> list[ServiceSample]:
        """The last ten minutes, one a second, oldest first, summed over gateway workers."""
        ...

    @property
    def totals(self) -> Totals: ...

    def series(self, last_s: float, most: int) -> Series:
        """The last ``last_s`` seconds in at most ``most`` steps; a day at most."""
        ...

    @property
    def refusals(self) -> dict[str, int]:
        """Requests and connections that the gateways refused or cut since the controller started, by code."""
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

    @property
    def admission(self) -> bool:
        """Whether admission is there: in the only worker, or in the process that several share."""
        ...

    @property
    def planned(self) -> PostureState:
        """Where the machine would be; differs from ``posture`` only in a dry run."""
        ...

    @property
    def posture_dry_run(self) -> bool:
        """Whether the machine only says what it would do."""
        ...

    # An operator's orders. Each returns what changed, or with ``dry_run`` what would; then nothing does.

    async def set_posture(
        self, posture: Posture, *, reason: str, actor: str, hold_s: float | None, dry_run: bool = False
    ) -> list[Transition]:
        """Forces a posture until ``hold_s`` seconds from now (None: the policy's longest hold)."""
        ...

    async def hold_posture(
        self, *, reason: str, actor: str, hold_s: float | None, dry_run: bool = False
    ) -> list[Transition]:
        """Leaves what stands as it is for so long."""
        ...

    async def release_posture(
        self, *, actor: str, reason: str, dry_run: bool = False
    ) -> list[Transition]: ...

    async def set_posture_dry_run(self, on: bool | None, *, actor: str, reason: str) -> list[Transition]:
        """Whether the machine only says what it would do; None: as the policy says."""
        ...

    @property
    def registration_order(self) -> RegistrationOrder | None:
        """An operator's word on registration while it holds."""
        ...

    async def set_registration(
        self, mode: RegistrationMode, *, reason: str, actor: str, hold_s: float | None
    ) -> PostureState:
        """Sets who may register until ``hold_s`` seconds from now (None: the posture's longest hold)."""
        ...

    async def release_registration(self, *, actor: str, reason: str) -> PostureState:
        """Lets the posture decide again; nothing where it does already."""
        ...

    def challenge_factor(self, source: str, fingerprint: int) -> float:
        """How many times the usual work is asked of whoever looks like this."""
        ...

    async def decide(
        self,
        *,
        scope: str,
        value: str,
        reason: str,
        duration_s: float,
        actor: str,
        reach: Reach = Reach.EVERYTHING,
    ) -> DecisionRecord:
        """Raises ValueError with a readable reason when the measure is refused."""
        ...

    async def lift(self, decision: int, *, actor: str, reason: str) -> DecisionRecord:
        """Raises KeyError when there is no such decision in force."""
        ...


class PolicyDesk(Protocol):
    """The policy file of the running service."""

    @property
    def file(self) -> Path | None: ...

    @property
    def running(self) -> Settings:
        """What the service goes by."""
        ...

    @property
    def unruled(self) -> Settings:
        """What it would go by without a policy file."""
        ...

    @property
    def ruled(self) -> list[Change]:
        """What it has changed."""
        ...

    async def reload(self, *, actor: str, reason: str, dry_run: bool = False) -> list[Change]:
        """Raises ``BadPolicyFile``."""
        ...
