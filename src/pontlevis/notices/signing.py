"""Signatures of webhooks, after Standard Webhooks 1.0 (symmetric scheme): HMAC-SHA256 over id, time and body."""

import hmac
from base64 import b64decode, b64encode
from hashlib import sha256

PREFIX = "whsec_"
SECRET_BYTES = 32  # Standard Webhooks: 24 to 64


def new_secret(entropy: bytes) -> str:
    """``entropy`` is ``SECRET_BYTES`` of fresh randomness."""
    return PREFIX + b64encode(entropy).decode()


def signed_headers(secret: str, message: str, at: float, body: bytes) -> dict[str, str]:
    """``message`` stays the same over retries, ``at`` (Unix seconds) is the try's. Raises ValueError for a bad secret."""
    try:
        key = b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError:
        raise ValueError("a webhook's secret is whsec_ and base64") from None
    signed = b"%b.%d.%b" % (message.encode(), int(at), body)
    signature = b64encode(hmac.digest(key, signed, sha256)).decode()
    return {
        "webhook-id": message,
        "webhook-timestamp": str(int(at)),
        "webhook-signature": f"v1,{signature}",
    }
