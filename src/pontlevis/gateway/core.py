"""The gateway's decisions about each request: who asks, what for, and where it goes."""

import random
import time
from collections.abc import Callable

from pontlevis.brain.admission.messages import Command, Dispatch, Preempt, Refuse
from pontlevis.brain.observation import Kind, Outcome
from pontlevis.brain.posture.rationed import rationed
from pontlevis.brain.refusal_note import Cause, RefusalCodec
from pontlevis.brain.vocabulary import RefusalCode, RegistrationMode, Standing
from pontlevis.config import Settings
from pontlevis.gateway import bans, methods, rights
from pontlevis.gateway.admitted import Admitted, named
from pontlevis.gateway.answers import error_body
from pontlevis.gateway.cookies import DEVICE_COOKIE, session_in, token_in
from pontlevis.gateway.directory import Caller, Directory
from pontlevis.gateway.engines import Engine
from pontlevis.gateway.gatehouse import STRANGER_POSTS, Invited, suspended, turned_away
from pontlevis.gateway.http import Connection
from pontlevis.gateway.models import answer_models
from pontlevis.gateway.pages import KnownSources, PageDesk, PageExchange
from pontlevis.gateway.port import AdmissionPort, Stuck
from pontlevis.gateway.rations import Ration, of_one_worker
from pontlevis.gateway.recorder import Recorder
from pontlevis.gateway.relay import Exchange
from pontlevis.gateway.request import Request
from pontlevis.gateway.software import Software
from pontlevis.gateway.solvers import Solvers
from pontlevis.gateway.source import ClientAddresses, counted_as
from pontlevis.gateway.under_way import UnderWay
from pontlevis.gateway.upstream import Server, Unreachable
from pontlevis.gateway.wire import ENDPOINTS, BadBody, read_call
from pontlevis.link.admission import WORKER_BITS
from pontlevis.link.messages import DecisionRecord
from pontlevis.tracing import Tracing

REQUESTED_WITH = b"x-pontlevis-request"
_OPEN_TO_ALL = ("/status", "/api/v2/", "/static/")


class Core:
    """Decides about requests of one gateway worker; owns admission and the exchanges under way."""

    def __init__(
        self,
        settings: Settings,
        directory: Directory,
        admission: AdmissionPort,
        engines: dict[str, Engine],
        recorder: Recorder,
        controller: Server,
        rng: random.Random,
        notes: RefusalCodec,
        number: int = 0,
        monotonic: Callable[[], float] = time.monotonic,
        unix: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings
        self.policy = of_one_worker(settings.gateway)
        self.directory = directory
        self.admission = admission
        self.engines = engines
        self.recorder = recorder
        self.monotonic, self.unix = monotonic, unix
        self._rng, self._notes = rng, notes
        self._software = Software(settings.evidence.user_agents, settings.evidence.user_agents_per_min, monotonic)  # fmt: skip
        self._addresses, self._tickets = ClientAddresses(settings.trusted_proxies), number << WORKER_BITS
        self.exchanges: dict[int, Exchange] = {}
        self.under_way = UnderWay()
        self.request_prefix = b"req_%06x%02x" % (rng.getrandbits(24), number)
        self.pages = PageDesk(self, controller, self.policy)
        self.known_sources = KnownSources()
        self.refusals: dict[RefusalCode, int] = {}
        self._strangers = Ration(self.policy.stranger_posts_per_s, self.policy.stranger_posts_burst)
        self._invited = Invited(directory, self.policy)
        self._solvers = Solvers(directory, self.policy)
        self._pumping, self._enforcing = False, settings.defence
        self.tracing: Tracing | None = None

    # -- Handler

    def admit(self, connection: Connection, request: Request) -> None:
        """Everything that can be said before the body is there."""
        forwarded = request.joined(b"x-forwarded-for") if self.settings.trusted_proxies else None
        source = self._addresses.find(connection.peer, forwarded)
        print_ = self._software.of(request.headers)
        path = request.path
        if self._enforcing and (ban := self._banned(request, source)) is not None:
            self._refuse(request, bans.shown(request), Outcome.REFUSED, source, print_, 403, RefusalCode.SOURCE_BANNED, bans.said(ban))  # fmt: skip
            return
        if request.method == "OPTIONS" and (told := methods.told(path)) is not None:
            # Without a key, for a browser's preflight brings none.
            self.recorder.see(Kind.PAGE, Outcome.OK, source, print_)
            request.refused = told
        elif path.startswith("/v1/") or path == "/v1":
            self._admit_inference(request, source, print_)
        else:
            self._admit_page(request, source, print_)

    def serve(self, connection: Connection, request: Request) -> None:
        admitted = request.context
        if not isinstance(admitted, Admitted):
            raise TypeError("a request is served only after it was admitted")
        if admitted.caller is None:
            page = PageExchange(self.pages, connection, request, known=admitted.known, source=admitted.source, fingerprint=admitted.fingerprint)  # fmt: skip
            connection.task = page
            self.pages.take(page)
            return
        if admitted.endpoint is None:
            reference = self.reference(request, RefusalCode.MODEL_NOT_FOUND)
            if not answer_models(
                connection, request.path, self.engines.values(), reference, admitted.caller.scope
            ):
                self.refused(RefusalCode.MODEL_NOT_FOUND)
            return
        try:
            call = read_call(admitted.endpoint, b"".join(request.body))
        except BadBody as error:
            denial: rights.Denial | None = rights.Denial(400, RefusalCode.INVALID_BODY, str(error), Outcome.INVALID, error.param)  # fmt: skip
        else:
            scope = admitted.caller.scope
            denial = rights.of_call(scope, call) if scope is not None else None
            if denial is None and admitted.turn != self.directory.turn:  # the body took its time
                denial = rights.of_stream(self.directory, admitted.caller, admitted.source, self.unix(), admitted.endpoint, call.model, enforcing=self._enforcing, spares=self.policy.bans_spare_existing)  # fmt: skip
        if denial is not None:
            account, standing, credential = named(admitted.caller)
            self.recorder.see(Kind.REQUEST, denial.outcome, admitted.source, admitted.fingerprint, account, standing, 0, credential, request.body_bytes)  # fmt: skip
            self.refused(denial.code)
            connection.answer(denial.status, error_body(denial.status, denial.code, denial.message, denial.param), self.reference(request, denial.code))  # fmt: skip
            return
        request.body.clear()
        exchange = Exchange(self, connection, request, admitted.endpoint, call, admitted.caller, admitted.source, admitted.fingerprint)  # fmt: skip
        connection.task = exchange
        exchange.ask()

    def cut_off(self, connection: Connection, code: RefusalCode, *, headless: bool = False) -> None:
        self.refused(code)
        slow = code in (RefusalCode.SLOW_REQUEST, RefusalCode.SLOW_READER)
        outcome = Outcome.SLOW if slow else Outcome.INVALID
        request = connection.request or connection.current
        whose = request.context if request is not None else None
        if isinstance(whose, Admitted):  # behind a trusted proxy only the headers tell whose it is
            account, standing, credential = named(whose.caller)
            self.recorder.see(Kind.REQUEST, outcome, whose.source, whose.fingerprint, account, standing, 0, credential)  # fmt: skip
        else:
            self.recorder.see(Kind.PAGE if headless else Kind.REQUEST, outcome, connection.source, 0)

    def reference(self, request: Request | None, code: RefusalCode) -> bytes:
        whose = request.context if request is not None else None
        caller = whose.caller if isinstance(whose, Admitted) else None
        standing = caller.standing if caller is not None else Standing.ANONYMOUS
        return b"x-request-id: %b\r\n" % self.note(code, standing)

    # -- for exchanges

    def new_ticket(self, exchange: Exchange) -> int:
        self._tickets += 1
        self.exchanges[self._tickets] = exchange
        self.under_way.begin(exchange.caller.credential)
        return self._tickets

    def forget(self, ticket: int) -> None:
        exchange = self.exchanges.pop(ticket, None)
        if exchange is not None:
            self.under_way.end(exchange.caller.credential)

    def refused(self, code: RefusalCode) -> None:
        self.refusals[code] = self.refusals.get(code, 0) + 1

    def take_refusals(self) -> dict[str, int]:
        """By code, since the last call."""
        taken, self.refusals = self.refusals, {}
        return {code.value: count for code, count in taken.items()}

    def note(
        self,
        code: RefusalCode,
        standing: Standing,
        cause: Cause = Cause.OTHER,
        queued: int = 0,
        in_flight: int = 0,
        limit: int = 0,
    ) -> bytes:
        """The id of a refusal, which the operator's console explains."""
        posture = self.directory.posture.posture
        return self._notes.seal(self.unix(), code, cause, standing, posture, queued, in_flight, limit)

    def jitter(self, low: int, high: int) -> int:
        return self._rng.randint(low, high)

    def engine_failed(self, name: str, error: Exception) -> None:
        """Takes an engine that cannot be reached out at once; the next probe that succeeds brings it back."""
        engine = self.engines.get(name)
        if engine is None:
            return
        engine.error = str(error)
        # One that hangs up is judged by its probes: a request that breaks engines must not take them all out.
        if isinstance(error, Unreachable):
            engine.up = False
            self.admission.set_engine(name, engine.serves, False, self.monotonic())

    def pump(self) -> None:
        """Starts or refuses whoever's turn has come."""
        if self._pumping:
            return
        self._pumping = True
        try:
            while True:
                commands = self.admission.due(self.monotonic())
                if not commands:
                    return
                for command in commands:
                    self.carry_out(command)
        finally:
            self._pumping = False

    def carry_out(self, command: Command | Stuck) -> None:
        """Does with a request what admission says."""
        exchange = self.exchanges.get(command.ticket)
        if exchange is None:
            self.admission.abandon(command.ticket, self.monotonic())
        elif isinstance(command, Dispatch):
            exchange.dispatch(command)
        elif isinstance(command, Preempt):
            exchange.preempt(command)
        elif isinstance(command, Refuse):
            exchange.refuse(command)
        else:
            exchange.stuck()

    def sweep(self) -> None:
        """Once a second: silent engines, late pages, decisions that ended."""
        now = self.monotonic()
        limit = self.policy.engine_silence_s
        for exchange in [each for each in self.exchanges.values() if now - each.last_data_at > limit]:
            exchange.silent_too_long()
        self.pages.expire(now)
        unix = self.unix()
        self.directory.expire(unix)
        self.end_unrightful(unix)

    def end_unrightful(self, now: float) -> None:
        """Ends calls whose key, account or address may no more, however that became known. ``now`` is Unix seconds."""
        for exchange in list(self.exchanges.values()):
            denial = rights.of_stream(self.directory, exchange.caller, exchange.source, now, exchange.endpoint, exchange.call.model, enforcing=self._enforcing, spares=self.policy.bans_spare_existing)  # fmt: skip
            if denial is not None:
                exchange.cut(denial.message, denial.code)

    def cut(self, accounts: list[str], credentials: list[str], reason: str) -> None:
        """Ends the calls under way of these accounts and credentials."""
        named, keyed = set(accounts), set(credentials)
        for exchange in list(self.exchanges.values()):
            if exchange.caller.account in named or exchange.caller.credential in keyed:
                exchange.cut(reason)

    # -- inside

    def _banned(self, request: Request, source: str) -> DecisionRecord | None:
        """The decision in force against this place that refuses the request."""
        held = self.directory.banned_source(source, now := self.unix())
        if not held or request.path.startswith(_OPEN_TO_ALL):
            return None
        spares = self.policy.bans_spare_existing
        return next((each for each in held if bans.meets(each, request, self.directory, now, spares=spares)), None)  # fmt: skip

    def _admit_inference(self, request: Request, source: str, print_: int) -> None:
        caller = self._caller(request, source, print_)
        if caller is None:
            return
        endpoint = ENDPOINTS.get(request.path)
        if endpoint is None and not methods.is_models(request.path):
            self._refuse(request, Kind.REQUEST, Outcome.INVALID, source, print_, 404, RefusalCode.UNKNOWN_ENDPOINT,
                         "there is no such endpoint here", caller=caller)  # fmt: skip
            return
        if request.method not in (allowed := methods.taken_by(endpoint)):
            self._refuse(request, Kind.REQUEST, Outcome.INVALID, source, print_, 405, RefusalCode.METHOD_NOT_ALLOWED,
                         "this method is not allowed here", fields=methods.allow(allowed), caller=caller)  # fmt: skip
            return
        encoding = request.header(b"content-encoding")
        if encoding is not None and encoding.strip().lower() not in (b"", b"identity"):
            self._refuse(request, Kind.REQUEST, Outcome.INVALID, source, print_, 415, RefusalCode.INVALID_BODY,
                         "compressed request bodies are not accepted", fields=b"accept-encoding: identity\r\n", caller=caller)  # fmt: skip
            return
        if caller.scope is not None:
            denial = rights.of_endpoint(caller.scope, endpoint)
            if denial is not None:
                self._deny(request, denial, source, print_, caller)
                return
        request.max_body = self.policy.max_body_bytes if endpoint is not None else 0
        request.existing = caller.standing >= Standing.ESTABLISHED
        request.context = Admitted(source, print_, caller, endpoint, turn=self.directory.turn)

    def _caller(self, request: Request, source: str, print_: int) -> Caller | None:
        """Who asks; None when that was refused. The one place where credentials are read."""
        bearer: bytes | None = None
        cookie: bytes | None = None
        asked = False
        for name, value in request.headers:
            if name == b"authorization":
                if bearer is not None:
                    self._refuse(request, Kind.REQUEST, Outcome.INVALID, source, print_, 400, RefusalCode.INVALID_API_KEY,
                                 "send one Authorization header only")  # fmt: skip
                    return None
                bearer = value
            elif name == b"cookie":
                cookie = value
            elif name == REQUESTED_WITH:
                asked = True
        token = ""
        if bearer is not None:
            scheme, _, rest = bearer.partition(b" ")
            token = rest.strip().decode("latin-1") if scheme.lower() == b"bearer" else "?"
            if token.startswith("ps-"):
                token = "?"
        elif cookie is not None and asked:
            token = session_in(cookie)
        if not token:
            if self.settings.anonymous:
                place = counted_as(source)
                return Caller(f"anon:{place}", "", Standing.ANONYMOUS)
            self._refuse(request, Kind.REQUEST, Outcome.INVALID, source, print_, 401, RefusalCode.MISSING_API_KEY,
                         "you did not provide an API key; send it as: Authorization: Bearer YOUR_KEY")  # fmt: skip
            return None
        credential, now = self.directory.judge(token), self.unix()
        caller = self.directory.holder(credential, now)
        if caller is None:
            self._deny(request, rights.of_credential(self.directory, credential, now), source, print_, self.directory.former(credential))  # fmt: skip
            return None
        denial = rights.of_caller(self.directory, caller, now, self._enforcing)
        if denial is not None:
            self._deny(request, denial, source, print_, caller)
            return None
        if caller.standing >= Standing.RECENT:
            self.known_sources.add(counted_as(source), caller.account, now)
        return caller

    def _admit_page(self, request: Request, source: str, print_: int) -> None:
        cookie = request.header(b"cookie")
        known = False
        if cookie is not None:
            if token := session_in(cookie):
                caller = self.directory.recognise(token, self.unix())
                known = caller is not None and not caller.disabled
            # Whoever logs in has no session yet: the device alone says that they were here before.
            if not known and (token := token_in(cookie, DEVICE_COOKIE, "pd-")):
                known = self.directory.is_home(token)
        known = known or counted_as(source) in self.known_sources
        if request.method == "POST" and request.path in STRANGER_POSTS and self._enforcing:
            known = self._ration(request, source, print_, known) or known
            if request.refused is not None:
                return
        request.max_body, request.existing = self.policy.max_page_body_bytes, known
        request.context = Admitted(source, print_, None, None, known)

    def _ration(self, request: Request, source: str, print_: int, known: bool) -> bool:
        """Turns away sign-ups that are suspended and strangers beyond their ration; whether one did the work to go first."""
        state = self.directory.posture
        closed = request.path == "/api/accounts" and state.registration is RegistrationMode.SUSPENDED
        if closed and not self._invited.may_pass(request.target, self.monotonic()):
            self.recorder.see(Kind.SIGNUP, Outcome.REFUSED, source, print_)
            request.refused = suspended(state, self.settings.base_url, self.unix(), self.jitter)
            return True
        kind = STRANGER_POSTS[request.path]
        # A flood fills the desk's queue before detection has a word for it.
        if known or not (rationed(state, kind) or (kind is Kind.LOGIN and self.pages.crowded)):
            return False
        if self._solvers.may_pass(request, kind, source, self.unix(), self.monotonic()):
            return True
        if not self._strangers.take(self.monotonic()):
            status, body, fields = turned_away(kind, request.path, self.settings, self.jitter(3, 12))
            self.recorder.see(kind, Outcome.REFUSED if status == 503 else Outcome.CHALLENGED, source, print_)
            self.refused(RefusalCode.OVERLOADED)
            request.refused = (status, body, fields + self.reference(None, RefusalCode.OVERLOADED))
        return False

    def _deny(self, request: Request, denial: rights.Denial, source: str, print_: int, caller: Caller | None, kind: Kind = Kind.REQUEST) -> None:  # fmt: skip
        self._refuse(request, kind, denial.outcome, source, print_, denial.status, denial.code, denial.message, caller=caller)  # fmt: skip

    def _refuse(
        self,
        request: Request,
        kind: Kind,
        outcome: Outcome,
        source: str,
        print_: int,
        status: int,
        code: RefusalCode,
        message: str,
        *,
        fields: bytes = b"",
        caller: Caller | None = None,
    ) -> None:
        self.refusals[code] = self.refusals.get(code, 0) + 1
        account, standing, credential = named(caller)
        self.recorder.see(kind, outcome, source, print_, account, standing, 0, credential)
        if status == 401:
            fields += b"www-authenticate: Bearer\r\n"
        fields += b"x-request-id: %b\r\n" % self.note(code, caller.standing if caller else Standing.ANONYMOUS)
        request.refused = (status, error_body(status, code, message), fields)
