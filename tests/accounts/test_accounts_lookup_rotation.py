"""The look-up key is replaced while the service runs: everybody is found throughout, and a killed rotation goes on."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from account_house import House, account_house
from sqlalchemy import select, text
from typer.testing import CliRunner

from pontlevis.accounts.emails import email_key
from pontlevis.accounts.errors import AccountError
from pontlevis.accounts.keeping import take_keys
from pontlevis.accounts.lookup_keys import LookupKey
from pontlevis.accounts.lookup_rotation import left_under_former, lookup_views, turn_lookup_key
from pontlevis.accounts.rehashing import count_lookups, rehash
from pontlevis.accounts.sealing import BadKeyFile, KeyFiles, Sealer
from pontlevis.cli import app
from pontlevis.storage.audit_search import search_audit
from pontlevis.storage.tables.telling import SubscriberRow
from surroundings import PATIENCE_S

EMAIL = "Ada.Lovelace@example.com"
TABLES = ("accounts", "waitlist", "invitations", "letters")


async def raw(house: House, statement: str) -> str:
    async with house.database.session() as session:
        return str((await session.execute(text(statement))).all())


async def people(house: House) -> str:
    """A hash in every table that has some, and an erased account's; the invitation's token."""
    await house.sign_up(EMAIL)
    gone = await house.sign_up("gone@example.com", source="192.0.2.9")
    await house.accounts.erase_account(gone.id, actor="owner", reason="asked")
    await house.accounts.join_waitlist("waiting@example.com", source="192.0.2.7")
    made = await house.accounts.invite(actor="ada (command line)", email="guest@example.com")
    await house.accounts.ask_reset(EMAIL, source="192.0.2.8", language="en")
    return made.link.partition("=")[2]


async def keyed(house: House, directory: Path) -> tuple[KeyFiles, Sealer]:
    files = KeyFiles(directory)
    house.accounts.key_files = files
    house.accounts.sealer = await take_keys(house.database, files)
    return files, house.accounts.sealer


async def command(directory: Path, *words: str, fails: bool = False) -> str:
    """What ``pontlevis secrets`` says, where nothing runs."""
    words = ("secrets", *words, "--data", str(directory))
    told = await asyncio.to_thread(CliRunner().invoke, app, words)
    assert (told.exit_code != 0) is fails, told.output
    return told.output


async def everybody_is_found(house: House) -> None:
    """Whatever key their hashes are of; and none of them can be there a second time."""
    assert (await house.log_in("ada.lovelace+tag@EXAMPLE.com")).account.email == EMAIL
    with pytest.raises(AccountError, match="already"):
        await house.sign_up(EMAIL.lower(), source="192.0.2.20")
    before = await raw(house, "SELECT count(*), sum(asks) FROM waitlist")
    await house.accounts.join_waitlist("waiting@example.com", source="192.0.2.21")
    after = await raw(house, "SELECT count(*), sum(asks) FROM waitlist")
    assert (before[:4], before != after) == (after[:4], True)
    found = await house.accounts.find_account(EMAIL)
    assert found is not None
    assert found.email == EMAIL


async def test_every_hash_is_made_anew_and_the_former_key_goes(tmp_path: Path) -> None:
    """In every table; nothing stands under the former key, and the audit log says who did it."""
    async with account_house(tmp_path) as house:
        await people(house)
        files, _ = await keyed(house, tmp_path)
        (before,) = files.read_lookups()
        was = {each: await raw(house, f"SELECT email_key FROM {each}") for each in TABLES}
        done = await house.accounts.rotate_lookup_key(actor="ada", keep_old=False, drop_old=False)
        rows = sum(sum(each.values()) for each in (await count_lookups(house.database)).values())
        assert (done.rehashed, done.left, done.resumed, done.former_dropped) == (rows, 0, False, True)
        (now,) = files.read_lookups()
        assert now.id == done.id != before.id
        for each in TABLES:
            assert before.id in was[each]
            kept = await raw(house, f"SELECT email_key FROM {each}")
            assert before.id not in kept
            assert now.id in kept
        await everybody_is_found(house)
        (active,) = await house.accounts.lookup_keys()
        assert (active.id, active.use, active.rows["accounts"]) == (now.id, "active", 2)
        async with house.database.session() as session:
            (line,) = await search_audit(session, event="operator:lookup:rotated", most=5)
        assert (line.actor, line.subject) == ("ada", now.id)
        assert f"{rows} rows hashed anew, 0 left; the former key is gone" in line.detail


async def test_subscribers_are_sealed_and_found_after_a_rotation(tmp_path: Path) -> None:
    """By letter and by webhook; plain ones of an older database are brought under the keys at the first start."""
    hook, secret = "https://hooks.example.com/in/51b0", "whsec_51b0"
    async with account_house(tmp_path) as house:
        async with house.database.session() as session:
            for number, (kind, target, key) in enumerate([("mail", EMAIL, email_key(EMAIL)), ("webhook", hook, hook)]):  # fmt: skip
                session.add(SubscriberRow(id=f"s{number}", kind=kind, target=target, target_key=key, secret=secret,
                                          state="active", created_at=1.0))  # fmt: skip
        assert hook in await raw(house, "SELECT target, target_key, secret FROM subscribers")
        files, _ = await keyed(house, tmp_path)
        (before,) = files.read_lookups()
        await house.accounts.rotate_lookup_key(actor="ada", keep_old=False, drop_old=False)
        kept = await raw(house, "SELECT target, target_key, secret FROM subscribers")
        for word in ("lovelace", "hooks.example", "whsec", before.id):
            assert word not in kept.lower()
        async with house.database.session() as session:
            for key, target in ((email_key(EMAIL), EMAIL), (hook, hook)):
                row = await session.scalar(select(SubscriberRow).where(SubscriberRow.target_key == key))
                assert row is not None
                assert (row.target, row.secret) == (target, secret)


async def test_a_key_from_before_ages_were_noted_is_replaced_like_any_other(tmp_path: Path) -> None:
    """Its line in the file has no date, and its hashes do not name it."""
    async with account_house(tmp_path) as house:
        await people(house)
        files = KeyFiles(tmp_path)
        files.make()
        files.lookup_file.write_text(files.lookup_file.read_text().partition("@")[0] + "\n")
        await keyed(house, tmp_path)
        assert "hash:1:" in await raw(house, "SELECT email_key FROM accounts")
        assert [each.made_at for each in await house.accounts.lookup_keys()] == [None]
        await everybody_is_found(house)
        await house.accounts.rotate_lookup_key(actor="ada", keep_old=False, drop_old=False)
        assert "hash:1:" not in await raw(house, "SELECT email_key FROM accounts")
        await everybody_is_found(house)


async def test_half_way_everybody_is_found_under_either_key(tmp_path: Path) -> None:
    """And what is written meanwhile is written under the new one."""
    async with account_house(tmp_path) as house:
        token = await people(house)
        files, sealer = await keyed(house, tmp_path)
        sealer.take_lookups(files.turn_lookup(house.now))
        new, old = sealer.lookup_keys
        await everybody_is_found(house)
        await house.sign_up("fresh@example.com", source="192.0.2.30")
        with pytest.raises(AccountError, match="already"):
            await house.sign_up("fresh@example.com", source="192.0.2.31")
        held = (await count_lookups(house.database))["accounts"]
        assert held == {old.prefix: 2, new.prefix: 1}
        assert [each.use for each in await lookup_views(house.database, sealer.lookup_keys)] == [
            "active",
            "former",
        ]
        # Who waited before finds their own place, and takes the new hash with them.
        assert (await count_lookups(house.database))["waitlist"] == {new.prefix: 1}
        done = await house.accounts.sign_up(
            "guest@example.com", "three quiet herons", source="192.0.2.32", fingerprint=1, invitation=token
        )
        assert done.account is not None
        told = await house.accounts.rotate_lookup_key(actor="ada", keep_old=False, drop_old=False)
        assert (told.resumed, told.left, told.id) == (True, 0, new.id)
        await everybody_is_found(house)


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from pontlevis.accounts import rehashing
from pontlevis.accounts.sealing import KeyFiles
from pontlevis.storage.database import Database

async def main():
    directory = Path(sys.argv[1])
    database, files = Database.in_directory(directory), KeyFiles(directory)
    sealer = files.sealer()
    database.use_keys(seals=sealer)
    sealer.take_lookups(files.turn_lookup(1_800_000_000.0))
    write, batches = rehashing.write_changes, []

    async def dies(*all):
        await write(*all)
        batches.append(all)
        if len(batches) == 3:
            os.kill(os.getpid(), signal.SIGKILL)

    rehashing.write_changes = dies
    await rehashing.rehash(database, sealer, batch=2)

asyncio.run(main())
"""


async def test_a_rotation_that_was_killed_goes_on_at_the_next_start(tmp_path: Path) -> None:
    """With what it had committed kept, what it was writing undone, and nobody lost."""
    async with account_house(tmp_path) as house:
        for number in range(9):
            await house.sign_up(f"user{number}@example.com", source=f"192.0.2.{number}")
        files, _ = await keyed(house, tmp_path)
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", KILLED, str(tmp_path)],
        env=dict(os.environ),
        check=False,
        timeout=PATIENCE_S,
    )
    assert done.returncode == -signal.SIGKILL
    async with account_house(tmp_path) as house:
        new, old = files.read_lookups()
        assert (await count_lookups(house.database))["accounts"] == {new.prefix: 4, old.prefix: 5}
        _, sealer = await keyed(house, tmp_path)
        assert await left_under_former(house.database, sealer) == 0
        for number in range(9):
            assert await house.log_in(f"user{number}@example.com", source=f"192.0.2.{number}")
        told = await house.accounts.rotate_lookup_key(actor="ada", keep_old=False, drop_old=False)
        assert (told.resumed, told.rehashed, told.former_dropped) == (True, 0, True)
        assert files.read_lookups() == (new,)


async def test_a_lost_key_is_no_loss(tmp_path: Path) -> None:
    """The start refuses a foreign one; where it is lost, every address is hashed anew from itself."""
    async with account_house(tmp_path) as house:
        await people(house)
        files, _ = await keyed(house, tmp_path)
    files.lookup_file.write_text(LookupKey.fresh(1_700_000_000.0).line())
    async with account_house(tmp_path) as house:
        with pytest.raises(BadKeyFile, match="not the one"):
            await take_keys(house.database, files)
    files.lookup_file.unlink()

    said = json.loads(await command(tmp_path, "rotate", "lookup", "--json"))
    assert (said["left"], said["former_dropped"]) == (0, True)
    assert said["id"] in await command(tmp_path, "list")
    async with account_house(tmp_path) as house:
        await keyed(house, tmp_path)
        await everybody_is_found(house)


async def test_the_command_counts_first_prepares_and_turns(tmp_path: Path) -> None:
    """On the database of a service that does not run; a dry run changes neither rows nor file."""
    async with account_house(tmp_path) as house:
        await people(house)
        files, _ = await keyed(house, tmp_path)

    before = files.lookup_file.read_bytes()
    dry = json.loads(await command(tmp_path, "rotate", "lookup", "--dry-run", "--json"))["would_write"]
    assert json.loads(await command(tmp_path, "rotate", "--dry-run", "--json"))["would_write"] > 0
    assert "for lookup" in await command(tmp_path, "rotate", "--prepare", fails=True)
    assert files.lookup_file.read_bytes() == before
    assert "not used yet" in await command(tmp_path, "rotate", "lookup", "--prepare")
    assert [each["use"] for each in json.loads(await command(tmp_path, "list", "--json"))["lookup"]] == [
        "active",
        "waits",
    ]
    assert f"{dry} rows were hashed anew, and the former key is still asked for" in await command(
        tmp_path, "rotate", "lookup", "--keep-old"
    )
    assert [each["use"] for each in json.loads(await command(tmp_path, "list", "--json"))["lookup"]] == [
        "active",
        "former",
    ]
    assert json.loads(await command(tmp_path, "rotate", "lookup", "--dry-run", "--json"))["would_write"] == 0
    assert "This ended a rotation" in await command(tmp_path, "rotate", "lookup")
    assert "0 days old" in await command(tmp_path, "list")


async def test_a_row_whose_address_does_not_open_keeps_the_former_key(tmp_path: Path) -> None:
    """Until an operator gives it up; its owner logs in as long as it is kept."""
    async with account_house(tmp_path) as house:
        await people(house)
        files, sealer = await keyed(house, tmp_path)
        async with house.database.session() as session:
            await session.execute(text("UPDATE accounts SET email = substr(email, 1, 40) WHERE email != ''"))
        told = await turn_lookup_key(
            house.database, files, sealer, now=house.now, keep_old=False, drop_old=False
        )
        assert (told.left, told.former_dropped) == (1, False)
        assert await house.log_in(EMAIL)
        told = await turn_lookup_key(
            house.database, files, sealer, now=house.now, keep_old=False, drop_old=True
        )
        assert (told.left, told.former_dropped) == (1, True)
        with pytest.raises(AccountError, match="wrong"):
            await house.log_in(EMAIL, source="192.0.2.40")


async def test_an_address_that_is_there_twice_stops_nothing_else(tmp_path: Path) -> None:
    """Somebody wrote behind our back: the other rows go on, and the one is counted and left."""
    async with account_house(tmp_path) as house:
        await people(house)
        _, sealer = await keyed(house, tmp_path)
        (old,) = sealer.lookup_keys
        sealer.take_lookups((LookupKey.fresh(house.now, old),))
        await house.sign_up(EMAIL, source="192.0.2.50")
        sealer.take_lookups((*sealer.lookup_keys, old))
        told = await rehash(house.database, sealer, batch=2)
        assert told.doubled == 1
        assert await left_under_former(house.database, sealer) == 1


def test_a_damaged_look_up_file_is_refused_in_words(tmp_path: Path) -> None:
    """Cut short, with a date that is none, or with more keys than there can be."""
    files = KeyFiles(tmp_path)
    files.make()
    line = files.lookup_file.read_text().strip()
    for wrong in (line[:20], line + "x", f"{line}\n{line}\n{line}", "", "@1", "é"):
        files.lookup_file.write_text(wrong)
        with pytest.raises(BadKeyFile, match="damaged"):
            files.read_lookups()


def test_look_up_keys_show_in_no_repr() -> None:
    """Neither secret nor what is made of it."""
    assert "kkkk" not in repr(LookupKey.of(b"k" * 32, 7))
