"""Sources from which somebody with a valid account was served lately, in bounded memory."""

import zlib
from zlib import crc32

import msgspec

_SPREAD = 0x9E3779B1
"""2^32 over the golden ratio: makes a second index of one checksum (Knuth, TAOCP 3, 6.4)."""

NEVER_BORN = -1.0


class FamiliarState(msgspec.Struct, frozen=True, array_like=True):
    """Both generations, compressed, to be kept over a restart. Bits only: nobody's address is in it."""

    born: float
    new: bytes
    old: bytes


class Familiar:
    """Two generations of a Bloom filter (Bloom 1970) with two probes.

    It may take a stranger for familiar (about 1.4 % of them at a million members a generation of
    2^24 bits), never the other way round: whoever is served within ``keep_s`` is remembered.
    """

    __slots__ = ("_born", "_keep", "_mask", "_new", "_old", "_shift")

    def __init__(self, keep_s: float, *, lg_bits: int = 24) -> None:
        self._keep = keep_s
        self._mask = (1 << lg_bits) - 1
        self._shift = 32 - lg_bits
        self._new = bytearray(1 << (lg_bits - 3))
        self._old = bytearray(1 << (lg_bits - 3))
        self._born: float | None = None

    def add(self, source: str, at: float) -> None:
        """Remembers ``source`` for at least ``keep_s`` seconds from ``at``."""
        if self._born is None:
            self._born = at
        elif at - self._born >= self._keep:
            # A gap of two generations leaves nothing worth keeping.
            stale = at - self._born >= 2 * self._keep
            self._old = bytearray(len(self._new)) if stale else self._new
            self._new = bytearray(len(self._new))
            self._born = at
        one, two = self._probes(source)
        self._new[one >> 3] |= 1 << (one & 7)
        self._new[two >> 3] |= 1 << (two & 7)

    def state(self) -> FamiliarState:
        """A few kilobytes for thousands of members, at most the size of both generations."""
        born = NEVER_BORN if self._born is None else self._born
        return FamiliarState(born, zlib.compress(self._new, 1), zlib.compress(self._old, 1))

    def restore(self, state: FamiliarState, now: float) -> bool:
        """Takes up what was kept, unless it is too old or not of this shape; whether it did."""
        if not 0 <= now - state.born < 2 * self._keep:
            return False
        new, old = _unpacked(state.new, len(self._new)), _unpacked(state.old, len(self._old))
        if new is None or old is None:
            return False
        self._new, self._old, self._born = new, old, state.born
        return True

    def __contains__(self, source: str) -> bool:
        one, two = self._probes(source)
        new = self._new
        if new[one >> 3] >> (one & 7) & 1 and new[two >> 3] >> (two & 7) & 1:
            return True
        old = self._old
        return bool(old[one >> 3] >> (one & 7) & 1 and old[two >> 3] >> (two & 7) & 1)

    def _probes(self, source: str) -> tuple[int, int]:
        # A checksum, not hash(): the same run must judge alike in every process.
        one = crc32(source.encode())
        return one & self._mask, (one * _SPREAD & 0xFFFFFFFF) >> self._shift


def _unpacked(packed: bytes, size: int) -> bytearray | None:
    """Exactly ``size`` bytes; None where it is anything else."""
    try:
        found = zlib.decompressobj().decompress(packed, size + 1)
    except zlib.error:
        return None
    return bytearray(found) if len(found) == size else None
