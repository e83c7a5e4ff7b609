"""What becomes of log-ins that failed: people try again and get in, guessers go on to the next account."""

from collections import deque
from itertools import takewhile

CAPACITY = 8192
PATIENCE_S = 300.0
"""Whoever mistyped has got in, or reset the password, within five minutes, or has given up."""
SLOT_S = 60
SLOTS = 10
USUAL = 0.6
"""Before the service's own is learned: choice; of those who mistype, most get in within minutes."""
LIMITS = (0.2, 0.9)
"""However a service does, the share that gets in later is taken to lie within these."""
LEARNING = 200.0
"""So many accounts move what is usual half of the way."""


class FollowUps:
    """Known accounts at which a log-in from an unfamiliar place failed, until it succeeds or nobody tries."""

    __slots__ = ("_slot", "_slots", "_waiting", "usual")

    def __init__(self) -> None:
        self._waiting: dict[str, float] = {}
        self._slots: deque[list[int]] = deque([[0, 0]], maxlen=SLOTS)
        """Accounts that got in later, and that did not, by the minute in which that was settled."""
        self._slot = 0
        self.usual = USUAL
        """Usual share that gets in later."""

    def failed(self, account: str, at: float) -> None:
        """A log-in failed; the first one counts."""
        if account not in self._waiting and len(self._waiting) < CAPACITY:
            self._waiting[account] = at

    def succeeded(self, account: str) -> None:
        """The account's owner got in."""
        if self._waiting.pop(account, None) is not None:
            self._slots[-1][0] += 1

    def settled(self, now: float) -> tuple[int, int]:
        """Accounts settled in the last ten minutes: that got in later, and all."""
        self._turn(int(now) // SLOT_S)
        # In the order in which they failed.
        due = list(takewhile(lambda each: now - self._waiting[each] >= PATIENCE_S, self._waiting))
        for account in due:
            del self._waiting[account]
        self._slots[-1][1] += len(due)
        got_in = sum(slot[0] for slot in self._slots)
        return got_in, got_in + sum(slot[1] for slot in self._slots)

    def learn(self) -> None:
        """Takes the last closed minute as usual; call once a minute at most, in calm."""
        if len(self._slots) < 2:
            return
        got_in, gave_up = self._slots[-2]
        both = got_in + gave_up
        if both:
            self.usual += both / (both + LEARNING) * (got_in / both - self.usual)
            self.usual = min(max(self.usual, LIMITS[0]), LIMITS[1])

    def _turn(self, slot: int) -> None:
        for _ in range(min(slot - self._slot, SLOTS) if self._slot else 0):
            self._slots.append([0, 0])
        self._slot = slot
