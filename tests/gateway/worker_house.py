"""Workers and the admission that they share, in one process: messages go through memory, encoded and framed."""

import random
from collections import deque

from pontlevis.brain.admission.admission import Admission
from pontlevis.brain.admission.messages import Ask, Command, Dispatch, Preempt, Queued, Refuse
from pontlevis.brain.admission.policy import AdmissionPolicy
from pontlevis.brain.vocabulary import Standing
from pontlevis.config import EngineSettings
from pontlevis.gateway.engines import Engine, make_engine
from pontlevis.gateway.owner import Owner, WorkerDesk
from pontlevis.gateway.policy import GatewayPolicy
from pontlevis.gateway.port import Stuck
from pontlevis.gateway.remote import RemoteAdmission
from pontlevis.link.admission import WORKER_BITS, read_from_admission, read_to_admission
from pontlevis.link.stream import Splitter, frame

MODEL = "m"
URLS = ("http://a", "http://b")


class Clock:
    """Seconds that pass when a test says so."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def engines(clock: Clock) -> dict[str, Engine]:
    made = {}
    for url in URLS:
        engine = make_engine(EngineSettings(url=url), GatewayPolicy(), clock)
        engine.up, engine.models = True, {MODEL: {"id": MODEL}}
        made[url] = engine
    return made


class Call:
    """What a worker's exchange knows of itself."""

    def __init__(self) -> None:
        self.engine = ""
        self.begun = False
        self.moving = False


class HouseWorker:
    """One worker: remote admission and the exchanges that it serves."""

    def __init__(self, house: "House", number: int) -> None:
        self.house = house
        self.number = number
        self.count = 0
        self.calls: dict[int, Call] = {}
        self.told: list[Command | Stuck] = []
        """Commands that were carried out, oldest first."""
        self.familiar: list[str] = []
        self.engines = engines(house.clock)
        self.remote = RemoteAdmission(
            house.policy,
            self.engines,
            enabled=True,
            number=number,
            workers=house.size,
            wake=lambda: None,
            on_familiar=self.familiar.append,
        )
        self.desk: WorkerDesk | None = None
        self.up: deque[bytes] = deque()
        self.down: deque[bytes] = deque()
        self._up, self._down = Splitter(), Splitter()

    # -- the connection

    def connect(self) -> None:
        """Connects, is greeted, joins; nothing else is delivered yet."""
        self.desk = WorkerDesk(lambda: None)
        self._up, self._down = Splitter(), Splitter()
        self.up.clear()
        self.down.clear()
        self.house.owner.greet(self.desk)
        self.flush()
        self.take()
        self.remote.join(1)
        self.flush()
        self.give()
        self.flush()

    def cut(self) -> None:
        """The connection breaks: both ends hear of it."""
        if self.desk is not None:
            desk, self.desk = self.desk, None
            self.house.owner.leave(desk)
            self.remote.lost(self.house.clock(), self.carry)

    def flush(self) -> None:
        """What either side has to say goes on its way."""
        if self.desk is not None:
            if self.remote.outbox:
                self.up.append(frame(self.remote.outbox))
                self.remote.outbox.clear()
            if self.desk.outbox:
                self.down.append(frame(self.desk.outbox))
                self.desk.outbox.clear()

    def give(self) -> bool:
        """One frame reaches admission; whether there was one."""
        if not self.up or self.desk is None:
            return False
        for body in self._up.feed(self.up.popleft()):
            self.house.owner.receive(self.desk, read_to_admission(body))
        return True

    def take(self) -> bool:
        """One frame reaches the worker; whether there was one."""
        if not self.down or self.desk is None:
            return False
        for body in self._down.feed(self.down.popleft()):
            self.remote.receive(read_from_admission(body), self.house.clock(), self.carry)
        return True

    # -- its exchanges

    def ask(
        self, standing: Standing, account: str, tokens: int = 10, *, stream: bool = True, key: str = ""
    ) -> int:
        self.count += 1
        ticket = (self.number << WORKER_BITS) + self.count
        self.calls[ticket] = Call()
        said = self.remote.ask(
            Ask(ticket, account, standing, MODEL, tokens, 100, stream=stream, key=key), self.house.clock()
        )
        if isinstance(said, Queued):
            self.pump()
        else:
            self.carry(said)
        return ticket

    def pump(self) -> None:
        for command in self.remote.due(self.house.clock()):
            self.carry(command)

    def carry(self, command: Command | Stuck) -> None:
        self.told.append(command)
        ticket, now = command.ticket, self.house.clock()
        call = self.calls.get(ticket)
        if call is None:
            self.remote.abandon(ticket, now)
        elif isinstance(command, Dispatch):
            assert not call.engine, "started twice"
            call.engine, call.moving = command.engine, False
        elif isinstance(command, Refuse):
            assert not call.engine
            del self.calls[ticket]
        elif isinstance(command, Preempt):
            if command.requeued:
                assert not call.begun, "work that had begun was thrown away"
                call.engine, call.moving = "", False
            else:
                self.finish(ticket, 1)
        else:
            assert call.moving
            self.finish(ticket, 0, failed=True)

    def first_byte(self, ticket: int) -> None:
        self.calls[ticket].begun = True
        self.remote.first_byte(ticket, self.house.clock())

    def progress(self, ticket: int, tokens: int) -> None:
        self.remote.progress(ticket, tokens, self.house.clock())

    def finish(self, ticket: int, tokens: int, *, failed: bool = False) -> None:
        del self.calls[ticket]
        self.remote.finish(ticket, self.house.clock(), input_tokens=10, output_tokens=tokens, failed=failed)
        self.pump()

    def abandon(self, ticket: int) -> None:
        del self.calls[ticket]
        self.remote.abandon(ticket, self.house.clock())
        self.pump()

    def move(self, ticket: int) -> None:
        call = self.calls[ticket]
        said = self.remote.move(ticket, self.house.clock())
        call.engine = ""
        if said is None:
            self.finish(ticket, 0, failed=True)
        elif isinstance(said, Dispatch):
            self.carry(said)
        else:
            call.moving = True

    @property
    def running(self) -> dict[int, str]:
        """Tickets that use an engine, and which."""
        return {ticket: call.engine for ticket, call in self.calls.items() if call.engine}


class House:
    """Admission and its workers."""

    def __init__(self, policy: AdmissionPolicy, size: int = 2, seed: int = 0) -> None:
        self.clock = Clock()
        self.policy = policy
        self.size = size
        self._seed = seed
        self.owner = self.new_owner()
        self.workers = [HouseWorker(self, number) for number in range(size)]
        for worker in self.workers:
            worker.connect()
        self.settle()

    def new_owner(self) -> Owner:
        admission = Admission(self.policy, enabled=True, rng=random.Random(self._seed))
        found = engines(self.clock)
        for engine in found.values():
            admission.set_engine(engine.name, frozenset(engine.models), True, self.clock())
        return Owner(admission, found, self.clock)

    def kill_owner(self) -> None:
        """It is gone with all that it knew, and another is there that nobody has joined yet."""
        lost = [worker for worker in self.workers if worker.desk is not None]
        self.owner = self.new_owner()
        for worker in lost:
            worker.desk = None
            worker.remote.lost(self.clock(), worker.carry)

    def settle(self) -> None:
        """Everything that is on its way arrives."""
        moved = True
        while moved:
            moved = False
            for worker in self.workers:
                worker.flush()
                moved = worker.give() or moved
                for each in self.workers:
                    each.flush()
                moved = worker.take() or moved
