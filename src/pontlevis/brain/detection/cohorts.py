"""Registrations by when and how they were made, and what became of them.

Rate limits do not see accounts that are made a few an hour and used days later; their cohort does:
nobody of it came back. Cohorts of ten minutes are kept for an hour, of an hour for a day.
"""

from collections import deque
from itertools import islice
from typing import NamedTuple

SLOT_S = 600
DAY_SLOTS = 144
FINE = 7
"""Cohorts of ten minutes; older ones are merged into hours."""
MOST_PAIRS = 512
MOST_PAIRS_HOUR = 64
SCATTERED = 5
"""Prefixes from which a house (a school, an office) no longer explains what accounts share."""
AWAKE_S = 3600.0
"""An account that is used for the first time an hour after it was made, or later, wakes up."""
WAKES_S = 600.0
MOST_WAKES = 1024
LEARNING = 200.0
"""So many accounts move what is usual half of the way."""
LIMITS = (0.2, 0.95)
"""However a service does, the usual share of accounts that are used is taken to lie within these."""
USUAL_USED = 0.58
"""Share of new accounts that is used within the hour, before the service's own is learned: choice."""
USUAL_LOGGED_IN = 0.80

Pair = tuple[int, str]
"""Fingerprint and mail domain."""


class Tally:
    """What became of some accounts."""

    __slots__ = ("logged_in", "made", "prefixes", "used")

    def __init__(self) -> None:
        self.made = 0
        self.used = 0
        self.logged_in = 0
        self.prefixes: set[str] = set()
        """The first few prefixes they were made from."""

    def add(self, other: "Tally") -> None:
        self.made += other.made
        self.used += other.used
        self.logged_in += other.logged_in
        self.prefixes |= set(islice(other.prefixes, max(0, SCATTERED - len(self.prefixes))))

    @property
    def scattered(self) -> bool:
        """Whether they were made from several places."""
        return len(self.prefixes) >= SCATTERED


class Sleeper(NamedTuple):
    """An account that was not used yet."""

    at: float
    slot: int
    fingerprint: int
    domain: str
    logged_in: bool


class Wake(NamedTuple):
    """An old account that was used for the first time."""

    at: float
    made_at: float
    account: str
    source: str
    prefix: str
    fingerprint: int
    """Of the call."""
    origin: int
    """Of the sign-up."""
    domain: str


class Cohorts:
    """At most ``capacity`` accounts that were not used yet; the oldest are forgotten first, uncounted."""

    __slots__ = ("_capacity", "_closed", "_slots", "asleep", "logged_in_share", "used_share", "wakes")

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self.asleep: dict[str, Sleeper] = {}
        self._slots: dict[int, dict[Pair, Tally]] = {}
        """By number of the ten minutes in which they were made; merged ones by their hour's first."""
        self._closed = -1
        """Number of the newest cohort of which it was learned what became of it."""
        self.wakes: deque[Wake] = deque(maxlen=MOST_WAKES)
        self.used_share = USUAL_USED
        """Usual share of accounts that were used when they are an hour old."""
        self.logged_in_share = USUAL_LOGGED_IN

    def made(self, account: str, at: float, fingerprint: int, domain: str, prefix: str) -> None:
        """Takes a sign-up that made an account."""
        if not account or account in self.asleep:
            return
        if len(self.asleep) >= self._capacity:
            # An eighth at once: to look for the first of a dict again and again is quadratic.
            for oldest in list(islice(self.asleep, max(1, self._capacity // 8))):
                self._forget(self.asleep.pop(oldest))
        slot = int(at) // SLOT_S
        tallies = self._slots.setdefault(slot, {})
        pair = (fingerprint, domain)
        if pair not in tallies and len(tallies) >= MOST_PAIRS:
            # Domains without end: what is left to tell is the fingerprint.
            pair = (
                (fingerprint, "")
                if (fingerprint, "") in tallies or len(tallies) < 2 * MOST_PAIRS
                else (0, "")
            )
        tally = tallies.get(pair)
        if tally is None:
            tally = tallies[pair] = Tally()
        tally.made += 1
        if len(tally.prefixes) < SCATTERED:
            tally.prefixes.add(prefix)
        self.asleep[account] = Sleeper(at, slot, *pair, False)

    def logged_in(self, account: str) -> None:
        """Its owner logged in; that is not use yet."""
        sleeper = self.asleep.get(account)
        if sleeper is None or sleeper.logged_in:
            return
        self.asleep[account] = sleeper._replace(logged_in=True)
        tally = self._tally(sleeper)
        if tally is not None:
            tally.logged_in += 1

    def used(self, account: str, at: float, source: str, prefix: str, fingerprint: int) -> None:
        """It called, served or not."""
        sleeper = self.asleep.pop(account, None)
        if sleeper is None:
            return
        tally = self._tally(sleeper)
        if tally is not None:
            tally.used += 1
            tally.logged_in += not sleeper.logged_in
        if at - sleeper.at >= AWAKE_S:
            origin, domain = sleeper.fingerprint, sleeper.domain
            self.wakes.append(Wake(at, sleeper.at, account, source, prefix, fingerprint, origin, domain))

    def age(self, now: float, *, learn: bool) -> None:
        """Closes what is old; call every few seconds. ``learn``: what became of it is usual."""
        slot = int(now) // SLOT_S
        while self.wakes and self.wakes[0].at < now - WAKES_S:
            self.wakes.popleft()
        for old in sorted(each for each in self._slots if self._closed < each <= slot - FINE):
            if learn:
                self._learn(self._slots[old])
            if old % 6:
                self._merge(old)
        self._closed = slot - FINE
        for old in [each for each in self._slots if each <= slot - DAY_SLOTS - 6]:
            del self._slots[old]

    def between(self, now: float, oldest_s: float, youngest_s: float) -> tuple[dict[Pair, Tally], float]:
        """Accounts whose cohort closed within these ages, by pair, and how many seconds of cohorts that is."""
        first, last = (int(now - oldest_s)) // SLOT_S, int(now - youngest_s) // SLOT_S - 1
        merged: dict[Pair, Tally] = {}
        for slot, tallies in self._slots.items():
            if first <= slot <= last:
                for pair, tally in tallies.items():
                    merged.setdefault(pair, Tally()).add(tally)
        return merged, max(0, last - first + 1) * float(SLOT_S)

    def lately(self, now: float) -> list[tuple[Pair, Tally]]:
        """Accounts made in the ten minutes under way and the ten before; a pair may be in both."""
        slot = int(now) // SLOT_S
        return [*self._slots.get(slot - 1, {}).items(), *self._slots.get(slot, {}).items()]

    def _learn(self, tallies: dict[Pair, Tally]) -> None:
        whole = Tally()
        for tally in tallies.values():
            whole.add(tally)
        if whole.made:
            step = whole.made / (whole.made + LEARNING)
            used, logged_in = whole.used / whole.made, whole.logged_in / whole.made
            self.used_share = _within(self.used_share + step * (used - self.used_share))
            self.logged_in_share = _within(self.logged_in_share + step * (logged_in - self.logged_in_share))

    def _merge(self, old: int) -> None:
        tallies = self._slots.pop(old)
        hour = self._slots.setdefault(old - old % 6, {})
        for pair, tally in sorted(tallies.items(), key=lambda item: -item[1].made):
            if pair not in hour and len(hour) >= MOST_PAIRS_HOUR:
                continue
            hour.setdefault(pair, Tally()).add(tally)

    def _tally(self, sleeper: Sleeper) -> Tally | None:
        tallies = self._slots.get(sleeper.slot) or self._slots.get(sleeper.slot - sleeper.slot % 6)
        return tallies.get((sleeper.fingerprint, sleeper.domain)) if tallies is not None else None

    def _forget(self, sleeper: Sleeper) -> None:
        tally = self._tally(sleeper)
        if tally is not None:
            tally.made -= 1
            tally.logged_in -= sleeper.logged_in


def _within(value: float) -> float:
    return min(max(value, LIMITS[0]), LIMITS[1])
