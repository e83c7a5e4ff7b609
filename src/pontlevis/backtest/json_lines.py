"""JSON lines: which field is what. Known writers are recognised by their names; the rest is said with ``--map``."""

import re
from hashlib import sha256
from typing import TypeVar

import msgspec

from pontlevis.backtest.entry import PASSED, Entry, Read
from pontlevis.backtest.reader import Reading
from pontlevis.backtest.times import any_time
from pontlevis.brain.observation import Kind, Outcome

FIELDS: dict[str, tuple[str, ...]] = {
    "time": (
        "time", "ts", "timestamp", "@timestamp", "time_iso8601", "time_local", "msec", "startTime",
        "start_time", "StartUTC", "date", "datetime", "at",
    ),
    "source": (
        "source", "remote_addr", "ClientHost", "ClientAddr", "request.client_ip", "request.remote_ip", "client_ip",
        "remote_ip", "clientip", "client.ip", "source.ip", "ip", "downstream_remote_address", "remoteAddr",
        "metadata.requester_ip_address", "requester_ip_address", "client",
    ),
    "request": ("request", "request_line"),
    "method": (
        "method", "request_method", "RequestMethod", "request.method", "http.request.method", "verb",
        "http_method",
    ),
    "path": (
        "path", "request_uri", "RequestPath", "request.uri", "url.original", "url.path", "uri", "url", "http_path",
    ),
    "status": (
        "status", "DownstreamStatus", "http.response.status_code", "response_code", "status_code", "code",
        "OriginStatus", "metadata.status",
    ),
    "agent": (
        "agent", "http_user_agent", "request_User-Agent", "request.headers.User-Agent", "user_agent",
        "user_agent.original", "userAgent",
    ),
    "account": (
        "account", "remote_user", "ClientUsername", "metadata.user_api_key_hash", "metadata.user_api_key", "user.name",
        "user_id", "user",
    ),
    "credential": (
        "credential", "metadata.user_api_key_hash", "metadata.user_api_key", "hashed_api_key", "key_hash", "api_key_id",
        "key_id", "api_key",
    ),
    "error": ("error_information.error_code", "metadata.error_information.error_code"),
    "size": (
        "size", "body_bytes_sent", "DownstreamContentSize", "bytes_sent", "http.response.body.bytes", "bytes",
    ),
    "tokens": ("tokens", "total_tokens", "usage.total_tokens"),
    "kind": ("kind", "call_type"),
    "outcome": ("outcome",),
    "domain": ("domain", "email_domain"),
    "count": ("count",),
}  # fmt: skip
"""Our field, and the names under which known writers have it, most telling first."""
_PORT = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|(\d{1,3}(?:\.\d{1,3}){3})):\d{1,5}$")
_INT = re.compile(r"\s*\d{1,15}")
_SPOKEN = {"success": Outcome.OK, "failure": Outcome.ERROR}
"""LiteLLM's standard payload and its spend logs say their status in words; of a failure the code may stand elsewhere."""
_ESCAPED = re.compile(rb"\\x([0-9a-fA-F]{2})")
"""How nginx escapes where nobody wrote ``escape=json``: that is no JSON."""
_SECRETS = ("sk-", "pl-")
_HASH = re.compile(r"[0-9a-f-]{16,128}")
_MOST_PLACES = 3
"""One file has a field under at most so many names."""
_Word = TypeVar("_Word", Kind, Outcome)


class JsonLines:
    """One object a line: nginx, Traefik, Caddy, Envoy, ECS, LiteLLM's standard payload, or one's own."""

    name = "json"

    def __init__(self, reading: Reading) -> None:
        self._zone = reading.zone
        self._given = {name: tuple(path.split(".")) for name, path in reading.fields.items()}
        self._places: dict[str, tuple[tuple[str, ...], ...]] = {}
        self._root: str | None = None
        """Where in the object the fields lie: empty at its top; None as long as no line has told."""
        self._decoder = msgspec.json.Decoder(dict[str, object])

    def read(self, line: bytes) -> Read:
        """One line."""
        held = self._decoded(line)
        if held is None:
            return None
        at = any_time(self._value(held, "time"), self._zone)
        source = _text(self._value(held, "source"), 64)
        if not source and self._value(held, "status") is None:
            # An error or a start in the same file: of known writers these bear neither.
            return PASSED if at is not None and not self._given else None
        method, path = self._asked(held)
        said = self._value(held, "status")
        spoken = self._value(held, "outcome")
        outcome = _member(Outcome, spoken) or (_SPOKEN.get(said) if isinstance(said, str) else None)
        kind = _member(Kind, self._value(held, "kind"))
        if outcome is not None and kind is None and not path:
            kind = Kind.REQUEST
        if said == "failure" and (code := _whole(self._value(held, "error"))):
            outcome, said = None, code
        return Entry(
            at=at,
            source=_bare(source),
            method=method,
            path=path,
            status=min(_whole(said), 999),
            agent=_text(self._value(held, "agent"), 1024),
            account=_account(_text(self._value(held, "account"), 128)),
            credential=_key(_text(self._value(held, "credential"), 512)),
            domain=_text(self._value(held, "domain"), 128).lower(),
            tokens=_whole(self._value(held, "tokens")),
            size=_whole(self._value(held, "size")),
            count=max(1, min(_whole(self._value(held, "count")), 1_000_000)),
            kind=kind,
            outcome=outcome,
        )

    def _decoded(self, line: bytes) -> dict[str, object] | None:
        try:
            held = self._decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            if b"\\x" not in line:
                return None
            try:
                held = self._decoder.decode(_ESCAPED.sub(rb"\\u00\1", line))
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                return None
        if self._root is None and not self._given:
            self._root = _root(held)
        return _within(held, self._root) if self._root else held

    def _asked(self, held: dict[str, object]) -> tuple[str, str]:
        method = _text(self._value(held, "method"), 32)
        path = _text(self._value(held, "path"), 2048)
        if not path:
            line = self._value(held, "request")
            if isinstance(line, str):
                words = line[:4096].split(" ")
                if len(words) >= 2:
                    return words[0][:32], words[1][:2048]
        if "://" in path[:12]:
            path = "/" + path.partition("://")[2].partition("/")[2]
        return method, path

    def _value(self, held: dict[str, object], name: str) -> object:
        given = self._given.get(name)
        if given is not None:
            return _at(held, given)
        places = self._places.get(name)
        if places is not None:
            for place in places:
                value = _at(held, place)
                if value is not None:
                    return value
        if places is not None and len(places) >= _MOST_PLACES:
            return None
        for written in FIELDS[name]:
            place = (written,) if written in held else tuple(written.split("."))
            value = _at(held, place)
            if value is not None:
                if not places or place not in places:
                    self._places[name] = (*(places or ()), place)
                return value
        return None


def _at(held: object, place: tuple[str, ...]) -> object:
    for step in place:
        if isinstance(held, list) and held:
            held = held[0]
        if not isinstance(held, dict):
            return None
        held = held.get(step)
    if isinstance(held, list):
        held = held[0] if held else None
    return None if held in ("", "-") or isinstance(held, dict) else held


def _tells(held: object) -> bool:
    """Whether these are the fields of an access log: where from, and how it ended."""
    return isinstance(held, dict) and all(
        any(
            _at(held, (name,) if name in held else tuple(name.split("."))) is not None
            for name in FIELDS[field]
        )
        for field in ("source", "status")
    )


def _root(held: dict[str, object]) -> str | None:
    """The object, or the common beginning of the names, below which the fields lie; None where no line tells yet."""
    if _tells(held):
        return ""
    for name, inner in held.items():
        if _tells(inner):
            return name
    beginnings = {name.partition(".")[0] for name in held if "." in name}
    return next((each for each in sorted(beginnings) if _tells(_within(held, each))), None)


def _within(held: dict[str, object], root: str) -> dict[str, object]:
    """The fields below a root, before those beside it."""
    inner = held.get(root)
    if isinstance(inner, dict):
        return {**held, **inner}
    begins = f"{root}."
    return {**held, **{name[len(begins) :]: value for name, value in held.items() if name.startswith(begins)}}


def _key(text: str) -> str:
    """Which key it is: a hash stays as it is, whatever else might be a secret becomes one."""
    return (
        text
        if not text or _HASH.fullmatch(text)
        else sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
    )


def _text(value: object, most: int) -> str:
    if isinstance(value, str):
        return value[:most]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def _whole(value: object) -> int:
    if isinstance(value, bool):
        return 0
    if isinstance(value, (int, float)):
        return int(value) if 0 <= value < 1e15 else 0
    return int(value) if isinstance(value, str) and _INT.fullmatch(value) else 0


def _account(text: str) -> str:
    if text in ("None", "null", "anonymous"):
        return ""
    return _key(text) if text.startswith(_SECRETS) else text


def _bare(source: str) -> str:
    """Without a port, and of a forwarded list the first."""
    source = source.partition(",")[0].strip()
    found = _PORT.match(source)
    return (found[1] or found[2]) if found is not None else source


def _member(words: type[_Word], value: object) -> _Word | None:
    if not isinstance(value, str):
        return None
    try:
        return words(value)
    except ValueError:
        return None
