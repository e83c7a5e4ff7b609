"""One call of the inference API, from the client's request to the last byte of the engine's answer."""

from math import ceil
from typing import TYPE_CHECKING

from pontlevis.brain.admission.messages import Ask, Dispatch, Preempt, Queued, Refuse
from pontlevis.brain.observation import Kind, Outcome
from pontlevis.brain.refusal_note import Cause
from pontlevis.brain.vocabulary import RefusalCode
from pontlevis.gateway.answers import error_body, error_event, may_answer
from pontlevis.gateway.collected import Collected
from pontlevis.gateway.directory import Caller
from pontlevis.gateway.engine_errors import shaped
from pontlevis.gateway.fields import answer_head, end_to_end, framing, limits_of, passed_on
from pontlevis.gateway.http import Connection
from pontlevis.gateway.request import Request
from pontlevis.gateway.upstream import Sending, StaleConnection, UpstreamError
from pontlevis.gateway.usage import WHOLE_LIMIT, StreamReader, Usage, usage_of
from pontlevis.gateway.wire import Endpoint, InferenceCall
from pontlevis.link.admission import OWN_COUNT
from pontlevis.link.messages import UsageRecord

if TYPE_CHECKING:
    from pontlevis.gateway.core import Core
    from pontlevis.tracing import CallTrace

MOST_TRIES = 3  # a stale connection, one engine that fails, and the one that answers
MOST_ERROR_BYTES = 65_536
REPORT_EVERY = 32  # events; admission corrects what it expects of an answer under way
_SETTLED = {Outcome.OK: "ok", Outcome.REFUSED: "aborted"}


class Exchange:
    """One call under way. Times are monotonic seconds."""

    __slots__ = (
        "_bare", "_chunked", "_collected", "_core", "_engine", "_first_byte_at",
        "_headers", "_length", "_over", "_pending_head", "_reader", "_report_at", "_request", "_sending", "_sent", "_started", "_status",
        "_ticket", "_trace", "_tries", "_unframed", "_waited", "call", "caller", "connection", "endpoint", "fingerprint", "last_data_at", "source",
    )  # fmt: skip

    def __init__(
        self,
        core: "Core",
        connection: Connection,
        request: Request,
        endpoint: Endpoint,
        call: InferenceCall,
        caller: Caller,
        source: str,
        fingerprint: int,
    ) -> None:
        self._core = core
        self.connection = connection
        self._request = request
        self.endpoint = endpoint
        self.call = call
        self.caller = caller
        self.source = source
        self.fingerprint = fingerprint
        self._ticket = self._tries = self._sent = self._status = 0
        self._bare = False
        self._started = core.monotonic()
        self._waited = self._first_byte_at = 0.0
        self.last_data_at = self._started
        self._sending: Sending | None = None
        self._engine = ""
        self._headers: list[tuple[bytes, bytes]] = []
        self._pending_head: bytes | None = None
        self._chunked = self._unframed = self._over = False
        self._length: int | None = None
        self._reader: StreamReader | None = None
        self._collected = Collected()
        self._report_at = REPORT_EVERY
        self._trace: CallTrace | None = None
        if core.tracing is not None:
            self._trace = core.tracing.call(endpoint.value, call.model, caller.standing.word, request.headers)

    # -- admission

    def ask(self) -> None:
        """Asks admission; what it says may come at once or through ``dispatch`` and ``refuse`` later."""
        core = self._core
        now = core.monotonic()
        self._ticket = core.new_ticket(self)
        caller, call = self.caller, self.call
        said = core.admission.ask(
            Ask(self._ticket, caller.account, caller.standing, call.model, call.input_tokens, call.output_tokens,
                caller.unlimited, self.source, call.choices, call.stream, caller.credential,
                caller.limits),
            now,
        )  # fmt: skip
        if type(said) is Dispatch:
            self.dispatch(said)
        elif type(said) is Refuse:
            self.refuse(said)
        elif type(said) is Queued:
            core.pump()

    def dispatch(self, said: Dispatch) -> None:
        """The engine may be asked now."""
        self._waited = said.waited_s
        self._engine = said.engine
        self._bare = False
        self._send()

    def refuse(self, said: Refuse) -> None:
        """Admission will not serve this one."""
        self._core.forget(self._ticket)
        self._over = True
        note = self._core.note(
            said.code, self.caller.standing, said.cause, said.queued, said.in_flight, said.limit
        )
        fields = b"x-request-id: %b\r\n" % note
        if said.retry_after_s > 0:
            fields += b"retry-after: %d\r\n" % max(1, ceil(said.retry_after_s))
        if said.status == 429:
            fields += limits_of(self._core.admission, self.caller, self._core.monotonic())
        self._observe(Outcome.REFUSED)
        self._core.refused(said.code)
        self.connection.answer(said.status, error_body(said.status, said.code, said.reason), fields)

    def preempt(self, said: Preempt) -> None:
        """Its slot belongs to somebody else now."""
        if not said.requeued:
            self._end_early(503, said.code, said.reason, cause=Cause.STREAM_CUT)
            return
        self._stop_engine()
        self._engine = ""
        self._forget_answer()

    def stuck(self) -> None:
        """Admission, which was asked at a distance, has no other engine for it."""
        if not self._over:
            self._end_early(503, RefusalCode.ENGINE_UNAVAILABLE, "the engine could not be reached")

    # -- Task: the client

    def client_gone(self) -> None:
        """Frees the engine's slot at once and charges what was generated."""
        if self._over:
            return
        reader = self._reader
        if reader is not None and reader.over:
            # Clients leave at the last word; engines may end the framing of the answer a moment after it.
            if self._sending is not None:
                self._sending.let_end()
            self._finish(reader.usage, Outcome.OK)
            self._core.pump()
            return
        self._over = True
        asked = self._sending is not None and self._sending.connection is not None
        self._stop_engine()
        now = self._core.monotonic()
        tokens, usage = (reader.tokens, reader.usage) if reader is not None else (0, None)
        self._core.admission.progress(self._ticket, tokens, now)
        self._core.admission.abandon(self._ticket, now)
        self._core.forget(self._ticket)
        if asked:
            self._settle("aborted", usage.tokens_in if usage is not None else None, tokens)
        self._observe(Outcome.OK if self._first_byte_at else Outcome.REFUSED)
        self._core.pump()

    def client_blocked(self, blocked: bool) -> None:
        if self._sending is not None:
            self._sending.hold(blocked)

    def cut(self, reason: str, code: RefusalCode = RefusalCode.ACCOUNT_DISABLED) -> None:
        """Ends the call from our side: key revoked or expired, account disabled or banned."""
        if not self._over:
            self._end_early(401 if code is RefusalCode.KEY_EXPIRED else 403, code, reason)

    def silent_too_long(self) -> None:
        """The engine has said nothing for too long."""
        if not self._over:
            self._end_early(504, RefusalCode.ENGINE_UNAVAILABLE, "the engine did not answer in time")

    # -- Receiver: the engine

    def answer_begins(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        if not may_answer(status):
            self._over_early()
            return
        self._status = status
        stream, self._length, framed, hops = framing(headers)
        self._headers = end_to_end(headers) if hops else headers
        if stream and status < 400:
            of_responses = self.endpoint is Endpoint.RESPONSES
            self._reader = StreamReader(
                hide_usage=self.call.hide_usage, deltas_only=of_responses, watch_end=not framed
            )
            self._unframed = not framed
            self._length = None
        if status < 400:
            if self._bare:
                self._core.engines[self._engine].refuses_stream_options = True
            self._pending_head = self._head()

    def answer_data(self, data: bytes) -> None:
        core = self._core
        now = core.monotonic()
        self.last_data_at = now
        self._sent += len(data)
        if self._status >= 400:
            self._collected.add(data, MOST_ERROR_BYTES, newest=False)
            return
        if not self._first_byte_at:
            self._first_byte_at = now
            core.admission.first_byte(self._ticket, now)
        reader = self._reader
        if reader is not None:
            data = reader.read(data)
            if reader.events >= self._report_at:
                self._report_at = reader.events + REPORT_EVERY
                core.admission.progress(self._ticket, reader.events, now)
            if not data:
                return
        else:
            self._collected.add(data, WHOLE_LIMIT, newest=True)
        if self._chunked:
            data = b"%x\r\n%b\r\n" % (len(data), data)
        if self._pending_head is not None:
            data = self._pending_head + data
            self._pending_head = None
        self.connection.write(data)

    def answer_ends(self) -> None:
        self._sending = None
        if self._status >= 400:
            self._engine_error()
            return
        reader = self._reader
        if reader is not None and self._unframed and not reader.ended:
            # Where the connection's end is the answer's, only its last words tell an end from a death.
            self._over_early()
            return
        last = b""
        if reader is not None:
            rest = reader.rest()
            last = b"%x\r\n%b\r\n" % (len(rest), rest) if rest and self._chunked else rest
        if self._chunked:
            last += b"0\r\n\r\n"
        if self._pending_head is not None:
            last = self._pending_head + last
            self._pending_head = None
        if last:
            self.connection.write(last)
        usage = reader.usage if reader is not None else usage_of(self._collected.whole())
        self._finish(usage, Outcome.OK)
        self.connection.done(self._closes())
        self._core.pump()

    def answer_fails(self, error: Exception, begun: bool) -> None:
        self._sending = None
        if self._over:
            return
        # A head alone, as engines send it before they begin to read the prompt, was not passed on yet.
        begun = 0 < self._status < 400 and self._pending_head is None
        if not begun and self._tries < MOST_TRIES:
            self._forget_answer()
            if isinstance(error, StaleConnection):
                self._send()
                return
            self._core.engine_failed(self._engine, error)
            moved = self._core.admission.move(self._ticket, self._core.monotonic())
            if moved is not None:
                if type(moved) is Dispatch:
                    self.dispatch(moved)
                self._core.pump()
                return
        else:
            self._core.engine_failed(self._engine, error)
        if begun:
            self._over_early()
        else:
            self._end_early(503, RefusalCode.ENGINE_UNAVAILABLE, "the engine could not be reached")

    # -- inside

    def _over_early(self) -> None:
        self._end_early(502, RefusalCode.ENGINE_UNAVAILABLE, "the engine failed while it answered")

    def _forget_answer(self) -> None:
        """Whatever an engine had begun to say, none of which was passed on."""
        self._status = 0
        self._pending_head = self._reader = self._length = None
        self._chunked = self._unframed = False
        self._collected.clear()

    def _stop_engine(self) -> None:
        if self._sending is not None:
            self._sending.cancel()
            self._sending = None

    def _send(self) -> None:
        self._tries += 1
        engine = self._core.engines[self._engine]
        body = self.call.original if engine.refuses_stream_options or self._bare else self.call.body
        traced = self._trace.sending(self._engine, self._waited) if self._trace is not None else b""
        fields = b"content-type: application/json\r\n" + passed_on(self._request.headers, traced)
        head = engine.head("POST", self.endpoint.value, fields, len(body))
        self.last_data_at = self._core.monotonic()
        try:
            self._sending = engine.server.send(head + body, self)
        except UpstreamError as error:
            self.answer_fails(error, False)

    def _head(self) -> bytes:
        self._chunked = self._length is None and not self._request.version_10
        limits = limits_of(self._core.admission, self.caller, self._core.monotonic())
        own = b"x-request-id: %b\r\n%b" % (self._request_id(), limits)
        date, headers, length, chunked = self.connection.fields, self._headers, self._length, self._chunked
        return answer_head(self._status, date, headers, own, length, chunked, self._closes())

    def _closes(self) -> bool:
        request = self._request
        return not request.keep_alive or (request.version_10 and self._length is None)

    def _engine_error(self) -> None:
        """The engine answered with an error: passed on whole, after one retry where we caused it."""
        engine = self._core.engines[self._engine]
        if self._collected.left_out:
            self._over_early()
            return
        body = self._collected.whole()
        named = self._status in (400, 422) and b"stream_options" in body
        if named and self.call.rewritten and not (engine.refuses_stream_options or self._bare):
            # Whether they were the reason is known when it is asked without: the client's own words may stand there.
            self._bare = True
            self._forget_answer()
            self._send()
            return
        if self._status in (401, 407):
            self._core.engine_failed(self._engine, UpstreamError("it refuses the key that it is asked with"))
            said = "the engine does not accept this service's own key"
            self._end_early(502, RefusalCode.ENGINE_UNAVAILABLE, said)
            return
        self._finish(None, Outcome.ERROR if self._status >= 500 else Outcome.INVALID)
        fields, body = shaped(self._status, self._headers, body)
        self.connection.answer_as(
            self._status, body, b"%bx-request-id: %b\r\n" % (fields, self._request_id())
        )
        self._core.pump()

    def _end_early(self, status: int, code: RefusalCode, reason: str, *, cause: Cause = Cause.OTHER) -> None:
        self._stop_engine()
        begun = self._status and self._status < 400 and self._pending_head is None
        blamed = code is RefusalCode.ENGINE_UNAVAILABLE
        self._finish(None, Outcome.ERROR if blamed else Outcome.REFUSED)
        self._core.refused(code)
        note = self._core.note(code, self.caller.standing, cause)
        if not begun:
            fields = b"x-request-id: %b\r\n" % note
            if status in (502, 503, 504):
                fields += b"retry-after: 2\r\n"
            self.connection.answer(status, error_body(status, code, reason), fields)
        elif self._reader is not None:
            event = error_event(code, reason, note)
            self.connection.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(event), event) if self._chunked else event)
            self.connection.done(self._closes())
        else:
            # Half a JSON document cannot be ended well: the client must see that it is cut.
            self.connection.abort()
        self._core.pump()

    def _finish(self, usage: Usage | None, outcome: Outcome) -> None:
        self._over = True
        now = self._core.monotonic()
        events = self._reader.events if self._reader is not None else 0
        tokens_in, tokens_out = (usage.tokens_in, usage.tokens_out) if usage is not None else (None, None)
        tokens_out = events if tokens_out is None and self._reader is not None else tokens_out
        if outcome is not Outcome.OK and tokens_in is None and not events:
            tokens_in, tokens_out = 0, 0
        self._core.admission.finish(
            self._ticket, now, input_tokens=tokens_in, output_tokens=tokens_out,
            failed=outcome is Outcome.ERROR, whole=outcome is Outcome.OK,
        )  # fmt: skip
        self._core.forget(self._ticket)
        self._settle(_SETTLED.get(outcome, "error"), tokens_in, tokens_out)
        self._observe(outcome, tokens_in, tokens_out)

    def _settle(self, outcome: str, tokens_in: int | None, tokens_out: int | None) -> None:
        now = self._core.monotonic()
        tokens_in = self.call.input_tokens if tokens_in is None else tokens_in
        ttft_s = self._first_byte_at - self._started if self._first_byte_at else 0.0
        record = UsageRecord(self._core.unix(), self.caller.account, self.caller.credential, self.call.model, tokens_in,
                             tokens_out or 0, outcome, self._waited, ttft_s, now - self._started)  # fmt: skip
        self._core.recorder.settle(record)

    def _observe(self, outcome: Outcome, tokens_in: int | None = None, tokens_out: int | None = None) -> None:
        if self._trace is not None:
            self._trace.end(outcome.value, status=self._status, tokens_in=tokens_in, tokens_out=tokens_out)
        tokens = (tokens_in if tokens_in is not None else self.call.input_tokens) + (tokens_out or 0)
        caller, credential, size = self.caller, self.caller.credential, self._request.body_bytes + self._sent
        beside = self._core.under_way.count(credential) + 1 if credential else 0  # it has just been forgotten
        self._core.recorder.see(Kind.REQUEST, outcome, self.source, self.fingerprint, caller.account,
                                int(caller.standing), tokens, credential, size, beside)  # fmt: skip

    def _request_id(self) -> bytes:
        return b"%b%x" % (self._core.request_prefix, self._ticket & OWN_COUNT)
