"""The public pages and API on a database of their own, with a service that only takes notes."""

import dataclasses
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from random import Random

import fastapi.dependencies.models
import httpx
from fastapi import FastAPI
from msgspec.structs import replace

from migrated import migrated
from pontlevis.accounts.challenge_policy import ChallengePolicy
from pontlevis.accounts.mail.policy import MailPolicy
from pontlevis.accounts.oidc_settings import IssuerSettings
from pontlevis.accounts.policy import AccountPolicy
from pontlevis.accounts.rooms import Site
from pontlevis.accounts.service import Accounts
from pontlevis.brain.credential import CredentialCodec
from pontlevis.brain.detection.finding import Finding
from pontlevis.brain.observation import Observation, ServiceSample
from pontlevis.brain.posture.state import PostureState, Transition
from pontlevis.brain.reach import Reach
from pontlevis.brain.refusal_note import RefusalCodec
from pontlevis.brain.registration_order import RegistrationOrder, with_order
from pontlevis.brain.vocabulary import Posture, RegistrationMode
from pontlevis.config import Settings
from pontlevis.controller.history import History
from pontlevis.controller.totals import no_totals
from pontlevis.incidents.page_policy import StatusPolicy
from pontlevis.incidents.service import Incidents
from pontlevis.link.messages import AccountRecord, CredentialRecord, DecisionRecord
from pontlevis.notices.subscribers import Subscribers
from pontlevis.policy_file import BadPolicyFile, Change
from pontlevis.storage.database import Database
from pontlevis.web.context import WebContext
from pontlevis.web.operator import create_operator_app
from pontlevis.web.ports import (
    EngineView,
    FileView,
    HeavyView,
    MeasureNote,
    NetworkView,
    Series,
    SourcesView,
    Totals,
)
from pontlevis.web.public import create_public_app
from surroundings import PATIENCE_S

START = 1_738_000_000.0  # 2025-01-27 17:46:40 UTC
PASSWORD = "three quiet herons"
BASE = "http://front.example"
CONSOLE = "http://127.0.0.1:8081"
CHEAP = AccountPolicy(argon2_memory_kib=8, argon2_passes=1)
EASY = ChallengePolicy(iterations=1, tries=20, tries_elevated=40, tries_under_attack=80)

SUSPENDED = PostureState(
    posture=Posture.UNDER_ATTACK,
    since=START - 600,
    registration=RegistrationMode.SUSPENDED,
    registration_since=START - 600,
    registration_share=0.0,
)
RECOVERING = PostureState(
    posture=Posture.RECOVERING,
    since=START - 60,
    registration=RegistrationMode.WAITLIST,
    registration_since=START - 60,
    registration_share=0.25,
    stage=1,
    next_stage_at=START + 540,
)


SOURCES = SourcesView(
    files=[FileView("asn.csv", "asn", 12, 1, "", START, "12 ranges, 1 bad lines (line 3: no AS number)")],
    ranges=12,
    networks=[NetworkView("AS64500 (Example Net)", 40, 3)],
    heavy={"calls_by_source": [HeavyView("192.0.2.9", 30, 30, 30)]},
    days_learned=2.5,
    hourly=False,
    measures={"dry_run": 1, "withheld": 2},
)


@dataclass
class QuietService:
    """The running service as the pages see it: nothing happens unless a test says so."""

    posture: PostureState = field(default_factory=PostureState)
    sources: SourcesView = SOURCES
    measure_notes: list[MeasureNote] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    samples: list[ServiceSample] = field(default_factory=list)
    refusals: dict[str, int] = field(default_factory=dict)
    postures: list[Transition] = field(default_factory=list)
    decisions: list[DecisionRecord] = field(default_factory=list)
    engines: list[EngineView] = field(default_factory=lambda: [EngineView("http://127.0.0.1:9", True)])
    gateways: int = 1
    totals: Totals = field(default_factory=no_totals)
    history: History = field(default_factory=History)
    now: float = START
    order: RegistrationOrder | None = None
    factor: float = 1.0
    admission: bool = True
    orders: list[tuple[object, ...]] = field(default_factory=list)
    """What operators asked for."""

    def series(self, last_s: float, most: int) -> Series:
        return self.history.series(self.now, last_s, most)

    def observe(self, observation: Observation) -> None:
        self.observations.append(observation)

    async def publish(
        self,
        *,
        accounts: list[AccountRecord] | None = None,
        credentials: list[CredentialRecord] | None = None,
    ) -> None:
        """No gateway is there."""

    async def cut(
        self, *, accounts: list[str] | None = None, credentials: list[str] | None = None, reason: str
    ) -> None:
        """Nothing is under way."""

    @property
    def planned(self) -> PostureState:
        return self.posture

    @property
    def posture_dry_run(self) -> bool:
        return bool(self.posture.dry_run)

    async def set_posture(
        self, posture: Posture, *, reason: str, actor: str, hold_s: float | None, dry_run: bool = False
    ) -> list[Transition]:
        after = replace(self.posture, posture=posture, reason=reason, held_by=actor)
        return self._order(("set", posture.value, reason, actor, hold_s), after, dry_run)

    async def hold_posture(
        self, *, reason: str, actor: str, hold_s: float | None, dry_run: bool = False
    ) -> list[Transition]:
        return self._order(("hold", reason, actor, hold_s), replace(self.posture, held_by=actor), dry_run)

    async def release_posture(self, *, actor: str, reason: str, dry_run: bool = False) -> list[Transition]:
        return self._order(("release", reason, actor), replace(self.posture, held_by=None), dry_run)

    async def set_posture_dry_run(self, on: bool | None, *, actor: str, reason: str) -> list[Transition]:
        after = replace(self.posture, dry_run=on, dry_run_by=actor)
        return self._order(("dry_run", on, reason, actor), after, False)

    def _order(self, order: tuple[object, ...], after: PostureState, dry_run: bool) -> list[Transition]:
        change = Transition(START, self.posture, after, "An order.", actor="ada", dry_run=dry_run)
        self.orders.append(("trial", *order) if dry_run else order)
        if not dry_run:
            self.posture = after
        return [change]

    @property
    def registration_order(self) -> RegistrationOrder | None:
        return self.order

    async def set_registration(
        self, mode: RegistrationMode, *, reason: str, actor: str, hold_s: float | None
    ) -> PostureState:
        self.orders.append(("registration", mode.value, reason, actor, hold_s))
        self.order = RegistrationOrder(mode, reason, actor, START, START + (hold_s or 86_400.0))
        self.posture = with_order(self.posture, self.order, START)
        return self.posture

    async def release_registration(self, *, actor: str, reason: str) -> PostureState:
        self.orders.append(("release registration", reason, actor))
        self.order = None
        self.posture = PostureState()
        return self.posture

    def challenge_factor(self, source: str, fingerprint: int) -> float:
        return self.factor

    async def decide(
        self,
        *,
        scope: str,
        value: str,
        reason: str,
        duration_s: float,
        actor: str,
        reach: Reach = Reach.EVERYTHING,
    ) -> DecisionRecord:
        if value == "127.0.0.1":
            raise ValueError("that is this service itself")
        made = DecisionRecord(
            len(self.decisions) + 1,
            scope,
            value,
            reason,
            START,
            START + duration_s,
            actor,
            False,
            reach=reach,
        )
        self.decisions.append(made)
        return made

    async def lift(self, decision: int, *, actor: str, reason: str) -> DecisionRecord:
        for each in self.decisions:
            if each.id == decision:
                self.decisions.remove(each)
                self.orders.append(("lift", decision, reason, actor))
                return each
        raise KeyError(decision)


@dataclass
class QuietPolicy:
    """A policy file that says what a test says."""

    file: Path | None = Path("policy.toml")
    ruled: list[Change] = field(default_factory=list)
    found: list[Change] = field(default_factory=list)
    bad: BadPolicyFile | None = None
    orders: list[tuple[object, ...]] = field(default_factory=list)
    running: Settings = field(default_factory=Settings)
    unruled: Settings = field(default_factory=Settings)

    async def reload(self, *, actor: str, reason: str, dry_run: bool = False) -> list[Change]:
        self.orders.append((actor, reason, dry_run))
        if self.bad is not None:
            raise self.bad
        return self.found


@dataclass
class WebHouse:
    """The apps, each made when it is first asked for, what stands behind them, and its clock."""

    accounts: Accounts
    incidents: Incidents
    service: QuietService
    database: Database
    policy: QuietPolicy
    context: WebContext
    now: float = START
    actor: str = ""
    """The operator who logged in, as kept in records."""

    @cached_property
    def app(self) -> FastAPI:
        return create_public_app(self.context)

    @cached_property
    def operator(self) -> FastAPI:
        """The operator's listener."""
        return create_operator_app(self.context, trusted=False)

    @cached_property
    def private(self) -> FastAPI:
        """The same on the private socket, whose callers are trusted."""
        return create_operator_app(self.context, trusted=True)

    def client(self, *, source: str = "192.0.2.1", **headers: str) -> httpx.AsyncClient:
        """A visitor at ``source``, as the gateway announces it; errors reach the test as answers."""
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app, raise_app_exceptions=False),
            base_url=BASE,
            headers={"x-pontlevis-source": source, "x-pontlevis-fingerprint": "0badcafe"}
            | {name.replace("_", "-"): value for name, value in headers.items()},
        )

    def console(self, *, trusted: bool = False, **headers: str) -> httpx.AsyncClient:
        """Somebody at the operator's listener."""
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(
                app=self.private if trusted else self.operator, raise_app_exceptions=False
            ),
            base_url=CONSOLE,
            headers={"origin": CONSOLE, **{name.replace("_", "-"): value for name, value in headers.items()}},
        )

    async def operator_client(self) -> httpx.AsyncClient:
        """An operator who has logged in, the first one."""
        token = await self.accounts.first_operator_link()
        assert token is not None
        client = self.console()
        form = {"token": token, "email": "operator@example.com", "password": PASSWORD}
        answer = await client.post("/setup", data=form)
        assert answer.status_code == 303, answer.text
        (first,) = await self.accounts.list_operators()
        self.actor = f"account {first.id}"
        return client

    def browser(self, *, source: str = "192.0.2.1", language: str = "en") -> httpx.AsyncClient:
        """A visitor whose requests say that they come from our own pages."""
        return self.client(source=source, origin=BASE, sec_fetch_site="same-origin", accept_language=language)


@asynccontextmanager
async def web_house(
    directory: Path,
    *,
    policy: AccountPolicy = CHEAP,
    public_url: str = BASE,
    challenge: ChallengePolicy = EASY,
    mail: MailPolicy | None = None,
    status: StatusPolicy | None = None,
    subscribers: Callable[[WebContext], Subscribers] | None = None,
    oidc: tuple[IssuerSettings, ...] = (),
) -> AsyncIterator[WebHouse]:
    """Opens everything and closes it afterwards."""
    settings = Settings(
        name="Heron",
        public_url=public_url,
        data=directory,
        accounts=policy,
        challenge=challenge,
        mail=mail or MailPolicy(),
        status=status or StatusPolicy(),
        oidc=oidc,
    )
    database = Database.in_directory(directory)
    service = QuietService()
    desk = QuietPolicy(running=settings, unruled=settings)
    house: WebHouse | None = None

    def clock() -> float:
        return house.now if house is not None else START

    accounts = Accounts(
        database,
        CredentialCodec(bytes(range(32))),
        policy,
        settings.standing,
        service,
        service,
        clock,
        Random(7).randbytes,
        challenge=settings.challenge,
        mail=settings.mail,
        site=Site(settings.name, settings.base_url, settings.console_url),
        issuers=settings.oidc,
    )
    patient = dataclasses.replace(settings.incidents, write_limit_s=PATIENCE_S)
    incidents = Incidents(database, patient, clock, settings.name)
    try:
        await migrated(directory)
        await accounts.start()
        await incidents.start()
        context = WebContext(settings, accounts, incidents, service, RefusalCodec(bytes(range(32))), desk)
        if subscribers is not None:
            context = dataclasses.replace(context, subscribers=subscribers(context))
        house = WebHouse(
            accounts,
            incidents,
            service,
            database,
            desk,
            context,
        )
        yield house
    finally:
        await accounts.close()
        await database.close()
        _forget()


def _forget() -> None:
    """FastAPI remembers each endpoint by its function, and ours hold a whole house: some 200 MB in all, and gc walks them."""
    for each in vars(fastapi.dependencies.models).values():
        if hasattr(each, "cache_clear"):
            each.cache_clear()
