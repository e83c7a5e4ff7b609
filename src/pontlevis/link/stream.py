"""Frames on a socket: four bytes of length, then one message in MessagePack."""

import asyncio
import struct
from collections.abc import Sequence

import msgspec

from pontlevis.link.admission import FromAdmission, ToAdmission
from pontlevis.link.messages import FromController, FromGateway

MOST_FRAME_BYTES = 67_108_864  # one part of a whole state; beyond it the stream is not ours
_LENGTH = struct.Struct(">I")

_encode = msgspec.msgpack.Encoder().encode
_from_gateway: msgspec.msgpack.Decoder[FromGateway] = msgspec.msgpack.Decoder(FromGateway)
_from_controller: msgspec.msgpack.Decoder[FromController] = msgspec.msgpack.Decoder(FromController)


class LinkBroken(ConnectionError):
    """The other side is gone or speaks something else."""


def frame(message: FromGateway | FromController | Sequence[ToAdmission] | Sequence[FromAdmission]) -> bytes:
    body = _encode(message)
    return _LENGTH.pack(len(body)) + body


async def read_from_gateway(reader: asyncio.StreamReader) -> FromGateway:
    """Raises ``LinkBroken``."""
    try:
        return _from_gateway.decode(await _read(reader))
    except msgspec.DecodeError as error:
        raise LinkBroken(f"not a message of this version: {error}") from None


async def read_from_controller(reader: asyncio.StreamReader) -> FromController:
    """Raises ``LinkBroken``."""
    try:
        return _from_controller.decode(await _read(reader))
    except msgspec.DecodeError as error:
        raise LinkBroken(f"not a message of this version: {error}") from None


async def _read(reader: asyncio.StreamReader) -> bytes:
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        if length > MOST_FRAME_BYTES:
            raise LinkBroken(f"a frame of {length} bytes is not ours")
        return await reader.readexactly(length)
    except (asyncio.IncompleteReadError, OSError) as error:
        raise LinkBroken(str(error) or "closed") from None


class Splitter:
    """Cuts a stream of bytes back into the frames that it was made of."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The frames that are whole now, without their lengths. Raises ``LinkBroken``."""
        if self._rest:
            data = self._rest + data
        bodies: list[bytes] = []
        at, size = 0, len(data)
        while size - at >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(data, at)
            if length > MOST_FRAME_BYTES:
                raise LinkBroken(f"a frame of {length} bytes is not ours")
            end = at + _LENGTH.size + length
            if end > size:
                break
            bodies.append(data[at + _LENGTH.size : end])
            at = end
        self._rest = data[at:]
        return bodies
