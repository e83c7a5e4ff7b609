"""Header fields between client and engine: which pass, and those that we add."""

from pontlevis.brain.admission.messages import Allowance

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
