"""RFC 3161 time stamps over the chain's head, asked for and checked with the ``stamps`` extra (rfc3161-client)."""

from pathlib import Path

from pontlevis.evidence.manifest import Head

CONTENT_TYPE = "application/timestamp-query"
MOST_ANSWER_BYTES = 65_536


class NoStamp(ValueError):
    """Why there is no stamp, or why it does not hold."""


class Stamper:
    """Asks one authority and checks what it says. ``certificates``: PEM file of its root, and its signer where
    its answers do not carry one. Raises ``NoStamp`` where the extra is missing or the file is of no use."""

    def __init__(self, certificates: Path) -> None:
        try:
            from cryptography import x509
            from rfc3161_client import VerifierBuilder
        except ImportError:
            raise NoStamp("time stamps need the extra: pip install 'pontlevis[stamps]'") from None
        try:
            found = x509.load_pem_x509_certificates(certificates.read_bytes())
        except (OSError, ValueError) as error:
            raise NoStamp(f"{certificates}: {error}") from None
        builder = VerifierBuilder()
        try:
            for each in found:
                if each.issuer == each.subject:
                    builder = builder.add_root_certificate(each)
                else:
                    builder = builder.tsa_certificate(each)
            self._verifier = builder.build()
        except ValueError as error:
            raise NoStamp(f"{certificates}: {error}") from None

    def request(self, head: Head) -> bytes:
        """What to send to the authority; it learns a hash of a hash, nothing else."""
        from rfc3161_client import TimestampRequestBuilder

        return TimestampRequestBuilder().data(head.hash.encode()).build().as_bytes()

    def check(self, token: bytes, hash_: str) -> float:
        """The time at which ``hash_`` was seen, Unix seconds. Raises ``NoStamp`` for a stamp that does not hold."""
        from rfc3161_client import VerificationError, decode_timestamp_response

        if len(token) > MOST_ANSWER_BYTES:
            raise NoStamp("the answer is longer than any time stamp")
        try:
            answer = decode_timestamp_response(token)
            if answer.status != 0:
                raise NoStamp(f"the authority refuses: {', '.join(answer.status_string) or answer.status}")
            self._verifier.verify_message(answer, hash_.encode())
        except (VerificationError, ValueError) as error:
            raise NoStamp(str(error)) from None
        return answer.tst_info.gen_time.timestamp()
