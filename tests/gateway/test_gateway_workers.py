"""Several workers and one admission: what one would decide alone, and no slot lost whoever dies."""

import random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec.structs import replace

from pontlevis.brain.admission.admission import Admission
from pontlevis.brain.admission.messages import Ask, Command, Dispatch, Preempt, Queued, Refuse
from pontlevis.brain.admission.policy import AdmissionPolicy
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import Posture, RefusalCode, Standing
from pontlevis.gateway.policy import GatewayPolicy
from pontlevis.gateway.port import Stuck
from pontlevis.gateway.rations import of_one_worker
from pontlevis.link.admission import Asked, Beat, read_from_admission, read_to_admission
from pontlevis.link.stream import LinkBroken, Splitter, frame
from worker_house import MODEL, URLS, House, HouseWorker

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
                    # As the exchange does: what it frees is given away once this round is through.


def plain(command: Command | Stuck) -> Command | Stuck:
    """Without the sentence for the operator's log, which does not travel."""
    return replace(command, explain="") if isinstance(command, (Refuse, Preempt)) else command


class SameDecisions(RuleBasedStateMachine):
    """The same lives of requests, once with one admission asked directly and once through two workers."""

    def __init__(self) -> None:
        super().__init__()
        policy = AdmissionPolicy(initial_limit=3, preempt_streams="always", concurrent_requests=5, requests_per_minute=20)
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
          tokens=st.integers(1, 5_000), stream=st.booleans())  # fmt: skip
    def ask(self, number: int, standing: Standing, account: int, tokens: int, stream: bool) -> None:
        name = f"{standing.word} {account}"
        ticket = self.house.workers[number].ask(standing, name, tokens, stream=stream)
        said = self.alone.admission.ask(Ask(ticket, name, standing, MODEL, tokens, 100, stream=stream), self.now)
        if isinstance(said, Queued):
            self.alone.pump(self.now)
        else:
            self.alone.told.append(said)
        worker = self.house.workers[number]
        self.compare_headers(worker, ticket, name, standing)

    def compare_headers(self, worker: HouseWorker, ticket: int, name: str, standing: Standing) -> None:
        self.compare()
        if worker.running.get(ticket):
            assert worker.remote.allowance(name, standing, self.now) == self.alone.admission.allowance(name, standing, self.now)  # fmt: skip

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
            self.alone.admission.finish(ticket, self.now, input_tokens=10, output_tokens=generated, failed=failed)
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
TestSameDecisions.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)


class NoSlotLost(RuleBasedStateMachine):
    """Messages are late, workers and admission die in between; once all has arrived the counts are exact."""

    def __init__(self) -> None:
        super().__init__()
        self.house = House(AdmissionPolicy(initial_limit=3, preempt_streams="always"))

    def one(self, pick: int, *, begun: bool | None = None) -> tuple[HouseWorker, int] | None:
        found = [
            (worker, ticket)
            for worker in self.house.workers
            for ticket in worker.running
            if begun is None or worker.calls[ticket].begun is begun
        ]
        return found[pick % len(found)] if found else None

    @rule(number=st.integers(0, 1), standing=st.sampled_from(Standing), account=st.integers(0, 3))
    def ask(self, number: int, standing: Standing, account: int) -> None:
        self.house.workers[number].ask(standing, f"{standing.word} {account}")

    @rule(pick=st.integers(0, 99))
    def first_byte(self, pick: int) -> None:
        if found := self.one(pick, begun=False):
            found[0].first_byte(found[1])

    @rule(pick=st.integers(0, 99), failed=st.booleans())
    def finish(self, pick: int, failed: bool) -> None:
        if found := self.one(pick):
            found[0].finish(found[1], 3, failed=failed)

    @rule(pick=st.integers(0, 99))
    def abandon(self, pick: int) -> None:
        held = [(worker, ticket) for worker in self.house.workers for ticket in worker.calls]
        if held:
            worker, ticket = held[pick % len(held)]
            worker.abandon(ticket)

    @rule(pick=st.integers(0, 99))
    def move(self, pick: int) -> None:
        if found := self.one(pick, begun=False):
            found[0].move(found[1])

    @rule(number=st.integers(0, 1), up=st.booleans())
    def deliver(self, number: int, up: bool) -> None:
        worker = self.house.workers[number]
        worker.flush()
        _ = worker.give() if up else worker.take()

    @rule(seconds=st.floats(0.01, 12.0))
    def wait(self, seconds: float) -> None:
        self.house.clock.now += seconds
        self.house.owner.pump()
        for worker in self.house.workers:
            worker.pump()

    @rule()
    def owner_dies(self) -> None:
        self.house.kill_owner()

    @rule(number=st.integers(0, 1))
    def connection_breaks(self, number: int) -> None:
        self.house.workers[number].cut()

    @rule(number=st.integers(0, 1))
    def worker_dies(self, number: int) -> None:
        old = self.house.workers[number]
        if old.desk is not None:
            self.house.owner.leave(old.desk)
        fresh = self.house.workers[number] = HouseWorker(self.house, number)
        fresh.count = old.count
        fresh.connect()

    @rule(number=st.integers(0, 1))
    def reconnect(self, number: int) -> None:
        worker = self.house.workers[number]
        if worker.desk is None:
            worker.connect()

    @rule()
    def all_arrives(self) -> None:
        for worker in self.house.workers:
            if worker.desk is None:
                worker.connect()
        self.house.settle()
        self.check()

    def check(self) -> None:
        running = [engine for worker in self.house.workers for engine in worker.running.values()]
        admission = self.house.owner.admission
        assert admission.in_flight == len(running)
        for name, engine in admission._pools.engines.items():
            assert engine.in_flight == running.count(name)
        waiting = sum(len(worker.calls) - len(worker.running) for worker in self.house.workers)
        assert admission.queued == waiting
        assert sum(len(desk.tickets) for desk in self.house.owner._desks.values()) == len(running) + waiting
        for worker in self.house.workers:
            assert len(worker.remote.errands) == len(worker.calls)
            for url in URLS:
                assert worker.remote.errands.at_engine(url) == list(worker.running.values()).count(url)

    @invariant()
    def while_nobody_decides_a_worker_stays_within_its_share(self) -> None:
        """What it starts on its own; what ran before goes on."""
        for worker in self.house.workers:
            assert len(worker.remote.errands) == len(worker.calls)

    def teardown(self) -> None:
        self.all_arrives()
        for worker in self.house.workers:
            for ticket in list(worker.calls):
                worker.abandon(ticket)
        self.house.settle()
        self.check()
        assert self.house.owner.admission.in_flight == self.house.owner.admission.queued == 0


TestNoSlotLost = NoSlotLost.TestCase
TestNoSlotLost.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
