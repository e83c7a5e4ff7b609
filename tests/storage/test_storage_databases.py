"""Migrations and the rooms that store something, on SQLite and on PostgreSQL."""

import asyncio
from random import Random

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from both_databases import empty as database
from both_databases import postgresql
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from pontlevis.accounts.policy import AccountPolicy
from pontlevis.accounts.service import AccountError, Accounts
from pontlevis.brain.credential import CredentialCodec
from pontlevis.brain.observation import Observation
from pontlevis.brain.posture.state import PostureState, Transition
from pontlevis.brain.standing.policy import StandingPolicy
from pontlevis.brain.vocabulary import Posture, RegistrationMode
from pontlevis.incidents.policy import IncidentPolicy
from pontlevis.incidents.service import Incidents
from pontlevis.link.messages import AccountRecord, CredentialRecord, Parcel, UsageRecord
from pontlevis.storage.audit import recent_audit, record_audit
from pontlevis.storage.database import Database, is_unstorable
from pontlevis.storage.migrate import upgrade
from pontlevis.storage.tables.accounts import AccountRow
from pontlevis.storage.tables.base import Base
from surroundings import PATIENCE_S

__all__ = ["database", "postgresql"]
START = 1_738_000_000.0  # 2025-01-27 17:46:40 UTC
PASSWORD = "three quiet herons"


class Nobody:
    """Listens to what the rooms tell, and does nothing with it."""

    posture = PostureState()

    def observe(self, observation: Observation) -> None:
        """Nobody watches."""

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


async def accounts_on(database: Database) -> Accounts:
    await upgrade(database)
    nobody = Nobody()
    policy = AccountPolicy(argon2_memory_kib=8, argon2_passes=1)
    codec = CredentialCodec(bytes(range(32)))
    made = Accounts(
        database, codec, policy, StandingPolicy(), nobody, nobody, lambda: START, Random(7).randbytes
    )
    await made.start()
    return made


async def test_migrations_lead_to_exactly_the_tables_of_the_code(database: Database) -> None:
    """Nothing is missing, nothing is left over; applying them again changes nothing."""
    await upgrade(database)
    await upgrade(database)

    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), Base.metadata))

    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_accounts_keys_and_use_are_kept(database: Database) -> None:
    """From sign-up to what a key was used for."""
    accounts = await accounts_on(database)
    try:
        done = await accounts.sign_up("Ada@Example.com", PASSWORD, source="192.0.2.1", fingerprint=1)
        assert done.account is not None
        grant = await accounts.log_in("ada@example.com", PASSWORD, source="192.0.2.1", fingerprint=1)
        made = await accounts.create_key(done.account.id, "mine")
        usage = [
            UsageRecord(
                START, done.account.id, made.id, "tiny", 10, 20, "ok", wait_s=0, ttft_s=0.1, duration_s=1
            )
        ]
        await accounts.record_usage(usage)
        await accounts.record_usage(usage)
        (key,) = await accounts.list_keys(done.account.id)
        assert key.last_used_at == START
        records = [(some, keys) async for some, keys in accounts.records()]
        assert [each.id for some, _ in records for each in some] == [done.account.id]
        assert len([each for _, keys in records for each in keys]) == 2  # session and key
        await accounts.end_session(grant.token)
        assert await accounts.session_account(grant.token) is None
    finally:
        await accounts.close()


async def test_a_parcel_of_usage_counts_once_however_often_it_is_sent(database: Database) -> None:
    """Twice in one transaction, again later, and by another sender under the same number; provisional callers under their accounts."""
    accounts = await accounts_on(database)
    try:
        done = await accounts.sign_up("ada@example.com", PASSWORD, source="192.0.2.1", fingerprint=1)
        assert done.account is not None
        key = await accounts.create_key(done.account.id, "mine")

        def used(tokens: int, account: str) -> list[UsageRecord]:
            return [
                UsageRecord(
                    START, account, key.id, "tiny", tokens, 0, "ok", wait_s=0, ttft_s=0.1, duration_s=1
                )
            ]

        first = Parcel("a", 1, used(1, f"credential:{key.id}"))
        second = Parcel("a", 2, used(10, done.account.id))
        await accounts.record_parcels([first, first])
        await accounts.record_parcels([first, second, Parcel("b", 1, used(100, f"fresh:{key.id}"))])
        await accounts.record_parcels([second])
        (day,) = await accounts.usage_days(done.account.id)
        assert (day.requests, day.input_tokens) == (3, 111)
    finally:
        await accounts.close()


async def test_of_twenty_sign_ups_with_one_address_one_makes_an_account(database: Database) -> None:
    """All at once; the others are told as if they had come later, and nothing is half done."""
    accounts = await accounts_on(database)

    async def sign_up(number: int) -> object:
        return await accounts.sign_up(
            "ada@example.com", f"{PASSWORD} {number}", source=f"192.0.2.{number}", fingerprint=1
        )

    try:
        answers = await asyncio.gather(*(sign_up(number) for number in range(20)), return_exceptions=True)
        unexpected = [
            each for each in answers if isinstance(each, Exception) and not isinstance(each, AccountError)
        ]
        assert unexpected == []
        assert len(await accounts.list_accounts(100, 0)) == 1
    finally:
        await accounts.close()


async def test_an_incident_is_kept_with_its_timeline(database: Database) -> None:
    """Opened by posture, read back by a process that was not there."""
    await upgrade(database)
    first = Incidents(database, IncidentPolicy(write_limit_s=PATIENCE_S), lambda: START, "Example")
    await first.start()
    before = PostureState(since=START)
    after = PostureState(
        posture=Posture.UNDER_ATTACK,
        since=START,
        registration=RegistrationMode.SUSPENDED,
        registration_since=START,
        registration_share=0.0,
    )
    await first.on_transition(Transition(START, before, after, "Because.", actor="posture"))
    second = Incidents(database, IncidentPolicy(write_limit_s=PATIENCE_S), lambda: START, "Example")
    await second.start()
    (incident,) = await second.incidents()
    assert incident.resolved_at is None
    assert incident.updates
    assert incident.updates[0].body_fr != incident.updates[0].body_en


async def test_an_audit_entry_is_rolled_back_with_what_it_tells_of(database: Database) -> None:
    """A session that raises leaves nothing."""
    await upgrade(database)

    async def write_and_fail() -> None:
        async with database.session() as session:
            await record_audit(
                session, at=START, actor="ada", event="operator:key:made", subject="x", detail=""
            )
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await write_and_fail()
    async with database.session() as session:
        await record_audit(session, at=START, actor="ada", event="operator:key:made", subject="y", detail="")
    async with database.session() as session:
        assert [row.subject for row in await recent_audit(session, most=10)] == ["y"]


async def test_an_error_of_the_database_names_no_values(database: Database) -> None:
    """They hold addresses and hashes, and errors end up in logs."""
    await upgrade(database)

    async def ask() -> None:
        async with database.session() as session:
            await session.execute(text("SELECT * FROM missing_table WHERE x = :x"), {"x": "a secret heron"})

    with pytest.raises(DBAPIError, match="missing_table") as caught:
        await ask()
    assert "a secret heron" not in str(caught.value)


async def test_a_value_that_a_database_cannot_hold_is_told_from_a_broken_one(database: Database) -> None:
    """PostgreSQL has no U+0000 in texts, which anybody can send; a statement that is wrong is our fault."""
    await upgrade(database)

    async def look() -> AccountRow | None:
        async with database.session() as session:
            return await session.get(AccountRow, "a\0b")

    if database.engine.dialect.name == "postgresql":
        with pytest.raises(DBAPIError) as odd:
            await look()
        assert is_unstorable(odd.value)
    else:
        assert await look() is None
    with pytest.raises(DBAPIError) as wrong:
        async with database.session() as session:
            await session.execute(text("SELECT nothing FROM nowhere"))
    assert not is_unstorable(wrong.value)
