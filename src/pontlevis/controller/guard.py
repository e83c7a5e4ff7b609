"""The watch: feeds the brain with what was seen, and carries out what it says."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import replace

import msgspec
from sqlalchemy import select

from pontlevis.brain.detection.detection import Detection
from pontlevis.brain.detection.finding import Finding
from pontlevis.brain.detection.judgement import Judgement
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.observation import Kind, Observation, Outcome, ServiceSample
from pontlevis.brain.posture.machine import PostureMachine
from pontlevis.brain.posture.policy import PosturePolicy
from pontlevis.brain.posture.state import PostureState, Transition, differences
from pontlevis.brain.reach import Reach
from pontlevis.brain.registration_order import RegistrationOrder, with_order
from pontlevis.brain.setting import adopt
from pontlevis.brain.vocabulary import EXISTING, Posture, RegistrationMode, Verdict
from pontlevis.config import Settings
from pontlevis.controller.evidence_room import EvidenceRoom
from pontlevis.controller.history import History
from pontlevis.controller.hub import Hub
from pontlevis.controller.kept_findings import KeptFindings
from pontlevis.controller.library import Library
from pontlevis.controller.measure_notes import MeasureNotes
from pontlevis.controller.memory import Memory
from pontlevis.controller.registration import RegistrationDesk
from pontlevis.controller.samples import SampleLog
from pontlevis.controller.sources import sources_view
from pontlevis.controller.totals import count_evidence, count_observation, count_sample, no_totals
from pontlevis.enforcement.book import DecisionBook, Protected
from pontlevis.evidence.journal import FOLDER, Journal
from pontlevis.incidents.service import Incidents
from pontlevis.link.messages import AccountRecord, CredentialRecord, DecisionRecord
from pontlevis.storage.audit import record_audit
from pontlevis.storage.database import Database
from pontlevis.storage.tables.control import PostureRow, TransitionRow
from pontlevis.web.ports import EngineView, MeasureNote, Series, SourcesView

TICK_S = 1.0
KEPT_TRANSITIONS = 200
PERSIST_LIMIT_S = 1.0  # the defence must not wait for a database that hangs

log = logging.getLogger("pontlevis.controller")


class Guard:
    """Runs detection and posture; the running service as accounts and pages see it."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        protected: Protected,
        book: DecisionBook,
        clock: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._database = database
        self._book = book
        self._clock = clock
        self._thresholds = replace(settings.detection)
        self.detection = Detection(self._thresholds, protected=protected.names)
        self.library = Library(settings.knowledge, clock, self.detection.know)
        self.memory = Memory(database, self.detection, clock)
        self._notes = MeasureNotes(
            lambda event, subject, detail: self._audit("detection", event, subject, detail)
        )
        self.machine = PostureMachine(settings.posture)
        self.samples_log = SampleLog()
        self.history = History()
        self.totals = no_totals()
        self.refusals: dict[str, int] = {}  # by code
        self.journal = Journal(settings.data / FOLDER, settings.journal)
        self.evidence = EvidenceRoom(settings, database, clock, self.library)
        self._judgement: Judgement | None = None
        self._transitions: deque[Transition] = deque(maxlen=KEPT_TRANSITIONS)
        self._kept_findings = KeptFindings(database)
        self.hub: Hub | None = None
        self.incidents: Incidents | None = None
        self._lock = asyncio.Lock()
        self._orders = RegistrationDesk(database, clock, settings.posture.hold_max_s)

    async def start(self) -> None:
        """Takes up where the service stopped."""
        await self.memory.restore()
        async with self._database.session() as session:
            row = await session.get(PostureRow, 1)
            rows = await session.scalars(
                select(TransitionRow).order_by(TransitionRow.id.desc()).limit(KEPT_TRANSITIONS)
            )
            for each in reversed(rows.all()):
                self._transitions.append(msgspec.json.decode(each.transition, type=Transition))
        if row is not None:
            state = msgspec.json.decode(row.state, type=PostureState)
            self.machine = PostureMachine(self._settings.posture, state)
            log.info(
                "posture:state:restored %s registration=%s", state.posture.value, state.registration.value
            )
        else:
            now = self._clock()
            self.machine = PostureMachine(
                self._settings.posture, PostureState(since=now, registration_since=now)
            )
        await self._orders.start()
        self.journal.start()
        self.journal.stood(self._clock(), self.machine.state, reason="The service started.", actor="start")
        self.evidence.keeper.start()
        self.evidence.posture(self._clock(), self.machine.state, "The service started.", "start")

    # -- Watch

    def observe(self, observation: Observation) -> None:
        count_observation(self.totals, observation)
        self.history.observe(observation)
        if self._settings.defence:
            self.journal.observe(observation)
            self.detection.observe(observation)
        self.evidence.keeper.observe(observation)
        if observation.kind is Kind.LOGIN and self.incidents is not None and observation.standing in EXISTING:
            # A wrong password is no outage; being turned away without a look at it is.
            if observation.outcome is Outcome.OK:
                self.incidents.login(True)
            elif observation.outcome is Outcome.REFUSED:
                self.incidents.login(False)

    @property
    def posture(self) -> PostureState:
        """As everybody sees it: the machine's, under an operator's word on registration."""
        return with_order(self.machine.state, self._orders.order, self._clock())

    # -- Publisher

    async def publish(
        self,
        *,
        accounts: list[AccountRecord] | None = None,
        credentials: list[CredentialRecord] | None = None,
    ) -> None:
        if self.hub is not None:
            await self.hub.publish(accounts=accounts, credentials=credentials)

    async def cut(
        self, *, accounts: list[str] | None = None, credentials: list[str] | None = None, reason: str
    ) -> None:
        if self.hub is not None:
            await self.hub.cut(accounts=accounts or [], credentials=credentials or [], reason=reason)

    # -- Service

    @property
    def findings(self) -> list[Finding]:
        return list(self._judgement.findings) if self._judgement is not None else []

    @property
    def samples(self) -> list[ServiceSample]:
        return self.samples_log.all

    def series(self, last_s: float, most: int) -> Series:
        return self.history.series(self._clock(), last_s, most)

    @property
    def postures(self) -> list[Transition]:
        return list(reversed(self._transitions))

    @property
    def decisions(self) -> list[DecisionRecord]:
        return self._book.in_force

    @property
    def measure_notes(self) -> list[MeasureNote]:
        return self._notes.newest

    @property
    def sources(self) -> SourcesView:
        return sources_view(self.library, self.detection, self._notes)

    @property
    def engines(self) -> list[EngineView]:
        return [EngineView(each.url, each.simulated) for each in self._settings.engines]

    @property
    def gateways(self) -> int:
        return self.hub.gateways if self.hub is not None else 0

    @property
    def admission(self) -> bool:
        if self._settings.gateway.workers == 1 or self.hub is None:
            return self.gateways > 0
        return self.hub.admission

    async def set_posture(
        self, posture: Posture, *, reason: str, actor: str, hold_s: float | None, dry_run: bool = False
    ) -> list[Transition]:
        async with self._lock:
            forced = self.machine.force(
                self._clock(), posture=posture, reason=reason, actor=actor, hold_s=hold_s, dry_run=dry_run
            )
            return await self._ordered([forced], dry_run, actor, f"set {posture.value}: {reason}")

    async def hold_posture(
        self, *, reason: str, actor: str, hold_s: float | None, dry_run: bool = False
    ) -> list[Transition]:
        async with self._lock:
            held = self.machine.hold(
                self._clock(), reason=reason, actor=actor, hold_s=hold_s, dry_run=dry_run
            )
            return await self._ordered([held], dry_run, actor, f"hold: {reason}")

    async def release_posture(self, *, actor: str, reason: str, dry_run: bool = False) -> list[Transition]:
        async with self._lock:
            let_go = self.machine.release(self._clock(), actor=actor, reason=reason, dry_run=dry_run)
            return await self._ordered(let_go, dry_run, actor, f"release: {reason}")

    async def set_posture_dry_run(self, on: bool | None, *, actor: str, reason: str) -> list[Transition]:
        async with self._lock:
            said = self.machine.set_dry_run(self._clock(), on, actor=actor, reason=reason)
            return await self._ordered(said, False, actor, reason)

    async def _ordered(
        self, transitions: list[Transition], dry_run: bool, actor: str, said: str
    ) -> list[Transition]:
        """Carries an operator's order out, or, on trial, leaves nothing but an entry in the audit log."""
        if dry_run:
            await self._audit(actor, "posture:order:dry_run", self.machine.state.posture.value, said)
        else:
            await self._carry_out(transitions)
        return transitions

    async def adopt(
        self, detection: DetectionPolicy, posture: PosturePolicy, *, reason: str, actor: str
    ) -> None:
        """Goes by other thresholds from now on."""
        async with self._lock:
            adopt(self._thresholds, detection)
            await self._carry_out(self.machine.adopt(self._clock(), posture, reason=reason, actor=actor))

    @property
    def planned(self) -> PostureState:
        return self.machine.planned

    @property
    def posture_dry_run(self) -> bool:
        return self.machine.dry_run

    @property
    def registration_order(self) -> RegistrationOrder | None:
        return self._orders.order

    async def set_registration(
        self, mode: RegistrationMode, *, reason: str, actor: str, hold_s: float | None
    ) -> PostureState:
        await self._orders.set(mode, reason=reason, actor=actor, hold_s=hold_s)
        await self._publish_posture()
        return self.posture

    async def release_registration(self, *, actor: str, reason: str) -> PostureState:
        if await self._orders.end(actor=actor, reason=reason):
            await self._publish_posture()
        return self.posture

    def challenge_factor(self, source: str, fingerprint: int) -> float:
        accused = any(each.hostile and fingerprint in each.fingerprints for each in self.findings)
        return self._settings.challenge.cluster_factor if accused and fingerprint else 1.0

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
        record = await self._book.decide(
            scope=scope, value=value, reason=reason, duration_s=duration_s, actor=actor, reach=reach
        )
        await self._announce([record])
        self.evidence.decisions([record])
        return record

    async def lift(self, decision: int, *, actor: str, reason: str) -> DecisionRecord:
        record = await self._book.lift(decision, actor=actor, reason=reason)
        await self._announce([record])
        self.evidence.decisions([record])
        return record

    # -- ticking
    def sample(self, sample: ServiceSample) -> None:
        """A gateway's figures of the last second."""
        self.samples_log.add(sample)
        count_sample(self.totals, sample)
        self.history.sample(sample)
        if self._settings.defence:
            self.journal.sample(sample)
            self.detection.sample(sample)

    async def tick(self) -> None:
        """One second of watching: judge, move, act."""
        now = self._clock()
        async with self._lock:
            if self._settings.defence:
                self.journal.tick(now, self.machine.state.posture.value)
                judgement = self.detection.tick(now, posture=self.machine.state.posture)
                self._judgement = judgement
                self.evidence.keeper.accuse(judgement.findings, now)
                await self._carry_out(self.machine.tick(now, judgement))
                await self._notes.take(now, judgement)
                enforced = [each for each in judgement.measures if not each.dry_run]
                if enforced:
                    made = await self._book.propose(enforced)
                    if made:
                        await self._announce(made)
                        self.evidence.decisions(made)
                        log.warning("decision:source:made count=%d (%s)", len(made), made[0].reason)
                if due := self._kept_findings.due(judgement.findings):
                    self.evidence.findings(due)
                    await self._kept_findings.save(due)
            else:
                # Nothing is judged, but an operator's hold still ends when it should.
                calm = Judgement(now, Verdict.CALM, "Detection is switched off.")
                await self._carry_out(self.machine.tick(now, calm))
            self._book.expire()
        self.evidence.keeper.tick(now, alarmed=self.machine.state.posture is not Posture.NORMAL)
        count_evidence(self.totals, self.evidence.keeper, self.journal)
        if self._orders.over(now):
            await self.release_registration(actor="registration", reason="the time set for it is over")
        if self.incidents is not None and self.samples_log.all:
            await self.incidents.measure(self.samples_log.all[-1], self.posture, now)

    async def _carry_out(self, transitions: list[Transition]) -> None:
        for transition in transitions:
            if transition.dry_run:
                log.warning("posture:state:dry_run %s", transition.reason)
                self._transitions.append(transition)
                continue
            try:
                async with asyncio.timeout(PERSIST_LIMIT_S):
                    await self._save_transition(transition)
            except Exception:
                log.exception("posture:state:not_saved")
            await self._publish_posture()
            self._transitions.append(transition)
            self.evidence.posture(transition.at, transition.after, transition.reason, transition.actor)
            self.journal.stood(
                transition.at, transition.after, reason=transition.reason, actor=transition.actor
            )
            log.warning(
                "posture:state:%s registration=%s share=%.2f actor=%s: %s",
                transition.after.posture.value,
                transition.after.registration.value,
                transition.after.registration_share,
                transition.actor,
                transition.reason,
            )
            if self.incidents is not None:
                await self.incidents.on_transition(transition)

    async def _publish_posture(self) -> None:
        if self.hub is not None:
            await self.hub.publish(posture=self.posture)

    async def _announce(self, records: list[DecisionRecord]) -> None:
        if self.hub is not None:
            await self.hub.publish(decisions=records)

    async def _save_transition(self, transition: Transition) -> None:
        async with self._database.session() as session:
            await session.merge(
                PostureRow(id=1, state=msgspec.json.encode(transition.after), updated_at=transition.at)
            )
            session.add(
                TransitionRow(
                    at=transition.at,
                    actor=transition.actor,
                    reason=transition.reason,
                    transition=msgspec.json.encode(transition),
                )
            )
            event, changed = (
                f"posture:state:{transition.after.posture.value}",
                "; ".join(differences([transition])),
            )
            await record_audit(session, at=transition.at, actor=transition.actor, event=event, subject=changed, detail=transition.reason)  # fmt: skip

    async def _audit(self, actor: str, event: str, subject: str, detail: str) -> None:
        async with self._database.session() as session:
            await record_audit(
                session, at=self._clock(), actor=actor, event=event, subject=subject, detail=detail
            )
