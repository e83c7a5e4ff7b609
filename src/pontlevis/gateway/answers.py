"""Answers that the gateway writes itself, in the API's own error shape."""

from email.utils import formatdate
from http import HTTPStatus

import msgspec

from pontlevis.brain.vocabulary import RefusalCode

REASONS = {
    **{each.value: each.phrase.encode() for each in HTTPStatus},
    # As RFC 9110 has them, whatever the version of Python.
    413: b"Content Too Large",
    422: b"Unprocessable Content",
    499: b"Client Closed Request",
}

_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    502: "api_error",
    503: "service_unavailable_error",
    504: "api_error",
}


class _Error(msgspec.Struct):
    message: str
    type: str
    code: str
    param: str | None


class _EventError(_Error):
    request_id: str


class _Body(msgspec.Struct):
    error: _Error


_encode = msgspec.json.Encoder().encode
_cache: dict[tuple[int, str, str, str | None], bytes] = {}


def may_answer(status: int) -> bool:
    """Whether an engine's status can be an answer to a call.

    Such as have no body (204, 304), or send elsewhere, are none: with a body after them a client reads the next answer at
    the wrong place, and an engine's redirection names an address that is nobody's business.
    """
    return (200 <= status < 300 and status not in (204, 205)) or 400 <= status < 600


def error_type(status: int) -> str:
    """What the API calls an error of this status."""
    return _TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")


def error_body(status: int, code: RefusalCode, message: str, param: str | None = None) -> bytes:
    """The JSON of an error, cached where the same one is said again and again."""
    key = (status, code, message, param)
    body = _cache.get(key)
    if body is None:
        body = _encode(_Body(_Error(message, error_type(status), code.value, param)))
        if len(_cache) < 256:
            _cache[key] = body
    return body


def error_event(code: RefusalCode, message: str, note: bytes) -> bytes:
    """An error inside a stream that has begun; ``note`` is its id, for which no header is left."""
    error = _EventError(message, "api_error", code.value, None, note.decode())
    return b"data: " + _encode(_Body(error)) + b"\n\n"


class DateHeader:
    """The Date field, made once a second."""

    __slots__ = ("_second", "line")

    def __init__(self) -> None:
        self._second = -1
        self.line = b""

    def update(self, now: float) -> None:
        second = int(now)
        if second != self._second:
            self._second = second
            self.line = b"date: " + formatdate(second, usegmt=True).encode() + b"\r\n"


def head(status: int, fields: bytes, *, length: int, close: bool) -> bytes:
    """Status line and headers of an answer with a known length. ``fields`` ends each line with CRLF."""
    return b"HTTP/1.1 %d %b\r\n%bcontent-length: %d\r\n%b\r\n" % (
        status,
        REASONS.get(status, b"Error"),
        fields,
        length,
        b"connection: close\r\n" if close else b"",
    )
