"""The accounts that exist before a drill begins: users of long standing, and the attacker's sleepers."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from argon2 import PasswordHasher

from pontlevis.accounts.rooms import facts_of
from pontlevis.brain.credential import ID_BYTES, SECRET_BYTES, CredentialCodec, CredentialKind
from pontlevis.brain.standing.derive import derive
from pontlevis.brain.standing.policy import DAY_S, StandingPolicy
from pontlevis.drill.people import existing
from pontlevis.drill.plan import existing_email, password_of, sleeper_email
from pontlevis.drill.scenario import Scenario
from pontlevis.runtime import DataDirectory
from pontlevis.storage.database import Database
from pontlevis.storage.migrate import upgrade
from pontlevis.storage.tables.accounts import AccountRow, KeyRow

PAID_EVERY = 6  # one existing account in six pays
SLEEPER_AGE_S = (DAY_S, 3 * DAY_S)


@dataclass(frozen=True, slots=True)
class Seeded:
    """Keys of the seeded accounts, by number."""

    existing: list[str]
    sleepers: list[str]


async def seed(directory: Path, scenario: Scenario, seed_: int) -> Seeded:
    """Writes the accounts into a fresh data directory."""
    data = DataDirectory(directory)
    data.prepare()
    codec = CredentialCodec(data.peppers())
    database = Database.in_directory(data.path)
    await upgrade(database)
    hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
    now = time.time()
    people = existing(seed_, scenario.existing_users)
    keys: list[str] = []
    sleepers: list[str] = []
    policy = StandingPolicy()
    try:
        async with database.session() as session:
            for number, person in enumerate(people):
                row = AccountRow(
                    id=secrets.token_hex(ID_BYTES), email=existing_email(number), email_key=existing_email(number),
                    password_hash=hasher.hash(password_of(number)), created_at=now - 60 * DAY_S, active_days=20,
                    tokens_used=50_000, last_active_at=now - DAY_S, last_active_day=int((now - DAY_S) // DAY_S),
                    paid=number % PAID_EVERY == 0, familiar=person.address, created_from=person.address,
                    operator=False, unlimited=False, pending=False, disabled="",
                )  # fmt: skip
                keys.append(_with_key(row, codec, session.add, now, policy))
            for number in range(scenario.sleepers):
                age = SLEEPER_AGE_S[0] + (SLEEPER_AGE_S[1] - SLEEPER_AGE_S[0]) * number / max(
                    1, scenario.sleepers
                )
                row = AccountRow(
                    id=secrets.token_hex(ID_BYTES), email=sleeper_email(number), email_key=sleeper_email(number),
                    password_hash="", created_at=now - age, active_days=0, tokens_used=0, last_active_at=0.0,
                    last_active_day=0, paid=False, familiar="", created_from="127.67.0.1",
                    operator=False, unlimited=False, pending=False, disabled="",
                )  # fmt: skip
                sleepers.append(_with_key(row, codec, session.add, now, policy))
    finally:
        await database.close()
    return Seeded(keys, sleepers)


def _with_key(
    row: AccountRow, codec: CredentialCodec, add: Callable[[object], None], now: float, policy: StandingPolicy
) -> str:
    verdict = derive(facts_of(row), policy, now)
    row.standing, row.standing_reason = int(verdict.standing), verdict.reason
    add(row)
    id_, secret = secrets.token_hex(ID_BYTES), secrets.token_bytes(SECRET_BYTES)
    add(
        KeyRow(
            id=id_,
            account_id=row.id,
            name="drill",
            secret_hash=codec.secret_hash(secret),
            created_at=row.created_at,
        )
    )
    return codec.mint(CredentialKind.API_KEY, id_, int(row.created_at), secret)
