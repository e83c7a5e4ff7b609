"""A refusal's id that explains itself to the operator, and to nobody else.

Under attack there are millions of refusals, and the one that somebody asks about is any of them. So
nothing is stored: the id is the explanation, sealed. Deterministic authenticated encryption in SIV
form (Rogaway and Shrimpton, EUROCRYPT 2006; RFC 5297) with keyed BLAKE2s (RFC 7693) as both functions;
a sequence number makes each note differ, and whoever decodes one without the key learns nothing of
queues and limits.
"""

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from enum import IntEnum
from hashlib import blake2s

import msgspec

from pontlevis.brain.vocabulary import Posture, RefusalCode, Standing

PREFIX = "ref_"
TAG_BYTES = (
    6  # a forgery is accepted once in 2^48 tries, and only tells a story to the operator who pasted it
)
_NOTE = struct.Struct(">IHBBBBHHH")
_BYTES = TAG_BYTES + _NOTE.size
_MOST = 0xFFFF
_CODES = tuple(RefusalCode)
_CODE_AT = {code: at for at, code in enumerate(_CODES)}
_POSTURES = tuple(Posture)
_POSTURE_AT = {posture: at for at, posture in enumerate(_POSTURES)}


class Cause(IntEnum):
    """Which of a code's causes it was. Numbers are in ids that people keep: never change one."""

    OTHER = 0
    REQUESTS_A_MINUTE = 1
    TOKENS_A_MINUTE = 2
    REQUESTS_A_DAY = 3
    TOKENS_A_DAY = 4
    CONCURRENCY = 5
    QUEUE_FULL = 6
    QUEUE_HOPELESS = 7
    COHORT = 8
    WAITED = 9
    WAITED_OVERLOADED = 10
    STREAM_CUT = 11


class RefusalNote(msgspec.Struct, frozen=True, gc=False):
    """What held at the moment of a refusal."""

    at: int
    """Unix seconds."""
    code: RefusalCode
    cause: Cause
    standing: Standing
    posture: Posture
    queued: int
    """Requests that waited in the asker's band and above; 65,535 stands for more."""
    in_flight: int
    limit: int


class RefusalCodec:
    """Seals and opens notes under a key derived from the service's pepper.

    Of several that seal at once each is told its ``number`` ``of`` how many, so that no two make the same id.
    """

    __slots__ = ("_end", "_seal_key", "_sequence", "_step", "_tag_key")

    def __init__(self, pepper: bytes, number: int = 0, of: int = 1) -> None:
        self._tag_key = blake2s(pepper, person=b"refusal1").digest()
        self._seal_key = blake2s(pepper, person=b"refusal2").digest()
        self._sequence, self._step = number, of
        self._end = (_MOST + 1) // of * of

    def seal(
        self,
        at: float,
        code: RefusalCode,
        cause: Cause,
        standing: Standing,
        posture: Posture,
        queued: int = 0,
        in_flight: int = 0,
        limit: int = 0,
    ) -> bytes:
        """The id, as it stands in a header."""
        self._sequence = (self._sequence + self._step) % self._end
        note = _NOTE.pack(
            int(at) & 0xFFFFFFFF,
            self._sequence,
            _CODE_AT[code],
            cause,
            standing,
            _POSTURE_AT[posture],
            min(queued, _MOST),
            min(in_flight, _MOST),
            min(limit, _MOST),
        )
        tag = blake2s(note, key=self._tag_key, digest_size=TAG_BYTES).digest()
        return b"ref_" + urlsafe_b64encode(tag + self._mask(tag, note)).rstrip(b"=")

    def open(self, text: str) -> RefusalNote | None:
        """None for what is no note of this service."""
        text = text.strip()
        if not text.startswith(PREFIX) or len(text) > 64:
            return None
        body = text.removeprefix(PREFIX)
        try:
            raw = urlsafe_b64decode(body + "=" * (-len(body) % 4))
        except ValueError:
            return None
        if len(raw) != _BYTES:
            return None
        tag = raw[:TAG_BYTES]
        note = self._mask(tag, raw[TAG_BYTES:])
        if blake2s(note, key=self._tag_key, digest_size=TAG_BYTES).digest() != tag:
            return None
        at, _, code, cause, standing, posture, queued, in_flight, limit = _NOTE.unpack(note)
        try:
            return RefusalNote(
                at,
                _CODES[code],
                Cause(cause),
                Standing(standing),
                _POSTURES[posture],
                queued,
                in_flight,
                limit,
            )
        except (IndexError, ValueError):
            return None

    def _mask(self, tag: bytes, data: bytes) -> bytes:
        stream = blake2s(tag, key=self._seal_key, digest_size=_NOTE.size).digest()
        return (int.from_bytes(data, "big") ^ int.from_bytes(stream, "big")).to_bytes(_NOTE.size, "big")


_CAUSES = {
    Cause.REQUESTS_A_MINUTE: "the account had used up its requests of the minute",
    Cause.TOKENS_A_MINUTE: "the account had used up its tokens of the minute",
    Cause.REQUESTS_A_DAY: "the account had used up its requests of the day",
    Cause.TOKENS_A_DAY: "the account had used up its tokens of the day",
    Cause.CONCURRENCY: "the account had as many requests under way as it may",
    Cause.QUEUE_FULL: "its queue was full",
    Cause.QUEUE_HOPELESS: "its queue was longer than could be served within its longest wait",
    Cause.COHORT: "its queue was overloaded and it was this account's hour to be turned away",
    Cause.WAITED: "it waited as long as its queue allows",
    Cause.WAITED_OVERLOADED: "it waited as long as an overloaded queue allows",
    Cause.STREAM_CUT: "its answer was ended for an existing user who waited",
}

_SENTENCES = {
    RefusalCode.INVALID_API_KEY: "the key was not one of this service, or had been revoked or had expired",
    RefusalCode.MISSING_API_KEY: "no key was sent",
    RefusalCode.ACCOUNT_DISABLED: "the account was disabled",
    RefusalCode.SOURCE_BANNED: "a decision against its address was in force",
    RefusalCode.ACCOUNT_BANNED: "a decision against the account was in force",
    RefusalCode.KEY_BANNED: "a decision against the API key was in force",
    RefusalCode.ANONYMOUS_SUSPENDED: "the posture had switched anonymous use off",
    RefusalCode.MODEL_NOT_FOUND: "no engine had the model that was asked for",
    RefusalCode.ENGINE_UNAVAILABLE: "no engine could serve it",
}


def explain(note: RefusalNote) -> str:
    """One sentence for the operator."""
    who = "a caller without a known account" if note.standing is Standing.ANONYMOUS else f"a {note.standing.word} account"  # fmt: skip
    why = _CAUSES.get(note.cause) or _SENTENCES.get(note.code) or f"it was answered {note.code.value}"
    load = ""
    if note.limit:
        load = f"; {note.in_flight} of {note.limit} slots were in use and {_count(note.queued)} waited in its band and above"  # fmt: skip
    return f"{who}, posture {note.posture.value}: {why}{load}"


def _count(number: int) -> str:
    return f"{number:,} or more" if number == _MOST else f"{number:,}"
