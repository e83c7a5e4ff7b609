"""What must hold of admission whatever happens."""

import random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from pontlevis.brain.admission.admission import Admission
from pontlevis.brain.admission.messages import Ask, Dispatch, Refuse
from pontlevis.brain.admission.policy import AdmissionPolicy
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import EXISTING, Posture, Standing

ENGINES = ("a", "b")
LIMIT = 6


class AdmissionMachine(RuleBasedStateMachine):
    """Random lives of requests on two engines that come and go."""

    def __init__(self) -> None:
        super().__init__()
        self.admission = Admission(AdmissionPolicy(initial_limit=LIMIT), enabled=True, rng=random.Random(0))
        self.now = 0.0
        self.ticket = 0
        self.waiting: dict[int, tuple[float, Standing]] = {}
        self.running: dict[int, tuple[str, Standing]] = {}
        self.up = dict.fromkeys(ENGINES, True)
        for engine in ENGINES:
            self.admission.set_engine(engine, frozenset({"m"}), True, 0.0)

    def take(self, commands: list[Dispatch | Refuse]) -> None:
        for command in commands:
            _, standing = self.waiting.pop(command.ticket)
            if isinstance(command, Dispatch):
                self.running[command.ticket] = (command.engine, standing)

    @rule(standing=st.sampled_from(Standing), account=st.integers(0, 5), tokens=st.integers(1, 5_000))
    def ask(self, standing: Standing, account: int, tokens: int) -> None:
        self.ticket += 1
        said = self.admission.ask(
            Ask(self.ticket, f"{standing.word} {account}", standing, "m", tokens, 100), self.now
        )
        if isinstance(said, Dispatch):
            assert self.up[said.engine]
            self.running[self.ticket] = (said.engine, standing)
        elif not isinstance(said, Refuse):
            assert said.deadline > self.now
            self.waiting[self.ticket] = (said.deadline, standing)

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
        if self.running:
            ticket = sorted(self.running)[pick % len(self.running)]
            engine, standing = self.running[ticket]
            moved = self.admission.move(ticket, self.now)
            elsewhere = any(up and each != engine for each, up in self.up.items())
            assert (moved is not None) == elsewhere
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
        self.now += seconds
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

    @invariant()
    def counts_are_exact(self) -> None:
        """No slot is lost, none is counted twice."""
        assert self.admission.in_flight == len(self.running)
        assert self.admission.queued == len(self.waiting)

    @invariant()
    def nobody_waits_beyond_the_deadline(self) -> None:
        """Whoever waits is started or told by then."""
        assert all(deadline > self.now for deadline, _ in self.waiting.values())

    @invariant()
    def an_existing_user_never_waits_beside_a_free_slot(self) -> None:
        """Work conservation for those whom the bridge protects."""
        free = any(
            up and sum(1 for each, _ in self.running.values() if each == engine) < LIMIT
            for engine, up in self.up.items()
        )
        within = len(self.running) < self.admission.limit
        if free and within:
            assert not any(standing in EXISTING for _, standing in self.waiting.values())

    def teardown(self) -> None:
        for ticket in [*self.running, *self.waiting]:
            self.admission.abandon(ticket, self.now)
        assert self.admission.in_flight == 0
        assert self.admission.queued == 0


TestAdmission = AdmissionMachine.TestCase
TestAdmission.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
