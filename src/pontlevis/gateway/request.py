"""One request as the connection read it, and what the connection tells those who decide and serve."""

import re
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote

from pontlevis.brain.vocabulary import RefusalCode
from pontlevis.gateway.source import Headers

if TYPE_CHECKING:
    from pontlevis.gateway.http import Connection


_READ_HERE = frozenset({b"content-length", b"transfer-encoding", b"expect", b"host"})
_UPGRADING = frozenset({b"upgrade", b"http2-settings"})

Wrong = tuple[int, RefusalCode, str]
_OTHER_VERSION: Wrong = (505, RefusalCode.INVALID_BODY, "HTTP/1.1 is spoken here")
_HOSTS: Wrong = (400, RefusalCode.INVALID_BODY, "an HTTP/1.1 request has one Host header")
_TARGET: Wrong = (400, RefusalCode.INVALID_BODY, "the request's target must be a path or an http address")
_ABSOLUTE = re.compile(
    rb"https?://((?:[a-z0-9._~!$&'()*+,;=%-]+|\[[0-9a-f:.]+\])(?::[0-9]*)?)([/?][^#]*)?", re.IGNORECASE
)
"""RFC 9110, 4.2: without a name it is invalid, and one before it (``user@``) is to be taken for an error."""
_CODED: Wrong = (
    400,
    RefusalCode.INVALID_BODY,
    "a body is sent with its length, or in chunks and nothing else",
)


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

    def reference(self, request: "Request | None", code: RefusalCode) -> bytes:
        """The header line with the id of a refusal that the connection decides by itself."""


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

    def joined(self, name: bytes) -> bytes | None:
        """All fields of that lower-case name as one list, in their order (RFC 9110, 5.3).

        HAProxy adds a line of its own to X-Forwarded-For, below whatever the client sent.
        """
        found = [value for key, value in self.headers if key == name]
        return b",".join(found) if found else None

    def read_head(self, version: str) -> tuple[int, bool, Wrong | None]:
        """Bytes of its head; whether the client awaits 100 Continue; status, code and sentence of what is wrong.

        An HTTP/1.0 connection ends with its answer: that it stays would have to be said in each (RFC 9112, C.2.2).
        """
        self.version_10 = old = version == "1.0"
        self.keep_alive = self.keep_alive and not old
        size = len(self.target)
        expects = False
        hosts = 0
        coding = b"chunked"
        for name, value in self.headers:
            size += len(name) + len(value) + 4
            if name not in _READ_HERE:
                continue
            if name == b"host":
                hosts += 1
            elif name == b"content-length":
                self.content_length = int(value)
            elif name == b"expect":
                expects = not old and value.lower() == b"100-continue"
            else:
                coding = b"" if old else value.strip().lower()
        wrong = None
        if version != "1.1" and not old:
            wrong = _OTHER_VERSION
        elif hosts > 1 or (hosts == 0 and not old):  # RFC 9112, 3.2
            wrong = _HOSTS
        elif coding != b"chunked":  # RFC 9112, 6.1: a coding that we do not know, or any with HTTP/1.0
            wrong = _CODED
        elif self.target[:1] != b"/":
            wrong = self._to_origin_form()
        return size, expects, wrong

    def _to_origin_form(self) -> Wrong | None:
        """Takes an absolute target for its path, and its host for the Host header's (RFC 9112, 3.2.2)."""
        if self.target == b"*" and self.method == "OPTIONS":
            return None
        found = _ABSOLUTE.fullmatch(self.target)
        if found is None:
            return _TARGET
        host, rest = found[1], found[2] or b"/"
        self.target = rest if rest.startswith(b"/") else b"/" + rest
        others = [(name, value if name != b"host" else host) for name, value in self.headers]
        self.headers = others if (b"host", host) in others else [*others, (b"host", host)]
        return None

    def without_upgrade(self, method: bytes, version: str) -> bytes:
        """Its head, as far as it was read, without an offer to speak another protocol."""
        lines = [b"%b %b HTTP/%b\r\n" % (method, self.target, version.encode())]
        for name, value in self.headers:
            if name == b"connection":
                value = b", ".join(
                    each for each in value.split(b",") if each.strip().lower() not in _UPGRADING
                )
            if name not in _UPGRADING:
                lines.append(b"%b: %b\r\n" % (name, value))
        return b"".join(lines) + b"\r\n"


def path_of(target: bytes) -> str:
    """The path as the controller will read it: without query and fragment, percent signs decoded once.

    Whatever is decided by a path must be decided by this one, or another spelling of it goes by.
    """
    raw = target.partition(b"?")[0]
    if b"%" in raw or b"#" in raw:
        return unquote(raw.partition(b"#")[0].decode("latin-1"))
    return raw.decode("latin-1")
