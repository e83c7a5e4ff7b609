"""Texts sealed at rest: whoever has the database alone cannot read them, nor move them to another row.

Fernet (AES-128-CBC with HMAC-SHA-256, of the ``cryptography`` library) under keys that lie beside the
database in a file of their own, newest first: the first seals, all of them open, so keys can be rotated.
"""

import base64
import contextlib
import os
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from secrets import token_bytes

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

KEY_BYTES = 32
KEYS_FILE = Path("secrets") / "seal.keys"


class Sealer:
    """``keys`` are 32 bytes each, newest first. Raises ``ValueError`` for none, or for one of another length."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(each) != KEY_BYTES for each in keys):
            raise ValueError(f"a sealer needs keys of {KEY_BYTES} bytes")
        self._keys = tuple(keys)

    def __repr__(self) -> str:
        return f"Sealer({len(self._keys)} keys)"

    def seal(self, text: str, context: str) -> str:
        """``context`` says what it is and whose; it is opened under the same alone."""
        return self._box(context).encrypt(text.encode()).decode()

    def open(self, sealed: str, context: str) -> str:
        """Raises ``ValueError`` for what was not sealed here under this context."""
        try:
            return self._box(context).decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise ValueError("this was not sealed here, or for something else") from None

    def _box(self, context: str) -> MultiFernet:
        # A key of its own for each context: Fernet has no associated data.
        made = (blake2b(context.encode(), key=each, digest_size=KEY_BYTES).digest() for each in self._keys)
        return MultiFernet([Fernet(base64.urlsafe_b64encode(each)) for each in made])

    @classmethod
    def in_directory(cls, data: Path) -> "Sealer":
        """The keys of a data directory, made at first use: one a line in base64, mode 0600.

        Raises ``ValueError`` where the file is damaged.
        """
        file = data / KEYS_FILE
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not file.exists():
            fresh = file.with_name(f"{file.name}.{os.getpid()}")
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as out:
                out.write(base64.urlsafe_b64encode(token_bytes(KEY_BYTES)) + b"\n")
                out.flush()
                os.fsync(out.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(fresh, file)  # whoever comes second takes the first one's
            fresh.unlink()
        lines = [each.strip() for each in file.read_text("ascii").splitlines() if each.strip()]
        try:
            return cls([base64.urlsafe_b64decode(each) for each in lines])
        except ValueError as error:
            raise ValueError(f"{file} is damaged ({error}); restore it from a backup") from None
