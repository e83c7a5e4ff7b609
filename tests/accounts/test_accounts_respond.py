"""After a breach: whom it shows, what ends, who is told, and how its owner gets back in."""

from pathlib import Path

import pytest
from account_house import PASSWORD, START, House, account_house

from pontlevis.accounts.errors import AccountError
from pontlevis.accounts.respond import Parts, Response, Touched
from pontlevis.storage.audit import recent_audit
from pontlevis.storage.tables.accounts import AccountRow

ADA, BOB = "ada@example.com", "bob@example.com"
FRESH = "another quiet heron"


async def respond(house: House, *named: str, apply: bool = False, **parts: bool) -> Response:
    return await house.accounts.respond(
        [], named, parts=Parts(**parts), actor="ada (command line)", reason="guessed", apply=apply
    )


async def opened(house: House, email: str = ADA) -> tuple[str, str, str]:
    """An account with a session and a key: its id, the session's token, the key's id."""
    account = await house.sign_up(email)
    grant = await house.log_in(email)
    key = await house.accounts.create_key(account.id, "mine")
    return account.id, grant.token, key.id


async def test_a_dry_run_shows_everything_and_changes_nothing(tmp_path: Path) -> None:
    """Whom, what they have, who is no account."""
    async with account_house(tmp_path) as house:
        account, token, key = await opened(house)
        done = await respond(house, ADA, "nobody@example.com", "0123456789abcdef", "no address@")
        (target,) = done.targets
        assert (target.account, target.sessions, target.keys, target.password, target.told) == (account, 1, 1, True, True)  # fmt: skip
        assert sorted(done.unknown) == ["0123456789abcdef", "no address@", "nobody@example.com"]
        assert not done.applied
        assert await house.accounts.session_account(token) is not None
        assert [each.id for each in await house.accounts.list_keys(account)] == [key]
        assert await house.letters("breach") == []
        assert house.notebook.cuts == []


async def test_applied_it_ends_sessions_keys_and_password_and_tells(tmp_path: Path) -> None:
    """At every gateway, streams under way included; twice does nothing more."""
    async with account_house(tmp_path) as house:
        account, token, key = await opened(house)
        bystander, other_token, _ = await opened(house, BOB)
        done = await respond(house, ADA, account, apply=True)
        assert len(done.targets) == 1
        assert await house.accounts.session_account(token) is None
        assert await house.accounts.list_keys(account) == []
        assert {account, key} <= set(house.notebook.cuts)
        assert {each.id for each in house.notebook.credentials if each.revoked} >= {key}
        with pytest.raises(AccountError) as refused:
            await house.log_in(ADA)
        assert refused.value.code == "password_change_required"
        with pytest.raises(AccountError) as wrong:
            await house.log_in(ADA, password="not the password")
        assert wrong.value.code == "invalid_credentials"
        assert await house.accounts.session_account(other_token) is not None
        assert bystander not in house.notebook.cuts
        (letter,) = await house.letters("breach")
        assert letter.email == ADA
        assert "API keys were revoked" in letter.body
        again = await respond(house, ADA, apply=True)
        assert (again.targets[0].sessions, again.targets[0].keys, again.targets[0].told) == (0, 0, False)
        assert len(await house.letters("breach")) == 1
        async with house.database.session() as session:
            line = next(each for each in await recent_audit(session) if each.subject == account)
        assert (line.event, line.actor) == ("operator:account:secured", "ada (command line)")


async def test_the_way_back_is_a_new_password_by_letter(tmp_path: Path) -> None:
    """A link that was asked for before it opens nothing."""
    async with account_house(tmp_path) as house:
        await opened(house)
        await house.accounts.ask_reset(ADA, source="192.0.2.9", language="en")
        stale = token_in((await house.letters("reset"))[0].body)
        await respond(house, ADA, apply=True)
        with pytest.raises(AccountError, match="link"):
            await house.accounts.reset_password(stale, FRESH, source="192.0.2.9")
        await house.accounts.ask_reset(ADA, source="192.0.2.1", language="en")
        fresh = token_in((await house.letters("reset"))[-1].body)
        await house.accounts.reset_password(fresh, FRESH, source="192.0.2.1")
        assert (await house.log_in(ADA, password=FRESH)).account.email == ADA
        with pytest.raises(AccountError):
            await house.log_in(ADA, password=PASSWORD)


def token_in(body: str) -> str:
    return body.partition("token=")[2].split()[0]


@pytest.mark.parametrize(
    ("parts", "session", "key", "password"),
    [
        ({"keys": False, "password": False}, False, True, True),
        ({"sessions": False, "password": False}, True, False, True),
        ({"sessions": False, "keys": False}, True, True, False),
    ],
    ids=["sessions", "keys", "password"],
)
async def test_each_part_can_be_chosen(
    tmp_path: Path, parts: dict[str, bool], session: bool, key: bool, password: bool
) -> None:
    """What is left out stays."""
    async with account_house(tmp_path) as house:
        account, token, _ = await opened(house)
        await respond(house, ADA, apply=True, tell=False, **parts)
        assert (await house.accounts.session_account(token) is not None) == session
        assert bool(await house.accounts.list_keys(account)) == key
        async with house.database.session() as database:
            assert (await database.get_one(AccountRow, account)).must_change_password != password
        assert await house.letters("breach") == []


async def test_operators_are_left_out_unless_they_are_meant(tmp_path: Path) -> None:
    """Whoever responds must still get in."""
    async with account_house(tmp_path) as house:
        account, token, _ = await opened(house)
        async with house.database.session() as session:
            (await session.get_one(AccountRow, account)).operator = True
        done = await respond(house, ADA, apply=True)
        assert "operator" in done.targets[0].left_out
        assert await house.accounts.session_account(token) is not None
        meant = await house.accounts.respond(
            [Touched(account, "it was touched", START)], parts=Parts(), actor="a", reason="b", operators=True, apply=True
        )  # fmt: skip
        assert (meant.targets[0].why, meant.targets[0].left_out) == ("it was touched", "")
        assert await house.accounts.session_account(token) is None


async def test_letters_after_a_breach_keep_a_new_password_from_nobody(tmp_path: Path) -> None:
    """They have a pace of their own and count against no cap."""
    async with account_house(tmp_path) as house:
        per_hour = house.accounts.mail_policy.per_hour
        for number in range(3):
            await house.sign_up(f"user{number}@example.com", source=f"192.0.2.{number}")
        await house.letters()
        await respond(house, *(f"user{number}@example.com" for number in range(3)), apply=True)
        states = [each.state for each in await house.letters("breach")]
        assert states == ["kept", "waiting", "waiting"]  # the others' turn has not come
        house.now += 2 * 3_600 / per_hour + 1
        assert [each.state for each in await house.letters("breach")] == ["kept"] * 3


async def test_nothing_chosen_is_refused(tmp_path: Path) -> None:
    """A letter alone would frighten for nothing."""
    async with account_house(tmp_path) as house:
        with pytest.raises(AccountError, match="at least one"):
            await respond(house, ADA, sessions=False, keys=False, password=False)
