"""Known devices: a browser in which an account's owner logged in before says so, and goes first.

The token is the device cookie of OWASP's "Slow Down Online Guessing Attacks with Device Cookies". It
opens nothing, needs no look-up, and names the one account that it speaks for.
"""

from collections.abc import Callable

from pontlevis.brain.credential import SECRET_BYTES, CredentialCodec, CredentialKind

LIFETIME_S = 31_536_000.0  # a year: people come back after a holiday, and a stolen cookie opens nothing


class Devices:
    """Mints and judges device tokens. ``entropy`` gives so many random bytes."""

    def __init__(self, codec: CredentialCodec, entropy: Callable[[int], bytes]) -> None:
        self._codec = codec
        self._entropy = entropy

    def mint(self, account: str, now: float) -> str:
        """A token for a browser in which ``account`` has just logged in."""
        return self._codec.mint(CredentialKind.DEVICE, account, int(now), self._entropy(SECRET_BYTES))

    def name(self, token: str, account: str, now: float) -> str | None:
        """A name under which this device's failures are counted; None where it does not speak for ``account``."""
        device = self._codec.judge_device(token)
        if device is None or device.id != account:
            return None
        if not 0 <= now - device.issued_at + 1 <= LIFETIME_S:
            return None
        return f"device {device.secret.hex()}"
