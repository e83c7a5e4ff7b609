"""One request as the connection read it, and what the connection tells those who decide and serve."""

from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote

from pontlevis.brain.vocabulary import RefusalCode
from pontlevis.gateway.source import Headers

if TYPE_CHECKING:
    from pontlevis.gateway.http import Connection


class Task(Protocol):
    """What serves one request; told what happens to the client meanwhile."""

    def client_gone(self) -> None: ...

    def client_blocked(self, blocked: bool) -> None: ...


class Handler(Protocol):
    """What decides about requests."""

    def admit(self, connection: "Connection", request: "Request") -> None:
        """Headers are there. May answer at once (``connection.answer``), else sets ``request.max_body``."""

    def serve(self, connection: "Connection", request: "Request") -> None:
        """The whole request is there and its turn has come."""

    def cut_off(self, connection: "Connection", code: RefusalCode, *, headless: bool = False) -> None:
        """A client was cut for being slow or malformed; ``headless`` before its headers were whole."""


class Request:
    """One request as it came."""

    __slots__ = (
        "body",
        "body_bytes",
        "body_since",
        "content_length",
        "context",
        "existing",
        "headers",
        "held",
        "keep_alive",
        "max_body",
        "method",
        "path",
        "refused",
        "target",
        "version_10",
    )

    def __init__(self) -> None:
        self.target = b""
        self.path = ""
        self.method = ""
        self.headers: Headers = []
        self.body: list[bytes] = []
        self.body_bytes = 0
        self.body_since = 0.0
        self.content_length = -1
        self.keep_alive = True
        self.version_10 = False
        self.max_body = 0
        self.held = 0
        """Bytes of its body that count as held in memory."""
        self.existing = False
        """Whether it comes from an existing user, whose body is held when others' are not any more."""
        self.refused: tuple[int, bytes, bytes] | None = None
        """Status, body and header lines of an answer decided before the body was there."""
        self.context: object = None
        """What ``admit`` learnt, for ``serve``."""

    def header(self, name: bytes) -> bytes | None:
        """The first field of that lower-case name."""
        for key, value in self.headers:
            if key == name:
                return value
        return None


def path_of(target: bytes) -> str:
    """The path as the controller will read it: without query and fragment, percent signs decoded once.

    Whatever is decided by a path must be decided by this one, or another spelling of it goes by.
    """
    raw = target.partition(b"?")[0]
    if b"%" in raw or b"#" in raw:
        return unquote(raw.partition(b"#")[0].decode("latin-1"))
    return raw.decode("latin-1")
