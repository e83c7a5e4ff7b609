"""Messages between gateway workers and the admission that they share.

A frame holds all that was said within one turn of the event loop, so that its cost is spread over many
requests when there are many. Durations are seconds; no message carries a time of day.
"""

import msgspec

from pontlevis.brain.admission.messages import Allowance, Ask
from pontlevis.brain.key_scope import KeyLimits
from pontlevis.brain.refusal_note import Cause
from pontlevis.brain.vocabulary import RefusalCode, Standing

WORKER_BITS = 48
"""A ticket is the worker's number above so many bits of its own count."""
OWN_COUNT = (1 << WORKER_BITS) - 1


class Asked(msgspec.Struct, tag=1, array_like=True, frozen=True, gc=False):
    """Worker: may this request use an engine? As in ``brain.admission.messages.Ask``."""

    ticket: int
    account: str
    standing: Standing
    model: str
    input_tokens: int
    output_tokens: int
    unlimited: bool
    choices: int
    stream: bool
    key: str = ""
    limits: KeyLimits | None = None

    @classmethod
    def of(cls, ask: Ask) -> "Asked":
        """As it is sent; its source means nothing to admission."""
        return cls(ask.ticket, ask.account, ask.standing, ask.model, ask.input_tokens, ask.output_tokens, ask.unlimited,
                   ask.choices, ask.stream, ask.key, ask.limits)  # fmt: skip

    def ask(self) -> Ask:
        """As it was meant."""
        return Ask(self.ticket, self.account, self.standing, self.model, self.input_tokens, self.output_tokens, self.unlimited,
                   choices=self.choices, stream=self.stream, key=self.key, limits=self.limits)  # fmt: skip


class Began(msgspec.Struct, tag=2, array_like=True, frozen=True, gc=False):
    """Worker: the first byte of its answer is here."""

    ticket: int
    turns: int
    """How often the worker was told to send it back; fewer than admission said: it began before it heard so."""
    engine: str


class Progressed(msgspec.Struct, tag=3, array_like=True, frozen=True, gc=False):
    """Worker: so many output tokens so far."""

    ticket: int
    output_tokens: int


class Finished(msgspec.Struct, tag=4, array_like=True, frozen=True, gc=False):
    """Worker: it has ended."""

    ticket: int
    input_tokens: int | None
    output_tokens: int | None
    failed: bool
    whole: bool


class Abandoned(msgspec.Struct, tag=5, array_like=True, frozen=True, gc=False):
    """Worker: its client went away."""

    ticket: int


class Moving(msgspec.Struct, tag=6, array_like=True, frozen=True, gc=False):
    """Worker: its engine failed before a byte; is there another?"""

    ticket: int
    turns: int


class EngineLost(msgspec.Struct, tag=7, array_like=True, frozen=True, gc=False):
    """Worker: this engine could not be reached."""

    engine: str


class Met(msgspec.Struct, tag=8, array_like=True, frozen=True, gc=False):
    """Worker, and passed on to the others: somebody of some standing was served from here."""

    source: str


class Held(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One request that a worker has at an engine."""

    asked: Asked
    engine: str
    begun: bool
    output_tokens: int


class Joined(msgspec.Struct, tag=9, array_like=True, frozen=True, gc=False):
    """Worker: first on a connection. Requests that wait are asked again right behind it."""

    worker: int
    pid: int
    version: str
    held: list[Held]
    limits: dict[str, int]
    """What admission last said that each engine may be given; for one that has just started."""


class Started(msgspec.Struct, tag=1, array_like=True, frozen=True, gc=False):
    """Admission: send it to this engine now."""

    ticket: int
    engine: str
    waited_s: float
    input_tokens: int
    output_tokens: int
    allowance: Allowance | None


class Refused(msgspec.Struct, tag=2, array_like=True, frozen=True, gc=False):
    """Admission: it will not be served."""

    ticket: int
    status: int
    code: RefusalCode
    reason: str
    retry_after_s: float
    cause: Cause
    queued: int
    in_flight: int
    limit: int
    allowance: Allowance | None


class SentBack(msgspec.Struct, tag=3, array_like=True, frozen=True, gc=False):
    """Admission: its slot is given to somebody else. As in ``brain.admission.messages.Preempt``."""

    ticket: int
    requeued: bool
    code: RefusalCode
    reason: str


class Stays(msgspec.Struct, tag=4, array_like=True, frozen=True, gc=False):
    """Admission: there is no other engine for it."""

    ticket: int


class EngineState(msgspec.Struct, tag=5, array_like=True, frozen=True, gc=False):
    """Admission: an engine as last probed; ``models`` is None where they are as last said."""

    name: str
    up: bool
    error: str
    models: dict[str, dict[str, object]] | None


class Beat(msgspec.Struct, tag=6, array_like=True, frozen=True, gc=False):
    """Admission, when a worker connects, when it has joined, and then a few times a second: it is there."""

    limits: dict[str, int]
    """What each engine may be given; nothing where the worker may know better."""


class Familiar(msgspec.Struct, tag=7, array_like=True, frozen=True, gc=False):
    """Admission: what another worker ``Met``."""

    source: str


ToAdmission = Asked | Began | Progressed | Finished | Abandoned | Moving | EngineLost | Met | Joined
FromAdmission = Started | Refused | SentBack | Stays | EngineState | Beat | Familiar

_to_admission: msgspec.msgpack.Decoder[list[ToAdmission]] = msgspec.msgpack.Decoder(list[ToAdmission])
_from_admission: msgspec.msgpack.Decoder[list[FromAdmission]] = msgspec.msgpack.Decoder(list[FromAdmission])


def read_to_admission(body: bytes) -> list[ToAdmission]:
    """Raises ``msgspec.DecodeError``."""
    return _to_admission.decode(body)


def read_from_admission(body: bytes) -> list[FromAdmission]:
    """Raises ``msgspec.DecodeError``."""
    return _from_admission.decode(body)
