"""Known good: accounts that were served well in the last hour, and the places they came from.

A proposed measure is replayed against them first: whom would it have hit?
"""

from zlib import crc32

import msgspec

from pontlevis.brain.detection.address import place_of, prefix_of
from pontlevis.brain.detection.familiar import Familiar, FamiliarState

REFRESH_S = 60.0
"""How exactly the time of the last service is known."""
MOST_PLACES = 4
"""Places remembered of one account; after a minute a fifth takes the place of the oldest."""
MOST_RECENT = 16_384
"""Sources that are known to have been vouched for within the minute: 2 MB."""
_RANGE = 1 << 32


class Good(msgspec.Struct, gc=False):
    """What is remembered of one account. Holds nothing that the garbage collector must look at."""

    at: float
    fingerprint: int
    """Of its last call."""
    moved: float = float("-inf")
    """When it last came from a place that was not remembered."""
    vouches: bool = False
    """Whether it is an existing user's, who vouches for the places it comes from."""
    places: tuple[str, ...] = ()


class GoodRow(msgspec.Struct, frozen=True, array_like=True):
    """One account, to be kept over a restart."""

    account: str
    at: float
    fingerprint: int
    places: list[str]
    vouches: bool = False


class KnownGood:
    """At most ``capacity`` accounts: all while they are few, else a sample.

    The sample holds the accounts with the smallest checksums, below a bound that is halved whenever it
    grows too large (adaptive sampling: Wegman; Flajolet, Computing 1990). It is thus the same sample
    in whatever order they came, and on every node; shares are those of all accounts, counts are scaled.
    """

    __slots__ = ("_bound", "_capacity", "_hits", "_keep", "accounts")

    def __init__(self, capacity: int, keep_s: float) -> None:
        self._capacity = capacity
        self._keep = keep_s
        self._bound = _RANGE
        self.accounts: dict[str, Good] = {}
        """In the order of their last service, give or take ``REFRESH_S``."""
        self._hits: dict[str, int] = {}
        """Accounts of the sample by place, and by prefix."""

    def served(self, account: str, place: str, fingerprint: int, at: float, *, vouches: bool = False) -> None:
        """An account above new was served; ``place`` as ``place_of`` gives it."""
        good = self.accounts.get(account)
        if good is None:
            if crc32(account.encode()) >= self._bound:
                return
            good = self.accounts[account] = Good(at, fingerprint)
            if len(self.accounts) > self._capacity:
                self._halve()
                if account not in self.accounts:
                    return
        elif at - good.at >= REFRESH_S:
            good.at = at
            self.accounts[account] = self.accounts.pop(account)
        good.fingerprint = fingerprint
        good.vouches = vouches
        if place not in good.places and (len(good.places) < MOST_PLACES or at - good.moved >= REFRESH_S):
            good.moved = at
            self._move(good, (*good.places, place)[-MOST_PLACES:])

    def hit(self, scope: str, value: str) -> int:
        """Accounts of the sample that a measure of this scope would hit. A prefix longer than /24 or /48
        other than a place, or a shorter one, is not known and hits nobody.
        """
        if scope == "account":
            return 1 if value in self.accounts else 0
        return self._hits.get(value, 0)

    def share(self, scope: str, value: str) -> float:
        """The same as a share of all known good accounts; 0 while there are none."""
        return self.hit(scope, value) / len(self.accounts) if self.accounts else 0.0

    @property
    def scale(self) -> float:
        """So many accounts each one of the sample stands for."""
        return _RANGE / self._bound

    def expire(self, now: float) -> None:
        """Forgets who was not served for as long as it is kept; call every few seconds."""
        while self.accounts:
            account, good = next(iter(self.accounts.items()))
            if good.at > now - self._keep:
                break
            self._forget(account)
        if not self.accounts:
            self._bound = _RANGE

    def state(self) -> list[GoodRow]:
        """To be kept over a restart."""
        return [
            GoodRow(name, each.at, each.fingerprint, list(each.places), each.vouches)
            for name, each in self.accounts.items()
        ]

    def merge(self, rows: list[GoodRow]) -> None:
        """Takes what another node, or this one before a restart, knew."""
        for row in sorted(rows, key=lambda each: each.at):
            for place in row.places[:MOST_PLACES]:
                self.served(row.account, place, row.fingerprint, row.at, vouches=row.vouches)

    def _halve(self) -> None:
        while len(self.accounts) > self._capacity:
            self._bound //= 2
            for account in [each for each in self.accounts if crc32(each.encode()) >= self._bound]:
                self._forget(account)

    def _forget(self, account: str) -> None:
        self._move(self.accounts.pop(account), ())

    def _move(self, good: Good, places: tuple[str, ...]) -> None:
        """Counts an account at ``places`` instead of where it was, once at each place and prefix."""
        before, after = _keys(good.places), _keys(places)
        good.places = places
        for key in after - before:
            self._hits[key] = self._hits.get(key, 0) + 1
        for key in before - after:
            if self._hits[key] > 1:
                self._hits[key] -= 1
            else:
                del self._hits[key]


def _keys(places: tuple[str, ...]) -> set[str]:
    return {*places, *map(prefix_of, places)}


class Vouched:
    """Places, and prefixes around them, where an existing account was served lately.

    A Bloom filter that forgets nobody early; those who come again within a minute cost one look
    into a dictionary.
    """

    __slots__ = ("_filter", "_recent", "_recent_since")

    def __init__(self, keep_s: float) -> None:
        self._filter = Familiar(keep_s + REFRESH_S)
        self._recent: set[str] = set()
        self._recent_since = 0.0

    def add(self, source: str, at: float) -> None:
        """Vouches for the source's place and prefix."""
        if at - self._recent_since >= REFRESH_S or len(self._recent) >= MOST_RECENT:
            self._recent.clear()
            self._recent_since = at
        elif source in self._recent:
            return
        self._recent.add(source)
        self._filter.add(place_of(source), at)
        self._filter.add(prefix_of(source), at)

    def is_recent(self, source: str) -> bool:
        """Whether this source was vouched for within the last minute or so."""
        return source in self._recent

    def state(self) -> FamiliarState:
        """To be kept over a restart."""
        return self._filter.state()

    def restore(self, state: FamiliarState, now: float) -> None:
        """Takes up what was kept."""
        self._filter.restore(state, now)

    def __contains__(self, place: str) -> bool:
        """Whether somebody vouches for a place, or for a prefix."""
        return place in self._filter
