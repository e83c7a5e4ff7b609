"""Admission as one of several workers sees it: asked by message, answered by message.

Does no I/O: ``outbox`` holds what is to be sent, and ``wake`` is called when the first message comes into
it. While the admission process is away, ``StandIn`` decides. Times are monotonic seconds.
"""

from collections.abc import Callable, Sequence

from pontlevis import __version__
from pontlevis.brain.admission.bands import BAND_OF
from pontlevis.brain.admission.messages import Allowance, Ask, Command, Dispatch, Preempt, Queued, Refuse
from pontlevis.brain.admission.policy import AdmissionPolicy
from pontlevis.brain.key_scope import KeyLimits
from pontlevis.brain.vocabulary import RefusalCode, Standing
from pontlevis.gateway.engines import Engine
from pontlevis.gateway.errand import Errand, Errands, Stage
from pontlevis.gateway.port import Stuck
from pontlevis.gateway.standin import StandIn
from pontlevis.link.admission import (
    Abandoned,
    Asked,
    Beat,
    Began,
    EngineLost,
    EngineState,
    Familiar,
    Finished,
    FromAdmission,
    Held,
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

Carry = Callable[[Command | Stuck], None]


class RemoteAdmission:
    """One worker's end. An ``AdmissionPort``."""

    def __init__(
        self,
        policy: AdmissionPolicy,
        engines: dict[str, Engine],
        *,
        enabled: bool,
        number: int,
        workers: int,
        wake: Callable[[], None],
        on_familiar: Callable[[str], None],
    ) -> None:
        self._policy = policy
        self._engines = engines
        self._number = number
        self._wake = wake
        self._on_familiar = on_familiar
        self.errands = Errands()
        self.standin = StandIn(policy, engines, self.errands, enabled=enabled, workers=workers)
        self.outbox: list[ToAdmission] = []
        self.connected = False

    # -- the connection

    def join(self, pid: int) -> None:
        """Admission is there: tells it what runs here, and asks again for what waits."""
        self.connected = True
        held, waiting = [], []
        for errand in self.errands.values():
            if errand.stage is Stage.WAITS:
                errand.turns = 0
                waiting.append(Asked.of(errand.ask))
            else:
                errand.turns = 0
                held.append(Held(Asked.of(errand.ask), errand.engine, errand.begun, errand.output_tokens))
        self.standin.rest()
        self.outbox.clear()
        self._say(Joined(self._number, pid, __version__, held, self.standin.limits))
        for each in waiting:
            self._say(each)

    def lost(self, now: float, carry: Carry) -> None:
        """Admission is away: who waited for its word is helped here or told to come back."""
        self.connected = False
        self.outbox.clear()
        for errand in list(self.errands.values()):
            if errand.stage is Stage.RUNS:
                continue
            if errand.stage is Stage.MOVES:
                said: Command | Stuck | Queued = self._move_here(errand, now) or Stuck(errand.ask.ticket)
            else:
                said = self.standin.ask(errand, now)
            if not isinstance(said, Queued):
                carry(said)
            if isinstance(said, Refuse):
                self.errands.end(errand.ask.ticket)

    def receive(self, messages: Sequence[FromAdmission], now: float, carry: Carry) -> None:
        """Does what admission says."""
        for message in messages:
            if isinstance(message, Started):
                self._started(message, now, carry)
            elif isinstance(message, Refused):
                self._refused(message, now, carry)
            elif isinstance(message, SentBack):
                self._sent_back(message, carry)
            elif isinstance(message, Stays):
                errand = self.errands.get(message.ticket)
                if errand is not None and errand.stage is Stage.MOVES:
                    carry(Stuck(message.ticket))
            elif isinstance(message, Beat):
                if message.limits:
                    self.standin.limits = message.limits
            elif isinstance(message, EngineState):
                engine = self._engines.get(message.name)
                if engine is not None:
                    if message.up:
                        engine.is_up()
                    engine.up, engine.error = message.up, message.error
                    if message.models is not None:
                        engine.models = message.models
            elif isinstance(message, Familiar):
                self._on_familiar(message.source)

    def met(self, source: str) -> None:
        """Somebody of some standing was served from there, for the first time here."""
        if self.connected:
            self._say(Met(source))

    # -- AdmissionPort

    def set_engine(self, engine: str, models: frozenset[str], up: bool, now: float) -> None:
        if not up and self.connected:
            self._say(EngineLost(engine))

    def ask(self, ask: Ask, now: float) -> Dispatch | Queued | Refuse:
        errand = self.errands.begin(ask, now)
        if self.connected:
            self._say(Asked.of(ask))
            return Queued(ask.ticket, now + self._policy.queue_wait_s[BAND_OF[ask.standing]])
        said = self.standin.ask(errand, now)
        if isinstance(said, Refuse):
            self.errands.end(ask.ticket)
        return said

    def first_byte(self, ticket: int, now: float) -> None:
        errand = self.errands.get(ticket)
        if errand is None or errand.begun:
            return
        errand.begun = True
        if self.connected:
            self._say(Began(ticket, errand.turns, errand.engine))

    def progress(self, ticket: int, output_tokens: int, now: float) -> None:
        errand = self.errands.get(ticket)
        if errand is None:
            return
        errand.output_tokens = output_tokens
        if self.connected:
            self._say(Progressed(ticket, output_tokens))

    def finish(
        self,
        ticket: int,
        now: float,
        *,
        input_tokens: int | None,
        output_tokens: int | None,
        failed: bool = False,
        whole: bool = True,
    ) -> None:
        if self.errands.end(ticket) and self.connected:
            self._say(Finished(ticket, input_tokens, output_tokens, failed, whole))

    def abandon(self, ticket: int, now: float) -> None:
        if self.errands.end(ticket) and self.connected:
            self._say(Abandoned(ticket))

    def move(self, ticket: int, now: float) -> Dispatch | Queued | None:
        errand = self.errands.get(ticket)
        if errand is None or errand.begun or errand.stage is not Stage.RUNS:
            return None
        if not self.connected:
            return self._move_here(errand, now)
        self.errands.place(errand, Stage.MOVES, errand.engine)
        self._say(Moving(ticket, errand.turns))
        return Queued(ticket, now)

    def due(self, now: float) -> Sequence[Command | Stuck]:
        """Only a stand-in has anything due; what admission says comes through ``receive``."""
        if self.connected:
            return ()
        return self.standin.due(now)

    def allowance(
        self,
        account: str,
        standing: Standing,
        now: float,
        key: str = "",
        limits: KeyLimits | None = None,
        unlimited: bool = False,
    ) -> Allowance | None:
        """As admission last said of an account's key that has a request here."""
        return self.errands.allowance(account, key, now)

    # -- inside

    def _say(self, message: ToAdmission) -> None:
        if not self.outbox:
            self._wake()
        self.outbox.append(message)

    def _started(self, message: Started, now: float, carry: Carry) -> None:
        errand = self.errands.get(message.ticket)
        # One that has begun meanwhile goes on where it is; admission learns that from ``Began``.
        if errand is None or errand.begun:
            return
        self.errands.place(errand, Stage.RUNS, message.engine)
        self.errands.allow(errand.ask, message.allowance, now)
        carry(Dispatch(message.ticket, message.engine, message.waited_s, message.input_tokens, message.output_tokens))  # fmt: skip

    def _refused(self, message: Refused, now: float, carry: Carry) -> None:
        errand = self.errands.get(message.ticket)
        if errand is None:
            return
        if errand.begun:
            # Sent back and refused before it could say that it had begun: admission has no slot for it.
            carry(Preempt(message.ticket, False, RefusalCode.PREEMPTED, message.reason, ""))
            return
        self.errands.allow(errand.ask, message.allowance, now)
        carry(Refuse(message.ticket, message.status, message.code, message.reason, message.retry_after_s, "",
                     message.cause, message.queued, message.in_flight, message.limit))  # fmt: skip
        self.errands.end(message.ticket)

    def _sent_back(self, message: SentBack, carry: Carry) -> None:
        errand = self.errands.get(message.ticket)
        if errand is None:
            return
        if message.requeued:
            errand.turns += 1
            if errand.begun:
                return
            self.errands.place(errand, Stage.WAITS, "")
        carry(Preempt(message.ticket, message.requeued, message.code, message.reason, ""))

    def _move_here(self, errand: Errand, now: float) -> Dispatch | None:
        return self.standin.start(errand, now, other_than=errand.engine)
