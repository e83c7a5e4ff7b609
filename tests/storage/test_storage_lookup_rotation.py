"""Nobody registers twice while the look-up key is being replaced: races and two nodes, on SQLite and on PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import func, select
from test_storage_databases import PASSWORD, START, accounts_on, database, postgresql

from pontlevis.accounts.lookup_keys import LookupKey
from pontlevis.accounts.lookup_rotation import left_under_former, turn_lookup_key
from pontlevis.accounts.sealing import KeyFiles
from pontlevis.accounts.service import AccountError, Accounts
from pontlevis.storage.database import Database
from pontlevis.storage.held_address import hold_address
from pontlevis.storage.tables.accounts import AccountRow, WaitlistRow

__all__ = ["database", "postgresql"]
SOURCES = count(1)


@asynccontextmanager
async def node(database: Database, files: KeyFiles) -> AsyncIterator[Accounts]:
    """A controller's rooms with a connection, a copy of the key files and a memory of its own."""
    own = Database(database.engine.url.render_as_string(hide_password=False))
    accounts = await accounts_on(own)
    accounts.sealer, accounts.key_files = files.sealer(), files
    own.use_keys(seals=accounts.sealer)
    try:
        yield accounts
    finally:
        await accounts.close()
        await own.close()


async def register(accounts: Accounts, email: str) -> bool:
    try:
        source = f"192.0.2.{next(SOURCES) % 250}"  # nobody comes too often from one
        done = await accounts.sign_up(email, PASSWORD, source=source, fingerprint=1)
    except AccountError as error:
        if error.status != 409:
            raise
        return False
    return done.account is not None


async def accounts_of(database: Database) -> int:
    async with database.session() as session:
        return int(await session.scalar(select(func.count()).select_from(AccountRow)) or 0)


async def test_two_nodes_that_write_under_different_keys_make_one_account_an_address(
    database: Database, tmp_path: Path
) -> None:
    """One has turned the key, the other only knows it; whoever is first has the address, and both find it."""
    here, there = KeyFiles(tmp_path / "here"), KeyFiles(tmp_path / "there")
    for each in (here, there):
        each.directory.parent.mkdir()
        each.make()
    here.prepare_lookup(START)
    there.lookup_file.write_bytes(here.lookup_file.read_bytes())
    there.seal_file.write_bytes(here.seal_file.read_bytes())
    async with node(database, here) as one, node(database, there) as two:
        assert await register(two, "before@example.com")
        told = await one.rotate_lookup_key(actor="ada", keep_old=True, drop_old=False)
        assert (told.left, told.former_dropped) == (0, False)
        assert not await register(one, "before@example.com")
        assert not await register(two, "before@example.com")
        for number in range(6):
            email = f"racer{number}@example.com"
            made = await asyncio.gather(register(one, email), register(two, email))
            assert sorted(made) == [False, True], email
        assert await accounts_of(database) == 7
        for accounts in (one, two):
            await accounts.join_waitlist("waiting@example.com", source="192.0.2.9")
            assert await accounts.log_in("racer0@example.com", PASSWORD, source="192.0.2.1", fingerprint=1)
        # The other node gets the turned file; what it wrote under the former key follows, and that goes.
        there.lookup_file.write_bytes(here.lookup_file.read_bytes())
        assert two.sealer is not None
        two.sealer.take_lookups(there.read_lookups())
        told = await one.rotate_lookup_key(actor="ada", keep_old=False, drop_old=False)
        assert (told.resumed, told.left, told.former_dropped) == (True, 0, True)
        async with database.session() as session:
            assert await session.scalar(select(func.sum(WaitlistRow.asks))) == 2
        assert await two.log_in("racer5@example.com", PASSWORD, source="192.0.2.1", fingerprint=1)


async def test_an_account_that_is_being_made_when_the_key_turns_is_not_made_twice(
    database: Database, tmp_path: Path
) -> None:
    """The second waits for the first to end, and then finds it under the former key."""
    files = KeyFiles(tmp_path)
    files.make()
    async with node(database, files) as accounts:
        sealer = accounts.sealer
        assert sealer is not None
        async with accounts.database.session() as session:
            await hold_address(session, "ada@example.com")
            session.add(
                AccountRow(
                    id="1" * 16, email="ada@example.com", email_key="ada@example.com", created_at=START,
                    created_from="192.0.2.1",
                )
            )  # fmt: skip
            await session.flush()
            sealer.take_lookups(files.turn_lookup(START))
            second = asyncio.create_task(register(accounts, "ada@example.com"))
            done, _ = await asyncio.wait([second], timeout=0.5)
            assert not done
        assert await second is False
        assert await accounts_of(database) == 1
        assert await left_under_former(database, sealer) == 1


async def test_addresses_are_registered_and_found_while_the_key_turns(
    database: Database, tmp_path: Path
) -> None:
    """People who come, come again and log in during the passes; afterwards all stand under the new key."""
    files = KeyFiles(tmp_path)
    files.make()
    async with node(database, files) as accounts:
        emails = [f"user{number}@example.com" for number in range(12)]
        for email in emails[:6]:
            assert await register(accounts, email)

        async def come() -> None:
            for email in emails:
                made = await register(accounts, email)
                assert made is (email in emails[6:])
                assert not await register(accounts, email)
                assert await accounts.log_in(email, PASSWORD, source="192.0.2.1", fingerprint=1)

        assert accounts.sealer is not None
        coming = asyncio.create_task(come())
        for _ in range(3):
            told = await turn_lookup_key(
                accounts.database, files, accounts.sealer, now=START, keep_old=False, drop_old=False
            )
            assert told.former_dropped
        await coming
        assert await accounts_of(database) == 12
        assert await left_under_former(database, accounts.sealer) == 0
        assert len(files.read_lookups()) == 1


@pytest.mark.parametrize("dated", [True, False])
def test_the_key_that_waits_is_always_the_newer(dated: bool, tmp_path: Path) -> None:
    """Whatever the clock says; turning takes it and makes no third."""
    files = KeyFiles(tmp_path)
    files.make()
    if not dated:
        files.lookup_file.write_text(files.lookup_file.read_text().partition("@")[0])
    old = files.read_lookups()[0]
    assert files.prepare_lookup(0.0) == files.prepare_lookup(0.0)
    waits = files.read_lookups()[1]
    assert files.turn_lookup(0.0) == (waits, old)
    assert files.turn_lookup(0.0) == (waits, old)
    assert files.drop_former_lookup() == (waits,)
    assert LookupKey.read(waits.line()) == waits
