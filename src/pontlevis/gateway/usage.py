"""Learns what a request really cost from the engine's answer."""

import msgspec

WHOLE_LIMIT = 1_048_576  # bytes of a plain answer kept for reading its usage
EVENT_LIMIT = 1_048_576  # bytes of one unfinished event that are held back


class Usage(msgspec.Struct):
    """Tokens as the engine counted them, by the names of either API."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None

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


def usage_of(body: bytes) -> Usage | None:
    """The usage of a plain answer, None where it names none."""
    if b'"usage"' not in body:
        return None
    try:
        return _decoder.decode(body).usage
    except (msgspec.DecodeError, RecursionError):
        return None


class StreamReader:
    """Reads a stream of events as it passes: counts them, learns usage, takes out what the client did not ask for.

    Bytes come out as they went in, event by event; an unfinished event waits for its end.
    """

    __slots__ = ("_hide", "_tail", "events", "usage")

    def __init__(self, *, hide_usage: bool) -> None:
        self._hide = hide_usage
        self._tail = b""
        self.events = 0
        """Data events so far: a lower bound of the tokens generated."""
        self.usage: Usage | None = None

    def read(self, data: bytes) -> bytes:
        """What of ``data``, and of what waited before it, goes to the client."""
        if self._tail:
            data = self._tail + data
            self._tail = b""
        if not data.endswith(b"\n\n"):
            lone, paired = data.rfind(b"\n\n"), data.rfind(b"\r\n\r\n")
            end = max(lone + 2 if lone >= 0 else 0, paired + 4 if paired >= 0 else 0)
            if len(data) - end > EVENT_LIMIT:
                end = len(data)
            self._tail = data[end:]
            data = data[:end]
            if not data:
                return b""
        if b'"usage"' in data:
            data = self._read_usage(data)
        self.events += data.count(b"data:")
        return data

    def rest(self) -> bytes:
        """What still waits when the engine has ended."""
        tail, self._tail = self._tail, b""
        return tail

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
    separator = b"\r\n\r\n" if b"\r\n\r\n" in data else b"\n\n"
    parts = data.split(separator)
    last = parts.pop()
    events = [part + separator for part in parts]
    if last:
        events.append(last)
    return events


def _event_json(event: bytes) -> _Whole | None:
    for line in event.splitlines():
        if line.startswith(b"data:"):
            try:
                return _decoder.decode(line[5:])
            except (msgspec.DecodeError, RecursionError):
                return None
    return None
