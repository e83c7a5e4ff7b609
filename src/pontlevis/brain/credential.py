"""API keys and session tokens that can be judged without a look-up.

A token is a prefix and 45 bytes in URL-safe base64: number of the pepper (1), identifier (8), time of issue (4,
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

from pontlevis.brain.peppers import Pepper, Peppers, of

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
    """Mints under the newest pepper and judges under each that holds; they never leave this service.

    ``pepper`` is at least 32 random bytes, kept outside the database. ``now``: Unix seconds; ``at`` tells it later.
    """

    __slots__ = ("_alone", "_fresh_key", "_hash_key", "_kept", "_mac_key", "_next_end", "_number", "_peppers")

    def __init__(self, pepper: bytes | Peppers, now: float = 0.0) -> None:
        self._peppers = of(pepper)
        root, newest = self._peppers.root, self._peppers.newest
        if len(root) < 32 or len(newest.secret) < 32:
            raise ValueError("the pepper must have at least 32 bytes")
        self._hash_key = _derived(b"pontlevis secret hash", root)
        self._fresh_key = _derived(b"pontlevis secret hash", newest.secret)
        self._mac_key, self._number = _mac_key(newest), newest.number
        self._take(now)

    def at(self, now: float) -> None:
        """Lets go of peppers whose time is over; to be called now and then."""
        if self._next_end is not None and now >= self._next_end:
            self._take(now)

    def _take(self, now: float) -> None:
        self._alone = {each.number: _mac_key(each) for each in self._peppers.alone(now)}
        self._kept = {each.number: _mac_key(each) for each in self._peppers.kept(now)}
        self._next_end = self._peppers.next_end(now)

    def mint(self, kind: CredentialKind, id_: str, issued_at: int, secret: bytes) -> str:
        """The token's text. ``secret`` is 20 bytes of fresh randomness, ``id_`` 16 hex digits."""
        body = _BODY.pack(self._number, bytes.fromhex(id_), issued_at, secret)
        return kind.value + urlsafe_b64encode(body + _mac(self._mac_key, kind, body)).decode()

    def judge(self, text: str) -> Credential | None:
        """The key or session in ``text``, or None where it is not one of ours."""
        return self._judge(text, _OPENING, self._kept)

    def judge_device(self, text: str) -> Credential | None:
        """The device in ``text``, or None where it is not one of ours."""
        return self._judge(text, _DEVICES, self._alone)

    def judge_ticket(self, text: str, kind: CredentialKind) -> Credential | None:
        """The invitation, the link or the half-finished log-in in ``text``, or None where it is not one of ours."""
        if kind not in _TICKETS:
            return None
        keys = self._alone if kind is CredentialKind.CEREMONY else self._kept
        return self._judge(text, {kind.value: kind}, keys)

    def _judge(
        self, text: str, kinds: dict[str, CredentialKind], keys: dict[int, bytes]
    ) -> Credential | None:
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
        # One MAC in any case: a pepper that is over or never was costs what one that holds does.
        key = keys.get(raw[0])
        if not hmac.compare_digest(_mac(key or self._mac_key, kind, body), raw[_BODY.size :]) or key is None:
            return None
        _, id_, issued_at, secret = _BODY.unpack(body)
        return Credential(kind, id_.hex(), issued_at, secret)

    def secret_hash(self, secret: bytes) -> bytes:
        """What is kept at rest: 32 bytes. Always under the first pepper: for secrets that nobody can guess."""
        return blake2b(secret, key=self._hash_key, digest_size=32).digest()

    def fresh_hash(self, text: bytes) -> bytes:
        """32 bytes under the newest pepper: for what lives for minutes or hours, and does not outlive a rotation."""
        return blake2b(text, key=self._fresh_key, digest_size=32).digest()


def _mac(key: bytes, kind: CredentialKind, body: bytes) -> bytes:
    return blake2b(body, key=key, digest_size=MAC_BYTES, person=kind.value.encode()).digest()


def _mac_key(pepper: Pepper) -> bytes:
    return _derived(b"pontlevis token mac", pepper.secret)


def _derived(purpose: bytes, secret: bytes) -> bytes:
    return blake2b(purpose, key=secret[:64], digest_size=32).digest()


# What opens something and what does not are judged apart, so that no caller can take one for the other.
_OPENING = {kind.value: kind for kind in (CredentialKind.API_KEY, CredentialKind.SESSION)}
_DEVICES = {CredentialKind.DEVICE.value: CredentialKind.DEVICE}
_TICKETS = frozenset(
    {CredentialKind.INVITATION, CredentialKind.LINK, CredentialKind.TICKET, CredentialKind.CEREMONY}
)
