"""One's own data: all of it in a file, and gone when its owner says so."""

from pathlib import Path

import pytest
from account_house import PASSWORD, House, account_house
from sqlalchemy import text

from pontlevis.accounts.errors import AccountError
from pontlevis.accounts.keeping import take_keys
from pontlevis.accounts.sealing import KeyFiles
from pontlevis.link.messages import UsageRecord
from pontlevis.storage.audit_check import verify_audit
from pontlevis.storage.tables.accounts import AccountRow

ADA = "ada@example.com"


async def lived_in(house: House) -> tuple[str, str]:
    """An account with something in every table: its id and a session's token."""
    account = await house.sign_up(ADA)
    grant = await house.log_in(ADA)
    key = await house.accounts.create_key(account.id, "laptop of Ada")
    await house.accounts.record_usage(
        [UsageRecord(house.now, account.id, key.id, "small", 10, 20, "ok", 0.0, 0.0, 0.0)]
    )
    await house.accounts.change_account(account.id, actor="op", paid=True)
    await house.accounts.ask_reset(ADA, source="192.0.2.5", language="en")
    await house.letters()
    return account.id, grant.token


async def test_an_export_has_everything_and_no_secret(tmp_path: Path) -> None:
    """Account, keys, sessions, usage, letters, what operators changed."""
    async with account_house(tmp_path) as house:
        await take_keys(house.database, KeyFiles(tmp_path))
        account, token = await lived_in(house)
        found = await house.accounts.export_account(account)
        whole = str(found)
        assert ADA in whole
        for part in ("laptop of Ada", "small", "operator:account:changed", "192.0.2.1", "reset"):
            assert part in whole, part
        for secret in (token, "argon2", "sealed:", "hash:", "secret"):
            assert secret not in whole


async def test_whoever_erases_shows_the_password(tmp_path: Path) -> None:
    """A session alone may be somebody else's, and guessing through it is slowed."""
    async with account_house(tmp_path) as house:
        account, token = await lived_in(house)
        codes = []
        for _ in range(20):
            with pytest.raises(AccountError) as refused:
                await house.accounts.erase_own(account, "not this one", source="192.0.2.1")
            codes.append(refused.value.code)
        assert codes[0] == "wrong_password"
        assert codes[-1] == "rate_limit_exceeded"
        assert await house.accounts.session_account(token) is not None


async def test_nothing_that_names_a_person_is_left(tmp_path: Path) -> None:
    """Sessions, keys and streams end; figures and the audit log keep a bare id; the address is free again."""
    async with account_house(tmp_path) as house:
        account, token = await lived_in(house)
        done = await house.accounts.erase_own(account, PASSWORD, source="192.0.2.1")
        assert (done.account, done.sessions_and_keys) == (account, 2)
        assert await house.accounts.session_account(token) is None
        assert await house.accounts.list_keys(account) == []
        assert account in house.notebook.cuts
        assert house.notebook.accounts[-1].disabled
        with pytest.raises(AccountError) as refused:
            await house.log_in(ADA)
        assert refused.value.code == "invalid_credentials"
        assert (await house.accounts.usage_days(account))[0].requests == 1
        async with house.database.session() as session:
            assert (await verify_audit(session)).whole
        await house.database.scrub()
        assert (await house.sign_up(ADA, source="192.0.2.77")).id != account
    async with account_house(tmp_path) as house:
        async with house.database.session() as session:
            await session.execute(text("DELETE FROM accounts WHERE id != :id"), {"id": account})
            await session.execute(text("DELETE FROM letters"))
        await house.database.scrub()
    for file in tmp_path.glob("pontlevis.db*"):
        for trace in (b"ada@example", b"laptop of Ada", b"argon2"):
            assert trace not in file.read_bytes(), trace


async def test_an_operator_is_not_erased_and_nobody_twice(tmp_path: Path) -> None:
    """Another operator takes the right away first."""
    async with account_house(tmp_path) as house:
        account, _ = await lived_in(house)
        async with house.database.session() as session:
            (await session.get_one(AccountRow, account)).operator = True
        with pytest.raises(AccountError) as refused:
            await house.accounts.erase_own(account, PASSWORD, source="192.0.2.1")
        assert refused.value.code == "operator_account"
        async with house.database.session() as session:
            (await session.get_one(AccountRow, account)).operator = False
        await house.accounts.erase_account(account, actor="op", reason="asked by letter")
        with pytest.raises(AccountError) as gone:
            await house.accounts.erase_account(account, actor="op", reason="again")
        assert gone.value.status == 404
