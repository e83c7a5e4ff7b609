"""What all account rooms share: the database, the codec, the clock, the way to the rest of the service."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pontlevis.accounts.challenge import Challenges, SpentInDatabase
from pontlevis.accounts.challenge_policy import ChallengePolicy
from pontlevis.accounts.delays import Delays, Window
from pontlevis.accounts.devices import Devices
from pontlevis.accounts.disposable import Disposable
from pontlevis.accounts.errors import AccountError
from pontlevis.accounts.mail.policy import HOUR_S, MailPolicy
from pontlevis.accounts.oidc_client import Issuer
from pontlevis.accounts.oidc_settings import IssuerSettings
from pontlevis.accounts.passwords import HashPool
from pontlevis.accounts.policy import AccountPolicy
from pontlevis.accounts.ports import Publisher, Watch
from pontlevis.accounts.sealing import KeyFiles, Sealer
from pontlevis.brain.credential import ID_BYTES, SECRET_BYTES, CredentialCodec, CredentialKind
from pontlevis.brain.detection.address import place_of
from pontlevis.brain.standing.derive import AccountFacts, StandingVerdict, derive
from pontlevis.brain.standing.policy import StandingPolicy
from pontlevis.link.messages import AccountRecord, CredentialRecord
from pontlevis.storage.database import Database
from pontlevis.storage.tables.accounts import AccountRow

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Site:
    """What letters and links say of the service. The address comes from settings, never from a request."""

    name: str = "Pontlevis"
    base_url: str = "http://127.0.0.1:8080"
    operator_url: str = ""
    """Where browsers offer passkeys for the console; empty: nowhere."""


class Rooms:
    """Dependencies and small helpers. ``clock`` gives Unix seconds, ``entropy`` so many random bytes."""

    def __init__(
        self,
        database: Database,
        codec: CredentialCodec,
        policy: AccountPolicy,
        standing: StandingPolicy,
        watch: Watch,
        publisher: Publisher,
        clock: Callable[[], float],
        entropy: Callable[[int], bytes],
        *,
        challenge: ChallengePolicy | None = None,
        mail: MailPolicy | None = None,
        site: Site | None = None,
        issuers: Sequence[IssuerSettings] = (),
    ) -> None:
        self.database = database
        self.key_files: KeyFiles | None = None
        self.sealer: Sealer | None = None
        self.codec = codec
        self.policy = policy
        self.standing_policy = standing
        self.watch = watch
        self.publisher = publisher
        self.clock = clock
        self.entropy = entropy
        self.challenge_policy = challenge or ChallengePolicy()
        self.mail_policy = mail or MailPolicy()
        self.site = site or Site()
        self.pool = HashPool(policy, self.site.name)
        self.disposable = Disposable(policy.disposable_domains)
        self.spent = SpentInDatabase(database, self.challenge_policy.spent_remembered)
        self.challenges = Challenges(
            codec.fresh_hash(b"challenges"), self.challenge_policy, self.spent, clock
        )
        self.delays = Delays(policy)
        self.telling = asyncio.Lock()
        """Held while keys are read and told to the gateways: who tells last has read last."""
        self.devices = Devices(codec, entropy)
        self.signups = Window(policy.signups_per_source, policy.signup_window_s, policy.sources_remembered)
        self.asks = Window(policy.asks_per_source, policy.signup_window_s, policy.sources_remembered)
        self.issuers = {each.id: Issuer(each, clock) for each in issuers}
        self.asks_oidc = Window(3 * policy.asks_per_source, policy.signup_window_s, policy.sources_remembered)
        self.codes = Window(policy.asks_per_source, policy.signup_window_s, policy.sources_remembered)
        self.key_makings = Window(policy.key_makings_per_hour, HOUR_S, policy.sources_remembered)
        self.leak_reports = Window(
            policy.leak_reports_per_source, policy.signup_window_s, policy.sources_remembered
        )
        self.known_answers = Window(
            policy.known_answers_per_source, policy.signup_window_s, policy.sources_remembered
        )

    def new_id(self) -> str:
        return self.entropy(ID_BYTES).hex()

    def mint(self, kind: CredentialKind, now: float) -> tuple[str, str, bytes]:
        """Identifier, token text and the hash to keep."""
        id_, secret = self.new_id(), self.entropy(SECRET_BYTES)
        return id_, self.codec.mint(kind, id_, int(now), secret), self.codec.secret_hash(secret)

    def judge(self, row: AccountRow, now: float) -> StandingVerdict:
        return derive(facts_of(row), self.standing_policy, now)

    def ask(self, budget: Window, source: str, now: float) -> None:
        """Counts one ask of a source. Raises ``AccountError`` 429 where it has asked too often."""
        wait = budget.take(place_of(source), now)
        if wait > 0.0:
            raise AccountError(
                429,
                "rate_limit_exceeded",
                "too many of these came from your network; please try again later",
                retry_after_s=wait,
            )

    async def publish_account(
        self, row: AccountRow, credentials: list[CredentialRecord] | None = None
    ) -> None:
        await self.publisher.publish(accounts=[account_record(row)], credentials=credentials or [])


def facts_of(row: AccountRow) -> AccountFacts:
    return AccountFacts(
        created_at=row.created_at,
        operator=row.operator,
        paid=row.paid,
        verified=row.verified_at is not None,
        active_days=row.active_days,
        tokens_used=row.tokens_used,
    )


def account_record(row: AccountRow) -> AccountRecord:
    disabled = row.disabled
    if not disabled and row.pending:
        disabled = "it waits for approval"
    if not disabled and row.unverified:
        disabled = "its address waits to be confirmed"
    return AccountRecord(row.id, row.standing, row.created_at, row.unlimited, disabled, row.familiar)
