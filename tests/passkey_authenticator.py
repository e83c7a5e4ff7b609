"""An authenticator in software, for tests without a browser: makes passkeys (P-256) and answers with them."""

import json
from dataclasses import dataclass, field
from hashlib import sha256

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

USER_PRESENT, USER_VERIFIED, ATTESTED = 0x01, 0x04, 0x40


@dataclass
class Authenticator:
    """One passkey of one relying party."""

    origin: str = "https://front.example"
    verifies: bool = True
    """Whether it asks its user for a finger or a code."""
    count: int = 1
    id: bytes = b"a passkey's name, 32 bytes long.."
    _key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def make(self, options: str) -> str:
        """What ``navigator.credentials.create`` gives."""
        asked = json.loads(options)
        numbers = self._key.public_key().public_numbers()
        key = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
        attested = bytes(16) + len(self.id).to_bytes(2) + self.id + cbor2.dumps(key)
        data = self._data(asked["rp"]["id"], ATTESTED) + attested
        return self._answer(
            "webauthn.create",
            asked["challenge"],
            {"attestationObject": cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})},
        )

    def show(self, options: str) -> str:
        """What ``navigator.credentials.get`` gives."""
        asked = json.loads(options)
        self.count += 1
        data = self._data(asked["rpId"], 0)
        client = self._client("webauthn.get", asked["challenge"])
        signature = self._key.sign(data + sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._answer(
            "webauthn.get", asked["challenge"], {"authenticatorData": data, "signature": signature}
        )

    def _data(self, party: str, flags: int) -> bytes:
        flags |= USER_PRESENT | (USER_VERIFIED if self.verifies else 0)
        return sha256(party.encode()).digest() + bytes([flags]) + self.count.to_bytes(4)

    def _client(self, kind: str, challenge: str) -> bytes:
        base64url_to_bytes(challenge)
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _answer(self, kind: str, challenge: str, parts: dict[str, bytes]) -> str:
        parts = {"clientDataJSON": self._client(kind, challenge), **parts}
        id_ = bytes_to_base64url(self.id)
        response = {name: bytes_to_base64url(value) for name, value in parts.items()}
        return json.dumps({"id": id_, "rawId": id_, "type": "public-key", "response": response})
