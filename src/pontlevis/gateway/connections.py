"""All client connections of a worker."""

from collections.abc import Callable
from heapq import nsmallest

from pontlevis.gateway.answers import DateHeader
from pontlevis.gateway.http import Connection
from pontlevis.gateway.policy import GatewayPolicy
from pontlevis.gateway.request import Handler, Request
from pontlevis.gateway.source import ClientAddresses

SWEEP_PARTS = 4
ROOM_SHARE = 16
"""Where all connections are taken, up to one in so many is closed at once: looking for them costs a look at each."""


class Connections:
    """All client connections of this worker: counted, bounded, swept for the slow."""

    def __init__(
        self, handler: Handler, policy: GatewayPolicy, date: DateHeader, trusted_proxies: tuple[str, ...] = ()
    ) -> None:
        self.handler = handler
        self.policy = policy
        self.date = date
        self.now = 0.0
        """Monotonic seconds, set once a tick; precise enough for deadlines of seconds."""
        self.closing = False
        self.is_known: Callable[[str], bool] = lambda source: False
        """Whether existing users come from a source: their connections are not closed to make room."""
        self._proxies = ClientAddresses(trusted_proxies)
        self._parts: list[set[Connection]] = [set() for _ in range(SWEEP_PARTS)]
        self._turn = 0
        self._per_source: dict[str, int] = {}
        self.count = 0
        self.rejected = 0
        self.held_bytes = 0
        """Of request bodies, from their first byte to the end of the answer."""

    def factory(self) -> Connection:
        return Connection(self)

    def enter(self, connection: Connection, source: str) -> bool:
        """Whether there is room for one more from ``source``; a trusted proxy brings everybody's."""
        held = self._per_source.get(source, 0)
        most = self.policy.max_connections_per_source
        if (
            self.closing
            or (held >= most and not self._proxies.trusts(connection.peer))
            or not self._has_room()
        ):
            self.rejected += 1
            return False
        self._per_source[source] = held + 1
        self.count += 1
        self._turn = (self._turn + 1) % SWEEP_PARTS
        self._parts[self._turn].add(connection)
        connection.part = self._turn
        return True

    def leave(self, connection: Connection, source: str) -> None:
        held = self._per_source[source] - 1
        if held:
            self._per_source[source] = held
        else:
            del self._per_source[source]
        self.count -= 1
        self._parts[connection.part].discard(connection)

    def _has_room(self) -> bool:
        """Makes it where there is none: thirty addresses that hold what one may would shut everybody else out.

        Closed are strangers' connections on which nothing is being served: first those that have asked for nothing, of
        these the ones whose sources hold the most, of these the oldest.
        """
        if self.count < self.policy.max_connections:
            return True
        spared: dict[str, bool] = {}
        found: list[tuple[bool, int, float, int, Connection]] = []
        for part in self._parts:
            for each in part:
                if each.current is not None:
                    continue
                source = each.source
                if source not in spared:
                    spared[source] = self.is_known(source) or self._proxies.trusts(each.peer)
                request = each.request
                if not spared[source] and (request is None or not request.existing):
                    asks = request is not None and bool(request.method)
                    found.append((asks, -self._per_source[source], each.since, id(each), each))
        for *_, each in nsmallest(max(1, self.policy.max_connections // ROOM_SHARE), found):
            self.leave(each, each.source)
            each.part = -1  # counted off already
            each.abort()
        return bool(found)

    # -- bodies in memory

    def is_full(self, request: Request, size: int) -> bool:
        """Whether a body of ``size`` bytes is more than may be held, existing users' bodies last."""
        policy = self.policy
        room = policy.held_body_bytes if request.existing else policy.held_body_bytes_others
        return self.held_bytes - request.held + size > room

    def hold(self, request: Request, size: int) -> None:
        request.held += size
        self.held_bytes += size

    def release(self, request: Request) -> None:
        """The request has been answered or given up."""
        self.held_bytes -= request.held
        request.held = 0

    # -- time

    def sweep(self, now: float, part: int) -> None:
        """Cuts what is overdue in one quarter of the connections; call for the parts in turn."""
        for connection in list(self._parts[part % SWEEP_PARTS]):
            connection.check(now)

    def close_idle(self) -> None:
        """For an orderly stop: idle connections close now, the others after their answer."""
        self.closing = True
        for part in self._parts:
            for connection in list(part):
                connection.close_if_idle()
