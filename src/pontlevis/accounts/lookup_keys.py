"""The keys of look-ups by address: one, and a second only while it is being replaced.

HMAC-SHA256 (RFC 2104). Before the hash stands which key made it; a key from before there were dates has none in
its file and made hashes without its name.
"""

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as BadBase64
from dataclasses import dataclass, field
from hashlib import sha256

UNNAMED = "hash:1:"
NAMED = "hash:2:"
ID_LENGTH = 8
KEY_BYTES = 32
MOST_LOOKUP_KEYS = 2


@dataclass(frozen=True, slots=True)
class LookupKey:
    """``made_at``: Unix seconds; None for a key from before they were noted."""

    secret: bytes = field(repr=False)
    made_at: int | None
    id: str
    """Derived from the key; tells nothing of it."""
    prefix: str
    """What its hashes begin with."""

    @classmethod
    def of(cls, secret: bytes, made_at: int | None = None) -> "LookupKey":
        name = sha256(b"pontlevis look-up key id" + secret).hexdigest()[:ID_LENGTH]
        return cls(secret, made_at, name, UNNAMED if made_at is None else f"{NAMED}{name}:")

    @classmethod
    def fresh(cls, now: float, after: "LookupKey | None" = None) -> "LookupKey":
        """A random one, dated later than ``after`` whatever the clock says."""
        return cls.of(secrets.token_bytes(KEY_BYTES), max(int(now), after.age_order + 1 if after else 0))

    @classmethod
    def read(cls, line: str) -> "LookupKey":
        """Raises ``ValueError`` for a damaged line."""
        text, at, made = line.partition("@")
        try:
            secret = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except BadBase64:
            raise ValueError("not base64") from None
        if len(secret) != KEY_BYTES or (at and not (made.isascii() and made.isdigit())):
            raise ValueError("no key")
        return cls.of(secret, int(made) if at else None)

    def line(self) -> str:
        text = urlsafe_b64encode(self.secret).decode().rstrip("=")
        return text if self.made_at is None else f"{text}@{self.made_at}"

    def hash(self, text: str, context: str) -> str:
        mac = hmac.new(self.secret, f"{context}\n{text}".encode(), sha256)
        return self.prefix + mac.hexdigest()

    @property
    def age_order(self) -> int:
        return -1 if self.made_at is None else self.made_at


@dataclass(frozen=True, slots=True)
class LookupKeyView:
    """A key without its secret, and how many rows stand under it."""

    id: str
    """Empty: rows that no key of the file made."""
    use: str
    """``active``, ``former`` (asked for until its rows are hashed anew) or ``waits`` (known, not used yet)."""
    made_at: int | None
    """Unix seconds; None for one from before this was noted."""
    rows: dict[str, int]
    """By table."""


def one_waits(keys: tuple[LookupKey, ...]) -> bool:
    """Whether the second is the newer: it is known here so that other nodes may begin to use it."""
    return len(keys) == MOST_LOOKUP_KEYS and keys[1].age_order > keys[0].age_order


def turned(keys: tuple[LookupKey, ...], now: float) -> tuple[LookupKey, ...]:
    """With the newest first: the one that waits, or a fresh one; as it is where a rotation is on already."""
    if len(keys) < MOST_LOOKUP_KEYS:
        return (LookupKey.fresh(now, keys[0]), *keys)
    return (keys[1], keys[0]) if one_waits(keys) else keys
