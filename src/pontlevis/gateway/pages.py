"""Forwards everything that is not the inference API to the controller, with a small budget of its own.

Whatever the pages cost, they can hold at most ``page_slots`` requests at the controller; requests that
bring a valid session, or come from a source that lately used one, go first and have slots of their own.
Of the others those go first whose place has loaded what pages need, which a flood of pages does not.
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from pontlevis.brain.fingerprint import agent_of
from pontlevis.brain.observation import Outcome, PagePart
from pontlevis.brain.places import PlaceBudget
from pontlevis.brain.vocabulary import RefusalCode, Standing
from pontlevis.gateway.answers import REASONS, error_body
from pontlevis.gateway.fields import end_to_end
from pontlevis.gateway.http import Connection
from pontlevis.gateway.kept_pages import Keeping, KeptPages
from pontlevis.gateway.page_notes import PageNotes, outcome_of, page_part
from pontlevis.gateway.policy import GatewayPolicy
from pontlevis.gateway.request import Request
from pontlevis.gateway.upstream import Sending, Server, StaleConnection, UpstreamError
from pontlevis.link.messages import AccountRecord

if TYPE_CHECKING:
    from pontlevis.gateway.core import Core

_HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"expect",
        b"content-length",
        b"http2-settings",
    }
)
_OURS = (b"x-pontlevis-source", b"x-pontlevis-fingerprint", b"x-pontlevis-agent")
KNOWN_SOURCES = 100_000  # addresses remembered as used by somebody with a valid credential


class KnownSources:
    """Addresses from which somebody with a standing was served lately, bounded, oldest out first."""

    def __init__(self, most: int = KNOWN_SOURCES) -> None:
        self._most = most
        self._budget = PlaceBudget()
        self._seen: OrderedDict[str, None] = OrderedDict()
        self.on_new: Callable[[str], None] | None = None
        """Told of a source that was added; other workers want to know it as well."""

    def add(self, source: str, account: str, now: float) -> None:
        """Somebody was served from there; one account speaks for a few new places only. ``now`` is Unix seconds."""
        if source in self._seen:
            self._seen.move_to_end(source)
            return
        if not self._budget.take(account, now):
            return
        if self.on_new is not None:
            self.on_new(source)
        self.learn(source)

    def learn(self, source: str) -> None:
        """Somebody is known to come from there."""
        self._seen[source] = None
        if len(self._seen) > self._most:
            self._seen.popitem(last=False)

    def learn_homes(self, accounts: list[AccountRecord]) -> None:
        """Remembers from where the owners of accounts with some standing log in."""
        for account in accounts:
            if account.standing >= Standing.RECENT and not account.disabled:
                for place in account.familiar.split():
                    self.learn(place)

    def __contains__(self, source: str) -> bool:
        return source in self._seen


class PageDesk:
    """Slots at the controller and the queue before them."""

    def __init__(self, core: "Core", server: Server, policy: GatewayPolicy) -> None:
        self.core = core
        self.server = server
        self.policy = policy
        self._known: deque[PageExchange] = deque()
        self._readers: deque[PageExchange] = deque()
        """Strangers whose place has loaded what pages need."""
        self._strangers: deque[PageExchange] = deque()
        self.under_way: set[PageExchange] = set()
        self.refused = 0
        self.kept = KeptPages()
        self.notes = PageNotes(core.recorder)

    def take(self, exchange: "PageExchange") -> None:
        """Answers from memory, starts the exchange, queues it, or answers 503."""
        if exchange.answer_from_memory():
            return
        if self._free(exchange.known):
            self._start(exchange)
            return
        queue = self._known if exchange.known else self._readers if exchange.reads else self._strangers
        if len(queue) >= self.policy.page_queue:
            self.refused += 1
            exchange.refuse("the service is busy; please try again shortly")
            return
        queue.append(exchange)

    @property
    def crowded(self) -> bool:
        """Whether half of what may wait from unfamiliar sources does."""
        return 2 * len(self._strangers) >= self.policy.page_queue

    def release(self, exchange: "PageExchange") -> None:
        self.under_way.discard(exchange)
        while self._known and self._free(True):
            self._start_next(self._known)
        for queue in (self._readers, self._strangers):
            while queue and self._free(False):
                self._start_next(queue)

    def expire(self, now: float) -> None:
        """Ends what takes too long; call once a second. ``now`` is monotonic."""
        for queue in (self._known, self._readers, self._strangers):
            while queue and (queue[0].over or now - queue[0].since > self.policy.page_timeout_s):
                exchange = queue.popleft()
                if not exchange.over:
                    exchange.refuse("the service is busy; please try again shortly")
        for exchange in [each for each in self.under_way if now - each.since > self.policy.page_timeout_s]:
            exchange.time_out()

    def _free(self, known: bool) -> bool:
        slots = self.policy.page_slots - (0 if known else self.policy.page_slots_reserved)
        return len(self.under_way) < slots

    def _start_next(self, queue: "deque[PageExchange]") -> None:
        exchange = queue.popleft()
        if not exchange.over:
            self._start(exchange)

    def _start(self, exchange: "PageExchange") -> None:
        self.under_way.add(exchange)
        exchange.send()


class PageExchange:
    """One page request under way."""

    __slots__ = (
        "_begun",
        "_chunked",
        "_connection",
        "_desk",
        "_fingerprint",
        "_keeping",
        "_noted",
        "_part",
        "_pending",
        "_request",
        "_sending",
        "_source",
        "_stripped",
        "_tries",
        "known",
        "over",
        "reads",
        "since",
    )

    def __init__(
        self,
        desk: PageDesk,
        connection: Connection,
        request: Request,
        *,
        known: bool,
        source: str,
        fingerprint: int,
    ) -> None:
        self._desk = desk
        self._connection = connection
        self._request = request
        self.known = known
        self.since = desk.core.monotonic()
        self.over = False
        self._sending: Sending | None = None
        self._tries = 0
        self._begun = False
        self._chunked = False
        self._pending: bytes | None = None
        key = KeptPages.key_of(request)
        self._keeping = Keeping(key) if key is not None else None
        self._source = source
        self._fingerprint = fingerprint
        self._stripped = b""
        self._part = PagePart.OTHER if known else page_part(request)
        self._noted = known
        self.reads = not known and desk.notes.come(self._part, source)

    def answer_from_memory(self) -> bool:
        """Whether what is kept is fresh enough, which costs a look."""
        keeping, desk = self._keeping, self._desk
        if keeping is None or not desk.kept.answer(keeping.key, self._connection, self.since):
            return False
        self.over = True
        return True

    def send(self) -> None:
        if not self._stripped:
            self._stripped = self._as_forwarded()
        self._tries += 1
        try:
            self._sending = self._desk.server.send(self._stripped, self)
        except UpstreamError as error:
            self.answer_fails(error, False)

    def _as_forwarded(self) -> bytes:
        request = self._request
        body = b"".join(request.body)
        fields = [
            b"%b: %b\r\n" % (name, value)
            for name, value in end_to_end(request.headers)
            if name not in _HOP_BY_HOP and not name.startswith(_OURS)
        ]
        return (
            b"%b %b HTTP/1.1\r\n%bx-pontlevis-source: %b\r\nx-pontlevis-fingerprint: %08x\r\nx-pontlevis-agent: %b\r\n"
            b"content-length: %d\r\n\r\n%b"
            % (
                # An answer to HEAD has a length but no body, which no parser can know by itself.
                b"GET" if request.method == "HEAD" else request.method.encode("latin-1"),
                request.target,
                b"".join(fields),
                self._source.encode("latin-1"),
                self._fingerprint,
                agent_of(self._fingerprint).encode("ascii"),
                len(body),
                body,
            )
        )

    def _kept_instead(self) -> bool:
        keeping, desk = self._keeping, self._desk
        return keeping is not None and desk.kept.answer_while_away(
            keeping.key, self._connection, desk.core.monotonic()
        )

    def _note(self, outcome: Outcome) -> None:
        """Tells detection of it, once."""
        if not self._noted:
            self._noted = True
            self._desk.notes.ended(self._request, self._part, outcome, self._source, self._fingerprint)

    def refuse(self, message: str) -> None:
        self.over = True
        self._note(Outcome.REFUSED)
        if not self._kept_instead():
            self._answer(503, RefusalCode.OVERLOADED, message)

    def time_out(self) -> None:
        self._fail(504, "the page took too long")

    def client_gone(self) -> None:
        if self.over:
            return
        self.over = True
        self._note(Outcome.OK)
        if self._sending is not None:
            self._sending.cancel()
        self._desk.release(self)

    def client_blocked(self, blocked: bool) -> None:
        if self._sending is not None:
            self._sending.hold(blocked)

    def answer_begins(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        length = None
        self._note(outcome_of(status))
        if self._keeping is not None:
            self._keeping.begins(status, headers)
        parts = [b"HTTP/1.1 %d %b\r\n" % (status, REASONS.get(status, b"Other"))]
        for name, value in end_to_end(headers):
            if name == b"content-length":
                length = value
            elif name not in _HOP_BY_HOP:
                parts.append(b"%b: %b\r\n" % (name, value))
        bodiless = self._request.method == "HEAD" or status in (204, 304)
        if length is not None:
            parts.append(b"content-length: %b\r\n" % length)
        elif not bodiless and not self._request.version_10:
            self._chunked = True
            parts.append(b"transfer-encoding: chunked\r\n")
        elif not bodiless:
            self._request.keep_alive = False
        parts.append(b"\r\n" if self._request.keep_alive else b"connection: close\r\n\r\n")
        self._pending = b"".join(parts)

    def answer_data(self, data: bytes) -> None:
        if self._keeping is not None:
            self._keeping.data(data)
        if self._request.method == "HEAD":
            return
        if self._chunked:
            data = b"%x\r\n%b\r\n" % (len(data), data)
        if self._pending is not None:
            data, self._pending = self._pending + data, None
            self._begun = True
        self._connection.write(data)

    def answer_ends(self) -> None:
        self._sending = None
        self.over = True
        last = b"0\r\n\r\n" if self._chunked else b""
        if self._pending is not None:
            last, self._pending = self._pending + last, None
        if last:
            self._connection.write(last)
        if self._keeping is not None:
            self._desk.kept.keep(self._keeping, self._desk.core.monotonic())
        self._desk.release(self)
        self._connection.done(not self._request.keep_alive)

    def answer_fails(self, error: Exception, begun: bool) -> None:
        self._sending = None
        if isinstance(error, StaleConnection) and self._tries < 3:
            self.send()
            return
        self._fail(503, "accounts and pages are not available at this moment; please try again shortly")

    def _fail(self, status: int, message: str) -> None:
        if self.over:
            return
        self.over = True
        self._note(Outcome.ERROR)
        if self._sending is not None:
            self._sending.cancel()
            self._sending = None
        self._desk.release(self)
        if self._begun:
            self._connection.abort()
        elif not self._kept_instead():
            code = RefusalCode.ENGINE_UNAVAILABLE if status == 504 else RefusalCode.OVERLOADED
            self._answer(status, code, message)

    def _answer(self, status: int, code: RefusalCode, message: str) -> None:
        core = self._desk.core
        fields = b"retry-after: %d\r\n" % core.jitter(2, 6) + core.reference(self._request, code)
        self._connection.answer(status, error_body(status, code, message), fields)
