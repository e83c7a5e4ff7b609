"""What a second factor is: words, views, codes of authenticator apps and recovery codes. Pure."""

from base64 import b32encode
from dataclasses import dataclass
from enum import StrEnum
from hmac import compare_digest

import pyotp

from pontlevis.accounts.errors import AccountError

STEP_S = 30  # RFC 6238 §5.2, and the only one that every app knows
TOTP_DIGITS = 6
SECRET_BYTES = 20  # RFC 4226 §4 R6: 160 bits
RECOVERY_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # without those that are taken for one another
RECOVERY_LENGTH = 10  # 31 ** 10 is 2 ** 49: guessing is hopeless behind the delays, and people can type it


class Factor(StrEnum):
    """What was shown beside a password, or instead of one."""

    NONE = ""
    TOTP = "totp"
    RECOVERY = "recovery"
    PASSKEY = "passkey"


class Realm(StrEnum):
    """Which listener somebody logs in to."""

    PUBLIC = "public"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class PasskeyView:
    """A passkey as its owner sees it. Times are Unix seconds."""

    id: str
    name: str
    created_at: float
    last_used_at: float | None
    synced: bool
    realm: Realm = Realm.PUBLIC


@dataclass(frozen=True, slots=True)
class FactorsView:
    """The second factors of an account."""

    totp: bool
    recovery_left: int
    passkeys: tuple[PasskeyView, ...] = ()

    @property
    def any(self) -> bool:
        """Whether a log-in by password takes one."""
        return self.totp or bool(self.passkeys)

    def passkeys_of(self, realm: Realm) -> tuple[PasskeyView, ...]:
        """Those that were made for a listener."""
        return tuple(each for each in self.passkeys if each.realm is realm)

    def methods(self, realm: Realm) -> tuple[Factor, ...]:
        """Those that can be shown at a listener: a passkey belongs to one."""
        found = [Factor.TOTP] if self.totp else []
        if self.recovery_left:
            found.append(Factor.RECOVERY)
        if self.passkeys_of(realm):
            found.append(Factor.PASSKEY)
        return tuple(found)


@dataclass(frozen=True, slots=True)
class TotpOffer:
    """The secret of an authenticator app, for its owner to take over; shown until a code of it was given."""

    secret: str
    """Base32."""
    uri: str
    """``otpauth://``, for a QR code."""

    def __repr__(self) -> str:
        return "TotpOffer()"


class SecondFactorRequired(AccountError):
    """The password fitted; a second factor is awaited under ``ticket``, which is no session."""

    def __init__(self, ticket: str, expires_at: float, methods: tuple[Factor, ...]) -> None:
        super().__init__(403, "second_factor_required", "this account takes a second factor")
        self.ticket = ticket
        self.expires_at = expires_at
        self.methods = methods


def matching_step(secret: str, code: str, now: float, *, drift: int, last_step: int) -> int | None:
    """The step (of half a minute since 1970) whose code this is; None for a wrong or a used one.

    ``drift`` steps before and after now are looked at (RFC 6238 §5.2); those up to ``last_step`` were used.
    """
    current = int(now // STEP_S)
    codes = pyotp.HOTP(secret, digits=TOTP_DIGITS)
    found = None
    for step in range(current - drift, current + drift + 1):
        # All are computed, so that the time taken does not tell which one it was.
        if compare_digest(codes.at(step).encode(), code.encode()) and step > last_step:
            found = step
    return found


def fresh_secret(random: bytes) -> str:
    """``SECRET_BYTES`` of randomness in base32."""
    return b32encode(random).decode().rstrip("=")


def offer(secret: str, email: str, service: str) -> TotpOffer:
    """A secret in the forms that apps take."""
    return TotpOffer(secret, pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=service))


def recovery_code(random: bytes) -> str:
    """A code of ``RECOVERY_LENGTH`` letters with a dash. ``random`` has 16 bytes."""
    number = int.from_bytes(random)
    letters = ""
    for _ in range(RECOVERY_LENGTH):
        number, rest = divmod(number, len(RECOVERY_LETTERS))
        letters += RECOVERY_LETTERS[rest]
    half = RECOVERY_LENGTH // 2
    return f"{letters[:half]}-{letters[half:]}"


def as_totp(code: str) -> str:
    """The digits of what was typed, where they can be an app's code; else empty."""
    text = "".join(code.split())
    return text if len(text) == TOTP_DIGITS and text.isascii() and text.isdigit() else ""


def as_recovery(code: str) -> str:
    """The letters of what was typed, where they can be a recovery code; else empty."""
    text = "".join(each for each in code.lower() if each not in " -")
    return text if len(text) == RECOVERY_LENGTH and set(text) <= set(RECOVERY_LETTERS) else ""
