"""Who waits in one band for one pool of engines."""

from heapq import heappop, heappush
from math import inf

from pontlevis.brain.admission.account import AccountState
from pontlevis.brain.admission.fair_queue import FairQueue


class Line:
    """The order of service, and the order of arrival for those whose time runs out."""

    __slots__ = ("_arrivals", "fair", "since", "size")

    def __init__(self) -> None:
        self.fair = FairQueue()
        self._arrivals: list[tuple[float, int]] = []
        self.since = inf
        """Since when it was not empty."""
        self.size = 0

    def overloaded(self, now: float, after_s: float) -> bool:
        return now >= self.since + after_s

    def push(
        self,
        account: str,
        state: AccountState,
        ticket: int,
        arrived: float,
        now: float,
        *,
        newest_first: bool,
    ) -> None:
        if not self.fair.size:
            self.since = now
        self.fair.push(account, state, ticket, newest_first=newest_first)
        self.size = self.fair.size
        heappush(self._arrivals, (arrived, ticket))

    def pop(self, *, newest_first: bool) -> int | None:
        ticket = self.fair.pop(newest_first=newest_first)
        self._check()
        return ticket

    def remove(self, account: str, ticket: int) -> None:
        self.fair.remove(account, ticket)
        self._check()

    def oldest(self) -> tuple[float, int] | None:
        """Arrival and ticket of whoever came first; may have left the line since: then ``forget`` it."""
        return self._arrivals[0] if self._arrivals else None

    def forget(self) -> None:
        heappop(self._arrivals)

    def _check(self) -> None:
        self.size = self.fair.size
        if not self.size:
            self.since = inf
            self._arrivals.clear()
