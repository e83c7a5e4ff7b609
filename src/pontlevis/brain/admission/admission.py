"""Who may use the engines now: limits first, then strict bands, then the least served account.

One object owns all state; nothing here waits or reads a clock. ``now`` is the caller's monotonic
seconds throughout. After any event the caller asks ``due`` for what may start or must be refused.
"""

import random
from heapq import heappop, heappush

from pontlevis.brain.admission.account import AccountState, AccountTable, Quota
from pontlevis.brain.admission.bands import BAND_OF, BANDS, Band
from pontlevis.brain.admission.engine import EngineState
from pontlevis.brain.admission.fair_queue import FairQueue
from pontlevis.brain.admission.ledger import Ledger
from pontlevis.brain.admission.messages import Allowance, Ask, Dispatch, Queued, Refuse
from pontlevis.brain.admission.pending import Pending, held_by_standing
from pontlevis.brain.admission.policy import AdmissionPolicy
from pontlevis.brain.admission.quotas import quotas
from pontlevis.brain.admission.reserve import Reserve
from pontlevis.brain.observation import ServiceSample
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import Posture, RefusalCode, Standing

INPUT_WEIGHT = 1  # cost of an input and of an output token: Sheng et al., OSDI 2024
OUTPUT_WEIGHT = 2
RATE_MEMORY = 0.1  # weight of the newest interval in the rate of dispatches


class Admission:
    """Admission of one service. ``enabled`` False lets everything through to the least loaded engine."""

    def __init__(self, policy: AdmissionPolicy, *, enabled: bool, rng: random.Random) -> None:
        self._policy = policy
        self._enabled = enabled and policy.enabled
        self._rng = rng
        self._posture = Posture.NORMAL
        self._engines: dict[str, EngineState] = {}
        self._accounts = AccountTable(policy.accounts_remembered)
        self._requests: dict[int, Pending] = {}
        self._queues: list[dict[str, FairQueue]] = [{} for _ in BANDS]
        self._queued = [0 for _ in BANDS]
        self._in_flight = [0 for _ in BANDS]
        self._deadlines: list[tuple[float, int]] = []
        self._reserve = Reserve(policy)
        self._ledger = Ledger()
        self._dispatched = 0
        self._rate = 0.0
        self._quotas = quotas(self._policy, self._posture)

    # -- what the world is like

    def set_posture(self, state: PostureState, now: float) -> None:
        self._posture = state.posture
        self._quotas = quotas(self._policy, self._posture)

    def set_engine(self, engine: str, models: frozenset[str], up: bool, now: float) -> None:
        """An engine as last probed; no models named means that it takes any."""
        known = self._engines.get(engine)
        if known is None:
            known = self._engines[engine] = EngineState(engine, self._policy, now)
        known.set_up(up, models, now)

    def engine_metrics(self, engine: str, *, running: int, waiting: int, kv_usage: float, now: float) -> None:
        known = self._engines.get(engine)
        if known is not None:
            known.metrics(running, waiting, kv_usage, now)

    def models(self) -> list[str]:
        return sorted({model for engine in self._engines.values() if engine.up for model in engine.models})

    # -- a request's life

    def ask(self, ask: Ask, now: float) -> Dispatch | Queued | Refuse:
        """What becomes of a new request."""
        standing = ask.standing
        counts = self._ledger.of(standing)
        counts.arrived += 1
        if not any(engine.serves(ask.model) for engine in self._engines.values()):
            counts.refused += 1
            return self._no_engine(ask)
        band = BAND_OF[standing]
        quota = self._quotas[standing]
        if not self._enabled:
            state = self._accounts.touch(ask.account, now, quota)
            request = Pending(ask, band, state, self._expected_output(ask, state), now)
            return self._start(request, self._least_loaded(ask.model), now)
        if band is Band.ANONYMOUS and self._policy.ceilings(self._posture)[band] <= 0.0:
            counts.refused += 1
            return self._refuse(ask, 503, RefusalCode.ANONYMOUS_SUSPENDED, "use without an account is suspended at present; log in or use an API key", "the posture switches anonymous use off")  # fmt: skip
        state = self._accounts.touch(ask.account, now, quota)
        output = self._expected_output(ask, state)
        if not ask.unlimited:
            refusal = self._over_limit(ask, state, quota, output)
            if refusal is not None:
                counts.refused += 1
                return refusal
        request = Pending(ask, band, state, output, now)
        engine = self._engine_for(band, ask.model)
        if engine is not None and not self._someone_before(band, ask.model):
            return self._start(request, engine, now)
        return self._enqueue(request, now)

    def first_byte(self, ticket: int, now: float) -> None:
        """The engine's answer begins."""
        request = self._requests.get(ticket)
        if request is None or request.first_byte or request.engine is None:
            return
        request.first_byte = True
        request.engine.first_byte(now - request.started, request.ask.input_tokens, now)
        self._ledger.of(request.ask.standing).ttft.add(now - request.arrived)

    def progress(self, ticket: int, output_tokens: int, now: float) -> None:
        """So many output tokens have come so far; charged as they come."""
        request = self._requests.get(ticket)
        if request is not None and output_tokens > request.generated:
            self._charge(request, OUTPUT_WEIGHT * (output_tokens - request.generated))
            request.generated = output_tokens

    def finish(
        self,
        ticket: int,
        now: float,
        *,
        input_tokens: int | None,
        output_tokens: int | None,
        failed: bool = False,
    ) -> None:
        """The request has ended; None where the engine did not say what it cost. Idempotent."""
        request = self._requests.pop(ticket, None)
        if request is None:
            return
        if request.engine is None:
            self._leave_queue(request)
            return
        used_in = request.ask.input_tokens if input_tokens is None else input_tokens
        used_out = request.generated if output_tokens is None else output_tokens
        self._free(request)
        self._settle(request, used_in, used_out)
        counts = self._ledger.of(request.ask.standing)
        counts.tokens += used_in + used_out
        if failed:
            counts.failed += 1
        elif output_tokens is not None:
            request.state.learn(request.ask.model, used_out)

    def abandon(self, ticket: int, now: float) -> None:
        """The client went away, waiting or served; what was generated is charged. Idempotent."""
        request = self._requests.pop(ticket, None)
        if request is None:
            return
        if request.engine is None:
            self._leave_queue(request)
            return
        self._free(request)
        self._settle(request, request.ask.input_tokens, request.generated)
        self._ledger.of(request.ask.standing).tokens += request.ask.input_tokens + request.generated

    def move(self, ticket: int, now: float) -> Dispatch | None:
        """Gives a request whose engine failed before a byte to another; None where there is no other.

        It has waited already: the other engine takes it even where its limit is reached.
        """
        request = self._requests.get(ticket)
        if request is None or request.engine is None or request.first_byte:
            return None
        ask, failed = request.ask, request.engine
        others = [each for each in self._engines.values() if each is not failed and each.serves(ask.model)]
        if not others:
            return None
        engine = min(others, key=lambda each: (each.free <= 0, each.tokens_in_flight))
        failed.end(request.tokens)
        engine.start(request.tokens)
        request.engine = engine
        request.started = now
        return Dispatch(ticket, engine.name, now - request.arrived, ask.input_tokens, request.output)

    def due(self, now: float) -> list[Dispatch | Refuse]:
        """Queued requests whose turn has come, or whose time has run out."""
        commands: list[Dispatch | Refuse] = []
        while self._deadlines and self._deadlines[0][0] <= now:
            _, ticket = heappop(self._deadlines)
            request = self._requests.get(ticket)
            if request is None or request.engine is not None or request.deadline > now:
                continue
            del self._requests[ticket]
            self._leave_queue(request)
            self._ledger.of(request.ask.standing).refused += 1
            commands.append(
                self._refuse(
                    request.ask,
                    503,
                    RefusalCode.QUEUE_TIMEOUT,
                    "the service is busy and your request waited too long; please try again",
                    f"waited {now - request.arrived:.1f} s in the {request.band.name.lower()} queue",
                )
            )
        for band in BANDS:
            if not self._queued[band]:
                continue
            for model, queue in list(self._queues[band].items()):
                self._start_waiting(band, model, queue, now, commands)
        return commands

    def next_deadline(self) -> float | None:
        """When ``due`` must be called at the latest."""
        return self._deadlines[0][0] if self._deadlines else None

    # -- what can be said about it

    def allowance(self, account: str, standing: Standing, now: float) -> Allowance | None:
        """What the account may still do in this minute; None where nothing is limited."""
        if not self._enabled:
            return None
        quota = self._quotas[standing]
        return self._accounts.touch(account, now, quota).allowance(quota)

    @property
    def limit(self) -> int:
        """Requests that the engines that are up may be given together."""
        return sum(int(engine.limit) for engine in self._engines.values() if engine.up)

    @property
    def in_flight(self) -> int:
        return sum(self._in_flight)

    @property
    def queued(self) -> int:
        return sum(self._queued)

    def sample(self, now: float, interval_s: float) -> ServiceSample:
        """Figures of the interval that ends now; the next one begins."""
        if interval_s > 0:
            self._rate += RATE_MEMORY * (self._dispatched / interval_s - self._rate)
            self._dispatched = 0
        return self._ledger.sample(
            now,
            interval_s,
            held_by_standing(self._requests.values()),
            limit=self.limit if self._enabled else 0,
            engines=list(self._engines.values()),
        )

    # -- inside

    def _expected_output(self, ask: Ask, state: AccountState) -> int:
        expected = state.expected_output(ask.model, self._policy.default_output_tokens)
        return min(expected, ask.output_tokens) if ask.output_tokens else expected

    def _over_limit(self, ask: Ask, state: AccountState, quota: Quota, output: int) -> Refuse | None:
        if state.in_flight + state.queued >= quota.concurrent:
            return Refuse(ask.ticket, 429, RefusalCode.RATE_LIMIT_EXCEEDED, f"you have {quota.concurrent} requests under way, which is your limit", 1.0, f"{ask.standing.word} account at its limit of {quota.concurrent} concurrent requests")  # fmt: skip
        wait = state.reserve(ask.input_tokens + output, quota)
        if wait > 0.0:
            return Refuse(ask.ticket, 429, RefusalCode.RATE_LIMIT_EXCEEDED, f"you have reached your limit of {quota.requests_per_minute} requests or {quota.tokens_per_minute} tokens a minute", wait, f"{ask.standing.word} account over {quota.requests_per_minute} requests or {quota.tokens_per_minute} tokens a minute, posture {self._posture.value}")  # fmt: skip
        return None

    def _someone_before(self, band: Band, model: str) -> bool:
        """Whether somebody waits who goes first: in a higher band, or the same."""
        return any(self._queued[each] and self._queues[each].get(model) for each in BANDS if each <= band)

    def _engine_for(self, band: Band, model: str) -> EngineState | None:
        """The engine with least tokens in flight that may take it, within the band's ceiling."""
        if not self._room(band):
            return None
        best: EngineState | None = None
        for engine in self._engines.values():
            if (
                engine.serves(model)
                and engine.free > 0
                and (best is None or engine.tokens_in_flight < best.tokens_in_flight)
            ):
                best = engine
        return best

    def _room(self, band: Band) -> bool:
        limit = self.limit
        if band is Band.EXISTING:
            return sum(self._in_flight) < limit
        ceilings = self._policy.ceilings(self._posture)
        lower = 0
        for each in reversed(BANDS):
            if each is Band.EXISTING:
                break
            lower += self._in_flight[each]
            if each <= band:
                allowed = limit * ceilings[each]
                if each is Band.RECENT or each is band:
                    allowed = min(allowed, limit - self._reserve.held)
                # Whoever has any share at all may use one slot, or small engines would shut them out.
                if lower >= max(int(allowed), 1 if ceilings[each] > 0 else 0):
                    return False
        return sum(self._in_flight) < limit

    def _least_loaded(self, model: str) -> EngineState:
        return min(
            (engine for engine in self._engines.values() if engine.serves(model)),
            key=lambda engine: engine.tokens_in_flight,
        )

    def _start(self, request: Pending, engine: EngineState, now: float) -> Dispatch:
        ask = request.ask
        request.engine = engine
        request.queue = None
        request.started = now
        engine.start(request.tokens)
        self._requests[ask.ticket] = request
        self._in_flight[request.band] += 1
        if request.band is Band.EXISTING:
            self._reserve.existing(self._in_flight[Band.EXISTING], now)
        request.state.in_flight += 1
        self._charge(request, INPUT_WEIGHT * ask.input_tokens)
        self._dispatched += 1
        counts = self._ledger.of(ask.standing)
        counts.admitted += 1
        waited = now - request.arrived
        counts.wait.add(waited)
        return Dispatch(ask.ticket, engine.name, waited, ask.input_tokens, request.output)

    def _charge(self, request: Pending, cost: float) -> None:
        request.state.counter += cost
        request.charged += cost

    def _enqueue(self, request: Pending, now: float) -> Queued | Refuse:
        band, ask = request.band, request.ask
        ahead = sum(self._queued[: band + 1])
        full = self._queued[band] >= self._policy.queue_size[band]
        wait = self._policy.queue_wait_s[band]
        hopeless = self._rate > 0 and ahead / self._rate > wait
        if full or hopeless:
            self._unreserve(request)
            self._ledger.of(ask.standing).refused += 1
            why = f"{self._queued[band]} wait in the {band.name.lower()} queue" + (
                "" if full else f", {ahead} ahead at {self._rate:.1f} a second"
            )
            return self._refuse(ask, 503, RefusalCode.OVERLOADED, "the service is overloaded; please try again shortly", why)  # fmt: skip
        queue = self._queues[band].get(ask.model)
        if queue is None:
            queue = self._queues[band][ask.model] = FairQueue()
        if request.state.idle:
            least = queue.least()
            if least is not None:
                request.state.counter = max(request.state.counter, least)
        request.queue = queue
        request.deadline = now + wait
        queue.push(ask.account, request.state, ask.ticket)
        request.state.queued += 1
        self._queued[band] += 1
        self._requests[ask.ticket] = request
        heappush(self._deadlines, (request.deadline, ask.ticket))
        return Queued(ask.ticket, request.deadline)

    def _start_waiting(
        self, band: Band, model: str, queue: FairQueue, now: float, commands: list[Dispatch | Refuse]
    ) -> None:
        # The engine first: who is taken out of the queue keeps its place only by being started.
        while queue.size and (engine := self._engine_for(band, model)) is not None:
            ticket = queue.pop()
            request = self._requests.get(ticket) if ticket is not None else None
            if request is None:
                break
            request.state.queued -= 1
            self._queued[band] -= 1
            commands.append(self._start(request, engine, now))
        if not queue.size:
            self._queues[band].pop(model, None)

    def _leave_queue(self, request: Pending) -> None:
        if request.queue is not None:
            request.queue.remove(request.ask.account, request.ask.ticket)
            if not request.queue.size:
                self._queues[request.band].pop(request.ask.model, None)
        request.state.queued -= 1
        self._queued[request.band] -= 1
        self._unreserve(request)

    def _unreserve(self, request: Pending) -> None:
        """Nothing was served: request and tokens go back to the account."""
        if self._enabled and not request.ask.unlimited:
            request.state.settle(request.tokens, 0)
            request.state.refund_request()

    def _free(self, request: Pending) -> None:
        if request.engine is not None:
            request.engine.end(request.tokens)
        self._in_flight[request.band] -= 1
        request.state.in_flight -= 1

    def _settle(self, request: Pending, used_in: int, used_out: int) -> None:
        if self._enabled and not request.ask.unlimited:
            request.state.settle(request.tokens, used_in + used_out)
        self._charge(request, INPUT_WEIGHT * used_in + OUTPUT_WEIGHT * used_out - request.charged)

    def _no_engine(self, ask: Ask) -> Refuse:
        engines = self._engines.values()
        if any(engine.up for engine in engines) and not any(ask.model in each.models for each in engines):
            return Refuse(ask.ticket, 404, RefusalCode.MODEL_NOT_FOUND, f"the model {ask.model!r} does not exist here", 0.0, f"no engine that is up serves {ask.model!r}")  # fmt: skip
        return self._refuse(ask, 503, RefusalCode.ENGINE_UNAVAILABLE, "no engine is available at present; please try again shortly", f"none of {len(self._engines)} engines that is up serves {ask.model!r}")  # fmt: skip

    def _refuse(self, ask: Ask, status: int, code: RefusalCode, reason: str, why: str) -> Refuse:
        low, high = self._policy.retry_after_s
        explain = f"{ask.standing.word} account, posture {self._posture.value}, {self.in_flight} of {self.limit} in flight: {why}"  # fmt: skip
        return Refuse(ask.ticket, status, code, reason, self._rng.uniform(low, high), explain)
