"""What each API key usually does: networks, clients, tokens a minute, calls at once."""

from array import array
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from math import exp, log1p
from statistics import median

from pontlevis.brain.detection.address import prefix_of
from pontlevis.brain.observation import Observation

RECENT_S = 600.0
"""A network or client first seen within ten minutes is new; later it is the key's own."""
PEACE_S = 3600.0
"""So long after the last accusation a key's networks and spending are its own again."""
HISTORY = 48
"""Active minutes remembered of a key's spending."""
LEARNED = 20
"""Active minutes before a key has a history to be judged by."""
MAD_FLOOR = 0.35
"""Spread, in nats, that a key is granted at least: honest minutes differ by a factor of two or three."""
TO_SIGMA = 1.4826
"""Standard deviations of a normal distribution in one median absolute deviation (Hampel, JASA 1974)."""
MOST_NETWORKS = 64
MOST_CLIENTS = 16
MOST_SOURCES = 16
MOST_MOVING = 512
MOST_VIEWS = 32
FADES = 0.9
"""What is left of the most networks that were new in ten minutes after another ten minutes."""


@dataclass(frozen=True, slots=True)
class KeyView:
    """One key against its own history."""

    credential: str
    account: str
    networks: int
    """New networks in ten minutes, as wide as they can be told apart."""
    usual_networks: float
    """The most that were new in ten minutes before; at least 1."""
    clients: int
    """Fingerprints in ten minutes that it never had before."""
    spend_z: float
    """Robust z of the tokens of this minute, or the last, on the log scale."""
    spend_ratio: float
    """The same as a ratio to the median active minute."""
    at_once: int
    usual_at_once: int


class KeyUse:
    """One key's history."""

    __slots__ = (
        "_accused_at",
        "_history",
        "_last_peak",
        "_last_tokens",
        "_minute",
        "_networks",
        "_new",
        "_new_until",
        "_since",
        "account",
        "clients",
        "peak",
        "sources",
        "tokens",
        "until",
        "usual_networks",
        "usual_peak",
    )

    def __init__(self, account: str, at: float) -> None:
        self.account = account
        self.usual_networks = 1.0
        self.usual_peak = 0
        self._minute = int(at) // 60
        self.until = (self._minute + 1) * 60.0
        """End of the minute under way."""
        self.tokens = self._last_tokens = 0
        self.peak = self._last_peak = 0
        self._history = array("f")
        self._networks: dict[str, float] = {}
        self.clients: dict[int, float] = {}
        self.sources: set[str] = set()
        """A few it was seen at, so that most calls need no second look."""
        self._new = 0
        self._new_until = at + RECENT_S
        self._accused_at = self._since = float("-inf")

    def turn(self, minute: int) -> None:
        """Closes an active minute; one that may be a thief's does not become what is usual."""
        peaceful = self._new <= max(1.0, self.usual_networks) and not self._suspected(minute * 60.0)
        if peaceful or len(self._history) < LEARNED:
            self._history.append(log1p(self.tokens))
            if len(self._history) > HISTORY:
                del self._history[0]
            self.usual_peak = max(self.usual_peak, self.peak)
        follows = minute == self._minute + 1
        self._last_tokens, self._last_peak = (self.tokens, self.peak) if follows else (0, 0)
        self.tokens = self.peak = 0
        self._minute = minute
        self.until = (minute + 1) * 60.0

    def moved(self, source: str, fingerprint: int, at: float) -> bool:
        """Takes a call from a source or client not seen lately; whether the network is new."""
        if len(self.sources) >= MOST_SOURCES:
            self.sources.clear()
        self.sources.add(source)
        if at >= self._new_until:
            if not self._suspected(at):
                self.usual_networks = max(1.0, self.usual_networks * FADES, float(self._new))
            self._new = 0
            self._new_until = at + RECENT_S
        if fingerprint not in self.clients and len(self.clients) < MOST_CLIENTS:
            self.clients[fingerprint] = at
        prefix = prefix_of(source)
        if prefix in self._networks:
            return False
        self._new += 1
        if len(self._networks) >= MOST_NETWORKS:
            # An eighth at once: to look for the first of a dict again and again is quadratic.
            for oldest in list(islice(self._networks, MOST_NETWORKS // 8)):
                del self._networks[oldest]
        self._networks[prefix] = at
        return True

    def worth_a_look(self, least: int, now: float) -> bool:
        """Whether there is a history, and so many prefixes are new."""
        return len(self._history) >= LEARNED and (self._new >= least or self._suspected(now))

    def accuse(self, now: float) -> None:
        """Somebody else has it: what it does from ten minutes before is not its own until an hour of peace."""
        if not self._suspected(now):
            self._since = now - RECENT_S
        self._accused_at = now

    def _suspected(self, now: float) -> bool:
        return now - self._accused_at < PEACE_S

    def judged(self, credential: str, now: float, wide: Callable[[str], str]) -> KeyView:
        """The key against its history. ``wide`` names the network of a prefix."""
        since = self._since if self._suspected(now) else now - RECENT_S
        own = {wide(prefix) for prefix, at in self._networks.items() if at < since}
        new = {wide(prefix) for prefix, at in self._networks.items() if at >= since} - own
        middle = median(self._history)
        spread = TO_SIGMA * median(abs(value - middle) for value in self._history)
        spent = log1p(max(self.tokens, self._last_tokens))
        return KeyView(
            credential=credential,
            account=self.account,
            networks=len(new),
            usual_networks=self.usual_networks,
            clients=sum(at >= since for at in self.clients.values()),
            spend_z=(spent - middle) / max(spread, MAD_FLOOR),
            spend_ratio=exp(spent - middle),
            at_once=max(self.peak, self._last_peak),
            usual_at_once=max(1, self.usual_peak),
        )


class KeyLedger:
    """At most ``capacity`` keys; whoever was not used longest is forgotten first."""

    __slots__ = ("_capacity", "_keys", "_moving")

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._keys: dict[str, KeyUse] = {}
        self._moving: dict[str, float] = {}
        """Keys seen at a new network lately: only they are looked at."""

    def take(self, o: Observation) -> None:
        """Takes one call with a recognised key."""
        credential = o.credential
        record = self._keys.get(credential)
        if record is not None and o.at < record.until:
            record.tokens += o.tokens
            if o.in_flight > record.peak:
                record.peak = o.in_flight
            if o.source in record.sources and o.fingerprint in record.clients:
                return
        elif record is None:
            if len(self._keys) >= self._capacity:
                # An eighth at once: to look for the first of a dict again and again is quadratic.
                for oldest in list(islice(self._keys, max(1, self._capacity // 8))):
                    del self._keys[oldest]
            record = self._keys[credential] = KeyUse(o.account, o.at)
            record.tokens, record.peak = o.tokens, o.in_flight
        else:
            self._keys[credential] = self._keys.pop(credential)
            record.turn(int(o.at) // 60)
            record.tokens, record.peak = o.tokens, o.in_flight
        new = record.moved(o.source, o.fingerprint, o.at)
        if new and (credential in self._moving or len(self._moving) < MOST_MOVING):
            self._moving[credential] = o.at

    def accuse(self, credential: str, now: float) -> None:
        """A finding is about this key."""
        record = self._keys.get(credential)
        if record is not None:
            record.accuse(now)

    @property
    def on_the_move(self) -> int:
        """Keys seen at a new network lately."""
        return len(self._moving)

    def moving(self, now: float, least: int, wide: Callable[[str], str]) -> list[KeyView]:
        """Keys with a history that were seen at ``least`` new prefixes within ten minutes; a bounded number."""
        for credential in [key for key, at in self._moving.items() if now - at > PEACE_S]:
            del self._moving[credential]
        views = []
        for credential in reversed(self._moving):
            record = self._keys.get(credential)
            if record is not None and record.worth_a_look(least, now):
                views.append(record.judged(credential, now, wide))
                if len(views) >= MOST_VIEWS:
                    break
        return views
