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
MOST_MOVING = 512
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
        "_clients",
        "_fingerprint",
        "_history",
        "_last_peak",
        "_last_tokens",
        "_minute",
        "_networks",
        "_new",
        "_new_until",
        "_peak",
        "_source",
        "_tokens",
        "account",
        "usual_networks",
        "usual_peak",
    )

    def __init__(self, account: str, at: float) -> None:
        self.account = account
        self.usual_networks = 1.0
        self.usual_peak = 0
        self._minute = int(at) // 60
        self._tokens = self._last_tokens = 0
        self._peak = self._last_peak = 0
        self._history = array("f")
        self._networks: dict[str, float] = {}
        self._clients: dict[int, float] = {}
        self._source = ""
        self._fingerprint = -1
        self._new = 0
        self._new_until = at + RECENT_S

    def take(self, o: Observation, minute: int) -> bool:
        """Takes one call; whether it came from a network that the key was not seen at lately."""
        if minute > self._minute:
            self._turn(minute)
        self._tokens += o.tokens
        if o.in_flight > self._peak:
            self._peak = o.in_flight
        if o.source == self._source and o.fingerprint == self._fingerprint:
            return False
        self._source, self._fingerprint = o.source, o.fingerprint
        return self._moved(o.source, o.fingerprint, o.at)

    @property
    def minute(self) -> int:
        return self._minute

    def _moved(self, source: str, fingerprint: int, at: float) -> bool:
        if at >= self._new_until:
            self.usual_networks = max(1.0, self.usual_networks * FADES, float(self._new))
            self._new = 0
            self._new_until = at + RECENT_S
        if fingerprint not in self._clients and len(self._clients) < MOST_CLIENTS:
            self._clients[fingerprint] = at
        prefix = prefix_of(source)
        if prefix in self._networks:
            return False
        self._new += 1
        if len(self._networks) >= MOST_NETWORKS:
            del self._networks[next(iter(self._networks))]
        self._networks[prefix] = at
        return True

    def _turn(self, minute: int) -> None:
        """Closes an active minute; one that may be a thief's does not become what is usual."""
        if self._new <= max(1.0, self.usual_networks) or len(self._history) < LEARNED:
            self._history.append(log1p(self._tokens))
            if len(self._history) > HISTORY:
                del self._history[0]
            self.usual_peak = max(self.usual_peak, self._peak)
        self._last_tokens = self._tokens if minute == self._minute + 1 else 0
        self._last_peak = self._peak if minute == self._minute + 1 else 0
        self._tokens = self._peak = 0
        self._minute = minute

    def judged(self, credential: str, now: float, wide: Callable[[str], str]) -> KeyView | None:
        """The key against its history; None while it has none. ``wide`` names the network of a prefix."""
        if len(self._history) < LEARNED:
            return None
        since = now - RECENT_S
        own = {wide(prefix) for prefix, at in self._networks.items() if at < since}
        new = {wide(prefix) for prefix, at in self._networks.items() if at >= since} - own
        middle = median(self._history)
        spread = TO_SIGMA * median(abs(value - middle) for value in self._history)
        spent = log1p(max(self._tokens, self._last_tokens))
        return KeyView(
            credential=credential,
            account=self.account,
            networks=len(new),
            usual_networks=self.usual_networks,
            clients=sum(at >= since for at in self._clients.values()),
            spend_z=(spent - middle) / max(spread, MAD_FLOOR),
            spend_ratio=exp(spent - middle),
            at_once=max(self._peak, self._last_peak),
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
        minute = int(o.at) // 60
        if record is None:
            if len(self._keys) >= self._capacity:
                # An eighth at once: to look for the first of a dict again and again is quadratic.
                for oldest in list(islice(self._keys, max(1, self._capacity // 8))):
                    del self._keys[oldest]
            record = self._keys[credential] = KeyUse(o.account, o.at)
        elif minute > record.minute:
            self._keys[credential] = self._keys.pop(credential)
        if record.take(o, minute) and (credential in self._moving or len(self._moving) < MOST_MOVING):
            self._moving[credential] = o.at

    def moving(self, now: float, wide: Callable[[str], str]) -> list[KeyView]:
        """Keys with a history that were seen at a new network within ten minutes."""
        for credential in [key for key, at in self._moving.items() if now - at > RECENT_S]:
            del self._moving[credential]
        views = []
        for credential in self._moving:
            record = self._keys.get(credential)
            view = record.judged(credential, now, wide) if record is not None else None
            if view is not None:
                views.append(view)
        return views
