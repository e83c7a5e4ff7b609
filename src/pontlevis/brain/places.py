"""For how many new places one account may speak: or one that somebody keeps would make a botnet's every address
one where people are served, where no flood counts as strangers' and which no measure names."""

from array import array
from zlib import crc32

PERIOD_S = 43_200.0
"""After so long an account may speak for as many again: as long as a place stays familiar (``detection.familiar_s``)."""
PLACES = 16
"""Of one account in that time: a phone's changing networks, home, work and a few machines (choice)."""
LG_ROOM = 14
"""2^14 accounts that met a new place lately, in 0.2 MB; where two want the same room, the one before begins anew."""
MOST = 255
"""What a count's byte holds."""


class PlaceBudget:
    """Counts the new places of each account, in bounded memory. Times are seconds of any one clock."""

    __slots__ = ("_accounts", "_last", "_most", "_period", "_places", "_since")

    def __init__(self, most: int = PLACES, period_s: float = PERIOD_S, lg_room: int = LG_ROOM) -> None:
        self._most = min(most, MOST)
        self._period = period_s
        room = 1 << lg_room
        self._last = room - 1
        self._accounts = array("I", bytes(4 * room))
        self._since = array("d", bytes(8 * room))
        self._places = bytearray(room)

    def take(self, account: str, at: float) -> bool:
        """Whether this account may speak for one more place that nobody spoke for lately."""
        key = crc32(account.encode()) or 1
        room = key & self._last
        if self._accounts[room] != key or at - self._since[room] >= self._period:
            self._accounts[room] = key
            self._since[room] = at
            self._places[room] = 0
        if self._places[room] >= self._most:
            return False
        self._places[room] += 1
        return True
