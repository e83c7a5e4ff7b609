"""For how many new places one account may speak: or one that somebody keeps would make a botnet's every address
one where people are served, where no flood counts as strangers' and which no measure names."""

import msgspec

PERIOD_S = 43_200.0
"""After so long an account may speak for as many again: as long as a place stays familiar (``detection.familiar_s``)."""
PLACES = 16
"""Of one account in that time: a phone's changing networks, home, work and a few machines (choice)."""
ACCOUNTS_REMEMBERED = 65_536
"""Accounts that met a new place lately; who comes back after so many others begins anew. 10 MB."""


class _Spoken(msgspec.Struct, gc=False):
    since: float
    places: int = 0


class PlaceBudget:
    """Counts the new places of each account, in bounded memory. Times are seconds of any one clock."""

    __slots__ = ("_most", "_period", "_spoken")

    def __init__(self, most: int = PLACES, period_s: float = PERIOD_S) -> None:
        self._most = most
        self._period = period_s
        self._spoken: dict[str, _Spoken] = {}
        """In the order in which their periods began."""

    def take(self, account: str, at: float) -> bool:
        """Whether this account may speak for one more place that nobody spoke for lately."""
        spoken = self._spoken.get(account)
        if spoken is None or at - spoken.since >= self._period:
            self._spoken.pop(account, None)
            if len(self._spoken) >= ACCOUNTS_REMEMBERED:
                del self._spoken[next(iter(self._spoken))]
            spoken = self._spoken[account] = _Spoken(at)
        if spoken.places >= self._most:
            return False
        spoken.places += 1
        return True
