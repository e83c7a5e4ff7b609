"""Waiting requests of one band and model, served by virtual token counter.

The account that has been served least goes first (Sheng et al., Fairness in Serving Large Language
Models, OSDI 2024); an account that becomes active again is lifted to the least counter of the active
ones, so that idling earns no credit.
"""

from collections import deque
from heapq import heappop, heappush

from pontlevis.brain.admission.account import AccountState


class FairQueue:
    """Tickets by account; O(log accounts) an operation."""

    __slots__ = ("_heap", "_order", "_waiting", "size")

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[AccountState, deque[int]]] = {}
        self._heap: list[tuple[float, int, str]] = []
        self._order = 0
        self.size = 0

    def push(self, account: str, state: AccountState, ticket: int) -> None:
        entry = self._waiting.get(account)
        if entry is None:
            entry = self._waiting[account] = (state, deque())
            self._order += 1
            heappush(self._heap, (state.counter, self._order, account))
        entry[1].append(ticket)
        self.size += 1

    def pop(self) -> int | None:
        """The next ticket; None when nobody waits."""
        while self._heap:
            counter, _, account = heappop(self._heap)
            entry = self._waiting.get(account)
            if entry is None:
                continue
            state, tickets = entry
            if counter < state.counter:
                # It was served meanwhile: its place in the order is further back now.
                self._order += 1
                heappush(self._heap, (state.counter, self._order, account))
                continue
            ticket = tickets.popleft()
            self.size -= 1
            if tickets:
                self._order += 1
                heappush(self._heap, (state.counter, self._order, account))
            else:
                del self._waiting[account]
            return ticket
        return None

    def remove(self, account: str, ticket: int) -> None:
        entry = self._waiting.get(account)
        if entry is None or ticket not in entry[1]:
            return
        entry[1].remove(ticket)
        self.size -= 1
        if not entry[1]:
            del self._waiting[account]

    def least(self) -> float | None:
        """The least counter of those who wait."""
        while self._heap:
            counter, order, account = self._heap[0]
            entry = self._waiting.get(account)
            if entry is None:
                heappop(self._heap)
            elif counter < entry[0].counter:
                heappop(self._heap)
                heappush(self._heap, (entry[0].counter, order, account))
            else:
                return counter
        return None
