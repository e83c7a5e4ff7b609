"""Several workers and one admission: what one would decide alone, and no slot lost whoever dies."""

import random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from msgspec.structs import replace
from worker_house import MODEL, URLS, House, HouseWorker

from pontlevis.brain.admission.admission import Admission
from pontlevis.brain.admission.messages import Ask, Command, Preempt, Queued, Refuse
from pontlevis.brain.admission.policy import AdmissionPolicy
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import Posture, RefusalCode, Standing
from pontlevis.gateway.policy import GatewayPolicy
from pontlevis.gateway.port import Stuck
from pontlevis.gateway.rations import of_one_worker
from pontlevis.link.admission import Asked, Beat, read_from_admission, read_to_admission
from pontlevis.link.stream import LinkBroken, Splitter, frame

PAID, NEW = Standing.PAID, Standing.NEW
TIGHT = AdmissionPolicy(initial_limit=1, min_limit=1, max_limit=2, preempt_streams="always", borrow_spare=0.0)


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


# -- races, one by one


@pytest.fixture
def house() -> House:
    return House(TIGHT)


def newcomers(house: House) -> tuple[HouseWorker, HouseWorker, list[int]]:
    """Both engines are full with newcomers of the first worker."""
    first, second = house.workers
    tickets = [first.ask(NEW, f"new {each}") for each in range(2)]
    house.settle()
    assert set(first.running) == set(tickets)
    return first, second, tickets


def give_all(house: House, worker: HouseWorker) -> None:
    worker.flush()
    while worker.give():
        for each in house.workers:
            each.flush()


def test_a_slot_of_one_worker_goes_to_an_existing_user_of_another(house: House) -> None:
    """The newest newcomer waits again, and is served when there is room."""
    first, second, tickets = newcomers(house)
    paid = second.ask(PAID, "paid")
    house.settle()
    assert list(second.running) == [paid]
    assert list(first.running) == tickets[:1]
    first.finish(tickets[0], 5)
    house.settle()
    assert list(first.running) == tickets[1:]


def test_an_answer_that_has_begun_is_not_thrown_away_by_a_word_that_came_late(house: House) -> None:
    """Admission gives its slot away while its first byte is on its way: it goes on, counted beyond the limit."""
    first, second, tickets = newcomers(house)
    second.ask(PAID, "paid")
    give_all(house, second)
    first.first_byte(tickets[1])
    house.settle()
    assert set(first.running) == set(tickets)
    assert house.owner.admission.in_flight == 3
    assert house.owner.admission.queued == 0
    first.finish(tickets[1], 9)
    house.settle()
    assert house.owner.admission.in_flight == 2


def test_one_that_had_begun_and_was_started_again_elsewhere_is_counted_where_it_is(house: House) -> None:
    """Sent back, and given another engine, before admission heard that it had begun on the first."""
    first, second, tickets = newcomers(house)
    at = first.running[tickets[1]]
    paid = [second.ask(PAID, "paid 0"), second.ask(PAID, "paid 1")]
    give_all(house, second)
    first.first_byte(tickets[1])
    while second.take():
        """Both run there as far as admission knows."""
    other = next(ticket for ticket in paid if second.running[ticket] != at)
    second.finish(other, 5)
    give_all(house, second)
    assert house.owner.admission.turns(tickets[1]) == 1
    house.settle()
    assert first.running[tickets[1]] == at
    counts = {name: engine.in_flight for name, engine in house.owner.admission._pools.engines.items()}
    running = [*first.running.values(), *second.running.values()]
    assert counts == {url: running.count(url) for url in URLS}


def test_one_that_was_sent_back_while_it_asked_for_another_engine_waits_for_its_turn(house: House) -> None:
    """It is not told that there is no other."""
    first, second, tickets = newcomers(house)
    second.ask(PAID, "paid")
    give_all(house, second)
    first.move(tickets[1])
    house.settle()
    assert tickets[1] in first.calls
    assert tickets[1] not in first.running
    first.finish(tickets[0], 1)
    house.settle()
    assert tickets[1] in first.running


# -- who dies


def test_what_a_dead_worker_held_is_free_at_once(house: House) -> None:
    """Slots at engines and places in queues."""
    first, second, _ = newcomers(house)
    waiting = second.ask(NEW, "other")
    house.settle()
    assert waiting not in second.running
    first.cut()
    house.settle()
    assert waiting in second.running
    assert house.owner.admission.in_flight == 1


def test_while_admission_is_away_existing_users_are_served_within_the_share() -> None:
    """Beyond it they wait and are asked for again; newcomers are told to come back; what runs goes on."""
    house = House(AdmissionPolicy(initial_limit=4, min_limit=1))
    first, second = house.workers
    before = second.ask(NEW, "new")
    asked = [second.ask(NEW, "late")]
    house.kill_owner()
    refused = second.told[-1]
    assert isinstance(refused, Refuse)
    assert (refused.status, refused.code) == (503, RefusalCode.OVERLOADED)
    assert refused.retry_after_s > 0
    assert not set(asked) & set(second.calls)
    assert before not in second.running, "admission had not said anything yet"
    mine = [first.ask(PAID, f"paid {each}") for each in range(6)]
    assert len(first.running) == 4, "half of what two engines of four may be given"
    first.finish(mine[0], 1)
    assert len(first.running) == 4
    assert len(first.calls) == 5
    first.connect()
    second.connect()
    house.settle()
    assert len(first.running) == 5
    assert house.owner.admission.in_flight == 5


def test_nobody_waits_for_an_admission_that_does_not_come_back() -> None:
    """The queue's longest wait holds, and then a 503 that says when to try again."""
    house = House(AdmissionPolicy(initial_limit=2, min_limit=1))
    first = house.workers[0]
    house.kill_owner()
    for each in range(4):
        first.ask(PAID, f"paid {each}")
    assert len(first.running) == 2
    house.clock.now += house.policy.queue_wait_s[0]
    first.pump()
    assert len(first.calls) == 2
    assert [type(each) for each in first.told[-2:]] == [Refuse, Refuse]


def test_a_new_admission_begins_with_the_sizes_that_the_last_one_had_learnt() -> None:
    """An engine that was found to take nine is not taken for one of two."""
    house = House(AdmissionPolicy(initial_limit=2, min_limit=1))
    house.owner.admission.expect({URLS[0]: 9})
    house.owner.beat()
    house.settle()
    house.kill_owner()
    assert house.owner.admission.limits[URLS[0]] == 2
    house.workers[0].connect()
    assert house.owner.admission.limits[URLS[0]] == 9


# -- what else travels


def test_an_engine_that_one_worker_cannot_reach_is_down_for_all(house: House) -> None:
    """And up again for all after the next look that finds it."""
    first, second = house.workers
    first.engines[URLS[0]].up = False
    first.remote.set_engine(URLS[0], frozenset({MODEL}), False, house.clock())
    house.settle()
    assert not second.engines[URLS[0]].up
    house.owner.engines[URLS[0]].up = True
    house.owner.look()
    house.settle()
    assert first.engines[URLS[0]].up
    assert second.engines[URLS[0]].up


def test_a_source_that_somebody_known_came_from_is_known_to_the_other_workers(house: House) -> None:
    """Told once, and not back."""
    first, second = house.workers
    first.remote.met("192.0.2.7")
    house.settle()
    assert second.familiar == ["192.0.2.7"]
    assert first.familiar == []


def test_frames_survive_any_cutting_of_the_stream() -> None:
    """Byte by byte, and several at once."""
    asked = Asked(1 << 48 | 7, "a", PAID, "m", 10, 0, False, 1, True)
    data = frame([asked, asked]) + frame([asked])
    splitter = Splitter()
    got = [body for byte in data for body in splitter.feed(bytes([byte]))]
    assert [read_to_admission(body) for body in got] == [[asked, asked], [asked]]
    assert len(Splitter().feed(data)) == 2
    (beat,) = Splitter().feed(frame([Beat({"e": 3})]))
    assert read_from_admission(beat) == [Beat({"e": 3})]


def test_a_frame_that_is_not_ours_breaks_the_link() -> None:
    """Before its bytes are awaited."""
    with pytest.raises(LinkBroken):
        Splitter().feed(b"\xff\xff\xff\xff")


def test_one_worker_takes_its_share_of_what_is_for_all() -> None:
    """Together they let in no more than one would, but for a source's connections, which chance spreads."""
    whole = GatewayPolicy()
    assert of_one_worker(whole) is whole
    for workers in (2, 3, 16):
        one = of_one_worker(GatewayPolicy(workers=workers))
        assert one.stranger_posts_per_s * workers == pytest.approx(whole.stranger_posts_per_s)
        assert one.page_slots * workers <= max(whole.page_slots, 2 * workers)
        assert 0 < one.page_slots_reserved < one.page_slots
        assert whole.max_connections_per_source / workers < one.max_connections_per_source
        assert one.max_connections_per_source <= whole.max_connections_per_source
        assert one.max_connections == whole.max_connections
