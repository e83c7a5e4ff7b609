"""What the console says at a glance: the posture, what it costs whom, engines; for the page and its live feed."""

import time
from collections import Counter
from collections.abc import Callable
from hashlib import blake2b

import msgspec

from pontlevis.brain.observation import BandSample, EngineSample, ServiceSample
from pontlevis.brain.vocabulary import EXISTING, Standing
from pontlevis.storage.letter_counts import count_letters
from pontlevis.web.context import WebContext
from pontlevis.web.ports import Service

RECENT_S = 30
"""Over so long what a posture costs is counted: long enough that a quiet second says nothing."""
WAITING_EVERY_S = 10.0
"""Between two looks at the waitlist: it stands in the database."""


class Cost(msgspec.Struct, frozen=True):
    """How one standing was served lately. ``goodput`` is the share of what it asked that was served; None where
    it asked nothing."""

    standing: str
    asked: int
    refused: int
    failed: int
    goodput: float | None
    queued: int
    in_flight: int
    wait_p50_s: float
    wait_p99_s: float
    ttft_p99_s: float
    existing: bool


class EngineNow(msgspec.Struct, frozen=True):
    """One engine. ``limit``: requests that admission has learned it may be given; 0: none, it is down or set aside."""

    name: str
    up: bool
    in_flight: int
    limit: int
    tokens_in_flight: int
    token_limit: int
    waiting: int
    kv_usage: float


class Overview(msgspec.Struct, frozen=True):
    """The top of the console. Times are Unix seconds."""

    at: float
    posture: str
    since: float
    reason: str
    verdict: str
    registration: str
    registration_since: float
    registration_share: float
    registration_by: str
    """Who said so; empty: the posture."""
    next_stage_at: float | None
    held_by: str | None
    held_until: float | None
    dry_running: bool
    planned: str
    planned_reason: str
    goodput_existing: float | None
    goodput_others: float | None
    ttft_existing_s: float
    costs: list[Cost]
    """The greatest standing first."""
    queued: int
    in_flight: int
    limit: int
    engines_up: int
    engines_all: int
    engines: list[EngineNow]
    waiting: int
    """On the waitlist, not invited yet."""
    gateways: int
    findings: int
    decisions: int


class Digests(msgspec.Struct, frozen=True):
    """Change when the part of the page with this name does."""

    findings: str
    decisions: str
    posture: str
    history: str


class Overviews:
    """Puts overviews together. ``clock`` is monotonic seconds."""

    def __init__(self, context: WebContext, clock: Callable[[], float] = time.monotonic) -> None:
        self._context = context
        self._clock = clock
        self._waiting = 0
        self._looked = float("-inf")
        self._letters: dict[str, int] = {}
        self._counted_at = float("-inf")

    async def waiting(self) -> int:
        """Length of the waitlist, looked up every ten seconds at most."""
        now = self._clock()
        if now - self._looked >= WAITING_EVERY_S:
            self._looked = now
            self._waiting = await self._context.accounts.waiting()
        return self._waiting

    async def letters(self) -> dict[str, int]:
        """How many letters are in each state, looked up every ten seconds at most."""
        now = self._clock()
        if now - self._counted_at >= WAITING_EVERY_S:
            self._counted_at = now
            async with self._context.accounts.database.session() as session:
                self._letters = await count_letters(session)
        return self._letters

    async def overview(self) -> Overview:
        service, state = self._context.service, self._context.service.posture
        recent = _recent(service.samples)
        last = recent[-1] if recent else ServiceSample(0.0, 1.0, [])
        costs = costs_of(recent)
        order = service.registration_order
        return Overview(
            at=self._context.accounts.clock(),
            posture=state.posture.value,
            since=state.since,
            reason=state.reason,
            verdict=state.verdict.value,
            registration=state.registration.value,
            registration_since=state.registration_since,
            registration_share=state.registration_share,
            registration_by=order.actor if order is not None else "",
            next_stage_at=state.next_stage_at,
            held_by=state.held_by,
            held_until=state.held_until,
            dry_running=service.posture_dry_run,
            planned=service.planned.posture.value,
            planned_reason=service.planned.reason,
            goodput_existing=_goodput([each for each in costs if each.existing]),
            goodput_others=_goodput([each for each in costs if not each.existing]),
            ttft_existing_s=max((each.ttft_p99_s for each in costs if each.existing), default=0.0),
            costs=costs,
            queued=sum(band.queued for band in last.bands),
            in_flight=sum(band.in_flight for band in last.bands),
            limit=last.limit_requests,
            engines_up=last.engines_up,
            engines_all=last.engines or len(service.engines),
            engines=[_engine(each) for each in last.each_engine],
            waiting=await self.waiting(),
            gateways=service.gateways,
            findings=len(service.findings),
            decisions=len(service.decisions),
        )

    def digests(self) -> Digests:
        service, state = self._context.service, self._context.service.posture
        found = [(each.id, each.sentence, round(each.confidence, 2)) for each in service.findings]
        return Digests(
            findings=_digest(found),
            decisions=_digest([(each.id, each.expires_at) for each in service.decisions]),
            posture=_digest(
                (state.posture, state.registration, state.stage, state.held_by, state.held_until)
            ),
            history=_digest([(each.at, each.reason) for each in service.postures[:20]]),
        )


def decisions_by_finding(service: Service) -> Counter[str]:
    """How many decisions in force each finding led to."""
    return Counter(each.finding for each in service.decisions if each.finding)


def _recent(samples: list[ServiceSample]) -> list[ServiceSample]:
    return [each for each in samples[-RECENT_S:] if each.at > samples[-1].at - RECENT_S] if samples else []


def costs_of(recent: list[ServiceSample]) -> list[Cost]:
    """By standing; waits are the worst second's, the median the worst median."""
    found: list[Cost] = []
    for standing in sorted(Standing, reverse=True):
        bands = [band for each in recent for band in each.bands if band.standing == standing]
        now = next(
            (band for band in recent[-1].bands if band.standing == standing) if recent else iter(()),
            BandSample(standing),
        )
        asked = sum(each.arrived for each in bands)
        refused, failed = sum(each.refused for each in bands), sum(each.failed for each in bands)
        found.append(
            Cost(
                standing=standing.word,
                asked=asked,
                refused=refused,
                failed=failed,
                goodput=max(0.0, 1 - (refused + failed) / asked) if asked else None,
                queued=now.queued,
                in_flight=now.in_flight,
                wait_p50_s=max((each.wait_p50_s for each in bands), default=0.0),
                wait_p99_s=max((each.wait_p99_s for each in bands), default=0.0),
                ttft_p99_s=max((each.ttft_p99_s for each in bands), default=0.0),
                existing=standing in EXISTING,
            )
        )
    return found


def _goodput(costs: list[Cost]) -> float | None:
    asked = sum(each.asked for each in costs)
    return max(0.0, 1 - sum(each.refused + each.failed for each in costs) / asked) if asked else None


def _engine(each: EngineSample) -> EngineNow:
    return EngineNow(
        each.name, each.up, each.in_flight, each.limit, each.tokens_in_flight, each.token_limit, each.waiting, each.kv_usage,
    )  # fmt: skip


def _digest(said: object) -> str:
    return blake2b(msgspec.json.encode(said), digest_size=8).hexdigest()
