"""Seals texts with rotatable keys: what the database keeps of a person is of no use without the key file.

AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce; the key's id stands before the sealed text, and the
context is bound to it as associated data, so that no value can be put in another column's place. Look-ups go by
HMAC-SHA256 (RFC 2104) with keys of their own (``lookup_keys``). Why these: docs/decisions/0011-sealed-addresses.md.
"""

import os
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as BadBase64
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pontlevis.accounts.lookup_keys import MOST_LOOKUP_KEYS, LookupKey, turned
from pontlevis.storage.sealed import SEALED

KEY_BYTES = 32
NONCE_BYTES = 12
MOST_KEYS = 100


class CannotOpen(ValueError):
    """A sealed text that none of the keys opens; says nothing of what is in it."""


class BadKeyFile(ValueError):
    """A key file that is missing, damaged or not this database's."""


@dataclass(frozen=True, slots=True)
class SealKey:
    """One key. ``id`` is derived from it and tells nothing of it."""

    secret: bytes = field(repr=False)
    id: str = ""

    @classmethod
    def of(cls, secret: bytes) -> "SealKey":
        return cls(secret, sha256(b"pontlevis seal key id" + secret).hexdigest()[:8])


class Sealer:
    """Seals with the newest key and opens with any. ``keys``: newest first, at least one.

    ``lookup_keys``: the first makes what is written, and the second, where there is one, is asked for too.
    """

    def __init__(self, keys: tuple[SealKey, ...], lookup_keys: tuple[LookupKey, ...]) -> None:
        if not keys or not lookup_keys:
            raise BadKeyFile("there is no seal key, or no look-up key")
        self.take(keys)
        self.take_lookups(lookup_keys)

    def __repr__(self) -> str:
        return f"Sealer(newest={self.newest!r}, keys={len(self._ciphers)})"

    def take(self, keys: tuple[SealKey, ...]) -> None:
        """Goes by these keys from now on."""
        self._ciphers = {each.id: AESGCM(each.secret) for each in keys}
        self.newest = keys[0].id
        self._cipher = self._ciphers[self.newest]

    def take_lookups(self, keys: tuple[LookupKey, ...]) -> None:
        """Goes by these look-up keys from now on."""
        self.lookup_keys = keys

    @property
    def key_ids(self) -> tuple[str, ...]:
        """Newest first."""
        return tuple(self._ciphers)

    def seal(self, text: str, context: str) -> str:
        """``text`` for the place that ``context`` names ("accounts.email"); different each time."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, text.encode(), context.encode())
        return f"{SEALED}{self.newest}:{urlsafe_b64encode(nonce + sealed).decode().rstrip('=')}"

    def open(self, sealed: str, context: str) -> str:
        """Raises ``CannotOpen`` for another context, another key, or a text that was changed."""
        key, _, body = sealed.removeprefix(SEALED).partition(":")
        cipher = self._ciphers.get(key) if sealed.startswith(SEALED) else None
        if cipher is None:
            raise CannotOpen("a sealed value names a key that is not in the key file")
        try:
            raw = urlsafe_b64decode(body + "=" * (-len(body) % 4))
            return cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], context.encode()).decode()
        except (InvalidTag, BadBase64, ValueError):
            raise CannotOpen(f"a sealed value does not open as {context}") from None

    def lookup(self, text: str, context: str) -> str:
        """The keyed hash under which ``text`` is found again."""
        return self.lookup_keys[0].hash(text, context)

    def former_lookup(self, text: str, context: str) -> str:
        """The other one, under which it may still stand while the key is being replaced; else the same."""
        return self.lookup_keys[-1].hash(text, context)


def key_id(sealed: str) -> str:
    """Which key sealed it; empty for a text that is not sealed."""
    return sealed.removeprefix(SEALED).partition(":")[0] if sealed.startswith(SEALED) else ""


class KeyFiles:
    """The files of one service: ``seal.keys`` (newest first), ``lookup.key``, ``audit.key``, mode 0600.

    ``seal_keys`` puts the first elsewhere, for a secret store that is mounted as a file.
    """

    def __init__(self, directory: Path, seal_keys: str = "") -> None:
        self.directory = directory / "secrets"
        self.seal_file = Path(seal_keys) if seal_keys else self.directory / "seal.keys"
        self.lookup_file = self.directory / "lookup.key"
        self.audit_file = self.directory / "audit.key"

    @property
    def there(self) -> bool:
        return self.seal_file.exists() and self.lookup_file.exists()

    def make(self) -> bool:
        """Makes what is missing; whether the audit key is new. Raises ``BadKeyFile``, ``OSError``."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self.seal_file.exists():
            _write(self.seal_file, [secrets.token_bytes(KEY_BYTES)])
        fresh = not self.audit_file.exists()
        if not self.lookup_file.exists():
            self._write_lookups((LookupKey.fresh(time.time()),))
        if fresh:
            _write(self.audit_file, [secrets.token_bytes(KEY_BYTES)])
        return fresh

    def read_keys(self) -> tuple[SealKey, ...]:
        """Newest first. Raises ``BadKeyFile``."""
        return tuple(SealKey.of(each) for each in _read(self.seal_file))

    def sealer(self) -> Sealer:
        """Raises ``BadKeyFile``."""
        return Sealer(self.read_keys(), self.read_lookups())

    def read_lookups(self) -> tuple[LookupKey, ...]:
        """The one in use first. Raises ``BadKeyFile``."""
        lines = _lines(self.lookup_file)
        try:
            keys = tuple(LookupKey.read(line) for line in lines)
        except ValueError:
            keys = ()
        if not 1 <= len(keys) <= MOST_LOOKUP_KEYS:
            raise BadKeyFile(f"{self.lookup_file} is damaged: it has one or two keys of {KEY_BYTES} bytes")
        return keys

    def prepare_lookup(self, now: float) -> tuple[LookupKey, ...]:
        """A fresh look-up key after the one in use, for other nodes to learn; as it is where there are two."""
        keys = self.read_lookups()
        if len(keys) < MOST_LOOKUP_KEYS:
            self._write_lookups((*keys, LookupKey.fresh(now, keys[0])))
        return self.read_lookups()

    def turn_lookup(self, now: float) -> tuple[LookupKey, ...]:
        """The newest look-up key first, made if need be; the former one after it."""
        keys = self.read_lookups()
        if (wanted := turned(keys, now)) != keys:
            self._write_lookups(wanted)
        return self.read_lookups()

    def drop_former_lookup(self) -> tuple[LookupKey, ...]:
        """For when nothing stands under it any more."""
        self._write_lookups(self.read_lookups()[:1])
        return self.read_lookups()

    def _write_lookups(self, keys: tuple[LookupKey, ...]) -> None:
        _write_lines(self.lookup_file, [each.line() for each in keys])

    def audit_key(self) -> bytes:
        """Raises ``BadKeyFile``."""
        return _read(self.audit_file)[0]

    def add(self) -> tuple[SealKey, ...]:
        """A fresh key at the top of the file, which from then on seals; older ones still open."""
        keys = [each.secret for each in self.read_keys()]
        if len(keys) >= MOST_KEYS:
            raise BadKeyFile(f"{self.seal_file} has {len(keys)} keys; drop old ones first")
        _write(self.seal_file, [secrets.token_bytes(KEY_BYTES), *keys])
        return self.read_keys()

    def keep_newest(self) -> tuple[SealKey, ...]:
        """Drops all keys but the newest; for when nothing is sealed with the others any more."""
        _write(self.seal_file, [self.read_keys()[0].secret])
        return self.read_keys()


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text("ascii").split()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is damaged"
        raise BadKeyFile(f"{file} cannot be read: {why}") from None


def _read(file: Path) -> list[bytes]:
    try:
        found = [urlsafe_b64decode(each + "=" * (-len(each) % 4)) for each in _lines(file)]
    except BadBase64:
        raise BadKeyFile(f"{file} cannot be read: it is damaged") from None
    if not found or any(len(each) != KEY_BYTES for each in found):
        raise BadKeyFile(f"{file} is damaged: a line of it is no key of {KEY_BYTES} bytes in base64")
    return found


def _write(file: Path, keys: list[bytes]) -> None:
    _write_lines(file, [urlsafe_b64encode(each).decode().rstrip("=") for each in keys])


def _write_lines(file: Path, lines: list[str]) -> None:
    """Whole or not at all: a key file that was cut short would lose every address."""
    fresh = file.with_name(f"{file.name}.{os.getpid()}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.writelines(each + "\n" for each in lines)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(file)
    descriptor = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
