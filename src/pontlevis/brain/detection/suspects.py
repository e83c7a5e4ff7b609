"""Sources that did something hostile: how much, and when it is enough for a measure against them.

Log-ins are judged by Wald's sequential probability ratio test (Annals of Mathematical Statistics
1945): each try moves the log of the odds between somebody who mistypes and somebody who guesses.
"""

from itertools import islice
from math import log

import msgspec

HONEST_FAILS = 0.2
"""Chance that an honest log-in to a new name fails: above the 8 to 15 % usual."""
HONEST_FAILS_AGAIN = 0.5
"""Chance that the next try at the same account fails too: whoever forgot a password tries again."""
GUESSER_FAILS = 0.9
"""Chance that a guess fails; lists bought elsewhere hit a few percent at most."""

_OTHER = log(GUESSER_FAILS / HONEST_FAILS)
_AGAIN = log(GUESSER_FAILS / HONEST_FAILS_AGAIN)
_SUCCESS = log((1 - GUESSER_FAILS) / (1 - HONEST_FAILS))
_FADED = 0.05
_CLEARED = log(0.01)
"""Accepts that a source is honest, at 1 % of guessers passed: its record starts anew."""


class Suspect(msgspec.Struct, gc=False):
    """What one source did while it did nothing good. The garbage collector need not look at any of them."""

    window_at: float
    odds: float = 0.0
    """Log odds that it guesses passwords, as of ``odds_at``."""
    odds_at: float = 0.0
    failures: int = 0
    last_account: str | None = None
    bad_keys: int = 0
    """Made-up keys and malformed calls within the window."""
    refused: int = 0
    """Calls without a key that were turned away within the window."""
    named_until: float = 0.0
    """Until when it is not named again as a candidate for a measure."""

    def login_failed(self, account: str, count: int) -> None:
        """Takes ``count`` failed tries at one account."""
        again = account == self.last_account
        self.odds += (_AGAIN if again else _OTHER) + (count - 1) * _AGAIN
        self.last_account = account
        self.failures += count

    def fade(self, at: float, half_life_s: float) -> None:
        """Halves the odds with each half-life that passed: what many people behind one address mistype in
        a day is no guesser's."""
        if at > self.odds_at:
            self.odds *= 0.5 ** ((at - self.odds_at) / half_life_s)
            self.odds_at = at
            if abs(self.odds) < _FADED:
                self.odds = 0.0
                self.failures = 0


class Suspects:
    """At most ``capacity`` sources; whoever did nothing in the last window is forgotten first."""

    __slots__ = ("_capacity", "_half_life", "_window", "records")

    def __init__(self, capacity: int, window_s: float, half_life_s: float) -> None:
        self._capacity = capacity
        self._half_life = half_life_s
        self._window = window_s
        self.records: dict[str, Suspect] = {}

    def touch(self, source: str, at: float) -> Suspect:
        """The source's record; with a new window it goes to the end of those to be forgotten."""
        record = self.records.get(source)
        if record is None:
            if len(self.records) >= self._capacity:
                self._evict()
            record = self.records[source] = Suspect(at, odds_at=at)
        elif at - record.window_at > self._window:
            record.window_at = at
            record.bad_keys = record.refused = 0
            self.records[source] = self.records.pop(source)
        return record

    def _evict(self) -> None:
        # An eighth at once: to look for the first of a dict again and again is quadratic.
        for source in list(islice(self.records, max(1, self._capacity // 8))):
            del self.records[source]

    def failed(self, source: str, account: str, count: int, at: float) -> Suspect:
        """Takes ``count`` failed log-ins at one account."""
        record = self.touch(source, at)
        record.fade(at, self._half_life)
        record.login_failed(account, count)
        return record

    def logged_in(self, source: str, count: int, at: float) -> bool:
        """Takes successful log-ins; whether the source may count as one that people use.

        One hit among many misses is what a guesser hopes for: it must not protect the guesser.
        """
        record = self.records.get(source)
        if record is None:
            return True
        record.fade(at, self._half_life)
        record.odds += count * _SUCCESS
        if record.odds < _CLEARED:
            record.odds = 0.0
            record.failures = 0
        return record.odds <= 0.0

    def served(self, source: str) -> None:
        """An account with a valid key was served there: calls turned away before count no more."""
        record = self.records.get(source)
        if record is not None:
            record.bad_keys = record.refused = 0
