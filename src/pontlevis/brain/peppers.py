"""The secrets under which tokens are made: one for what is issued now, former ones while what they issued holds.

A token says by its first byte which of them made it, so that judging one costs one MAC however many there are.
"""

from collections.abc import Sequence

import msgspec

SECRET_BYTES = 32
FIRST = 1
MOST = 255
"""A byte's worth of numbers; at one rotation a month they last for twenty years."""


class Pepper(msgspec.Struct, frozen=True):
    """One secret. Times are Unix seconds; None: no end of its own."""

    number: int
    secret: bytes
    made_at: float | None = None
    """None: with the service."""
    alone_until: float | None = None
    """Until when tokens hold of which nothing is kept: devices, passkeys' challenges. The MAC alone proves them."""
    kept_until: float | None = None
    """Until when keys, sessions and links hold: their own secret is checked, too."""

    def __repr__(self) -> str:
        return f"Pepper(number={self.number})"


class Peppers(msgspec.Struct, frozen=True):
    """All of a service's, newest first. ``root`` is the first ever, under which secrets are hashed at rest.

    It stays: 160 random bits are not guessed from a hash, whoever knows the key.
    """

    root: bytes
    each: tuple[Pepper, ...]

    def __repr__(self) -> str:
        return f"Peppers(numbers={[one.number for one in self.each]})"

    @classmethod
    def single(cls, root: bytes) -> "Peppers":
        """Of a service that never rotated."""
        return cls(root, (Pepper(FIRST, root),))

    @property
    def newest(self) -> Pepper:
        return self.each[0]

    def turned(self, secret: bytes, now: float, *, alone_s: float, kept_s: float | None) -> "Peppers":
        """With a fresh one first. What the former ones issued holds for so many seconds more; ``kept_s`` None: until it
        expires. Nothing is lengthened. Raises ``ValueError`` when the numbers are used up.
        """
        number = self.newest.number + 1
        if number > MOST:
            raise ValueError(f"there have been {MOST} peppers; tokens cannot name more")
        formers = tuple(
            msgspec.structs.replace(
                one,
                alone_until=_sooner(one.alone_until, now + alone_s),
                kept_until=one.kept_until if kept_s is None else _sooner(one.kept_until, now + kept_s),
            )
            for one in self.each
        )
        held = tuple(one for one in formers if _holds(one.alone_until, now) or _holds(one.kept_until, now))
        return Peppers(self.root, (Pepper(number, secret, now), *held))

    def alone(self, now: float) -> Sequence[Pepper]:
        """Those whose devices and challenges hold."""
        return [one for one in self.each if _holds(one.alone_until, now)]

    def kept(self, now: float) -> Sequence[Pepper]:
        """Those whose keys, sessions and links hold."""
        return [one for one in self.each if _holds(one.kept_until, now)]

    def next_end(self, now: float) -> float | None:
        """When the next of them ends."""
        ends = [end for one in self.each for end in (one.alone_until, one.kept_until) if end and end > now]
        return min(ends, default=None)

    def pack(self) -> bytes:
        return msgspec.json.encode(self)

    @classmethod
    def unpack(cls, text: bytes) -> "Peppers":
        """Raises ``ValueError`` for what is damaged."""
        try:
            found = msgspec.json.decode(text, type=cls)
        except msgspec.DecodeError:
            raise ValueError("it is damaged") from None
        numbers = [one.number for one in found.each]
        if (
            not numbers
            or numbers != sorted(set(numbers), reverse=True)
            or not FIRST <= numbers[-1] <= numbers[0] <= MOST
        ):
            raise ValueError("its numbers are damaged")
        if any(len(secret) < SECRET_BYTES for secret in (found.root, *(one.secret for one in found.each))):
            raise ValueError("a secret in it was cut short")
        return found


def of(pepper: bytes | Peppers) -> Peppers:
    return pepper if isinstance(pepper, Peppers) else Peppers.single(pepper)


def _holds(until: float | None, now: float) -> bool:
    return until is None or until > now


def _sooner(one: float | None, other: float) -> float:
    return other if one is None else min(one, other)
