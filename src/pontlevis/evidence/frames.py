"""The journal's format: frames of compressed MessagePack, each with its length and checksum.

A file is the magic, then frames until it ends. Whatever does not fit its checksum ends the file: after
``kill -9`` the last frame may be torn, and all before it counts.
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from pontlevis.brain.observation import Observation, ServiceSample
from pontlevis.brain.posture.state import PostureState

MAGIC = b"pontlevis journal 1\n"
_HEAD = struct.Struct(">II")
MOST_FRAME_BYTES = 16_777_216  # a second's frame is far smaller; beyond it the file is not ours
MOST_PLAIN_BYTES = 134_217_728  # unpacked; a crafted file must not unpack to all memory
LEVEL = 1  # measured on synthetic traffic: level 6 saves a tenth of the bytes for three times the time


class Seen(msgspec.Struct, frozen=True, array_like=True, tag="o"):
    """Observations in the order in which the brain was told; each stands for ``weight`` like it."""

    weight: int
    observations: list[Observation]


class Sampled(msgspec.Struct, frozen=True, array_like=True, tag="s"):
    """How the service did, from one gateway."""

    sample: ServiceSample


class Ticked(msgspec.Struct, frozen=True, array_like=True, tag="t"):
    """The brain judged at ``at``, with ``posture`` in force; ``dropped`` observations were not kept before it."""

    at: float
    posture: str
    dropped: int = 0


class Stood(msgspec.Struct, frozen=True, array_like=True, tag="p"):
    """The posture as it stands from now on, who put it there and why; also at a start."""

    at: float
    state: PostureState
    reason: str
    actor: str


Entry = Seen | Sampled | Ticked | Stood

_encode = msgspec.msgpack.Encoder().encode
_decode: msgspec.msgpack.Decoder[list[Entry]] = msgspec.msgpack.Decoder(list[Entry])


def pack(entries: list[Entry]) -> bytes:
    """One frame."""
    body = zlib.compress(_encode(entries), LEVEL)
    return _HEAD.pack(len(body), zlib.crc32(body)) + body


def frames(file: BinaryIO) -> Iterator[list[Entry]]:
    """The frames from where ``file`` stands, up to the first that is torn or not ours."""
    while (body := _body(file)) is not None:
        unpacker = zlib.decompressobj()
        try:
            plain = unpacker.decompress(body, MOST_PLAIN_BYTES)
            yield _decode.decode(plain)
        except (zlib.error, msgspec.DecodeError):
            return


def whole_length(path: Path) -> int:
    """Bytes of a file up to the end of its last whole frame; 0 where it is no journal."""
    try:
        with path.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                return 0
            end = file.tell()
            while _body(file) is not None:
                end = file.tell()
            return end
    except FileNotFoundError:
        return 0


def _body(file: BinaryIO) -> bytes | None:
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    length, checksum = _HEAD.unpack(head)
    if length > MOST_FRAME_BYTES:
        return None
    body = file.read(length)
    return body if len(body) == length and zlib.crc32(body) == checksum else None
