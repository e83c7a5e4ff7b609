"""Waiting requests of one band, served by virtual token counter.

The account that has been served least goes first (Sheng et al., Fairness in Serving Large Language
Models, OSDI 2024, algorithm 2); an account of which nothing waits is lifted to the least counter of those
that wait, and where nobody does to that of whoever was served last, waiting or not. So idling earns no
credit, and having worked while nobody else did costs none.
"""

from collections import deque
from heapq import heapify, heappop, heappush, heapreplace

from pontlevis.brain.admission.account import AccountState

SPARE = 64  # places that may be stale before the order is made anew


class _Waiting:
    __slots__ = ("order", "state", "tickets")

    def __init__(self, state: AccountState) -> None:
        self.state = state
        self.tickets: deque[int] = deque()
        self.order = 0


class FairQueue:
    """Tickets by account; O(log accounts) an operation."""

    __slots__ = ("_accounts", "_by_size", "_floor", "_heap", "_longest", "_order", "size")

    def __init__(self) -> None:
        self._accounts: dict[str, _Waiting] = {}
        self._heap: list[tuple[float, int, str]] = []
        self._by_size: dict[int, dict[str, None]] = {}
        """Accounts by how many requests they have waiting, so that the longest is found at once."""
        self._longest = 0
        self._order = 0
        self._floor = 0.0
        self.size = 0

    def lift(self, state: AccountState) -> None:
        """An account of which nothing waits has no claim from the time when it asked for less."""
        least = self.least()
        state.counter = max(state.counter, self._floor if least is None else least)

    def passed(self, state: AccountState) -> None:
        """An account was served without waiting."""
        self._floor = max(self._floor, state.counter)

    def push(self, account: str, state: AccountState, ticket: int, *, newest_first: bool = False) -> None:
        """``newest_first`` puts it before accounts with the same counter, and not behind them."""
        waiting = self._accounts.get(account)
        if waiting is None:
            waiting = self._accounts[account] = _Waiting(state)
            self._place(account, waiting, newest_first)
        waiting.tickets.append(ticket)
        self._resized(account, len(waiting.tickets) - 1, len(waiting.tickets))
        self.size += 1

    def pop(self, *, newest_first: bool = False) -> int | None:
        """The next ticket, of the account's own the oldest or the newest; None when nobody waits."""
        found = self._first()
        if found is None:
            return None
        account, waiting = found
        heappop(self._heap)
        ticket = waiting.tickets.pop() if newest_first else waiting.tickets.popleft()
        self._resized(account, len(waiting.tickets) + 1, len(waiting.tickets))
        self.size -= 1
        self.passed(waiting.state)
        if waiting.tickets:
            self._place(account, waiting, newest_first)
        else:
            del self._accounts[account]
        return ticket

    def remove(self, account: str, ticket: int) -> None:
        waiting = self._accounts.get(account)
        if waiting is None or ticket not in waiting.tickets:
            return
        waiting.tickets.remove(ticket)
        self._resized(account, len(waiting.tickets) + 1, len(waiting.tickets))
        self.size -= 1
        if not waiting.tickets:
            del self._accounts[account]
            if len(self._heap) > 2 * len(self._accounts) + SPARE:
                self._heap = [each for each in self._heap if self._valid(each)]
                heapify(self._heap)

    @property
    def accounts(self) -> int:
        """How many wait, each with one request or more."""
        return len(self._accounts)

    def waiting_of(self, account: str) -> int:
        waiting = self._accounts.get(account)
        return len(waiting.tickets) if waiting is not None else 0

    def longest(self) -> tuple[int, int]:
        """The newest ticket of the account with the most, and how many it has. Raises ``ValueError`` when empty."""
        if not self._longest:
            raise ValueError("nobody waits")
        account = next(iter(self._by_size[self._longest]))
        return self._accounts[account].tickets[-1], self._longest

    def least(self) -> float | None:
        """The least counter of those who wait."""
        return self._heap[0][0] if self._first() is not None else None

    def _resized(self, account: str, before: int, after: int) -> None:
        if before:
            held = self._by_size[before]
            del held[account]
            if not held:
                del self._by_size[before]
        if after:
            self._by_size.setdefault(after, {})[account] = None
        if after > self._longest or (before == self._longest and before not in self._by_size):
            self._longest = after

    def _valid(self, place: tuple[float, int, str]) -> bool:
        waiting = self._accounts.get(place[2])
        return waiting is not None and waiting.order == place[1]

    def _first(self) -> tuple[str, _Waiting] | None:
        """Whose turn it is; its place is then at the top of the heap."""
        while self._heap:
            counter, order, account = self._heap[0]
            waiting = self._accounts.get(account)
            if waiting is None or waiting.order != order:
                heappop(self._heap)
            elif counter < waiting.state.counter:
                # It was served meanwhile: its place in the order is further back now.
                heapreplace(self._heap, (waiting.state.counter, order, account))
            else:
                return account, waiting
        return None

    def _place(self, account: str, waiting: _Waiting, newest_first: bool) -> None:
        self._order += 1
        waiting.order = -self._order if newest_first else self._order
        heappush(self._heap, (waiting.state.counter, waiting.order, account))
