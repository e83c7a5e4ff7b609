"""What the brain is told: facts with a time, from a live gateway, a simulator or a recorded log."""

from enum import IntEnum, StrEnum

import msgspec


class Kind(StrEnum):
    """What somebody tried."""

    REQUEST = "request"
    """A call of the inference API."""
    LOGIN = "login"
    """A try to log in with a password."""
    SIGNUP = "signup"
    """A try to make an account."""
    PAGE = "page"
    """Anything else that a browser asks for."""


class PagePart(IntEnum):
    """What a ``PAGE`` was, where that is known."""

    OTHER = 0
    VIEW = 1
    """A page that somebody opens."""
    ASSET = 2
    """What a page makes a browser fetch by itself: style sheets, scripts, pictures, fonts."""


class Outcome(StrEnum):
    """How it ended."""

    OK = "ok"
    REFUSED = "refused"
    """Turned away by admission, a limit or a posture: says nothing about who asked."""
    BAD_CREDENTIAL = "bad_credential"
    """Wrong password of a known account, or a made-up or revoked API key."""
    UNKNOWN_USER = "unknown_user"
    """Log-in to an account that does not exist."""
    INVALID = "invalid"
    """Malformed: bad body, bad challenge, bad form."""
    ERROR = "error"
    """Our fault or the engine's."""
    SLOW = "slow"
    """Cut by us because the client sent or took bytes too slowly; as a ``PAGE`` without a fingerprint
    where not even its headers were whole."""
    CHALLENGED = "challenged"
    """Asked to solve a challenge first, having brought no solution: everybody meets it once."""
    CHALLENGE_FAILED = "challenge_failed"
    """Brought a solution that is wrong, late or spent."""


class Observation(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One thing that happened, or ``count`` alike things of one source within a batch."""

    at: float
    """Unix time in seconds."""
    kind: Kind
    outcome: Outcome
    source: str
    """Client address as text; for a trace without addresses any stable word."""
    fingerprint: int = 0
    """32-bit hash of the ordered header names; 0 where unknown."""
    account: str = ""
    """Account identifier where one was recognised or tried, else empty."""
    standing: int = 0
    """``Standing`` of that account; 0 (anonymous) where none was recognised."""
    domain: str = ""
    """Domain of the e-mail address, for sign-ups and log-ins."""
    count: int = 1
    tokens: int = 0
    """Estimated input and output tokens asked for, summed over ``count``."""
    credential: str = ""
    """Identifier of the API key or session, never its secret; empty where none was recognised."""
    bytes: int = 0
    """Bytes of requests' bodies and of answers as the gateway saw them, summed over ``count``."""
    in_flight: int = 0
    """Calls of the credential that were under way at once when it was seen, itself included; the most
    of ``count``. 0 where it is not known."""
    target: int = 0
    """32-bit hash of the path asked for, without its query; 0 where unknown."""
    parameters: int = 0
    """32-bit hash of the names of the query's parameters, not their values; 0 without a query."""
    agent: str = ""
    """What the client calls itself, as ``brain.agent`` writes it; ``several`` where alike things of a batch
    went by more than one name, empty where it was not noted. No detector reads it: anybody can send anything."""
    part: int = 0
    """``PagePart`` of a page; 0 of anything else."""
    solved: bool = False
    """Of a log-in: it came with the solution of a challenge, whatever became of it then."""


WAIT_EDGES_S = (0.005, 0.02, 0.1, 0.5, 2.0, 5.0, 15.0)
"""Edges of the histogram of times in queue, seconds; between "not at all" and "the client gave up"."""


class BandSample(msgspec.Struct, frozen=True, array_like=True):
    """How one standing was served within a sample's interval."""

    standing: int
    arrived: int = 0
    admitted: int = 0
    refused: int = 0
    """429 and 503, by admission."""
    failed: int = 0
    """5xx by the engine."""
    queued: int = 0
    """Waiting at the end of the interval."""
    in_flight: int = 0
    wait_p99_s: float = 0.0
    """Time in Pontlevis' queue of those admitted in the interval, seconds."""
    ttft_p99_s: float = 0.0
    """Time to first token as the client saw it, seconds."""
    tokens: int = 0
    """Input and output tokens settled within the interval."""
    wait_p50_s: float = 0.0
    """Median time in queue of those admitted in the interval, seconds."""
    waits: list[int] = []
    """Those admitted in the interval by their time in queue: up to each of ``WAIT_EDGES_S``, and longer;
    empty where nobody was."""
    wait_sum_s: float = 0.0
    """Their times in queue together, seconds."""


class EngineSample(msgspec.Struct, frozen=True, array_like=True):
    """One engine at the end of an interval."""

    name: str
    up: bool
    in_flight: int
    tokens_in_flight: int
    limit: int
    """Requests that admission has learned it may be given; 0 while it is down or set aside."""
    token_limit: int
    """Tokens likewise; 0 where it sets no limit."""
    waiting: int
    """Requests in its own queue, where it tells."""
    kv_usage: float
    """Share of its KV-cache in use, 0 to 1, where it tells."""


class ServiceSample(msgspec.Struct, frozen=True, array_like=True):
    """How the service did over ``interval_s`` up to ``at``; from each gateway worker."""

    at: float
    interval_s: float
    bands: list[BandSample]
    tokens_in_flight: int = 0
    limit_tokens: int = 0
    """Tokens in flight that admission now allows; 0 where it sets no limit."""
    engines_up: int = 0
    engines: int = 0
    engine_waiting: int = 0
    """Requests in the engines' own queues, where they tell."""
    engine_busy: float = 0.0
    """Share of engine slots or KV-cache in use, 0 to 1."""
    limit_requests: int = 0
    """Requests in flight that admission now allows; 0 where it sets no limit."""
    each_engine: list[EngineSample] = []
