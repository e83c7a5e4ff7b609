"""Workers with one admission decide as one process does."""

import random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from msgspec.structs import replace
from worker_house import MODEL, URLS, House, HouseWorker

from pontlevis.brain.admission.admission import Admission
from pontlevis.brain.admission.messages import Ask, Command, Preempt, Queued, Refuse
from pontlevis.brain.admission.policy import AdmissionPolicy
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import Posture, Standing
from pontlevis.gateway.port import Stuck

TIGHT = AdmissionPolicy(initial_limit=1, min_limit=1, max_limit=2, preempt_streams="always", borrow_spare=0.0)

PAID, NEW = Standing.PAID, Standing.NEW


class Alone:
    """One admission asked directly, as a single worker does."""

    def __init__(self, policy: AdmissionPolicy, now: float) -> None:
        self.admission = Admission(policy, enabled=True, rng=random.Random(0))
        for url in URLS:
            self.admission.set_engine(url, frozenset({MODEL}), True, now)
        self.told: list[Command | Stuck] = []

    def pump(self, now: float) -> None:
        while commands := self.admission.due(now):
            for command in commands:
                self.told.append(command)
                if isinstance(command, Preempt) and not command.requeued:
                    self.admission.finish(command.ticket, now, input_tokens=10, output_tokens=1)


def plain(command: Command | Stuck) -> Command | Stuck:
    """Without the sentence for the operator's log, which does not travel."""
    return replace(command, explain="") if isinstance(command, (Refuse, Preempt)) else command


class SameDecisions(RuleBasedStateMachine):
    """The same lives of requests, once with one admission asked directly and once through two workers."""

    def __init__(self) -> None:
        super().__init__()
        policy = AdmissionPolicy(
            initial_limit=3,
            preempt_streams="always",
            concurrent_requests=5,
            requests_per_minute=20,
            key_share=0.6,
        )
        self.house = House(policy)
        self.alone = Alone(policy, self.house.clock())
        for worker in self.house.workers:
            worker.told.clear()

    @property
    def now(self) -> float:
        return self.house.clock.now

    def compare(self) -> None:
        self.house.settle()
        told = [plain(each) for worker in self.house.workers for each in worker.told]
        alone = [plain(each) for each in self.alone.told]
        for each in (told, alone):
            each.sort(key=lambda command: command.ticket)
        assert told == alone
        for worker in self.house.workers:
            worker.told.clear()
        self.alone.told.clear()
        mine, theirs = self.house.owner.admission, self.alone.admission
        assert (mine.in_flight, mine.queued, mine.limits) == (theirs.in_flight, theirs.queued, theirs.limits)

    def pick(self, pick: int, *, begun: bool | None = None) -> tuple[HouseWorker, int] | None:
        found = [
            (worker, ticket)
            for worker in self.house.workers
            for ticket in worker.running
            if begun is None or worker.calls[ticket].begun is begun
        ]
        return found[pick % len(found)] if found else None

    @rule(number=st.integers(0, 1), standing=st.sampled_from(Standing), account=st.integers(0, 3),
          tokens=st.integers(1, 5_000), stream=st.booleans(), own=st.integers(0, 1))  # fmt: skip
    def ask(self, number: int, standing: Standing, account: int, tokens: int, stream: bool, own: int) -> None:
        name = f"{standing.word} {account}"
        key = f"{name}, key {own}"
        ticket = self.house.workers[number].ask(standing, name, tokens, stream=stream, key=key)
        said = self.alone.admission.ask(
            Ask(ticket, name, standing, MODEL, tokens, 100, stream=stream, key=key), self.now
        )
        if isinstance(said, Queued):
            self.alone.pump(self.now)
        else:
            self.alone.told.append(said)
        worker = self.house.workers[number]
        self.compare_headers(worker, ticket, name, standing, key)

    def compare_headers(
        self, worker: HouseWorker, ticket: int, name: str, standing: Standing, key: str
    ) -> None:
        self.compare()
        if worker.running.get(ticket):
            there = worker.remote.allowance(name, standing, self.now, key)
            assert there == self.alone.admission.allowance(name, standing, self.now, key)

    @rule(pick=st.integers(0, 99), generated=st.integers(1, 300))
    def stream(self, pick: int, generated: int) -> None:
        if found := self.pick(pick):
            worker, ticket = found
            worker.first_byte(ticket)
            worker.progress(ticket, generated)
            self.alone.admission.first_byte(ticket, self.now)
            self.alone.admission.progress(ticket, generated, self.now)
            self.compare()

    @rule(pick=st.integers(0, 99), generated=st.integers(0, 300), failed=st.booleans())
    def finish(self, pick: int, generated: int, failed: bool) -> None:
        if found := self.pick(pick):
            worker, ticket = found
            worker.finish(ticket, generated, failed=failed)
            self.alone.admission.finish(
                ticket, self.now, input_tokens=10, output_tokens=generated, failed=failed
            )
            self.alone.pump(self.now)
            self.compare()

    @rule(pick=st.integers(0, 99))
    def abandon(self, pick: int) -> None:
        held = [(worker, ticket) for worker in self.house.workers for ticket in worker.calls]
        if held:
            worker, ticket = held[pick % len(held)]
            worker.abandon(ticket)
            self.alone.admission.abandon(ticket, self.now)
            self.alone.pump(self.now)
            self.compare()

    @rule(pick=st.integers(0, 99))
    def move(self, pick: int) -> None:
        if found := self.pick(pick, begun=False):
            worker, ticket = found
            worker.move(ticket)
            moved = self.alone.admission.move(ticket, self.now)
            if moved is None:
                self.alone.told.append(Stuck(ticket))
                self.alone.pump(self.now)
                self.alone.admission.finish(ticket, self.now, input_tokens=10, output_tokens=0, failed=True)
            else:
                self.alone.told.append(moved)
            self.alone.pump(self.now)
            self.compare()

    @rule(seconds=st.floats(0.01, 20.0))
    def wait(self, seconds: float) -> None:
        self.house.clock.now += seconds
        self.house.owner.pump()
        self.alone.pump(self.now)
        self.compare()

    @rule(posture=st.sampled_from(Posture))
    def posture(self, posture: Posture) -> None:
        for admission in (self.house.owner.admission, self.alone.admission):
            admission.set_posture(PostureState(posture=posture), self.now)
        self.house.owner.pump()
        self.alone.pump(self.now)
        self.compare()

    @rule(engine=st.sampled_from(URLS), up=st.booleans())
    def probe(self, engine: str, up: bool) -> None:
        self.house.owner.engines[engine].up = up
        for admission in (self.house.owner.admission, self.alone.admission):
            admission.set_engine(engine, frozenset({MODEL}), up, self.now)
        self.house.owner.look()
        self.alone.pump(self.now)
        self.compare()
        assert all(worker.engines[engine].up == up for worker in self.house.workers)


TestSameDecisions = SameDecisions.TestCase
TestSameDecisions.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_what_an_account_may_still_do_is_known_after_another_of_its_requests_was_turned_away() -> None:
    """The answer that is under way names the limits in its head, whatever happened to its neighbour."""
    house = House(AdmissionPolicy(initial_limit=1, max_limit=1, min_limit=1, queue_size=(1, 1, 1, 1)))
    first = house.workers[0]
    for _ in range(5):
        first.ask(PAID, "paid")
    house.settle()
    assert len(first.running) == 2
    assert any(isinstance(each, Refuse) and each.status == 503 for each in first.told)
    assert first.remote.allowance("paid", PAID, house.clock()) is not None
