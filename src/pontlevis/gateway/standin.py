"""Who is served while the admission process is away: existing users, within this worker's share.

It knows what each engine could take when admission last spoke, and what this worker has there. That
divided by the workers is its share, so that all of them together stay below what the engine can take.
"""

from collections import deque
from collections.abc import Sequence

from pontlevis.brain.admission.bands import Band
from pontlevis.brain.admission.messages import Command, Dispatch, Queued, Refuse
from pontlevis.brain.admission.policy import AdmissionPolicy
from pontlevis.brain.vocabulary import EXISTING, RefusalCode
from pontlevis.gateway.engines import Engine
from pontlevis.gateway.errand import Errand, Errands, Stage
from pontlevis.gateway.port import Stuck

RETRY_AFTER_S = 2.0  # a process that was killed is back by then


class StandIn:
    """Decides about one worker's requests. Times are monotonic seconds."""

    def __init__(
        self,
        policy: AdmissionPolicy,
        engines: dict[str, Engine],
        errands: Errands,
        *,
        enabled: bool,
        workers: int,
    ) -> None:
        self._policy = policy
        self._engines = engines
        self._errands = errands
        self._enabled = enabled and policy.enabled
        self._workers = workers
        self._line: deque[int] = deque()
        self.limits: dict[str, int] = {}
        """Requests that each engine may be given, all workers together, as last known."""

    def ask(self, errand: Errand, now: float) -> Dispatch | Queued | Refuse:
        """What becomes of a request that waits for a word."""
        ticket = errand.ask.ticket
        if self._enabled and errand.ask.standing not in EXISTING:
            return self._refuse(ticket, "the service serves existing users only for a moment; please try again shortly")  # fmt: skip
        if not self._line:
            said = self.start(errand, now)
            if said is not None:
                return said
        if len(self._line) >= max(1, self._policy.queue_size[Band.EXISTING] // self._workers):
            return self._refuse(ticket, "the service is overloaded; please try again shortly")
        self._line.append(ticket)
        return Queued(ticket, errand.since + self._policy.queue_wait_s[Band.EXISTING])

    def start(self, errand: Errand, now: float, *, other_than: str = "") -> Dispatch | None:
        """Sends it to the engine with most room in this worker's share; None where there is none."""
        ask = errand.ask
        own = max(1, self._policy.concurrent_requests // self._workers)
        if (
            self._enabled
            and not ask.unlimited
            and self._errands.running(ask.account) - bool(errand.engine) >= own
        ):
            return None
        best, most = "", 0
        for name, engine in self._engines.items():
            if name == other_than or not engine.up or not engine.takes(ask.model):
                continue
            room = self._share(name) - self._errands.at_engine(name)
            if room > most:
                best, most = name, room
        if not best:
            return None
        self._errands.place(errand, Stage.RUNS, best)
        return Dispatch(ask.ticket, best, now - errand.since, ask.input_tokens, ask.output_tokens)

    def due(self, now: float) -> Sequence[Command | Stuck]:
        """Who can start now, and whose time is over."""
        commands: list[Command | Stuck] = []
        kept: deque[int] = deque()
        wait = self._policy.queue_wait_s[Band.EXISTING]
        for ticket in self._line:
            errand = self._errands.get(ticket)
            if errand is None or errand.stage is not Stage.WAITS:
                continue
            said = self.start(errand, now)
            if said is not None:
                commands.append(said)
            elif errand.since + wait <= now:
                commands.append(self._refuse(ticket, "the service is busy and your request waited too long; please try again"))  # fmt: skip
                self._errands.end(ticket)
            else:
                kept.append(ticket)
        self._line = kept
        return commands

    def rest(self) -> None:
        """Admission is back; who waits here is asked for again there."""
        self._line.clear()

    def _share(self, engine: str) -> int:
        limit = self.limits.get(engine, 0)
        if not self._enabled:
            return 1 << 30 if limit else 0
        return max(1, limit // self._workers) if limit else 0

    def _refuse(self, ticket: int, reason: str) -> Refuse:
        return Refuse(ticket, 503, RefusalCode.OVERLOADED, reason, RETRY_AFTER_S, "admission is away")
