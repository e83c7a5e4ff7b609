"""Header fields between client and engine: which pass, and those that we add."""

from pontlevis.brain.admission.messages import Allowance
from pontlevis.gateway.answers import REASONS

# What an engine may not say to the client: hop-by-hop (RFC 9110 7.6.1), lengths we set, and its own limits.
DROPPED = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-connection",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"content-length",
        b"date",
        b"server",
        b"set-cookie",
        b"x-request-id",
    }
)
PASSED_ON = frozenset({b"accept", b"user-agent", b"traceparent", b"tracestate", b"openai-beta"})


def limit_fields(allowance: Allowance) -> bytes:
    """The x-ratelimit-* header lines, as OpenAI writes them."""
    return (
        b"x-ratelimit-limit-requests: %d\r\nx-ratelimit-remaining-requests: %d\r\n"
        b"x-ratelimit-reset-requests: %.3fs\r\nx-ratelimit-limit-tokens: %d\r\n"
        b"x-ratelimit-remaining-tokens: %d\r\nx-ratelimit-reset-tokens: %.3fs\r\n"
    ) % (
        allowance.limit_requests,
        allowance.remaining_requests,
        allowance.reset_requests_s,
        allowance.limit_tokens,
        allowance.remaining_tokens,
        allowance.reset_tokens_s,
    )


def answer_head(
    status: int,
    date: bytes,
    headers: list[tuple[bytes, bytes]],
    own: bytes,
    length: int | None,
    chunked: bool,
    close: bool,
) -> bytes:
    """Status line and headers of an engine's answer as the client gets them; ``own`` are our lines."""
    parts = [b"HTTP/1.1 %d %b\r\n" % (status, REASONS.get(status, b"OK")), date]
    parts.extend(b"%b: %b\r\n" % field for field in headers if field[0] not in DROPPED)
    parts.append(own)
    if length is not None:
        parts.append(b"content-length: %d\r\n" % length)
    elif chunked:
        parts.append(b"transfer-encoding: chunked\r\n")
    parts.append(b"connection: close\r\n\r\n" if close else b"\r\n")
    return b"".join(parts)
