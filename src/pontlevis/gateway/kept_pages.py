"""The status pages, kept in the gateway's memory: a flood of readers reaches nobody else.

Only what is the same for everybody: GET without cookie, credential or query, of a few paths, answered with
``cache-control: public``. While one request fetches it anew the others get what is kept, and when the
controller is away everybody does: a status page that is down with the service tells nothing.
"""

from collections import OrderedDict
from dataclasses import dataclass

from pontlevis.gateway.http import Connection
from pontlevis.gateway.request import Request

FRESH_S = 1.0  # as the controller keeps it
AWAY_S = 600.0  # RFC 5861 stale-if-error; the page says as of when it is
REFRESH_S = (
    30.0  # choice: above gateway.page_timeout_s, so that of all readers one waits for a controller that hangs
)
MOST_PAGES = 64
MOST_PAGE_BYTES = 262_144
_PATHS = frozenset(
    {b"/status", b"/status/history.atom", b"/status/history.rss", b"/status/badge.svg"}
    | {b"/status/badge/%b.svg" % name for name in (b"api", b"chat", b"login", b"registration")}
    | {
        b"/api/v2/%b.json" % name
        for name in (
            b"status",
            b"summary",
            b"components",
            b"incidents",
            b"incidents/unresolved",
            b"scheduled-maintenances",
            b"scheduled-maintenances/upcoming",
            b"scheduled-maintenances/active",
        )
    }
)
_OF_THE_REQUEST = frozenset({b"cookie", b"authorization", b"range", b"if-none-match", b"if-modified-since"})
_NOT_KEPT = frozenset(
    {b"connection", b"keep-alive", b"transfer-encoding", b"content-length", b"date", b"server", b"set-cookie"}
)

Key = tuple[bytes, bytes]


@dataclass(slots=True)
class _Kept:
    fields: bytes
    body: bytes
    at: float
    refreshed_since: float | None = None


class Keeping:
    """One answer on its way to be kept."""

    __slots__ = ("fields", "key", "parts", "size")

    def __init__(self, key: Key) -> None:
        self.key = key
        self.fields: bytes | None = None
        self.parts: list[bytes] = []
        self.size = 0

    def begins(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """Kept only where the controller says that it is for everybody."""
        found = dict(headers)
        if (
            status != 200
            or b"set-cookie" in found
            or not found.get(b"cache-control", b"").startswith(b"public")
        ):
            return
        self.fields = b"".join(
            b"%b: %b\r\n" % (name, value) for name, value in headers if name not in _NOT_KEPT
        )

    def data(self, data: bytes) -> None:
        self.size += len(data)
        if self.size > MOST_PAGE_BYTES:
            self.fields = None
            self.parts.clear()
        elif self.fields is not None:
            self.parts.append(data)


class KeptPages:
    """At most ``MOST_PAGES`` answers, least used out first. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()

    @staticmethod
    def key_of(request: Request) -> Key | None:
        """None for what is not the same for everybody."""
        if request.target not in _PATHS or request.method not in ("GET", "HEAD"):
            return None
        language = b""
        for name, value in request.headers:
            if name in _OF_THE_REQUEST:
                return None
            if name == b"accept-language":
                language = value[:500]
        return (request.target, language if request.target == b"/status" else b"")

    def answer(self, key: Key, connection: Connection, now: float) -> bool:
        """Answers from memory; False where the caller is to fetch it."""
        kept = self._kept.get(key)
        if kept is None or now - kept.at > AWAY_S:
            return False
        if now - kept.at >= FRESH_S and (
            kept.refreshed_since is None or now - kept.refreshed_since > REFRESH_S
        ):
            kept.refreshed_since = now
            return False
        self._kept.move_to_end(key)
        connection.answer_as(200, kept.body, kept.fields)
        return True

    def answer_while_away(self, key: Key, connection: Connection, now: float) -> bool:
        """The fetch failed: what is kept, where it is not too old."""
        kept = self._kept.get(key)
        if kept is None or now - kept.at > AWAY_S:
            return False
        connection.answer_as(200, kept.body, kept.fields)
        return True

    def keep(self, keeping: Keeping, now: float) -> None:
        """An answer has come whole."""
        if keeping.fields is None:
            return
        self._kept[keeping.key] = _Kept(keeping.fields, b"".join(keeping.parts), now)
        self._kept.move_to_end(keeping.key)
        if len(self._kept) > MOST_PAGES:
            self._kept.popitem(last=False)
