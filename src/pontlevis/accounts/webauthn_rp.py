"""WebAuthn ceremonies for one relying party: our public address, or the console's. Pure but for what the library computes."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

import webauthn
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

LONGEST_ANSWER = 16_384  # characters; an authenticator's answer without attestation has about two thousand
LONGEST_ID = 1_023  # bytes, WebAuthn Level 2 §5.8.3


class BadPasskey(Exception):
    """An authenticator's answer that does not hold."""

    @property
    def reason(self) -> str:
        """Why, in words for the log. The library quotes what it was sent, which is left out: nobody writes into the log."""
        return re.split(r"[\"'`:{\[]", str(self), maxsplit=1)[0].strip()[:100]


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Whom passkeys are made for. A passkey made under one ``id`` is of no use under another."""

    id: str
    origin: str
    name: str

    @classmethod
    def of(cls, base_url: str, name: str) -> "RelyingParty | None":
        """None where browsers offer no passkeys: without HTTPS (but on localhost), or under a bare address."""
        parts = urlsplit(base_url)
        host = parts.hostname or ""
        local = host == "localhost" or host.endswith(".localhost")
        if not host or (parts.scheme != "https" and not local):
            return None
        try:
            ip_address(host)
        except ValueError:
            return cls(host, f"{parts.scheme}://{parts.netloc}", name)
        return None

    def creation_options(
        self, challenge: bytes, user: str, email: str, known: list[str], *, lifetime_s: float
    ) -> str:
        """What ``navigator.credentials.create`` takes, as JSON: a passkey that is found without a name.

        ``user`` is what an authenticator tells its passkeys of one ``id`` apart by: it keeps one for each.
        """
        return webauthn.options_to_json(
            webauthn.generate_registration_options(
                rp_id=self.id,
                rp_name=self.name,
                user_id=user.encode(),
                user_name=email,
                challenge=challenge,
                timeout=int(lifetime_s * 1_000),
                authenticator_selection=AuthenticatorSelectionCriteria(
                    resident_key=ResidentKeyRequirement.REQUIRED,
                    require_resident_key=True,
                    user_verification=UserVerificationRequirement.REQUIRED,
                ),
                exclude_credentials=[
                    PublicKeyCredentialDescriptor(base64url_to_bytes(each)) for each in known
                ],
            )
        )

    def request_options(self, challenge: bytes, *, lifetime_s: float) -> str:
        """What ``navigator.credentials.get`` takes, as JSON; the same for everybody."""
        return webauthn.options_to_json(
            webauthn.generate_authentication_options(
                rp_id=self.id,
                challenge=challenge,
                timeout=int(lifetime_s * 1_000),
                user_verification=UserVerificationRequirement.REQUIRED,
            )
        )

    def made(self, answer: str, challenge: bytes) -> VerifiedRegistration:
        """Raises ``BadPasskey``."""
        _bounded(answer)
        try:
            found = webauthn.verify_registration_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=self.id,
                expected_origin=self.origin,
                require_user_verification=True,
            )
        except _BROKEN as error:
            raise BadPasskey(f"{error}") from None
        if len(found.credential_id) > LONGEST_ID:
            raise BadPasskey("its id is too long")
        return found

    def shown(self, answer: str, challenge: bytes, public_key: bytes, count: int) -> VerifiedAuthentication:
        """Raises ``BadPasskey``, also where the counter went back: then there are two of them."""
        _bounded(answer)
        try:
            return webauthn.verify_authentication_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=self.id,
                expected_origin=self.origin,
                credential_public_key=public_key,
                credential_current_sign_count=count,
                require_user_verification=True,
            )
        except _BROKEN as error:
            raise BadPasskey(f"{error}") from None


# The library lets some of what its parsers raise through.
_BROKEN = (WebAuthnException, ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError)


def _bounded(answer: str) -> None:
    if len(answer) > LONGEST_ANSWER:
        raise BadPasskey("it is too long")
