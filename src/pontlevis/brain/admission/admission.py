"""Who may use the engines now: limits first, then strict bands, then the least served account.

One object owns all state; nothing here waits or reads a clock. ``now`` is the caller's monotonic
seconds throughout. After any event the caller asks ``due`` for what may start or must be refused.
"""

import random
from math import inf

from pontlevis.brain.admission import refusals
from pontlevis.brain.admission.account import AccountState, AccountTable, Quota, lesser
from pontlevis.brain.admission.bands import BAND_OF, Band
from pontlevis.brain.admission.cost import CostBook
from pontlevis.brain.admission.engine import EngineState
from pontlevis.brain.admission.key_quotas import KeyQuotas
from pontlevis.brain.admission.ledger import Ledger
from pontlevis.brain.admission.messages import Allowance, Ask, Command, Dispatch, Queued, Refuse
from pontlevis.brain.admission.pending import Pending, held_by_standing
from pontlevis.brain.admission.policy import AdmissionPolicy
from pontlevis.brain.admission.pool import Pool
from pontlevis.brain.admission.pools import Pools
from pontlevis.brain.admission.quotas import quotas
from pontlevis.brain.admission.service import OUTPUT_WEIGHT, Service
from pontlevis.brain.key_scope import KeyLimits
from pontlevis.brain.observation import ServiceSample
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import Posture, RefusalCode, Standing

RETRIES_MOST = 10.0  # saved up while all is well; Finagle's retry budget keeps ten as well


class Admission:
    """Admission of one service. ``enabled`` False lets everything through to the least loaded engine."""

    def __init__(self, policy: AdmissionPolicy, *, enabled: bool, rng: random.Random) -> None:
        self._policy = policy
        self._enabled = enabled and policy.enabled
        self._pools = Pools(policy)
        self._accounts = AccountTable(policy.accounts_remembered)
        self._costs = CostBook(policy.default_output_tokens)
        self._ledger = Ledger()
        self._service = Service(policy, self._pools, self._ledger, rng)
        self._retries = RETRIES_MOST
        self._keys = KeyQuotas(policy)
        self._set_quotas(self._service.posture)

    # -- what the world is like

    def set_posture(self, state: PostureState, now: float) -> None:
        self._service.set_posture(state.posture)
        self._set_quotas(state.posture)

    def set_engine(self, engine: str, models: frozenset[str], up: bool, now: float) -> None:
        """An engine as last probed; no models named means that it takes any."""
        if self._pools.set_engine(engine, models, up, now):
            for request in self._service.requests.values():
                self._service.rehome(request, now)

    def engine_metrics(self, engine: str, *, running: int, waiting: int, kv_usage: float, now: float) -> None:
        known = self._pools.engines.get(engine)
        if known is not None:
            before = known.slots
            known.metrics(running, waiting, kv_usage, now)
            self._pools.resized(known, before)

    def models(self) -> list[str]:
        return self._pools.models()

    # -- a request's life

    def ask(self, ask: Ask, now: float) -> Dispatch | Queued | Refuse:
        """What becomes of a new request."""
        counts = self._ledger.of(ask.standing)
        counts.arrived += 1
        self._retries = min(RETRIES_MOST, self._retries + self._policy.retry_share)
        pool = self._pools.of(ask.model)
        if pool is None or not pool.alive:
            counts.refused += 1
            if pool is None and self._pools.any_up:
                return refusals.no_such_model(ask)
            return self._service.refuse(ask, pool, 503, RefusalCode.ENGINE_UNAVAILABLE, "no engine is available at present; please try again shortly", f"none of {len(self._pools.engines)} engines that is up serves {ask.model!r}")  # fmt: skip
        band = BAND_OF[ask.standing]
        quota = self._quotas[ask.standing]
        if not self._enabled:
            request = self._pending(ask, band, self._accounts.touch(ask.account, now, quota), pool, now)
            return self._service.start(request, pool.least_loaded(), now)
        if band is Band.ANONYMOUS and self._policy.ceilings(self._service.posture)[band] <= 0.0:
            counts.refused += 1
            return self._service.refuse(ask, pool, 503, RefusalCode.ANONYMOUS_SUSPENDED, "use without an account is suspended at present; log in or use an API key", "the posture switches anonymous use off")  # fmt: skip
        request = self._pending(ask, band, self._accounts.touch(ask.account, now, quota), pool, now)
        if not ask.unlimited or ask.limits is not None:
            refusal = self._reserve(request, quota, now)
            if refusal is not None:
                counts.refused += 1
                return refusal
        return self._service.enter(request, now)

    def first_byte(self, ticket: int, now: float) -> None:
        """The engine's answer begins."""
        request = self._service.requests.get(ticket)
        if request is None or request.first_byte_at is not None or request.engine is None:
            return
        self._begins(request, now)
        if request.resumed:
            return
        self._ledger.of(request.ask.standing).ttft.add(now - request.arrived)
        if request.ask.stream:
            before = request.engine.slots
            request.engine.first_byte(now - request.started, request.input, now)
            if request.engine.slots != before:
                self._pools.resized(request.engine, before)

    def progress(self, ticket: int, output_tokens: int, now: float) -> None:
        """So many output tokens have come so far. Beyond what was expected, the estimate grows."""
        request = self._service.requests.get(ticket)
        if request is None or request.engine is None or output_tokens <= request.generated:
            return
        request.generated = output_tokens
        if output_tokens <= request.expected:
            return
        longer = self._costs.beyond(request.ask.model, output_tokens, cap=request.ask.output_tokens)
        more = longer - request.expected
        request.expected = longer
        request.engine.correct(more)
        request.on_engine += more
        self._service.charge(request, OUTPUT_WEIGHT * more)
        if request.reserved and longer > request.output:
            request.settle(0, longer - request.output)
            request.reserved += longer - request.output
            request.output = longer

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
        """The request has ended; None where the engine did not say what it cost. Idempotent.

        ``failed`` is the engine's fault; only from a ``whole`` answer anything is learnt.
        """
        request = self._service.requests.pop(ticket, None)
        if request is None:
            return
        if request.waits:
            self._service.leave(request)
            return
        used_in = request.input if input_tokens is None else input_tokens
        used_out = request.generated if output_tokens is None else output_tokens
        engine = request.engine
        if engine is not None:
            before = engine.slots
            if failed:
                self._failed(engine, request.pool, now)
            elif whole:
                engine.answered()
                if output_tokens is not None:
                    self._learn(request, engine, input_tokens, used_out, now)
            if engine.slots != before:
                self._pools.resized(engine, before)
        self._service.free(request)
        self._service.settle(request, used_in, used_out)
        counts = self._ledger.of(request.ask.standing)
        counts.tokens += used_in + used_out
        counts.failed += failed

    def abandon(self, ticket: int, now: float) -> None:
        """The client went away, waiting or served; what was generated is charged. Idempotent."""
        request = self._service.requests.pop(ticket, None)
        if request is None:
            return
        if request.waits:
            self._service.leave(request)
            return
        self._service.free(request)
        self._service.settle(request, request.input, request.generated)
        self._ledger.of(request.ask.standing).tokens += request.input + request.generated

    def move(self, ticket: int, now: float) -> Dispatch | None:
        """Gives a request whose engine failed before a byte to another; None where there is no other, or where
        so many were moved lately that trying again would only add to the load.

        It has waited already: the other engine takes it even where its limit is reached.
        """
        request = self._service.requests.get(ticket)
        if request is None or request.engine is None or request.first_byte_at is not None:
            return None
        failed = request.engine
        others = [each for each in request.pool.engines if each is not failed and each.slots]
        if not others or self._retries < 1.0:
            return None
        self._retries -= 1.0
        before = failed.slots
        self._failed(failed, request.pool, now)
        self._pools.resized(failed, before)
        engine = min(others, key=lambda each: (not each.open, each.tokens_in_flight))
        self._pools.moved(failed, engine, request.on_engine, request.band)
        request.engine = engine
        request.started = now
        return Dispatch(ticket, engine.name, now - request.arrived, request.input, request.output)

    # -- for one who decides at a distance: what it says takes a while to arrive

    def turns(self, ticket: int) -> int:
        """How often the request was sent back to its queue; 0 for one that is not under way."""
        request = self._service.requests.get(ticket)
        return request.preempted if request is not None else 0

    def goes_on(self, ticket: int, engine: str, now: float) -> None:
        """A request that was sent back had begun to answer on that engine before it heard of it.

        It keeps a slot there, beyond the limit if need be: what others were promised meanwhile stands.
        """
        request, known = self._service.requests.get(ticket), self._pools.engines.get(engine)
        if request is not None and known is not None and request.first_byte_at is None:
            self._service.seat(request, known, now)

    def resume(self, ask: Ask, engine: str, now: float, *, begun: bool, generated: int) -> bool:
        """A request that runs on that engine already, let in before this object was there.

        It is counted and charged, but neither limited nor, since nobody measured it from its beginning, learnt
        from. False for an engine that is not known.
        """
        known = self._pools.engines.get(engine)
        if known is None or ask.ticket in self._service.requests:
            return False
        pool = self._pools.of(ask.model) or self._pools.with_engine(engine)
        quota = self._quotas[ask.standing]
        request = self._pending(
            ask, BAND_OF[ask.standing], self._accounts.touch(ask.account, now, quota), pool, now
        )
        request.resumed = True
        request.generated = generated
        request.expected = max(request.expected, generated)
        if self._enabled and (not ask.unlimited or ask.limits is not None):
            request.reserved = request.input + request.output
            request.state.take(request.reserved)
            key = self._keys.of(ask.key, ask.limits, ask.standing, ask.unlimited, now)
            if key is not None:
                request.key = key[0]
                request.key.take(request.reserved)
        self._service.seat(request, known, now)
        if begun:
            self._begins(request, now)
        return True

    @property
    def limits(self) -> dict[str, int]:
        """Requests that each engine may be given; 0 while it is down or ejected."""
        return {name: engine.slots for name, engine in self._pools.engines.items()}

    def expect(self, limits: dict[str, int]) -> None:
        """What the engines that are up could take when somebody last knew: a better beginning than the policy's."""
        for name, limit in limits.items():
            known = self._pools.engines.get(name)
            if known is not None and known.slots and limit > 0:
                before = known.slots
                known.limit_to(float(limit))
                self._pools.resized(known, before)

    def due(self, now: float) -> list[Command]:
        """Requests whose turn has come, whose time has run out, or whose slot is given to somebody else."""
        self._pools.readmit(now)
        return self._service.due(now)

    def next_deadline(self) -> float | None:
        """When ``due`` must be called at the latest."""
        soonest = min(self._pools.next_readmission(), self._service.next_deadline())
        return soonest if soonest < inf else None

    # -- what can be said about it

    def allowance(
        self,
        account: str,
        standing: Standing,
        now: float,
        key: str = "",
        limits: KeyLimits | None = None,
        unlimited: bool = False,
    ) -> Allowance | None:
        """What the account, and where keys have limits of their own the key, may still do; None where nothing is limited."""
        if not self._enabled:
            return None
        own = self._keys.of(key, limits, standing, unlimited, now)
        of_key = own[0].allowance(own[1]) if own is not None else None
        if unlimited:
            return of_key
        quota = self._quotas[standing]
        whole = self._accounts.touch(account, now, quota).allowance(quota)
        return lesser(whole, of_key) if of_key is not None else whole

    @property
    def limit(self) -> int:
        """Requests that the engines that are up may be given together."""
        return sum(engine.slots for engine in self._pools.engines.values())

    @property
    def in_flight(self) -> int:
        return sum(engine.in_flight for engine in self._pools.engines.values())

    @property
    def queued(self) -> int:
        return self._service.queued

    def sample(self, now: float, interval_s: float) -> ServiceSample:
        """Figures of the interval that ends now; the next one begins."""
        self._service.measure(interval_s)
        return self._ledger.sample(
            now,
            interval_s,
            held_by_standing(self._service.requests.values()),
            limit=self.limit if self._enabled else 0,
            engines=list(self._pools.engines.values()),
        )

    # -- inside

    def _set_quotas(self, posture: Posture) -> None:
        self._quotas = quotas(self._policy, posture)
        self._keys.set_posture(posture)

    def _pending(self, ask: Ask, band: Band, state: AccountState, pool: Pool, now: float) -> Pending:
        own = state.histories.get(ask.model)
        cost = self._costs.estimate(
            own, ask.model, ask.input_tokens, cap=ask.output_tokens, choices=ask.choices
        )
        return Pending(ask, band, state, pool, cost, now)

    def _reserve(self, request: Pending, quota: Quota, now: float) -> Refuse | None:
        ask, state, tokens = request.ask, request.state, request.input + request.output
        if not ask.unlimited and state.in_flight + state.queued >= quota.concurrent:
            return refusals.at_concurrency(ask, quota.concurrent)
        held = self._keys.of(ask.key, ask.limits, ask.standing, ask.unlimited, now)
        key, shortage = None, None
        if held is not None:
            key, own = held
            if key.in_flight + key.queued >= own.concurrent:
                return refusals.at_concurrency(ask, own.concurrent, of_key=True)
            shortage = key.reserve(tokens, own)
            if shortage is not None:
                return refusals.over_limit(ask, shortage, self._service.posture.value, of_key=True)
        if ask.unlimited:
            state.take(tokens)
        else:
            shortage = state.reserve(tokens, quota)
        if shortage is not None:
            if key is not None:
                key.settle(tokens, 0)
                key.refund_request()
            return refusals.over_limit(ask, shortage, self._service.posture.value)
        request.reserved, request.key = tokens, key
        return None

    def _begins(self, request: Pending, now: float) -> None:
        request.first_byte_at = now
        if request.band is not Band.EXISTING:
            request.pool.unstarted[request.band].pop(request.ask.ticket, None)
            request.pool.streams[request.band][request.ask.ticket] = request

    def _learn(
        self, request: Pending, engine: EngineState, used_in: int | None, out: int, now: float
    ) -> None:
        ask = request.ask
        self._costs.learn(request.state.histories, ask.model, ask.input_tokens, used_in, max(1, out // ask.choices))  # fmt: skip
        if request.first_byte_at is None or request.resumed:
            return
        if ask.stream:
            engine.paced(now - request.first_byte_at, out - 1, now)
        else:
            engine.whole_answer(now - request.started, out, now)

    def _failed(self, engine: EngineState, pool: Pool, now: float) -> None:
        engine.failures += 1
        if engine.failures >= self._policy.ejection_failures:
            out = sum(not each.slots for each in pool.engines)
            if 2 * (out + 1) <= len(pool.engines):
                engine.eject(now)
