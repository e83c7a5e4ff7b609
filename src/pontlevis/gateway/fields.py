"""Header fields between client and engine: which pass, and those that we add."""

from pontlevis.brain.admission.messages import Allowance
from pontlevis.brain.key_scope import MOST_LIMIT
from pontlevis.gateway.answers import REASONS
from pontlevis.gateway.directory import Caller
from pontlevis.gateway.port import AdmissionPort

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
        # About the operator's own account or address at a hosted engine.
        b"alt-svc",
        b"openai-organization",
        b"openai-project",
        b"www-authenticate",
        # What browsers would do to this service's own site, or to others of its domain, because the engine says so.
        b"clear-site-data",
        b"location",
        b"nel",
        b"refresh",
        b"report-to",
        b"reporting-endpoints",
        b"service-worker-allowed",
        b"strict-transport-security",
        *(
            b"x-ratelimit-%b-%b" % (kind, what)
            for kind in (b"limit", b"remaining", b"reset")
            for what in (b"requests", b"tokens")
        ),
    }
)
_FRAMING = frozenset({b"connection", b"content-length", b"content-type", b"transfer-encoding"})
_NAMED_OFTEN = frozenset({b"close", b"keep-alive", b"Keep-Alive"})
PASSED_ON = frozenset({b"accept", b"user-agent", b"traceparent", b"tracestate", b"openai-beta"})


def passed_on(headers: list[tuple[bytes, bytes]], traced: bytes) -> bytes:
    """The client's header lines that an engine gets; ``traced``, if any, stands for those about tracing."""
    lines = [b"%b: %b\r\n" % field for field in headers if field[0] in PASSED_ON]
    if traced:
        lines = [line for line in lines if not line.startswith(b"trace")]
    return b"".join(lines) + traced


def end_to_end(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Without the fields that Connection names as meant for the next hop only (RFC 9110, 7.6.1)."""
    named: set[bytes] = set()
    for name, value in headers:
        if name == b"connection" and value not in _NAMED_OFTEN:
            named.update(each.strip().lower() for each in value.split(b","))
    return [field for field in headers if field[0] not in named] if named else headers


def limit_fields(allowance: Allowance) -> bytes:
    """The x-ratelimit-* header lines, as OpenAI writes them; none of what has no limit."""
    requests = tokens = b""
    if allowance.limit_requests < MOST_LIMIT:
        requests = (
            b"x-ratelimit-limit-requests: %d\r\nx-ratelimit-remaining-requests: %d\r\n"
            b"x-ratelimit-reset-requests: %.3fs\r\n"
        ) % (allowance.limit_requests, allowance.remaining_requests, allowance.reset_requests_s)
    if allowance.limit_tokens < MOST_LIMIT:
        tokens = (
            b"x-ratelimit-limit-tokens: %d\r\nx-ratelimit-remaining-tokens: %d\r\n"
            b"x-ratelimit-reset-tokens: %.3fs\r\n"
        ) % (allowance.limit_tokens, allowance.remaining_tokens, allowance.reset_tokens_s)
    return requests + tokens


def limits_of(admission: AdmissionPort, caller: Caller, now: float) -> bytes:
    """What a caller is told of its limits; nothing where it has none."""
    if caller.unlimited and caller.limits is None:
        return b""
    allowance = admission.allowance(
        caller.account, caller.standing, now, caller.credential, caller.limits, caller.unlimited
    )
    return limit_fields(allowance) if allowance is not None else b""


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


def framing(headers: list[tuple[bytes, bytes]]) -> tuple[bool, int | None, bool, bool]:
    """Whether an answer is a stream of events, its length where it names one, whether its end shows, and whether it
    has fields for ``end_to_end`` to take out.

    Without a length and without chunks it ends where the connection does, and a death looks like an end.
    """
    stream = chunked = hops = False
    length: int | None = None
    for name, value in headers:
        if name not in _FRAMING:
            continue
        if name == b"content-type":
            stream = value.lower().startswith(b"text/event-stream")
        elif name == b"content-length" and value.isdigit():
            length = int(value)
        elif name == b"transfer-encoding":
            chunked = True
        elif name == b"connection":
            hops = hops or value not in _NAMED_OFTEN
    return stream, length, chunked or length is not None, hops
