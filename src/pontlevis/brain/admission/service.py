"""Who waits, who starts, who gives way: the engines' slots in the hands of the bands.

Strict bands with reservations that are lent while idle and taken back by preemption, and with a floor, so
that nobody starves; within a band the virtual token counter. An overloaded queue serves the newest first,
waits shorter, and turns the same accounts away for an hour instead of everybody now and then.
"""

import random
from math import inf

from pontlevis.brain.admission import refusals
from pontlevis.brain.admission.bands import BAND_OF, BANDS, Band
from pontlevis.brain.admission.cohorts import COHORTS, Cohorts
from pontlevis.brain.admission.engine import EngineState
from pontlevis.brain.admission.ledger import Ledger
from pontlevis.brain.admission.messages import Ask, Command, Dispatch, Queued, Refuse
from pontlevis.brain.admission.pending import Pending
from pontlevis.brain.admission.policy import AdmissionPolicy
from pontlevis.brain.admission.pool import LOWER, Pool
from pontlevis.brain.admission.pools import Pools
from pontlevis.brain.refusal_note import Cause
from pontlevis.brain.vocabulary import Posture, RefusalCode

INPUT_WEIGHT = 1  # cost of an input and of an output token: Sheng et al., OSDI 2024
OUTPUT_WEIGHT = 2
RATE_MEMORY = 0.1  # weight of the newest interval in the rate of dispatches


class Service:
    """The requests under way. Times are the caller's monotonic seconds."""

    def __init__(self, policy: AdmissionPolicy, pools: Pools, ledger: Ledger, rng: random.Random) -> None:
        self._policy = policy
        self._pools = pools
        self._ledger = ledger
        self._rng = rng
        self.set_posture(Posture.NORMAL)
        self.requests: dict[int, Pending] = {}
        self._queued = [0 for _ in BANDS]
        self._cohorts = [Cohorts(policy, 0.0) for _ in BANDS]
        self._shedding = False
        self._dropped: list[Refuse] = []
        """Turned out of a full queue since ``due`` was asked."""
        self._dispatched = 0
        self._rate = 0.0

    def set_posture(self, posture: Posture) -> None:
        self.posture = posture
        self._floor = self._policy.at(self._policy.floor_share, posture)

    @property
    def queued(self) -> int:
        return sum(self._queued)

    def measure(self, interval_s: float) -> None:
        """An interval of so many seconds has ended."""
        if interval_s > 0:
            self._rate += RATE_MEMORY * (self._dispatched / interval_s - self._rate)
            self._dispatched = 0

    def enter(self, request: Pending, now: float) -> Dispatch | Queued | Refuse:
        """A request that its account may make: it starts, waits, or is turned away."""
        pool, band = request.pool, request.band
        if request.state.idle:
            pool.lines[band].fair.lift(request.state)
        pool.remember(now)
        before = any(self._queued) and any(pool.lines[each].size for each in BANDS if each <= band)
        if not before and pool.room(band, self.posture):
            engine = pool.choose(self._rng)
            if engine is not None:
                return self.start(request, engine, now)
        return self._enqueue(request, now)

    def due(self, now: float) -> list[Command]:
        """Requests whose turn has come, whose time has run out, or whose slot is given to somebody else."""
        if not (self._shedding or self._dropped or any(self._queued)):
            return []
        commands: list[Command] = [*self._dropped]
        self._dropped.clear()
        for band in BANDS:
            self._cohorts[band].update(any(self._crowded(each, band, now) for each in self._pools), now)
        self._shedding = any(each.level for each in self._cohorts)
        for pool in self._pools:
            for band in BANDS:
                if pool.lines[band].size:
                    self._expire(pool, band, now, commands)
            if any(line.size for line in pool.lines):
                pool.remember(now)
                self._serve(pool, now, commands)
        return commands

    def next_deadline(self) -> float:
        """When ``due`` must be called at the latest; infinite while nobody waits."""
        soonest = inf
        after = self._policy.overload_after_s
        for pool in self._pools:
            for band in BANDS:
                line = pool.lines[band]
                while (oldest := line.oldest()) is not None:
                    if not self._waits(oldest[1]):
                        line.forget()
                        continue
                    shorter = max(line.since + after, oldest[0] + self._policy.overload_wait_s[band])
                    soonest = min(soonest, oldest[0] + self._policy.queue_wait_s[band], shorter)
                    break
        return soonest

    def start(self, request: Pending, engine: EngineState, now: float) -> Dispatch:
        """Gives it a slot."""
        ask, pool, band = request.ask, request.pool, request.band
        request.engine = engine
        request.started = now
        request.on_engine = request.input + request.expected
        self._pools.start(engine, request.on_engine, band)
        self.requests[ask.ticket] = request
        if band is Band.EXISTING:
            pool.remember(now)
        else:
            pool.unstarted[band][ask.ticket] = request
        pool.served(band, request.on_engine, self._floor)
        request.hold(running=1)
        request.charged = INPUT_WEIGHT * request.input + OUTPUT_WEIGHT * request.expected
        request.state.counter += request.charged
        self._dispatched += 1
        waited = now - request.arrived
        if not request.preempted:
            counts = self._ledger.of(ask.standing)
            counts.admitted += 1
            counts.wait.add(waited)
        return Dispatch(ask.ticket, engine.name, waited, request.input, request.output)

    def charge(self, request: Pending, cost: float) -> None:
        """To its account's virtual counter."""
        request.state.counter += cost
        request.charged += cost

    def free(self, request: Pending) -> None:
        """Its slot is free."""
        if request.engine is None:
            return
        self._pools.end(request.engine, request.on_engine, request.band)
        if request.band is not Band.EXISTING:
            request.pool.unstarted[request.band].pop(request.ask.ticket, None)
            request.pool.streams[request.band].pop(request.ask.ticket, None)
        request.engine = None
        request.hold(running=-1)

    def settle(self, request: Pending, used_in: int, used_out: int) -> None:
        """It has cost so many tokens."""
        if request.reserved:
            request.settle(request.reserved, used_in + used_out)
        self.charge(request, INPUT_WEIGHT * used_in + OUTPUT_WEIGHT * used_out - request.charged)

    def leave(self, request: Pending) -> None:
        """It waits no longer, and was not served."""
        self._unqueue(request)
        self._unreserve(request)

    def seat(self, request: Pending, engine: EngineState, now: float) -> None:
        """It runs on that engine already, whatever the limits say; counted from now on."""
        if request.waits:
            self._unqueue(request)
        if request.engine is None:
            self.start(request, engine, now)
        elif request.engine is not engine:
            self._pools.moved(request.engine, engine, request.on_engine, request.band)
            request.engine = engine

    def rehome(self, request: Pending, now: float) -> None:
        """The engines that serve its model are others now."""
        pool = self._pools.of(request.ask.model)
        old, ticket, band = request.pool, request.ask.ticket, request.band
        if pool is None or pool is old:
            return
        request.pool = pool
        if request.waits:
            old.lines[band].remove(request.ask.account, ticket)
            pool.lines[band].push(request.ask.account, request.state, ticket, request.arrived, now, newest_first=False)  # fmt: skip
        for before, after in ((old.unstarted, pool.unstarted), (old.streams, pool.streams)):
            if before[band].pop(ticket, None) is not None:
                after[band][ticket] = request

    def refuse(self, ask: Ask, pool: Pool | None, status: int, code: RefusalCode, reason: str, why: str, cause: Cause = Cause.OTHER) -> Refuse:  # fmt: skip
        low, high = self._policy.retry_after_s
        in_flight, limit = (pool.in_flight, pool.limit) if pool is not None else (0, 0)
        explain = f"{ask.standing.word} account, posture {self.posture.value}, {in_flight} of {limit} in flight: {why}"  # fmt: skip
        ahead = sum(self._queued[: BAND_OF[ask.standing] + 1])
        return Refuse(ask.ticket, status, code, reason, self._rng.uniform(low, high), explain, cause, ahead, in_flight, limit)  # fmt: skip

    # -- inside

    def _enqueue(self, request: Pending, now: float) -> Queued | Refuse:
        band, ask, line = request.band, request.ask, request.pool.lines[request.band]
        wait = self._policy.queue_wait_s[band]
        word = band.name.lower()
        turns = self._turns(request)
        if self._rate > 0 and turns / self._rate > wait:
            return self._turn_away(request, Cause.QUEUE_HOPELESS, f"its turn in the {word} queue is {turns} requests away at {self._rate:.1f} a second")  # fmt: skip
        if self._cohorts[band].sheds(ask.account, now):
            cohort, level = self._cohorts[band].of(ask.account, now), self._cohorts[band].level
            return self._turn_away(request, Cause.COHORT, f"the {word} queue is overloaded: cohort {cohort} of {COHORTS} is turned away this hour, as is {level:.0%} of accounts")  # fmt: skip
        room = max(self._policy.queue_size[band], self._policy.queue_per_slot[band] * request.pool.limit)
        if self._queued[band] >= room:
            why = f"{self._queued[band]} wait in the {word} queue, which is full"
            if not line.size:
                return self._turn_away(request, Cause.QUEUE_FULL, why)
            ticket, most = line.fair.longest()
            if most <= line.fair.waiting_of(ask.account) + 1:
                return self._turn_away(request, Cause.QUEUE_FULL, why)
            # Whoever fills the queue makes room in it (McKenney, Stochastic Fairness Queueing, 1990).
            dropped = self.requests.pop(ticket)
            self.leave(dropped)
            self._ledger.of(dropped.ask.standing).refused += 1
            self._dropped.append(self._overloaded(dropped, Cause.QUEUE_FULL, why))
        self.requests[ask.ticket] = request
        self._wait(request, now)
        return Queued(ask.ticket, request.arrived + wait)

    def _crowded(self, pool: Pool, band: Band, now: float) -> bool:
        """Whether more accounts wait than can each have a turn in time; with fewer, fairness between them is enough."""
        line, policy = pool.lines[band], self._policy
        if not line.overloaded(now, policy.overload_after_s):
            return False
        return line.fair.accounts > self._rate * policy.overload_wait_s[band]

    def _turns(self, request: Pending) -> int:
        """Requests that are served before it: all of higher bands, and one of each account for each of its own."""
        band, pool = request.band, request.pool
        fair = pool.lines[band].fair
        mine = min(fair.size, fair.accounts * (fair.waiting_of(request.ask.account) + 1))
        return mine + sum(pool.lines[each].size for each in BANDS if each < band)

    def _turn_away(self, request: Pending, cause: Cause, why: str) -> Refuse:
        self._unreserve(request)
        self._ledger.of(request.ask.standing).refused += 1
        return self._overloaded(request, cause, why)

    def _overloaded(self, request: Pending, cause: Cause, why: str) -> Refuse:
        return self.refuse(request.ask, request.pool, 503, RefusalCode.OVERLOADED, "the service is overloaded; please try again shortly", why, cause)  # fmt: skip

    def _wait(self, request: Pending, now: float) -> None:
        line = request.pool.lines[request.band]
        line.push(request.ask.account, request.state, request.ask.ticket, request.arrived, now,
                  newest_first=line.overloaded(now, self._policy.overload_after_s))  # fmt: skip
        request.waits = True
        request.hold(waiting=1)
        self._queued[request.band] += 1

    def _waits(self, ticket: int) -> bool:
        request = self.requests.get(ticket)
        return request is not None and request.waits

    def _expire(self, pool: Pool, band: Band, now: float, commands: list[Command]) -> None:
        line, policy = pool.lines[band], self._policy
        overloaded = line.overloaded(now, policy.overload_after_s)
        wait = (policy.overload_wait_s if overloaded else policy.queue_wait_s)[band]
        while (oldest := line.oldest()) is not None:
            arrived, ticket = oldest
            request = self.requests.get(ticket)
            if request is None or not request.waits or request.pool is not pool:
                line.forget()
                continue
            if arrived + wait > now:
                return
            line.forget()
            del self.requests[ticket]
            self.leave(request)
            self._ledger.of(request.ask.standing).refused += 1
            code = RefusalCode.PREEMPTED if request.preempted else RefusalCode.QUEUE_TIMEOUT
            why = f"waited {now - arrived:.1f} s in the {band.name.lower()} queue" + (", which is overloaded" if overloaded else "")  # fmt: skip
            commands.append(self.refuse(request.ask, pool, 503, code, "the service is busy and your request waited too long; please try again", why, Cause.WAITED_OVERLOADED if overloaded else Cause.WAITED))  # fmt: skip

    def _serve(self, pool: Pool, now: float, commands: list[Command]) -> None:
        for band in LOWER:
            while pool.owed[band] > 0.0 and pool.lines[band].size and any(
                pool.lines[each].size for each in BANDS if each < band
            ):  # fmt: skip
                if not self._start_next(pool, band, now, commands, owed=True):
                    break
        for band in BANDS:
            while pool.lines[band].size and self._start_next(pool, band, now, commands):
                pass
        if self._policy.preempt:
            self._preempt(pool, now, commands)

    def _start_next(
        self, pool: Pool, band: Band, now: float, commands: list[Command], *, owed: bool = False
    ) -> bool:
        # The engine first: who is taken out of the queue keeps its place only by being started.
        engine = pool.choose(self._rng) if pool.room(band, self.posture) else None
        if engine is None:
            return False
        request = self._pop(pool, band, now)
        if request is None:
            return False
        request.owed = owed
        commands.append(self.start(request, engine, now))
        return True

    def _pop(self, pool: Pool, band: Band, now: float) -> Pending | None:
        line = pool.lines[band]
        ticket = line.pop(newest_first=line.overloaded(now, self._policy.overload_after_s))
        request = self.requests.get(ticket) if ticket is not None else None
        if request is not None:
            request.waits = False
            request.hold(waiting=-1)
            self._queued[band] -= 1
        return request

    def _preempt(self, pool: Pool, now: float, commands: list[Command]) -> None:
        """Existing users who wait take slots of lower bands, one for one."""
        line = pool.lines[Band.EXISTING]
        while line.size:
            victim = pool.victim(streams=False)
            if victim is None and self._policy.cuts_streams(self.posture):
                oldest = line.oldest()
                if oldest is not None and now - oldest[0] >= self._policy.preempt_streams_after_s:
                    victim = pool.victim(streams=True)
            if victim is None or victim.engine is None:
                return
            engine = victim.engine
            self.free(victim)
            if victim.first_byte_at is None:
                victim.preempted += 1
                self.charge(victim, -victim.charged)
                self._wait(victim, now)
                commands.append(refusals.give_way(victim))
            else:
                victim.cut = True
                commands.append(refusals.cut_stream(victim))
            request = self._pop(pool, Band.EXISTING, now)
            if request is None:
                return
            commands.append(self.start(request, engine, now))

    def _unqueue(self, request: Pending) -> None:
        request.pool.lines[request.band].remove(request.ask.account, request.ask.ticket)
        request.waits = False
        request.hold(waiting=-1)
        self._queued[request.band] -= 1

    def _unreserve(self, request: Pending) -> None:
        """Nothing was served: request and tokens go back to the account."""
        if request.reserved:
            request.settle(request.reserved, 0)
            request.refund_request()
