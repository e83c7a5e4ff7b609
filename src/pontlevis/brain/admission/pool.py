"""The engines that can serve the same requests, what runs on them by band, and who waits for them."""

import random

from pontlevis.brain.admission.bands import BANDS, Band
from pontlevis.brain.admission.engine import EngineState
from pontlevis.brain.admission.line import Line
from pontlevis.brain.admission.pending import Pending
from pontlevis.brain.admission.policy import AdmissionPolicy
from pontlevis.brain.admission.reserve import Reserve
from pontlevis.brain.vocabulary import Posture

LOOKED_AT = 8
"""Engines compared for one request: all of a small pool, a sample of a large one (Mitzenmacher, The Power of Two
Choices, 2001; more than two, because an engine that is full is no choice)."""
LOWER: tuple[Band, ...] = tuple(band for band in BANDS if band is not Band.EXISTING)


class Pool:
    """All sums are kept up to date, so that a decision does not look at every engine."""

    __slots__ = (
        "_owes", "_policy", "engines", "held", "in_flight", "limit", "lines", "owed", "reserve", "streams", "unstarted",
    )  # fmt: skip

    def __init__(self, policy: AdmissionPolicy) -> None:
        self._policy = policy
        self.engines: list[EngineState] = []
        self.limit = 0
        """Requests that the engines may be given together."""
        self.in_flight = 0
        self.held = [0 for _ in BANDS]
        self.lines = [Line() for _ in BANDS]
        self.owed = [0.0 for _ in BANDS]
        """Tokens that a waiting band is to be given before higher ones; below zero what it had in advance."""
        self._owes = False
        self.reserve = Reserve(policy)
        self.unstarted: list[dict[int, Pending]] = [{} for _ in BANDS]
        """Lower bands' requests that run and have not begun to answer, oldest first."""
        self.streams: list[dict[int, Pending]] = [{} for _ in BANDS]
        """Lower bands' answers under way, oldest first."""

    def recount(self) -> None:
        """After engines came, went, or changed what they may be given."""
        self.limit = sum(engine.slots for engine in self.engines)
        self.in_flight = sum(engine.in_flight for engine in self.engines)
        self.held = [sum(engine.held[band] for engine in self.engines) for band in BANDS]

    @property
    def alive(self) -> bool:
        return self.limit > 0

    def remember(self, now: float) -> None:
        """What existing accounts hold now, or lately held; call before ``room``, or what they held never fades."""
        self.reserve.existing(self.held[Band.EXISTING], now)

    def room(self, band: Band, posture: Posture) -> bool:
        """Whether the band may be given one more slot."""
        if self.in_flight >= self.limit:
            return False
        if band is Band.EXISTING:
            return True
        policy, limit = self._policy, self.limit
        ceilings, borrow = policy.ceilings(posture), policy.at(policy.borrow, posture)
        unreserved = limit - self.reserve.held
        idle = min(limit * (1.0 - policy.borrow_spare), unreserved)
        lower = 0
        for each in reversed(LOWER):
            lower += self.held[each]
            if each > band:
                continue
            ceiling = ceilings[each] * limit
            allowed = 0.0
            if ceiling > 0.0:
                allowed = min(ceiling + borrow * max(0.0, idle - ceiling), unreserved)
                # Whoever has any share at all may use one slot, or small engines would shut them out.
                allowed = max(allowed, 1.0)
            if lower >= int(allowed):
                return False
        return True

    def choose(self, rng: random.Random) -> EngineState | None:
        """The engine with least tokens in flight that may be given one more; None where none may."""
        engines = self.engines
        if len(engines) > LOOKED_AT:
            found = _least(rng.choices(engines, k=LOOKED_AT))
            if found is not None:
                return found
        return _least(engines)

    def least_loaded(self) -> EngineState:
        """Limits or not; for a service whose admission is switched off. Raises ``ValueError`` where none is up."""
        return min((each for each in self.engines if each.up), key=lambda each: each.tokens_in_flight)

    def victim(self, *, streams: bool) -> Pending | None:
        """Whose slot an existing user may have: the lowest band's newest."""
        for band in reversed(LOWER):
            if streams and band is Band.RECENT:
                break
            held = self.streams[band] if streams else self.unstarted[band]
            for ticket in reversed(held):
                request = held[ticket]
                if not request.owed and request.preempted < self._policy.preempt_most:
                    return request
        return None

    def served(self, band: Band, tokens: int, share: float) -> None:
        """Notes what a band was given: its debt shrinks, and those below who wait are owed a share."""
        lines = self.lines
        if not (self._owes or lines[1].size or lines[2].size or lines[3].size):
            return
        self.owed[band] -= tokens
        for each in LOWER:
            if each > band:
                credit = self.owed[each] + share * tokens
                self.owed[each] = credit if lines[each].size else min(0.0, credit)
        self.owed[Band.EXISTING] = 0.0
        self._owes = any(self.owed)


def _least(engines: list[EngineState]) -> EngineState | None:
    best: EngineState | None = None
    for engine in engines:
        tokens = engine.tokens_in_flight
        if engine.in_flight < engine.slots and tokens < engine.token_limit and (best is None or tokens < best.tokens_in_flight):  # fmt: skip
            best = engine
    return best
