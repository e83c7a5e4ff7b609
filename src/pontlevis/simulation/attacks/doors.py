"""What gateway and account rooms do to an act: bans, rations, delays, registration modes, a full service.

The rules are those of the live doors, in virtual time; a test of the live ones would need sockets.
"""

from collections import deque
from heapq import heappop, heappush
from zlib import crc32

from pontlevis.brain.detection.address import place_of, prefix_of
from pontlevis.brain.detection.finding import Measure
from pontlevis.brain.observation import Kind, Outcome
from pontlevis.brain.posture.rationed import rationed
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.reach import Reach
from pontlevis.brain.vocabulary import Posture, RegistrationMode, Standing
from pontlevis.simulation.attacks.bucket import Bucket
from pontlevis.simulation.attacks.capacity import Capacity
from pontlevis.simulation.attacks.ledger import Why
from pontlevis.simulation.attacks.shape import ServiceShape

DELAY_MEMORY_S = 3600.0
WINDOW_S = 3600.0

Answer = tuple[Outcome, Why | None]


class Doors:
    """Says how an act ends that would end as its outcome says if nobody were turned away."""

    def __init__(self, shape: ServiceShape) -> None:
        self._shape = shape
        self.capacity = Capacity(shape)
        self.state = PostureState()
        """In force here, a moment after it was decided."""
        self.known: set[str] = set()
        """Places where somebody with an account above ``new`` was served."""
        self._bans: dict[tuple[str, Reach], float] = {}
        self._ration = Bucket(shape.stranger_posts, shape.stranger_burst)
        self._hashes = (Bucket(shape.hashes, shape.hash_queue), Bucket(shape.hashes, shape.hash_queue))
        self._failures: dict[str, tuple[int, float]] = {}
        self._signups: dict[str, deque[float]] = {}
        self._under_way: dict[str, list[float]] = {}

    def enforce(self, measure: Measure, now: float) -> None:
        """Puts a decision in force, unless it is only tried."""
        if not measure.dry_run:
            self._bans[measure.value, measure.reach] = now + measure.duration_s

    def banned(self, source: str, kind: Kind, standing: Standing, now: float, *, keyed: bool) -> str:
        """The address or prefix against which a decision in force refuses this act; empty where there is none.

        ``keyed``: it brings a valid key of an account of this standing.
        """
        bans = self._bans
        if not bans:
            return ""
        spared = keyed and standing > Standing.NEW
        reaches = [
            each
            for each in Reach
            if each.closes(kind, keyed=keyed) and not (spared and each is Reach.EVERYTHING)
        ]
        names = (source, place_of(source), prefix_of(source))
        return next((name for name in names for each in reaches if bans.get((name, each), 0.0) > now), "")

    def call(
        self,
        outcome: Outcome,
        account: str,
        credential: str,
        standing: Standing,
        tokens: int,
        place: str,
        now: float,
    ) -> Answer:
        """A call of the inference API; without an account it was refused before it cost anything."""
        if not account or outcome is not Outcome.OK:
            return outcome, None
        if any(self._bans.get((name, Reach.EVERYTHING), 0.0) > now for name in (account, credential)):
            return Outcome.REFUSED, Why.BANNED
        if not self.capacity.ask(standing, tokens, self.state.posture):
            return Outcome.REFUSED, Why.BUSY
        if self.capacity.broken:
            return Outcome.ERROR, Why.BUSY
        if standing >= Standing.RECENT:
            self.known.add(place)
        return outcome, None

    def log_in(
        self, outcome: Outcome, account: str, place: str, now: float, *, home: bool, solves: bool
    ) -> Answer:
        """A try to log in; ``home``: from where the account's owner was before, ``solves``: with the solution of a
        challenge, where one is asked for."""
        if not home and self._rationed(Kind.LOGIN, place, now):
            return Outcome.REFUSED, Why.RATIONED
        slowed = (f"home {place} {account}",) if home else (f"source {place}", f"account {account}")
        if any(self._delayed(name, now) for name in slowed):
            return Outcome.REFUSED, Why.BUSY
        if not home and not solves and self.state.posture is not Posture.NORMAL:
            return Outcome.CHALLENGED, Why.BUSY
        if not self._hashes[home].take(now):
            return Outcome.REFUSED, Why.BUSY
        if outcome is Outcome.OK:
            self._forgive(slowed[0])
        else:
            for name in slowed:
                failures, _ = self._failures.get(name, (0, now))
                self._failures[name] = (failures + 1, now)
        return outcome, None

    def sign_up(self, outcome: Outcome, account: str, place: str, now: float, *, solves: bool) -> Answer:
        """A try to make an account; ``solves``: whether a challenge would be solved."""
        mode = self.state.registration
        if mode is RegistrationMode.SUSPENDED:
            return Outcome.REFUSED, Why.CLOSED
        if self._rationed(Kind.SIGNUP, place, now):
            return Outcome.REFUSED, Why.RATIONED
        if mode is RegistrationMode.CHALLENGE and not solves:
            return Outcome.CHALLENGE_FAILED, Why.CLOSED
        if outcome is not Outcome.OK:
            return outcome, Why.BUSY
        made = self._signups.setdefault(place, deque(maxlen=self._shape.signups_per_source))
        if len(made) == made.maxlen and now - made[0] < WINDOW_S:
            return Outcome.REFUSED, Why.BUSY
        made.append(now)
        if mode is RegistrationMode.APPROVAL or not self._let_in(account):
            return Outcome.REFUSED, Why.CLOSED
        if not self._hashes[False].take(now):
            return Outcome.REFUSED, Why.BUSY
        return outcome, None

    def at_once(self, credential: str, lasts_s: float, now: float) -> int:
        """How many of a credential's calls are under way with this one, which lasts so long."""
        ends = self._under_way.setdefault(credential, [])
        while ends and ends[0] <= now:
            heappop(ends)
        heappush(ends, now + lasts_s)
        return len(ends)

    def _let_in(self, account: str) -> bool:
        state = self.state
        share = state.registration_share
        if state.registration is RegistrationMode.WAITLIST and state.posture is not Posture.RECOVERING:
            share = 0.0
        # The same answer however often somebody tries, as long as the mode lasts.
        return share >= 1.0 or crc32(f"{state.registration_since!r} {account}".encode()) / 2**32 < share

    def _rationed(self, kind: Kind, place: str, now: float) -> bool:
        if place in self.known or not rationed(self.state, kind):
            return False
        return not self._ration.take(now)

    def _delayed(self, name: str, now: float) -> bool:
        failures, last = self._failures.get(name, (0, 0.0))
        over = failures - self._shape.free_failures
        if over < 0 or now - last > DELAY_MEMORY_S:
            return False
        delay = min(self._shape.longest_delay_s, self._shape.first_delay_s * 2.0 ** min(over, 30))
        return now < last + delay

    def _forgive(self, name: str) -> None:
        failures, last = self._failures.get(name, (0, 0.0))
        if failures > 1:
            self._failures[name] = (failures - 1, last)
        else:
            self._failures.pop(name, None)
