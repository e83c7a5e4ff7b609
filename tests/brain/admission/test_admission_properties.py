"""What must hold of admission whatever happens."""

import random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from pontlevis.brain.admission.admission import Admission
from pontlevis.brain.admission.bands import BAND_OF, Band
from pontlevis.brain.admission.messages import Ask, Command, Dispatch, Preempt, Refuse
from pontlevis.brain.admission.policy import AdmissionPolicy
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import EXISTING, Posture, RefusalCode, Standing

ENGINES = ("a", "b")
LIMIT = 6


class AdmissionMachine(RuleBasedStateMachine):
    """Random lives of requests on two engines that come and go."""

    def __init__(self) -> None:
        super().__init__()
        self.policy = AdmissionPolicy(initial_limit=LIMIT, preempt_streams="always", overload_after_s=15.0)
        self.admission = Admission(self.policy, enabled=True, rng=random.Random(0))
        self.now = 0.0
        self.ticket = 0
        self.waiting: dict[int, tuple[float, Standing]] = {}
        self.running: dict[int, tuple[str, Standing]] = {}
        self.begun: set[int] = set()
        self.preempted: dict[int, int] = {}
        self.up = dict.fromkeys(ENGINES, True)
        for engine in ENGINES:
            self.admission.set_engine(engine, frozenset({"m"}), True, 0.0)

    def take(self, commands: list[Command]) -> None:
        for command in commands:
            ticket = command.ticket
            if isinstance(command, Dispatch):
                _, standing = self.waiting.pop(ticket)
                self.running[ticket] = (command.engine, standing)
            elif isinstance(command, Refuse):
                self.waiting.pop(ticket)
                if command.code is RefusalCode.PREEMPTED:
                    assert self.preempted[ticket]
            else:
                self.preempt(command)

    def preempt(self, command: Preempt) -> None:
        ticket = command.ticket
        _, standing = self.running.pop(ticket)
        assert standing not in EXISTING, "nobody takes an existing user's slot"
        assert command.requeued == (ticket not in self.begun)
        if command.requeued:
            self.preempted[ticket] = self.preempted.get(ticket, 0) + 1
            assert self.preempted[ticket] <= self.policy.preempt_most
            self.waiting[ticket] = (float("inf"), standing)
        else:
            assert BAND_OF[standing] > Band.RECENT, "a recent account's answer is not cut"
            self.admission.finish(ticket, self.now, input_tokens=None, output_tokens=None)

    @rule(
        standing=st.sampled_from(Standing),
        account=st.integers(0, 5),
        tokens=st.integers(1, 5_000),
        stream=st.booleans(),
    )
    def ask(self, standing: Standing, account: int, tokens: int, stream: bool) -> None:
        self.ticket += 1
        name = f"{standing.word} {account}"
        said = self.admission.ask(Ask(self.ticket, name, standing, "m", tokens, 100, stream=stream), self.now)
        if isinstance(said, Dispatch):
            assert self.up[said.engine]
            self.running[self.ticket] = (said.engine, standing)
        elif not isinstance(said, Refuse):
            assert said.deadline > self.now
            self.waiting[self.ticket] = (said.deadline, standing)
            self.take(self.admission.due(self.now))

    @rule(pick=st.integers(0, 10**6), generated=st.integers(1, 300))
    def stream(self, pick: int, generated: int) -> None:
        if self.running:
            ticket = sorted(self.running)[pick % len(self.running)]
            self.admission.first_byte(ticket, self.now)
            self.begun.add(ticket)
            self.admission.progress(ticket, generated, self.now)

    @rule(pick=st.integers(0, 10**6), generated=st.integers(0, 300), failed=st.booleans())
    def finish(self, pick: int, generated: int, failed: bool) -> None:
        if self.running:
            ticket = sorted(self.running)[pick % len(self.running)]
            self.admission.first_byte(ticket, self.now)
            self.admission.finish(ticket, self.now, input_tokens=10, output_tokens=generated, failed=failed)
            del self.running[ticket]
            self.take(self.admission.due(self.now))

    @rule(pick=st.integers(0, 10**6))
    def fail_before_a_byte(self, pick: int) -> None:
        fresh = sorted(set(self.running) - self.begun)
        if fresh:
            ticket = fresh[pick % len(fresh)]
            engine, standing = self.running[ticket]
            moved = self.admission.move(ticket, self.now)
            if moved is not None:
                assert moved.engine != engine
                assert self.up[moved.engine]
                self.running[ticket] = (moved.engine, standing)
            self.take(self.admission.due(self.now))

    @rule(pick=st.integers(0, 10**6))
    def abandon(self, pick: int) -> None:
        held = sorted([*self.running, *self.waiting])
        if held:
            ticket = held[pick % len(held)]
            self.admission.abandon(ticket, self.now)
            self.running.pop(ticket, None)
            self.waiting.pop(ticket, None)
            self.take(self.admission.due(self.now))

    @rule(seconds=st.floats(0.01, 20.0))
    def wait(self, seconds: float) -> None:
        """Never later than ``next_deadline`` says."""
        end = self.now + seconds
        while (deadline := self.admission.next_deadline()) is not None and deadline < end:
            self.now = max(self.now, deadline)
            self.take(self.admission.due(self.now))
        self.now = end
        self.take(self.admission.due(self.now))

    @rule(posture=st.sampled_from(Posture))
    def move(self, posture: Posture) -> None:
        self.admission.set_posture(PostureState(posture=posture), self.now)
        self.take(self.admission.due(self.now))

    @rule(engine=st.sampled_from(ENGINES), up=st.booleans())
    def probe(self, engine: str, up: bool) -> None:
        self.up[engine] = up
        self.admission.set_engine(engine, frozenset({"m"}), up, self.now)
        self.take(self.admission.due(self.now))

    @rule(engine=st.sampled_from(ENGINES), running=st.integers(0, 12), waiting=st.integers(0, 12))
    def look(self, engine: str, running: int, waiting: int) -> None:
        self.admission.engine_metrics(engine, running=running, waiting=waiting, kv_usage=0.1, now=self.now)
        self.take(self.admission.due(self.now))

    @invariant()
    def counts_are_exact(self) -> None:
        """No slot is lost, none is counted twice."""
        assert self.admission.in_flight == len(self.running)
        assert self.admission.queued == len(self.waiting)
        for pool in self.admission._pools:
            assert pool.limit == self.admission.limit
            assert pool.in_flight == len(self.running)
            assert sum(pool.held) == len(self.running)
            held = [*pool.unstarted, *pool.streams]
            lower = [ticket for ticket, (_, standing) in self.running.items() if standing not in EXISTING]
            assert sorted(ticket for each in held for ticket in each) == sorted(lower)
            for engine in pool.engines:
                assert sum(engine.held) == engine.in_flight
                assert (engine.tokens_in_flight > 0) == (engine.in_flight > 0)

    @invariant()
    def nobody_waits_beyond_the_deadline(self) -> None:
        """Whoever waits is started or told by then."""
        assert all(deadline > self.now for deadline, _ in self.waiting.values())

    @invariant()
    def a_free_slot_is_not_idle_while_somebody_admissible_waits(self) -> None:
        """Work conservation: for existing users any free slot, for a lower band any that it may be lent."""
        for pool in self.admission._pools:
            if any(engine.open for engine in pool.engines):
                for band in Band:
                    if pool.room(band, self.admission._service.posture):
                        assert not any(BAND_OF[standing] is band for _, standing in self.waiting.values())

    @invariant()
    def no_existing_user_waits_for_work_that_could_be_put_off(self) -> None:
        """Preemption leaves nobody of a lower band on an engine before its first byte meanwhile."""
        if any(standing in EXISTING for _, standing in self.waiting.values()):
            for pool in self.admission._pools:
                assert pool.victim(streams=False) is None

    def teardown(self) -> None:
        for ticket in [*self.running, *self.waiting]:
            self.admission.abandon(ticket, self.now)
        assert self.admission.in_flight == 0
        assert self.admission.queued == 0


TestAdmission = AdmissionMachine.TestCase
TestAdmission.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)
