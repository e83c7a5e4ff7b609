"""The admission that several workers share: one object, asked by message, in the order in which messages come.

Does no I/O: each worker's ``outbox`` holds what is to be sent to it, and its ``wake`` is called when the
first message comes into it. What it decides is what ``Admission`` decides; nothing is added but translation.
"""

import logging
from collections.abc import Callable, Sequence

from pontlevis.brain.admission.admission import Admission
from pontlevis.brain.admission.messages import Allowance, Command, Dispatch, Preempt, Queued, Refuse
from pontlevis.gateway.engines import Engine
from pontlevis.link.admission import (
    WORKER_BITS,
    Abandoned,
    Asked,
    Beat,
    Began,
    EngineLost,
    EngineState,
    Familiar,
    Finished,
    FromAdmission,
    Joined,
    Met,
    Moving,
    Progressed,
    Refused,
    SentBack,
    Started,
    Stays,
    ToAdmission,
)

log = logging.getLogger("pontlevis.admission")


class WorkerDesk:
    """One worker's connection, as the owner sees it."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self.number = -1
        """-1 until it has joined."""
        self.outbox: list[FromAdmission] = []
        self.tickets: dict[int, Asked] = {}
        """Its requests that wait or run."""

    def say(self, message: FromAdmission) -> None:
        if not self.outbox:
            self._wake()
        self.outbox.append(message)


class Owner:
    """Holds admission for all workers."""

    def __init__(self, admission: Admission, engines: dict[str, Engine], clock: Callable[[], float]) -> None:
        self.admission = admission
        self.engines = engines
        self._clock = clock
        self._desks: dict[int, WorkerDesk] = {}
        self._said: dict[str, tuple[bool, dict[str, dict[str, object]]]] = {}
        """What workers were told of each engine."""
        self._fresh = True
        """Nobody has joined yet, and nothing was learnt of the engines."""

    @property
    def workers(self) -> int:
        """How many have joined."""
        return len(self._desks)

    # -- connections

    def greet(self, desk: WorkerDesk) -> None:
        """A worker has connected: it hears that somebody is there before it entrusts anything."""
        desk.say(Beat({}))

    def leave(self, desk: WorkerDesk) -> None:
        """The worker has ended: everything that it held is free."""
        if self._desks.get(desk.number) is desk:
            del self._desks[desk.number]
        now = self._clock()
        for ticket in desk.tickets:
            self.admission.abandon(ticket, now)
        if desk.tickets:
            log.warning("admission:worker:left worker=%d requests=%d", desk.number, len(desk.tickets))
        desk.tickets.clear()
        self.pump()

    def beat(self) -> None:
        """To be called a few times a second."""
        beat = Beat(self.admission.limits)
        for desk in self._desks.values():
            desk.say(beat)

    # -- what workers say

    def receive(self, desk: WorkerDesk, messages: Sequence[ToAdmission]) -> None:
        """Decides about each in turn, as if it had happened here. Raises ``ValueError`` for one out of place."""
        admission = self.admission
        for message in messages:
            now = self._clock()
            if desk.number < 0 and type(message) is not Joined:
                raise ValueError("a worker speaks before it has joined")
            if isinstance(message, Asked):
                self._asked(desk, message, now)
            elif isinstance(message, Began):
                if admission.turns(message.ticket) > message.turns:
                    admission.goes_on(message.ticket, message.engine, now)
                admission.first_byte(message.ticket, now)
            elif isinstance(message, Finished):
                if desk.tickets.pop(message.ticket, None) is not None:
                    admission.finish(
                        message.ticket,
                        now,
                        input_tokens=message.input_tokens,
                        output_tokens=message.output_tokens,
                        failed=message.failed,
                        whole=message.whole,
                    )
                    self.pump()
            elif isinstance(message, Progressed):
                admission.progress(message.ticket, message.output_tokens, now)
            elif isinstance(message, Abandoned):
                if desk.tickets.pop(message.ticket, None) is not None:
                    admission.abandon(message.ticket, now)
                    self.pump()
            elif isinstance(message, Moving):
                self._moving(desk, message, now)
            elif isinstance(message, EngineLost):
                self._engine_lost(message.engine, now)
            elif isinstance(message, Met):
                for other in self._desks.values():
                    if other is not desk:
                        other.say(Familiar(message.source))
            else:
                self._joined(desk, message, now)

    def look(self) -> None:
        """After a look at an engine: workers hear what is new, and turns may have come."""
        for engine in self.engines.values():
            self._tell_of(engine)
        self.pump()

    def pump(self) -> None:
        """Starts or refuses whoever's turn has come."""
        while True:
            commands = self.admission.due(self._clock())
            if not commands:
                return
            for command in commands:
                self._tell(command)

    # -- inside

    def _joined(self, desk: WorkerDesk, message: Joined, now: float) -> None:
        before = self._desks.get(message.worker)
        if before is not None:
            self.leave(before)
        desk.number = message.worker
        self._desks[desk.number] = desk
        if self._fresh and message.limits:
            self._fresh = False
            self.admission.expect(message.limits)
        desk.say(Beat(self.admission.limits))
        for engine in self.engines.values():
            desk.say(EngineState(engine.name, engine.up, engine.error, engine.models))
        for each in message.held:
            asked = each.asked
            if self.admission.resume(asked.ask(), each.engine, now, begun=each.begun, generated=each.output_tokens):  # fmt: skip
                desk.tickets[asked.ticket] = asked
        log.info("admission:worker:joined worker=%d pid=%d requests=%d", message.worker, message.pid, len(message.held))  # fmt: skip

    def _asked(self, desk: WorkerDesk, message: Asked, now: float) -> None:
        desk.tickets[message.ticket] = message
        said = self.admission.ask(message.ask(), now)
        if isinstance(said, Queued):
            self.pump()
        else:
            self._tell(said)

    def _moving(self, desk: WorkerDesk, message: Moving, now: float) -> None:
        # One that was sent back meanwhile hears that next, and is started elsewhere when its turn comes.
        if message.ticket not in desk.tickets or self.admission.turns(message.ticket) > message.turns:
            return
        moved = self.admission.move(message.ticket, now)
        if moved is None:
            desk.say(Stays(message.ticket))
        else:
            self._tell(moved)
        self.pump()

    def _engine_lost(self, name: str, now: float) -> None:
        engine = self.engines.get(name)
        if engine is not None:
            engine.up = False
            self.admission.set_engine(name, engine.serves, False, now)
            self._tell_of(engine)
            self.pump()

    def _tell_of(self, engine: Engine) -> None:
        up, models = self._said.get(engine.name, (False, {}))
        if (engine.up, engine.models) == (up, models):
            return
        self._said[engine.name] = (engine.up, engine.models)
        state = EngineState(
            engine.name, engine.up, engine.error, engine.models if engine.models != models else None
        )
        for desk in self._desks.values():
            desk.say(state)

    def _tell(self, command: Command) -> None:
        ticket = command.ticket
        desk = self._desks.get(ticket >> WORKER_BITS)
        asked = desk.tickets.get(ticket) if desk is not None else None
        if desk is None or asked is None:
            self.admission.abandon(ticket, self._clock())
        elif isinstance(command, Dispatch):
            desk.say(
                Started(
                    ticket,
                    command.engine,
                    command.waited_s,
                    command.input_tokens,
                    command.output_tokens,
                    self._allowance(asked),
                )
            )
        elif isinstance(command, Refuse):
            del desk.tickets[ticket]
            desk.say(
                Refused(
                    ticket,
                    command.status,
                    command.code,
                    command.reason,
                    command.retry_after_s,
                    command.cause,
                    command.queued,
                    command.in_flight,
                    command.limit,
                    self._allowance(asked) if command.status == 429 else None,
                )
            )
        elif isinstance(command, Preempt):
            desk.say(SentBack(ticket, command.requeued, command.code, command.reason))

    def _allowance(self, asked: Asked) -> Allowance | None:
        if asked.unlimited and asked.limits is None:
            return None
        return self.admission.allowance(
            asked.account, asked.standing, self._clock(), asked.key, asked.limits, asked.unlimited
        )
