"""What admission is asked, and what it answers."""

import msgspec

from pontlevis.brain.key_scope import KeyLimits
from pontlevis.brain.refusal_note import Cause
from pontlevis.brain.vocabulary import RefusalCode, Standing


class Ask(msgspec.Struct, frozen=True, gc=False):
    """May this request use an engine?"""

    ticket: int
    """Names the request in all that follows; never used twice."""
    account: str
    standing: Standing
    model: str
    input_tokens: int
    """Estimated."""
    output_tokens: int = 0
    """What the client allows at most; 0 where it does not say."""
    unlimited: bool = False
    """Skips the account's own limits, not the queue."""
    source: str = ""
    choices: int = 1
    """Answers asked for; ``output_tokens`` holds for all of them together."""
    stream: bool = True
    """Whether its first byte comes with its first token."""
    key: str = ""
    """The API key or session that it came with; empty where there is none."""
    limits: KeyLimits | None = None
    """Of the key's own."""


class Dispatch(msgspec.Struct, frozen=True, gc=False):
    """Send it to this engine now."""

    ticket: int
    engine: str
    waited_s: float
    input_tokens: int
    output_tokens: int
    """Reserved; settled when it ends."""


class Queued(msgspec.Struct, frozen=True, gc=False):
    """It waits; at ``deadline`` at the latest it is dispatched or refused."""

    ticket: int
    deadline: float


class Refuse(msgspec.Struct, frozen=True, gc=False):
    """It will not be served."""

    ticket: int
    status: int
    code: RefusalCode
    reason: str
    """One sentence for whoever asked."""
    retry_after_s: float
    """0 where trying again is of no use."""
    explain: str
    """One sentence for the operator."""
    cause: Cause = Cause.OTHER
    queued: int = 0
    """In the bands that are served before it, and its own."""
    in_flight: int = 0
    limit: int = 0


class Preempt(msgspec.Struct, frozen=True, gc=False):
    """Its slot is given to somebody else: cancel the engine's work.

    With ``requeued`` it waits again and is dispatched or refused later. Otherwise its answer has begun:
    end it with an error event, and call ``finish``.
    """

    ticket: int
    requeued: bool
    code: RefusalCode
    reason: str
    explain: str


class Allowance(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What an account may still do in the running minute."""

    limit_requests: int
    remaining_requests: int
    reset_requests_s: float
    limit_tokens: int
    remaining_tokens: int
    reset_tokens_s: float


Command = Dispatch | Refuse | Preempt
