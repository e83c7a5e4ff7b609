"""API keys and session tokens that can be judged without a look-up.

A token is a prefix and 45 bytes in URL-safe base64: version (1), identifier (8), time of issue (4,
Unix seconds, big-endian), secret (20 bytes, 160 bits) and a keyed MAC (12 bytes, BLAKE2b, RFC 7693)
over all that stands before it. A made-up token fails the MAC in microseconds; a real one is
recognised, with its age, while the database is away. At rest only a keyed hash of the secret is kept.
"""

import hmac
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from enum import StrEnum
from hashlib import blake2b

import msgspec

VERSION = 1
ID_BYTES = 8
SECRET_BYTES = 20
MAC_BYTES = 12
_BODY = struct.Struct(">B8sI20s")
_BYTES = _BODY.size + MAC_BYTES
TEXT_LENGTH = 3 + _BYTES * 4 // 3
"""Characters of a whole token, prefix included."""


class CredentialKind(StrEnum):
    """What a token opens; its value is the token's prefix."""

    API_KEY = "pl-"
    SESSION = "ps-"
    DEVICE = "pd-"
    """Opens nothing: says that its account logged in here before, so that log-in goes first. Its id is the account's."""
    INVITATION = "pi-"
    """Lets one person register while registration is closed; opens nothing."""
    LINK = "pv-"
    """Proves that its holder read a letter; used once, opens nothing."""
    TICKET = "pt-"
    """Says that its holder's password fitted and that a second factor is awaited; opens nothing."""
    CEREMONY = "pc-"
    """The challenge of a passkey's ceremony, good for one of them within minutes; opens nothing."""


class Credential(msgspec.Struct, frozen=True, gc=False):
    """A token whose MAC holds."""

    kind: CredentialKind
    id: str
    """16 hexadecimal digits."""
    issued_at: int
    """Unix seconds."""
    secret: bytes

    def __repr__(self) -> str:
        return f"Credential(kind={self.kind!r}, id={self.id!r})"


class CredentialCodec:
    """Mints and judges tokens under one pepper, which never leaves this service.

    ``pepper`` is at least 32 random bytes, kept outside the database.
    """

    __slots__ = ("_hash_key", "_mac_key")

    def __init__(self, pepper: bytes) -> None:
        if len(pepper) < 32:
            raise ValueError("the pepper must have at least 32 bytes")
        self._mac_key = blake2b(b"pontlevis token mac", key=pepper[:64], digest_size=32).digest()
        self._hash_key = blake2b(b"pontlevis secret hash", key=pepper[:64], digest_size=32).digest()

    def mint(self, kind: CredentialKind, id_: str, issued_at: int, secret: bytes) -> str:
        """The token's text. ``secret`` is 20 bytes of fresh randomness, ``id_`` 16 hex digits."""
        body = _BODY.pack(VERSION, bytes.fromhex(id_), issued_at, secret)
        return kind.value + urlsafe_b64encode(body + self._mac(kind, body)).decode()

    def judge(self, text: str) -> Credential | None:
        """The key or session in ``text``, or None where it is not one of ours."""
        return self._judge(text, _OPENING)

    def judge_device(self, text: str) -> Credential | None:
        """The device in ``text``, or None where it is not one of ours."""
        return self._judge(text, _DEVICES)

    def judge_ticket(self, text: str, kind: CredentialKind) -> Credential | None:
        """The invitation, the link or the half-finished log-in in ``text``, or None where it is not one of ours."""
        return self._judge(text, {kind.value: kind}) if kind in _TICKETS else None

    def _judge(self, text: str, kinds: dict[str, CredentialKind]) -> Credential | None:
        if len(text) != TEXT_LENGTH:
            return None
        try:
            kind = kinds[text[:3]]
            raw = urlsafe_b64decode(text[3:])
        except (KeyError, ValueError):
            return None
        if len(raw) != _BYTES:
            return None
        body = raw[: _BODY.size]
        if not hmac.compare_digest(self._mac(kind, body), raw[_BODY.size :]):
            return None
        version, id_, issued_at, secret = _BODY.unpack(body)
        if version != VERSION:
            return None
        return Credential(kind, id_.hex(), issued_at, secret)

    def secret_hash(self, secret: bytes) -> bytes:
        """What is kept at rest: 32 bytes."""
        return blake2b(secret, key=self._hash_key, digest_size=32).digest()

    def _mac(self, kind: CredentialKind, body: bytes) -> bytes:
        return blake2b(body, key=self._mac_key, digest_size=MAC_BYTES, person=kind.value.encode()).digest()


# What opens something and what does not are judged apart, so that no caller can take one for the other.
_OPENING = {kind.value: kind for kind in (CredentialKind.API_KEY, CredentialKind.SESSION)}
_DEVICES = {CredentialKind.DEVICE.value: CredentialKind.DEVICE}
_TICKETS = frozenset(
    {CredentialKind.INVITATION, CredentialKind.LINK, CredentialKind.TICKET, CredentialKind.CEREMONY}
)
