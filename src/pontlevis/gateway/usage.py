"""Learns what a request really cost from the engine's answer."""

import re
from typing import Annotated

import msgspec

WHOLE_LIMIT = 1_048_576  # bytes of a plain answer kept for reading its usage
EVENT_LIMIT = 1_048_576  # bytes of one unfinished event that are held back


Tokens = Annotated[int, msgspec.Meta(ge=0, le=2**40)]
"""A count beyond this, or below nothing, is none: it would be charged, and could not be written down."""


class Usage(msgspec.Struct):
    """Tokens as the engine counted them, by the names of either API."""

    prompt_tokens: Tokens | None = None
    completion_tokens: Tokens | None = None
    input_tokens: Tokens | None = None
    output_tokens: Tokens | None = None

    @property
    def tokens_in(self) -> int | None:
        return self.prompt_tokens if self.prompt_tokens is not None else self.input_tokens

    @property
    def tokens_out(self) -> int | None:
        return self.completion_tokens if self.completion_tokens is not None else self.output_tokens


class _Response(msgspec.Struct):
    usage: Usage | None = None


class _Whole(msgspec.Struct):
    usage: Usage | None = None
    choices: list[msgspec.Raw] | None = None
    response: _Response | None = None


_decoder = msgspec.json.Decoder(_Whole)
_usage_decoder = msgspec.json.Decoder(Usage)
_USAGE = re.compile(rb'"usage"\s*:\s*(\{(?:[^{}]|\{[^{}]*\})*\})')  # details are one level deep
_EVENT_END = re.compile(rb"\r?\n\r?\n")
# At the beginning of a line only: inside an event's JSON there are no line feeds.
_FAREWELL = re.compile(rb"(?:^|\n)(?:data: ?\[DONE\]|event: ?response\.(?:completed|incomplete|failed)\b)")
_LAST_WORDS = (
    b"data: [DONE]",
    b"data:[DONE]",
    b'"finish_reason":"',
    b'"finish_reason": "',
    b'"type":"response.completed"',
    b'"type":"response.incomplete"',
    b'"type":"response.failed"',
    b'"error"',
)


def usage_of(body: bytes) -> Usage | None:
    """The usage of a plain answer, None where it names none."""
    if b'"usage"' not in body:
        return None
    try:
        return _decoder.decode(body).usage
    except (msgspec.DecodeError, RecursionError):
        return _usage_at_the_end(body) if len(body) > WHOLE_LIMIT // 2 else None


def _usage_at_the_end(body: bytes) -> Usage | None:
    """Of a large answer only the end was kept, and usage stands there; answers that are not large are whole."""
    found = _USAGE.search(body, body.rfind(b'"usage"'))
    if found is None:
        return None
    try:
        return _usage_decoder.decode(found[1])
    except (msgspec.DecodeError, RecursionError):
        return None


class StreamReader:
    """Reads a stream of events as it passes: counts them, learns usage, takes out what the client did not ask for.

    Bytes come out as they went in, event by event; an unfinished event waits for its end.
    """

    __slots__ = (
        "_hide",
        "_last",
        "_mark",
        "_seam",
        "_tail",
        "_waiting",
        "_watch",
        "ended",
        "events",
        "usage",
    )

    def __init__(self, *, hide_usage: bool, deltas_only: bool = False, watch_end: bool = False) -> None:
        """``deltas_only``: only events of a kind ``….delta`` carry tokens, as in the responses API.

        ``watch_end``: ``ended`` is wanted.
        """
        self._hide = hide_usage
        self._watch = watch_end
        self._mark = b'.delta"' if deltas_only else b"\ndata:"
        self._tail: list[bytes] = []
        """Of an event that is not whole yet; put together once, or a long one would be copied with each of its parts."""
        self._waiting = 0
        """Bytes of it."""
        self._seam = b""
        """The last three of them: an event's end may lie across two reads and more."""
        self._last = b""
        self.events = 0
        """Events with tokens so far: about the tokens generated, where each event carries one."""
        self.ended = False
        """Whether the answer's own end was seen: [DONE], a reason why it finished, an error."""
        self.usage: Usage | None = None

    @property
    def over(self) -> bool:
        """Whether the answer's last words were among what came last, so that only the end of its framing is missing."""
        return _FAREWELL.search(self._last) is not None

    @property
    def tokens(self) -> int:
        """Generated so far: as the engine counted them where it has said so, else the events."""
        counted = self.usage.tokens_out if self.usage is not None else None
        return self.events if counted is None else counted

    def read(self, data: bytes) -> bytes:
        """What of ``data``, and of what waited before it, goes to the client."""
        if self._tail:
            if self._goes_on(data):
                return b""
            data = self.rest() + data
        if not data.endswith(b"\n\n"):
            lone, paired = data.rfind(b"\n\n"), data.rfind(b"\r\n\r\n")
            end = max(lone + 2 if lone >= 0 else 0, paired + 4 if paired >= 0 else 0)
            if len(data) - end > EVENT_LIMIT:
                end = len(data)
            if end < len(data):
                self._wait(data[end:])
            data = data[:end]
            if not data:
                return b""
        if b'"usage"' in data:
            data = self._read_usage(data)
        # At the beginning of a line only: text holds no line feeds, but may well hold "data:".
        self.events += data.count(self._mark)
        if self._mark == b"\ndata:" and data.startswith(b"data:"):
            self.events += 1
        if self._watch and any(each in data for each in _LAST_WORDS):
            self.ended = True
        self._last = data
        return data

    def rest(self) -> bytes:
        """What still waits when the engine has ended."""
        tail, self._tail, self._waiting, self._seam = self._tail, [], 0, b""
        return b"".join(tail)

    def _goes_on(self, data: bytes) -> bool:
        """Whether the event that waits does not end in ``data`` either; then this waits as well."""
        seam = self._seam + data[:3]
        if self._waiting + len(data) > EVENT_LIMIT or any(
            end in each for end in (b"\n\n", b"\r\n\r\n") for each in (seam, data)
        ):
            return False
        self._wait(data)
        return True

    def _wait(self, data: bytes) -> None:
        self._tail.append(data)
        self._waiting += len(data)
        self._seam = (self._seam + data[-3:])[-3:]

    def _read_usage(self, data: bytes) -> bytes:
        kept: list[bytes] = []
        for event in _events(data):
            if b'"usage"' in event:
                whole = _event_json(event)
                if whole is not None:
                    usage = whole.usage or (whole.response.usage if whole.response else None)
                    if usage is not None:
                        self.usage = usage
                        if self._hide and whole.choices == []:
                            continue
            kept.append(event)
        return b"".join(kept)


def _events(data: bytes) -> list[bytes]:
    events: list[bytes] = []
    begin = 0
    for end in _EVENT_END.finditer(data):
        events.append(data[begin : end.end()])
        begin = end.end()
    if begin < len(data):
        events.append(data[begin:])
    return events


def _event_json(event: bytes) -> _Whole | None:
    data = b"\n".join(line[5:] for line in event.splitlines() if line.startswith(b"data:"))
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, RecursionError):
        return None
