"""Accounts made lately: from which cluster each came, and whether it drains tokens at once.

An account is judged by the cluster of its *sign-up*, not of its calls: honest developers who sign up
in a browser and run a script share their client with one another, but not their browser.
"""

from collections import deque
from itertools import islice
from math import exp

import msgspec

MEMORY_S = 30.0
"""Time constant of an account's recent use: a burst counts, yesterday does not."""
PERIOD_S = 8.0
"""An account is counted in its cluster, as active and as greedy, once in this time: a little less than
the shortest window, so that none who goes on is ever missing in it."""

PROMPT_S = 10.0
"""A person who has just signed up looks around for longer than this; calls are seen when they end."""

FIRST_S = 20.0
"""What an account asks for within this time of its sign-up tells whether it was made to be used up."""
FIRST_CALLS = 2
"""One call alone never tells: somebody came with a long text to ask about."""

REFUSED_WEIGHT = 0.25
"""Whoever is turned away in a crowd tries again, and is not greedy for it; who was greedy before is."""


class Origin(msgspec.Struct, frozen=True, gc=False):
    """Where an account was made."""

    at: float
    fingerprint: int
    prefix: str
    domain: str


class Newcomer(msgspec.Struct, gc=False):
    """One young account and its recent use. The garbage collector need not look at any of them."""

    origin: Origin | None
    """None where its sign-up was not seen, as after a restart."""
    source: str
    prompt: bool = False
    """Whether it was used at once after its sign-up."""
    _at: float = 0.0
    _tokens: float = 0.0
    _requests: float = 0.0
    _first_calls: int = 0
    _first_tokens: int = 0
    drained: bool = False
    """Whether it asked for more than a person within seconds of its sign-up."""
    active_at: float = float("-inf")
    greedy_at: float = float("-inf")

    def use(self, at: float, requests: int, tokens: int, *, refused: bool = False) -> None:
        """Adds what it asked for; earlier use fades with ``MEMORY_S``."""
        weight = REFUSED_WEIGHT if refused and self.greedy_at < 0 and not self.drained else 1.0
        if not self._at and self.origin is not None:
            self.prompt = at - self.origin.at <= PROMPT_S
        left = exp(-max(0.0, at - self._at) / MEMORY_S)
        self._at = max(at, self._at)
        self._tokens = self._tokens * left + weight * tokens
        self._requests = self._requests * left + weight * requests

    def drains_at_once(self, at: float, requests: int, tokens: int, most: tuple[float, float]) -> bool:
        """Whether it has just asked for more than ``most`` calls or tokens, within seconds of its sign-up; once.

        Refused calls count in full: nobody who backs off gets so far in so few seconds.
        """
        origin = self.origin
        if self.drained or not self.prompt or origin is None or at - origin.at > FIRST_S:
            return False
        self._first_calls += requests
        self._first_tokens += tokens
        most_requests, most_tokens = most
        self.drained = self._first_calls > most_requests or (
            self._first_calls >= FIRST_CALLS and self._first_tokens > most_tokens
        )
        return self.drained

    @property
    def unused(self) -> bool:
        """Whether nobody called with it yet."""
        return not self._at

    def greedy(self, most_requests: float, most_tokens: float) -> bool:
        """Whether its recent use is more than a person's."""
        return self._requests > most_requests or self._tokens > most_tokens


class Newcomers:
    """At most ``capacity`` accounts and as many sign-up sources; the oldest are forgotten first."""

    __slots__ = ("_capacity", "_keep", "_order", "_sources", "accounts")

    def __init__(self, capacity: int, keep_s: float) -> None:
        self._capacity = capacity
        self._keep = keep_s
        self.accounts: dict[str, Newcomer] = {}
        self._sources: dict[str, Origin] = {}
        self._order: deque[str] = deque()

    def signed_up(self, account: str, source: str, origin: Origin) -> None:
        """Remembers a sign-up; ``account`` may be empty, then its source leads back to it."""
        if len(self._sources) >= self._capacity:
            # An eighth at once: to look for the first of a dict again and again is quadratic.
            for oldest in list(islice(self._sources, max(1, self._capacity // 8))):
                del self._sources[oldest]
        self._sources[source] = origin
        if account and account not in self.accounts:
            self._keep_account(account, Newcomer(origin, source))

    def find(self, account: str, source: str, at: float) -> Newcomer:
        """The account's record, made where it had none."""
        newcomer = self.accounts.get(account)
        if newcomer is None:
            origin = self._sources.get(source)
            if origin is not None and at - origin.at > self._keep:
                origin = None
            newcomer = Newcomer(origin, source)
            self._keep_account(account, newcomer)
        return newcomer

    def made_at(self, account: str, source: str) -> bool:
        """Whether this account was made at this source lately: whoever logs in there is its owner."""
        newcomer = self.accounts.get(account)
        return newcomer is not None and newcomer.origin is not None and newcomer.source == source

    def _keep_account(self, account: str, newcomer: Newcomer) -> None:
        self.accounts[account] = newcomer
        self._order.append(account)
        if len(self._order) > self._capacity:
            self.accounts.pop(self._order.popleft(), None)
