"""Who may sign reports of leaked keys: ECDSA P-256 public keys from a file, in GitHub's form.

The signature (base64 of DER, over the body's bytes with SHA-256) and the key's identifier come in two
headers. A signature is never needed: whoever shows a whole secret has proved that it leaked.
"""

from base64 import b64decode
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from pontlevis.accounts.errors import AccountError

KEY_HEADER = "github-public-key-identifier"
SIGNATURE_HEADER = "github-public-key-signature"
MOST_KEYS = 100
LONGEST_SIGNATURE = 200  # base64 of a P-256 signature in DER has at most 96


class _Listed(msgspec.Struct):
    key_identifier: str
    key: str


class _File(msgspec.Struct):
    public_keys: list[_Listed]


class Reporters:
    """The keys in a file, read once. Raises ``ValueError`` for a file that cannot be read."""

    def __init__(self, path: str) -> None:
        self._keys: dict[str, EllipticCurvePublicKey] = {}
        if not path:
            return
        try:
            listed = msgspec.json.decode(Path(path).read_bytes(), type=_File).public_keys
        except (OSError, msgspec.DecodeError) as error:
            raise ValueError(f"accounts.leak_reporters: {path} cannot be read: {error}") from None
        for each in listed[:MOST_KEYS]:
            try:
                key = load_pem_public_key(each.key.encode())
            except ValueError:
                key = None
            if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
                raise ValueError(
                    f"accounts.leak_reporters: {each.key_identifier[:80]} is no ECDSA P-256 public key in PEM"
                )
            self._keys[each.key_identifier] = key

    def signer(self, identifier: str, signature: str, body: bytes) -> str:
        """Whose report it is; empty for one without a signature, or where no keys are set.

        Raises ``AccountError`` 403 for a signature that does not hold.
        """
        if not self._keys or not (identifier or signature):
            return ""
        key = self._keys.get(identifier)
        if key is not None and 0 < len(signature) <= LONGEST_SIGNATURE:
            try:
                key.verify(b64decode(signature, validate=True), body, ECDSA(SHA256()))
            except (ValueError, InvalidSignature):
                pass
            else:
                return identifier[:80]
        raise AccountError(403, "signature_invalid", "the report's signature does not hold")
