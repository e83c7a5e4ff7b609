"""Addresses at rest: sealed with rotatable keys, bound to their place, found by keyed hash, migrated at a start."""

import stat
from pathlib import Path

import pytest
from account_house import PASSWORD, House, account_house
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from pontlevis.accounts.errors import AccountError
from pontlevis.accounts.keeping import rotate, take_keys
from pontlevis.accounts.lookup_keys import LookupKey
from pontlevis.accounts.resealing import count_by_key, reseal, sealed_columns
from pontlevis.accounts.sealing import BadKeyFile, CannotOpen, KeyFiles, Sealer, SealKey
from pontlevis.storage.sealed import SealedString
from pontlevis.storage.tables.accounts import AccountRow

OLD, NEW = SealKey.of(b"o" * 32), SealKey.of(b"n" * 32)
EMAIL = "Ada.Lovelace@example.com"


def sealer(*keys: SealKey) -> Sealer:
    return Sealer(keys or (OLD,), (LookupKey.of(b"l" * 32),))


@given(st.text(max_size=400), st.text(max_size=40))
def test_what_is_sealed_opens_again_in_its_place(plain: str, context: str) -> None:
    """Whatever it is; and twice the same text never looks the same."""
    if not plain.isprintable():
        plain = plain.encode("utf-8", "ignore").decode()
    context = context.encode("utf-8", "ignore").decode()
    one, two = sealer().seal(plain, context), sealer().seal(plain, context)
    assert one != two
    assert sealer().open(one, context) == plain
    with pytest.raises(CannotOpen):
        sealer().open(one, context + "x")


@given(st.integers(min_value=0, max_value=10_000), st.integers(min_value=1, max_value=127))
def test_no_changed_value_opens(place: int, change: int) -> None:
    """Not with one character changed anywhere."""
    sealed = sealer().seal(EMAIL, "accounts.email")
    at = place % len(sealed)
    changed = sealed[:at] + chr((ord(sealed[at]) + change) % 128) + sealed[at + 1 :]
    try:
        opened = sealer().open(changed, "accounts.email")
    except CannotOpen:
        return
    # Base64 ignores the spare bits of the last character.
    assert (opened, at) == (EMAIL, len(sealed) - 1)


def test_a_new_key_seals_and_an_old_one_still_opens() -> None:
    """And a key that is gone opens nothing."""
    sealed = sealer(OLD).seal(EMAIL, "c")
    both = sealer(NEW, OLD)
    assert both.open(sealed, "c") == EMAIL
    assert both.seal(EMAIL, "c").split(":")[2] == NEW.id
    with pytest.raises(CannotOpen, match="not in the key file"):
        sealer(NEW).open(sealed, "c")


def test_keys_show_in_no_repr() -> None:
    """Of a key, and of what holds keys."""
    shown = repr(OLD) + repr(sealer(NEW, OLD))
    assert "ooo" not in shown
    assert "nnn" not in shown


def test_key_files_are_private_and_whole(tmp_path: Path) -> None:
    """Made once, mode 0600; a file cut short is refused in words, and no key is put beside lost ones."""
    files = KeyFiles(tmp_path)
    assert files.make()
    assert not files.make()
    for each in (files.seal_file, files.lookup_file, files.audit_file):
        assert stat.S_IMODE(each.stat().st_mode) == 0o600
    assert stat.S_IMODE(files.directory.stat().st_mode) == 0o700
    before = files.read_keys()
    assert [each.id for each in files.add()][1:] == [each.id for each in before]
    files.seal_file.write_text(files.seal_file.read_text()[:20])
    with pytest.raises(BadKeyFile, match="damaged"):
        files.read_keys()


async def raw(house: House, statement: str) -> str:
    async with house.database.session() as session:
        return str((await session.execute(text(statement))).all())


async def people(house: House) -> None:
    """An address in every table that has one."""
    await house.sign_up(EMAIL)
    await house.accounts.join_waitlist("waiting@example.com", source="192.0.2.7")
    await house.accounts.invite(actor="ada (command line)", email="guest@example.com")
    await house.accounts.ask_reset(EMAIL, source="192.0.2.8", language="en")


TABLES = ("accounts", "waitlist", "invitations", "letters")


async def test_a_database_of_plain_addresses_is_sealed_at_the_start(tmp_path: Path) -> None:
    """In every table; afterwards no address stands in the file, and its owner logs in as before."""
    async with account_house(tmp_path) as house:
        await people(house)
        for table in TABLES:
            assert "@example.com" in await raw(house, f"SELECT email FROM {table}")
        files = KeyFiles(tmp_path)
        await take_keys(house.database, files)
        for table in TABLES:
            assert "@" not in await raw(house, f"SELECT email, email_key FROM {table}")
        grant = await house.log_in("ada.lovelace+tag@EXAMPLE.com")
        assert grant.account.email == EMAIL
        assert (await house.letters("reset"))[0].email == EMAIL
        with pytest.raises(Exception, match="already"):
            await house.sign_up(EMAIL.lower())
    # Not in freed pages either.
    for file in tmp_path.glob("pontlevis.db*"):
        assert b"Ada.Lovelace" not in file.read_bytes(), file.name


async def test_a_migration_that_was_stopped_goes_on(tmp_path: Path) -> None:
    """Some rows are sealed, some are not; the next start finishes and changes no sealed one."""
    async with account_house(tmp_path) as house:
        for number in range(7):
            await house.sign_up(f"user{number}@example.com", source=f"192.0.2.{number}")
        files = KeyFiles(tmp_path)
        files.make()
        seals = files.sealer()
        async with house.database.session() as session:
            await session.execute(
                text(
                    "UPDATE accounts SET email = :e WHERE id IN (SELECT id FROM accounts ORDER BY id LIMIT 3)"
                ),
                {"e": seals.seal("kept@example.com", "accounts.email")},
            )
        before = await raw(house, "SELECT email FROM accounts ORDER BY id LIMIT 3")
        told = await reseal(house.database, seals, batch=2)
        # Accounts' addresses and passwords, and the address of each one's letter.
        assert told.done == 4 + 7 + 7
        assert before == await raw(house, "SELECT email FROM accounts ORDER BY id LIMIT 3")
        assert (await reseal(house.database, seals, batch=2)).done == 0


async def test_rotation_reseals_everything_and_drops_what_is_asked(tmp_path: Path) -> None:
    """The old key opens until it is dropped; values that are damaged are counted and left."""
    async with account_house(tmp_path) as house:
        await people(house)
        files = KeyFiles(tmp_path)
        seals = await take_keys(house.database, files)
        old = seals.newest
        first = await rotate(house.database, files, seals, drop_old=False)
        assert first.done == len(TABLES) + 2  # two letters, and a password's hash
        assert set(await count_by_key(house.database)) == {seals.newest}
        assert len(files.read_keys()) == 2
        assert seals.newest != old
        await rotate(house.database, files, seals, drop_old=True)
        assert len(files.read_keys()) == 1
        assert (await house.log_in(EMAIL)).account.email == EMAIL


async def test_lost_or_foreign_keys_stop_the_start(tmp_path: Path) -> None:
    """Rather than that fresh keys are made beside values which need the lost ones."""
    async with account_house(tmp_path) as house:
        await people(house)
        files = KeyFiles(tmp_path)
        await take_keys(house.database, files)
        seal_keys, lookup_key = files.seal_file.read_bytes(), files.lookup_file.read_bytes()
        files.seal_file.unlink()
        with pytest.raises(BadKeyFile, match="restore"):
            await take_keys(house.database, files)
        foreign = KeyFiles(tmp_path / "other")
        foreign.directory.parent.mkdir()
        foreign.make()
        files.seal_file.write_bytes(foreign.seal_file.read_bytes())
        with pytest.raises(BadKeyFile, match="not in"):
            await take_keys(house.database, files)
        files.seal_file.write_bytes(seal_keys)
        files.lookup_file.write_bytes(foreign.lookup_file.read_bytes())
        with pytest.raises(BadKeyFile, match="not the one"):
            await take_keys(house.database, files)
        files.lookup_file.write_bytes(lookup_key)
        await take_keys(house.database, files)


async def test_a_database_without_its_keys_has_no_password_to_crack(tmp_path: Path) -> None:
    """Hashes are sealed at the start and whenever one is set, bound to their place, and follow a rotation."""
    async with account_house(tmp_path) as house:
        await people(house)
        assert "$argon2id$" in await raw(house, "SELECT password_hash FROM accounts")
        files = KeyFiles(tmp_path)
        seals = await take_keys(house.database, files)
        await house.sign_up("later@example.com", source="192.0.2.30")
        token = (await house.log_in("later@example.com", source="192.0.2.30")).token
        await house.accounts.change_password(token, PASSWORD, "four quiet herons", source="192.0.2.30")
        kept = await raw(house, "SELECT password_hash FROM accounts")
        assert (kept.count("sealed:1:"), kept.count("argon2")) == (2, 0)
        await rotate(house.database, files, seals, drop_old=True)
        assert await house.log_in(EMAIL)
        assert await house.log_in("later@example.com", source="192.0.2.30", password="four quiet herons")
        with pytest.raises(AccountError, match="wrong"):
            await house.log_in("later@example.com", source="192.0.2.30")
        # Somebody who writes the database cannot put their own address or hash, sealed elsewhere, in its place.
        async with house.database.session() as session:
            await session.execute(text("UPDATE accounts SET password_hash = email"))
        with pytest.raises(AccountError, match="wrong"):
            await house.log_in(EMAIL)
    for file in tmp_path.glob("pontlevis.db*"):
        assert b"$argon2id$" not in file.read_bytes(), file.name


def test_a_sealed_hash_has_room_in_its_column() -> None:
    """With a terabyte of memory, 999 passes and 999 lanes, which no machine of ours could take."""
    longest = f"$argon2id$v=19$m={2**30},t=999,p=999${'s' * 22}${'h' * 43}"
    column = AccountRow.__table__.c.password_hash.type
    assert isinstance(column, SealedString)
    assert len(sealer().seal(longest, column.context)) <= 200


async def test_one_damaged_value_takes_nothing_else_with_it(tmp_path: Path) -> None:
    """The account still logs in, the list still shows; the address alone is lost."""
    async with account_house(tmp_path) as house:
        await people(house)
        await take_keys(house.database, KeyFiles(tmp_path))
        async with house.database.session() as session:
            await session.execute(text("UPDATE accounts SET email = substr(email, 1, 40)"))
        assert [each.email for each in await house.accounts.list_accounts()] == [""]
        assert await house.log_in(EMAIL, password=PASSWORD)


def test_every_column_that_holds_an_address_is_sealed() -> None:
    """By the tables' own word: whoever adds one named e-mail must seal it."""
    known = {f"{table.name}.{column.name}" for table, column, _ in sealed_columns()}
    from pontlevis.storage.tables.base import Base

    named = {f"{table.name}.{column.name}" for table in Base.metadata.sorted_tables for column in table.columns if column.name == "email"}  # fmt: skip
    assert named <= known
    assert len(named) >= len(TABLES)
