"""API keys, the first operator, use and standing, what gateways are told, what a crash leaves."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from account_house import CHEAP, DAY_S, PASSWORD, House, account_house
from sqlalchemy import select

from pontlevis.accounts.service import AccountError
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import RegistrationMode, Standing
from pontlevis.link.messages import UsageRecord
from pontlevis.storage.audit import recent_audit
from pontlevis.storage.tables.accounts import AccountRow, KeyRow, SetupRow, UsageRow


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with account_house(tmp_path) as made:
        yield made


def _usage(
    house: House, account: str, *, key: str = "k", tokens: int = 100, outcome: str = "ok"
) -> UsageRecord:
    return UsageRecord(house.now, account, key, "sim", tokens, tokens, outcome, 0.0, 0.1, 1.0)


async def test_a_key_is_shown_once_and_only_its_hash_is_kept(house: House) -> None:
    """The secret is in the answer and nowhere else: not on disk, not in any repr."""
    made = await house.sign_up("ada@example.com")
    key = await house.accounts.create_key(made.id, "  my   laptop ")
    assert key.name == "my laptop"
    assert key.key.startswith("pl-")
    credential = house.codec.judge(key.key)
    assert credential is not None
    assert credential.id == key.id
    record = house.notebook.credentials[-1]
    assert (record.id, record.account) == (key.id, made.id)
    async with house.database.session() as session:
        row = await session.get_one(KeyRow, key.id)
    assert row.secret_hash == record.secret_hash == house.codec.secret_hash(credential.secret)
    files = b"".join(
        each.read_bytes() for each in Path(str(house.database.engine.url.database)).parent.iterdir()
    )
    assert credential.secret not in files
    assert key.key.encode() not in files
    assert PASSWORD.encode() not in files
    assert key.key not in repr(key)


async def test_a_volley_makes_no_more_keys_than_there_may_be(tmp_path: Path) -> None:
    """Each of many at once saw room for one more: five beyond fifty were made."""
    async with account_house(tmp_path, replace(CHEAP, keys_per_account=3)) as house:
        made = await house.sign_up("ada@example.com")
        tries = [house.accounts.create_key(made.id, f"k{number}") for number in range(20)]
        results = await asyncio.gather(*tries, return_exceptions=True)
        refused = [each.code for each in results if isinstance(each, AccountError)]
        assert refused == ["too_many_keys"] * 17
        assert len(await house.accounts.list_keys(made.id)) == 3


async def test_keys_made_and_revoked_in_a_loop_end_with_the_hours_number(tmp_path: Path) -> None:
    """A loop of one account wrote 8 KB of database a turn for as long as it liked. Rotating counts as making; others go on."""
    async with account_house(tmp_path, replace(CHEAP, key_makings_per_hour=4)) as house:
        ada, grace = await house.sign_up("ada@example.com"), await house.sign_up("grace@example.com")
        for _ in range(3):
            key = await house.accounts.create_key(ada.id, "k")
            await house.accounts.revoke_key(ada.id, key.id)
        key = await house.accounts.create_key(grace.id, "k")
        for _ in range(3):
            await house.accounts.rotate_key(grace.id, key.id)
        await house.accounts.create_key(ada.id, "k")
        for again in (house.accounts.create_key(ada.id, "k"), house.accounts.rotate_key(grace.id, key.id)):
            with pytest.raises(AccountError) as caught:
                await again
            assert (caught.value.status, caught.value.code) == (429, "rate_limit_exceeded")
            assert caught.value.retry_after_s > 0
        house.now += 3_601
        await house.accounts.create_key(ada.id, "k")


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "nul\x00", "bell\x07"])
async def test_a_key_needs_a_name_that_can_be_read(house: House, name: str) -> None:
    """1 to 100 printable characters."""
    made = await house.sign_up("ada@example.com")
    with pytest.raises(AccountError) as caught:
        await house.accounts.create_key(made.id, name)
    assert (caught.value.status, caught.value.param) == (400, "name")


async def test_a_revoked_key_is_gone_at_once_and_what_it_runs_is_cut(house: House) -> None:
    """From the list, from the gateways, from streams under way; a second time there is nothing to revoke."""
    made = await house.sign_up("ada@example.com")
    key = await house.accounts.create_key(made.id, "laptop")
    await house.accounts.revoke_key(made.id, key.id)
    assert await house.accounts.list_keys(made.id) == []
    assert house.notebook.credentials[-1].revoked
    assert house.notebook.cuts == [key.id]
    with pytest.raises(AccountError) as caught:
        await house.accounts.revoke_key(made.id, key.id)
    assert caught.value.status == 404


async def test_nobody_revokes_or_sees_somebody_elses_key(house: House) -> None:
    """The answer is the same as for a key that does not exist."""
    ada, mallory = await house.sign_up("ada@example.com"), await house.sign_up("mallory@example.com")
    key = await house.accounts.create_key(ada.id, "laptop")
    with pytest.raises(AccountError) as caught:
        await house.accounts.revoke_key(mallory.id, key.id)
    assert caught.value.status == 404
    assert await house.accounts.list_keys(mallory.id) == []
    assert [each.id for each in await house.accounts.list_keys(ada.id)] == [key.id]


async def test_an_account_has_at_most_so_many_keys(tmp_path: Path) -> None:
    """Deleting one makes room for another."""
    async with account_house(tmp_path, replace(CHEAP, keys_per_account=2)) as house:
        made = await house.sign_up("ada@example.com")
        first = await house.accounts.create_key(made.id, "one")
        await house.accounts.create_key(made.id, "two")
        with pytest.raises(AccountError) as caught:
            await house.accounts.create_key(made.id, "three")
        assert (caught.value.status, caught.value.code) == (409, "too_many_keys")
        await house.accounts.revoke_key(made.id, first.id)
        await house.accounts.create_key(made.id, "three")


async def test_an_operators_command_makes_account_and_key_and_only_adds_rights(house: House) -> None:
    """`keys create --paid` raises an account; without it, it stays as it is."""
    first = await house.accounts.make_key("ada@example.com", paid=True, unlimited=True)
    second = await house.accounts.make_key("Ada+x@example.com", name="second")
    ids = {credential.id for key in (first, second) if (credential := house.codec.judge(key)) is not None}
    assert {each.id for each in house.notebook.credentials} == ids
    [account] = await house.accounts.list_accounts()
    assert (account.paid, account.unlimited, account.standing) == (True, True, Standing.PAID)


async def test_the_first_operator_is_whoever_holds_the_link(house: House) -> None:
    """Not whoever registers first; the link works once, and there is none afterwards."""
    token = await house.accounts.first_operator_link()
    assert token is not None
    await house.sign_up("early@example.com")
    grant = await house.accounts.make_first_operator(token, "ada@example.com", PASSWORD)
    assert grant.account.standing is Standing.OPERATOR
    with pytest.raises(AccountError) as caught:
        await house.accounts.make_first_operator(token, "mallory@example.com", PASSWORD)
    assert caught.value.code == "setup_link_used"
    assert await house.accounts.first_operator_link() is None
    early = next(each for each in await house.accounts.list_accounts() if each.email == "early@example.com")
    assert early.standing is Standing.NEW


async def test_of_two_who_use_the_link_at_once_one_becomes_operator(house: House) -> None:
    """And the other is told that it has been used."""
    token = await house.accounts.first_operator_link()
    assert token is not None
    results = await asyncio.gather(
        *(house.accounts.make_first_operator(token, f"op{n}@example.com", PASSWORD) for n in range(4)),
        return_exceptions=True,
    )
    assert sum(not isinstance(each, BaseException) for each in results) == 1
    assert sum(each.standing is Standing.OPERATOR for each in await house.accounts.list_accounts()) == 1


async def test_a_new_link_ends_the_one_before_and_only_a_hash_is_kept(house: House) -> None:
    """A restart prints a fresh link; an old terminal log is worth nothing."""
    old, new = await house.accounts.first_operator_link(), await house.accounts.first_operator_link()
    assert old is not None
    assert new is not None
    assert not await house.accounts.setup_token_fits(old)
    assert await house.accounts.setup_token_fits(new)
    async with house.database.session() as session:
        row = await session.get_one(SetupRow, 1)
    assert new.encode() not in row.token_hash
    for nonsense in ("", "x", "\ud800"):
        assert not await house.accounts.setup_token_fits(nonsense)


async def test_who_registered_the_operators_address_before_keeps_nothing(house: House) -> None:
    """Otherwise a session or key from before the link was used would be an operator's."""
    squatter = await house.sign_up("ada@example.com")
    key = await house.accounts.create_key(squatter.id, "mine")
    session = await house.log_in("ada@example.com")
    token = await house.accounts.first_operator_link()
    assert token is not None
    await house.accounts.make_first_operator(token, "ada@example.com", "another long phrase")
    assert await house.accounts.session_account(session.token) is None
    assert await house.accounts.list_keys(squatter.id) == []
    revoked = {each.id for each in house.notebook.credentials if each.revoked}
    assert key.id in revoked
    assert set(house.notebook.cuts) == revoked
    with pytest.raises(AccountError):
        await house.log_in("ada@example.com")


async def test_use_is_summed_by_day_key_and_model(house: House) -> None:
    """Aborted work counts in tokens, not as a day of real use; two batches add up."""
    made = await house.sign_up("ada@example.com")
    key = await house.accounts.create_key(made.id, "laptop")
    for _ in range(2):
        await house.accounts.record_usage(
            [
                _usage(house, made.id, key=key.id),
                _usage(house, made.id, key=key.id, tokens=7, outcome="aborted"),
                _usage(house, "nobody here", key="gone"),
            ]
        )
    [day] = await house.accounts.usage_days(made.id)
    assert (day.requests, day.input_tokens, day.output_tokens) == (4, 214, 214)
    async with house.database.session() as session:
        row = await session.get_one(AccountRow, made.id)
        used = await session.get_one(UsageRow, (made.id, key.id, "sim", int(house.now // DAY_S)))
    assert (row.tokens_used, row.active_days, row.last_active_at) == (400, 1, house.now)
    assert used.aborted == 2
    [view] = await house.accounts.list_keys(made.id)
    assert view.last_used_at == house.now
    await house.accounts.record_usage([])


async def test_a_batch_across_midnight_counts_both_days(house: House) -> None:
    """In whatever order its records come."""
    made = await house.sign_up("ada@example.com")
    today = _usage(house, made.id)
    house.now += DAY_S
    await house.accounts.record_usage([_usage(house, made.id), today])
    async with house.database.session() as session:
        row = await session.get_one(AccountRow, made.id)
    assert row.active_days == 2
    assert len(await house.accounts.usage_days(made.id)) == 2


async def test_callers_without_an_account_share_one_sum(house: House) -> None:
    """However many addresses a flood has, the table stays small."""
    await house.accounts.record_usage([_usage(house, f"anon:10.0.0.{n}", key="") for n in range(50)])
    async with house.database.session() as session:
        rows = (await session.scalars(select(UsageRow))).all()
    assert [(row.account_id, row.requests) for row in rows] == [("anonymous", 50)]


async def test_standing_grows_with_tenure_and_use_and_only_changes_are_published(house: House) -> None:
    """New, after two days of use recent, after a week with use established; who only waits stays new."""
    made = await house.sign_up("ada@example.com")
    other = await house.sign_up("idle@example.com")
    for _ in range(8):
        house.now += DAY_S
        await house.accounts.record_usage([_usage(house, made.id, tokens=200)])
        house.notebook.accounts.clear()
        await house.accounts.refresh_standings(house.now)
        published = [each.id for each in house.notebook.accounts]
        assert len(published) == len(set(published))
    assert house.standing_of(made.id) is None, "nothing changed on the last day"
    found = {each.id: each.standing for each in await house.accounts.list_accounts()}
    assert found == {made.id: Standing.ESTABLISHED, other.id: Standing.NEW}


async def test_standings_that_changed_while_the_service_was_down_are_right_after_its_start(
    house: House,
) -> None:
    """A restart derives every standing anew."""
    made = await house.sign_up("ada@example.com")
    for _ in range(2):
        await house.accounts.record_usage([_usage(house, made.id, tokens=200)])
        house.now += 0.45 * DAY_S
    house.now += DAY_S
    again = House(house.database, CHEAP)
    again.now = house.now
    await again.accounts.start()
    assert again.standing_of(made.id) is Standing.RECENT
    await again.accounts.close()


async def test_a_gateway_that_connects_gets_everything_that_may_be_used(house: House) -> None:
    """In parts; revoked keys and sessions that are over are left out."""
    expected = set()
    for number in range(5):
        made = await house.sign_up(f"user{number}@example.com")
        expected.add((await house.accounts.create_key(made.id, "one")).id)
        gone = await house.accounts.create_key(made.id, "two")
        await house.accounts.revoke_key(made.id, gone.id)
    old = await house.log_in("user0@example.com")
    house.now += 15 * DAY_S
    fresh = await house.log_in("user1@example.com")
    credential = house.codec.judge(fresh.token)
    assert credential is not None
    expected.add(credential.id)
    accounts: list[str] = []
    credentials: list[str] = []
    async for part, more in house.accounts.records(chunk=2):
        assert len(part) <= 2
        assert len(more) <= 2
        accounts += [each.id for each in part]
        credentials += [each.id for each in more]
    assert len(accounts) == len(set(accounts)) == 5
    assert set(credentials) == expected
    gone_session = house.codec.judge(old.token)
    assert gone_session is not None
    assert gone_session.id not in credentials


async def test_an_operator_approves_pays_disables_and_lets_back_in(house: House) -> None:
    """Each change is published at once and written down with who made it; nothing is written for nothing."""
    house.notebook.posture = PostureState(registration=RegistrationMode.APPROVAL)
    done = await house.accounts.sign_up("ada@example.com", PASSWORD, source="192.0.2.1", fingerprint=0)
    assert done.account is not None
    account = done.account.id
    approved = await house.accounts.change_account(account, actor="grace", pending=False)
    assert not approved.pending
    assert house.notebook.accounts[-1].disabled == ""
    await house.log_in("ada@example.com")
    paid = await house.accounts.change_account(account, actor="grace", paid=True, pending=False)
    assert paid.standing is Standing.PAID
    await house.accounts.change_account(account, actor="grace", disabled="it  was\nstolen")
    assert house.notebook.accounts[-1].disabled == "it was stolen"
    assert house.notebook.cuts == [account]
    with pytest.raises(AccountError):
        await house.log_in("ada@example.com")
    await house.accounts.change_account(account, actor="grace", disabled="")
    await house.log_in("ada@example.com")
    await house.accounts.change_account(account, actor="grace", disabled="", paid=True)
    async with house.database.session() as session:
        lines = [(row.actor, row.detail) for row in reversed(await recent_audit(session))]
    assert lines == [
        ("grace", "pending: False"),
        ("grace", "paid: True"),
        ("grace", "disabled: it was stolen"),
        ("grace", "disabled: "),
    ]


async def test_an_operator_cannot_be_shut_out_by_another(house: House) -> None:
    """Nobody would be left to undo it; and an account that is not there is a 404."""
    token = await house.accounts.first_operator_link()
    assert token is not None
    grant = await house.accounts.make_first_operator(token, "ada@example.com", PASSWORD)
    account = grant.account.id
    for change in (
        house.accounts.change_account(account, actor="grace", disabled="mine now"),
        house.accounts.change_account(account, actor="grace", pending=True),
    ):
        with pytest.raises(AccountError) as caught:
            await change
        assert caught.value.status == 409
    with pytest.raises(AccountError) as caught:
        await house.accounts.change_account("0" * 16, actor="grace", paid=True)
    assert caught.value.status == 404
