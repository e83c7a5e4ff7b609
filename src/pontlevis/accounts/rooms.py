"""What all account rooms share: the database, the codec, the clock, the way to the rest of the service."""

from collections.abc import Callable

from pontlevis.accounts.delays import Delays, Window
from pontlevis.accounts.devices import Devices
from pontlevis.accounts.passwords import HashPool
from pontlevis.accounts.policy import AccountPolicy
from pontlevis.accounts.ports import Publisher, Watch
from pontlevis.brain.credential import ID_BYTES, SECRET_BYTES, CredentialCodec, CredentialKind
from pontlevis.brain.standing.derive import AccountFacts, StandingVerdict, derive
from pontlevis.brain.standing.policy import StandingPolicy
from pontlevis.link.messages import AccountRecord, CredentialRecord
from pontlevis.storage.database import Database
from pontlevis.storage.tables.accounts import AccountRow

DAY_S = 86_400.0


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
    ) -> None:
        self.database = database
        self.codec = codec
        self.policy = policy
        self.standing_policy = standing
        self.watch = watch
        self.publisher = publisher
        self.clock = clock
        self.entropy = entropy
        self.pool = HashPool(policy)
        self.delays = Delays(policy)
        self.devices = Devices(codec, entropy)
        self.signups = Window(policy.signups_per_source, policy.signup_window_s, policy.sources_remembered)
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
    disabled = row.disabled or ("it waits for approval" if row.pending else "")
    return AccountRecord(row.id, row.standing, row.created_at, row.unlimited, disabled, row.familiar)
