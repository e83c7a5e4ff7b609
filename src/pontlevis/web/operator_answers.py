"""What the operator's API answers. Times are Unix seconds."""

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from pontlevis.brain.detection.finding import DetectorName, Finding
from pontlevis.brain.observation import ServiceSample
from pontlevis.brain.posture.state import PostureState, Transition
from pontlevis.brain.reach import Reach
from pontlevis.brain.vocabulary import Posture, RefusalCode, RegistrationMode, Verdict
from pontlevis.incidents.components import Component, Status

Json = dict[str, object]


class _Answer(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class PostureAnswer(_Answer):
    """The posture in force."""

    posture: Posture
    since: float
    reason: str
    verdict: Verdict
    registration: RegistrationMode
    registration_since: float
    registration_share: float
    stage: int
    next_stage_at: float | None
    held_by: str | None
    held_until: float | None
    evidence_gone_since: float | None
    relapses: int
    attacked_at: float | None
    signups_accused: bool
    logins_accused: bool
    alarms: int
    alarmed_at: float | None
    dry_run: bool | None
    dry_run_by: str | None


class StandAnswer(PostureAnswer):
    """The posture in force, and in a dry run where the machine would be."""

    dry_running: bool
    planned: Posture
    planned_reason: str


class OrderAnswer(PostureAnswer):
    """How the posture stands after an order; on trial how it would stand."""

    trial: bool
    changes: list[str]


class ChangeAnswer(_Answer):
    """A threshold that the policy file changes; ``live``: at once, else at the next start."""

    name: str
    old: str
    new: str
    live: bool


class PolicyAnswer(_Answer):
    file: str | None
    changes: list[ChangeAnswer]


class ReloadAnswer(_Answer):
    changes: list[ChangeAnswer]
    trial: bool


class TransitionAnswer(_Answer):
    """A change of posture, registration or stage."""

    at: float
    before: PostureAnswer
    after: PostureAnswer
    reason: str
    findings: tuple[str, ...]
    actor: str
    dry_run: bool


class TransitionsAnswer(_Answer):
    transitions: list[TransitionAnswer]


class FindingAnswer(_Answer):
    """One detector's statement."""

    id: str
    detector: DetectorName
    since: float
    at: float
    confidence: float
    hostile: bool
    sentence: str
    figures: dict[str, float]
    sources: tuple[str, ...]
    fingerprints: tuple[int, ...]
    local: bool
    dry_run: bool


class FindingsAnswer(_Answer):
    findings: list[FindingAnswer]


class DecisionAnswer(_Answer):
    """A measure in force."""

    id: int
    scope: str
    value: str
    reason: str
    created_at: float
    expires_at: float
    origin: str
    lifted: bool
    finding: str
    """What detection found; empty for an operator's own."""
    reach: Reach


class DecisionsAnswer(_Answer):
    decisions: list[DecisionAnswer]


class BandAnswer(_Answer):
    """One standing within a sample's interval; ``standing`` from 0 (anonymous) to 5 (operator)."""

    standing: int
    arrived: int
    admitted: int
    refused: int
    failed: int
    queued: int
    in_flight: int
    wait_p99_s: float
    ttft_p99_s: float
    tokens: int
    wait_p50_s: float
    waits: list[int]
    wait_sum_s: float


class EngineSampleAnswer(_Answer):
    """One engine; a limit of 0 requests: it is given none; of 0 tokens: no limit."""

    name: str
    up: bool
    in_flight: int
    tokens_in_flight: int
    limit: int
    token_limit: int
    waiting: int
    kv_usage: float


class SampleAnswer(_Answer):
    """How the service did over ``interval_s`` up to ``at``."""

    at: float
    interval_s: float
    bands: list[BandAnswer]
    tokens_in_flight: int
    limit_tokens: int
    engines_up: int
    engines: int
    engine_waiting: int
    engine_busy: float
    limit_requests: int
    each_engine: list[EngineSampleAnswer]


class EngineAnswer(_Answer):
    url: str
    simulated: bool


class LoadAnswer(_Answer):
    """The last ten minutes at most."""

    samples: list[SampleAnswer]
    gateways: int
    engines: list[EngineAnswer]


class AffectedAnswer(_Answer):
    component: Component
    old: Status
    new: Status


class UpdateAnswer(_Answer):
    """One entry of a timeline."""

    id: str
    status: str
    body_en: str
    body_fr: str
    created_at: float
    updated_at: float
    automatic: bool
    actor: str
    affected: tuple[AffectedAnswer, ...]


class IncidentAnswer(_Answer):
    """One incident with its private notes, newest update first."""

    id: str
    kind: str
    name_en: str
    name_fr: str
    status: str
    impact: str
    created_at: float
    updated_at: float
    monitoring_at: float | None
    resolved_at: float | None
    taken_over_by: str
    notes: str
    asked: int
    unserved: int
    updates: tuple[UpdateAnswer, ...]
    postmortem_en: str = ""
    postmortem_fr: str = ""
    postmortem_at: float | None = None
    data_touched_at: float | None = None
    data_touched_why: str = ""


class IncidentsAnswer(_Answer):
    incidents: list[IncidentAnswer]


class ComponentAnswer(_Answer):
    component: Component
    status: Status
    updated_at: float
    declared_by: str
    uptime: float | None


class ComponentsAnswer(_Answer):
    components: list[ComponentAnswer]


class AccountAnswer(_Answer):
    """An account without anything secret."""

    id: str
    email: str
    standing: str
    standing_reason: str
    created_at: float
    paid: bool
    unlimited: bool
    pending: bool
    disabled: str
    verified: bool
    unverified: bool
    """Whether it waits for its address to be confirmed."""


class AccountsAnswer(_Answer):
    accounts: list[AccountAnswer]


class KeyAnswer(_Answer):
    """A fresh key; shown this once."""

    email: str
    key: str = Field(repr=False)


class RefusalAnswer(_Answer):
    """What held when a request was refused."""

    at: float
    code: RefusalCode
    cause: str
    standing: str
    posture: Posture
    queued: int
    in_flight: int
    limit: int
    sentence: str


class AuditEntry(_Answer):
    """One line of the audit log; ``event`` by the grammar ``source:subject:action``."""

    at: float
    actor: str
    """``account`` and an id for an operator who logged in."""
    event: str
    subject: str
    detail: str
    hash: str
    """Of this line and, through it, of every one before."""


class AuditAnswer(_Answer):
    audit: list[AuditEntry]


def posture_answer(state: PostureState) -> PostureAnswer:
    return PostureAnswer.model_validate(state)


def transition_answer(transition: Transition) -> TransitionAnswer:
    return TransitionAnswer.model_validate(transition)


def finding_answer(finding: Finding) -> FindingAnswer:
    return FindingAnswer.model_validate(finding)


def load_bytes(samples: list[ServiceSample], gateways: int, engines: list[Json]) -> bytes:
    """``LoadAnswer`` as JSON; ten minutes of it in a few milliseconds."""
    return msgspec.json.encode(
        {"samples": [sample_record(each) for each in samples], "gateways": gateways, "engines": engines}
    )


def sample_record(sample: ServiceSample) -> Json:
    """A sample with its names; on the link it goes without."""
    record: Json = {name: getattr(sample, name) for name in sample.__struct_fields__}
    for part in ("bands", "each_engine"):
        record[part] = [
            {name: getattr(each, name) for name in each.__struct_fields__} for each in getattr(sample, part)
        ]
    return record
