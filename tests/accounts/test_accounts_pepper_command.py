"""``pontlevis secrets rotate pepper``: counted first, written whole, noted, and in force from the next start."""

import asyncio
import json
import stat
from pathlib import Path

import pytest
from account_house import House, account_house
from sqlalchemy import text
from typer.testing import CliRunner

from pontlevis.brain.credential import CredentialCodec
from pontlevis.cli import app
from pontlevis.runtime import DataDirectory


async def command(directory: Path, *words: str, fails: bool = False) -> str:
    words = ("secrets", *words, "--data", str(directory))
    told = await asyncio.to_thread(CliRunner().invoke, app, words)
    assert (told.exit_code != 0) is fails, told.output
    return told.output


def begin(house: House, directory: Path) -> CredentialCodec:
    """As a start of the service does."""
    house.accounts.codec = CredentialCodec(DataDirectory(directory).peppers(), house.now)
    return house.accounts.codec


async def test_keys_and_sessions_outlive_a_rotation_and_end_with_a_leak(tmp_path: Path) -> None:
    """The dry run says how many it would end and changes nothing; the audit log has both rotations."""
    directory = DataDirectory(tmp_path)
    assert "no pepper yet" in await command(tmp_path, "rotate", "pepper", fails=True)
    directory.pepper()
    async with account_house(tmp_path) as house:
        begin(house, tmp_path)
        ada = await house.sign_up("ada@example.com")
        house.now = 4_000_000_000.0  # so that the session holds whatever the day of this test
        grant = await house.log_in("ada@example.com")
        key = await house.accounts.create_key(ada.id, "mine")
        dry = json.loads(await command(tmp_path, "rotate", "pepper", "--now", "--dry-run", "--json"))
        assert (dry["issued"]["keys"], dry["issued"]["sessions"], dry["issued"]["accounts_with_devices"]) == (
            1,
            1,
            1,
        )
        assert not dry["applied"]
        assert not (tmp_path / "peppers").exists()
        assert "This ends 1 keys, 1 sessions" in await command(
            tmp_path, "rotate", "pepper", "--now", "--dry-run"
        )

        said = await command(tmp_path, "rotate", "pepper")
        assert "when it expires, devices by" in said
        assert stat.S_IMODE((tmp_path / "peppers").stat().st_mode) == 0o600
        codec = begin(house, tmp_path)
        assert await house.accounts.session_account(grant.token) is not None
        assert codec.judge(key.key) is not None
        later = await house.accounts.create_key(ada.id, "later")
        assert CredentialCodec(directory.pepper()).judge(later.key) is None

        assert "Pepper 3 was made. This ends 2 keys" in await command(tmp_path, "rotate", "pepper", "--now")
        codec = begin(house, tmp_path)
        assert await house.accounts.session_account(grant.token) is None
        assert [codec.judge(each) for each in (key.key, later.key)] == [None, None]
        assert await house.log_in("ada@example.com")
        async with house.database.session() as session:
            noted = await session.scalars(
                text("SELECT detail FROM audit_log WHERE event = 'operator:pepper:rotated' ORDER BY id")
            )
            assert ["at the next start" in each for each in noted] == [False, True]
    (only,) = json.loads(await command(tmp_path, "list", "--json"))["peppers"]
    assert (only["number"], only["newest"]) == (3, True)
    assert "pepper  3" in await command(tmp_path, "list")
    for words in (("lookup", "--now"), ("pepper", "--drop-old"), ("pepper", "--now", "--overlap-days", "1")):
        await command(tmp_path, "rotate", *words, fails=True)


async def test_a_code_in_a_letter_does_not_outlive_its_pepper(tmp_path: Path) -> None:
    """Whoever has the former pepper and the database could find six digits out."""
    DataDirectory(tmp_path).pepper()
    async with account_house(tmp_path) as house:
        begin(house, tmp_path)
        before = house.accounts._code_hash("link", "123456")
        await command(tmp_path, "rotate", "pepper", "--overlap-days", "3")
        begin(house, tmp_path)
        assert house.accounts._code_hash("link", "123456") != before


def test_damaged_or_foreign_peppers_are_refused_in_words(tmp_path: Path) -> None:
    """Rather than that everybody's key stops without a word."""
    directory = DataDirectory(tmp_path)
    directory.keep_peppers(directory.peppers())
    whole = (tmp_path / "peppers").read_bytes()
    (tmp_path / "peppers").write_bytes(whole[:-5])
    with pytest.raises(ValueError, match="restore it from a backup"):
        directory.peppers()
    (tmp_path / "peppers").write_bytes(whole)
    (tmp_path / "pepper").write_bytes(b"another pepper of thirty-two byte")
    with pytest.raises(ValueError, match="restore both"):
        directory.peppers()
