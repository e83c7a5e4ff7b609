"""How much of a request's body is pictures and sound, which cost an engine by the piece and not by their bytes.

Only where the API puts them: text that looks like one (``data:…``) is read by the engine as text, and is counted so.
"""

from typing import TypeVar

import msgspec

IMAGE_TOKENS = 1_024  # choice: within 85 to 1,445, what GPT-4o charges for one image
MOST_LOOKED_AT = 2_048  # messages and parts of them in one request; what is beyond counts as text

_NONE = msgspec.Raw()
_Kind = TypeVar("_Kind")


class _Holder(msgspec.Struct):
    """``{"url": "data:…"}`` and its like."""

    url: msgspec.Raw = _NONE
    data: msgspec.Raw = _NONE
    file_data: msgspec.Raw = _NONE


class _Part(msgspec.Struct):
    image_url: msgspec.Raw = _NONE
    video_url: msgspec.Raw = _NONE
    audio_url: msgspec.Raw = _NONE
    input_audio: msgspec.Raw = _NONE
    file: msgspec.Raw = _NONE
    file_data: msgspec.Raw = _NONE


class _Message(msgspec.Struct):
    content: msgspec.Raw = _NONE


_list = msgspec.json.Decoder(list[msgspec.Raw])
_message = msgspec.json.Decoder(_Message)
_part = msgspec.json.Decoder(_Part)
_holder = msgspec.json.Decoder(_Holder)


def items_of(raw: msgspec.Raw) -> list[msgspec.Raw]:
    """The items of a JSON list; none of what is no list."""
    return _list.decode(raw) if _begins(raw, b"[") else []


def pictures_in(messages: list[msgspec.Raw]) -> tuple[int, int]:
    """How many there are in ``messages`` of the chat API or ``input`` of the responses API, and their bytes.

    Raises ``msgspec.DecodeError`` and ``RecursionError`` for what is not well-formed.
    """
    count = size = looked = 0
    for message in messages[:MOST_LOOKED_AT]:
        content = _of(_message, message)
        parts = items_of(content.content) if content is not None else []
        for raw in parts[: MOST_LOOKED_AT - looked]:
            for length in _sizes(raw):
                count, size = count + 1, size + length
        looked += len(parts)
        if looked >= MOST_LOOKED_AT:
            break
    return count, size


def _sizes(raw: msgspec.Raw) -> list[int]:
    if b'"data:' not in bytes(raw):
        return []
    part = _of(_part, raw)
    if part is None:
        return []
    named: list[msgspec.Raw] = []
    for each in (part.image_url, part.video_url, part.audio_url, part.input_audio, part.file, part.file_data):
        holder = _of(_holder, each) if _begins(each, b"{") else None
        named += [each] if holder is None else [holder.url, holder.data, holder.file_data]
    return [len(memoryview(each)) for each in named if _begins(each, b'"data:')]


def _begins(raw: msgspec.Raw, with_: bytes) -> bool:
    return bytes(memoryview(raw)[: len(with_)]) == with_


def _of(decoder: "msgspec.json.Decoder[_Kind]", raw: msgspec.Raw) -> _Kind | None:
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return None  # of another shape than the API's: text to us
