"""However messages are late, lost or out of order, no slot is lost."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from worker_house import URLS, House, HouseWorker

from pontlevis.brain.admission.policy import AdmissionPolicy
from pontlevis.brain.vocabulary import Standing

TIGHT = AdmissionPolicy(initial_limit=1, min_limit=1, max_limit=2, preempt_streams="always", borrow_spare=0.0)

PAID, NEW = Standing.PAID, Standing.NEW


class NoSlotLost(RuleBasedStateMachine):
    """Messages are late, workers and admission die in between; once all has arrived the counts are exact."""

    def __init__(self) -> None:
        super().__init__()
        self.house = House(TIGHT)

    def one(self, pick: int, *, begun: bool | None = None) -> tuple[HouseWorker, int] | None:
        found = [
            (worker, ticket)
            for worker in self.house.workers
            for ticket in worker.running
            if begun is None or worker.calls[ticket].begun is begun
        ]
        return found[pick % len(found)] if found else None

    @rule(number=st.integers(0, 1), standing=st.sampled_from((NEW, NEW, PAID, Standing.ESTABLISHED)))
    def ask(self, number: int, standing: Standing) -> None:
        """Admission hears of it at once; what it says may take its time."""
        worker = self.house.workers[number]
        worker.ask(standing, f"{standing.word} {worker.count % 3}")
        worker.flush()
        while worker.give():
            worker.flush()
        for each in self.house.workers:
            each.flush()

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

    @rule(number=st.integers(0, 1))
    def to_admission(self, number: int) -> None:
        self.house.workers[number].flush()
        while self.house.workers[number].give():
            for each in self.house.workers:
                each.flush()

    @rule(number=st.integers(0, 1))
    def to_worker(self, number: int) -> None:
        while self.house.workers[number].take():
            """Until nothing is on its way."""

    @rule(number=st.integers(0, 1), existing=st.integers(1, 2))
    def a_newcomer_begins_to_answer_just_when_its_slot_is_given_away(
        self, number: int, existing: int
    ) -> None:
        """Chance alone would seldom hit this."""
        self.reconnect()
        for worker in self.house.workers:
            for ticket in list(worker.calls):
                worker.abandon(ticket)
        self.ask(number, NEW)
        self.house.settle()
        for each in range(2):
            self.ask(each, PAID)
            self.ask(each, PAID)
        if found := self.one(0, begun=False):
            found[0].first_byte(found[1])
            found[0].flush()

    @rule(seconds=st.floats(0.01, 12.0))
    def wait(self, seconds: float) -> None:
        self.house.clock.now += seconds
        self.house.owner.pump()
        for worker in self.house.workers:
            worker.pump()

    @rule(
        what=st.sampled_from(("owner", "worker", "connection")), number=st.integers(0, 1), back=st.booleans()
    )
    def something_dies(self, what: str, number: int, back: bool) -> None:
        worker = self.house.workers[number]
        if what == "owner":
            self.house.kill_owner()
        elif what == "connection":
            worker.cut()
        else:
            if worker.desk is not None:
                self.house.owner.leave(worker.desk)
            fresh = self.house.workers[number] = HouseWorker(self.house, number)
            fresh.count = worker.count
        if back:
            self.reconnect()

    @rule()
    def reconnect(self) -> None:
        for worker in self.house.workers:
            if worker.desk is None:
                worker.connect()

    @rule()
    def all_arrives(self) -> None:
        self.reconnect()
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

    def teardown(self) -> None:
        self.all_arrives()
        for worker in self.house.workers:
            for ticket in list(worker.calls):
                worker.abandon(ticket)
        self.house.settle()
        self.check()
        assert self.house.owner.admission.in_flight == self.house.owner.admission.queued == 0


TestNoSlotLost = NoSlotLost.TestCase
TestNoSlotLost.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
