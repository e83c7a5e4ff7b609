"""Keys with scopes: never more than their makers, rotated with an overlap, ended when they leak."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from account_house import CHEAP, DAY_S, START, House, account_house

from pontlevis.accounts.keys import LONGEST_LIFE_S
from pontlevis.accounts.leaks import LeakedKey
from pontlevis.accounts.service import AccountError, NewKey
from pontlevis.brain.credential import CredentialKind
from pontlevis.brain.key_scope import KeyLimits, KeyScope
from pontlevis.gateway.directory import Directory
from pontlevis.link.messages import AccountRecord, Changes, UsageRecord
from pontlevis.storage.audit import recent_audit
from pontlevis.storage.tables.control import DecisionRow

MAKER = KeyScope(
    ("gpt-*", "llama"), ("chat/completions", "models", "keys"), KeyLimits(requests_per_minute=60)
)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with account_house(tmp_path) as made:
        yield made


async def _ada(house: House) -> str:
    return (await house.sign_up("ada@example.com")).id


def _gateway(house: House) -> Directory:
    """What a gateway knows that heard everything."""
    directory = Directory(house.codec)
    directory.apply(Changes(1, whole=True, accounts=[AccountRecord(each.id, each.standing, each.created_at) for each in house.notebook.accounts]))  # fmt: skip
    directory.apply(Changes(2, credentials=house.notebook.credentials))
    return directory


async def _refused(status: int, code: str, house: House, account: str, **wanted: object) -> AccountError:
    with pytest.raises(AccountError) as caught:
        await house.accounts.create_key(account, "x", **wanted)  # type: ignore[arg-type]
    assert (caught.value.status, caught.value.code) == (status, code)
    return caught.value


async def test_a_scope_reaches_the_gateways_as_it_was_made_and_survives_a_restart(house: House) -> None:
    """In the message that announces the key, in the whole state of a gateway's start, and in the list."""
    account = await _ada(house)
    made = await house.accounts.create_key(account, "bot", scope=MAKER, expires_at=START + 60)
    announced = house.notebook.credentials[-1]
    assert (announced.scope, announced.expires_at) == (MAKER, START + 60)
    whole = [each async for _, keys in house.accounts.records() for each in keys if each.id == made.id]
    assert whole == [announced]
    (view,) = await house.accounts.list_keys(account)
    assert (view.scope, view.expires_at) == (MAKER, START + 60)
    plain = await house.accounts.create_key(account, "plain")
    assert house.notebook.credentials[-1].scope is None
    caller = _gateway(house).recognise(plain.key, START + 30)
    assert caller is not None
    assert caller.scope is None


async def test_what_cannot_be_is_refused_and_says_where(house: House) -> None:
    """Unknown endpoints, an end in the past or beyond reason."""
    account = await _ada(house)
    assert (await _refused(400, "invalid_scope", house, account, scope=KeyScope(endpoints=("x",)))).param == "endpoints"  # fmt: skip
    for expires_at in (START, START - 1, START + LONGEST_LIFE_S + 1):
        await _refused(400, "invalid_expiry", house, account, expires_at=expires_at)


async def test_a_key_that_makes_keys_gives_no_more_than_it_has(house: House) -> None:
    """Models, endpoints, limits and end; what it leaves out is refused, and its end is theirs."""
    account = await _ada(house)
    maker = await house.accounts.create_key(account, "deploy", scope=MAKER, expires_at=START + DAY_S)
    own = KeyLimits(requests_per_minute=60)
    for scope, param in (
        (KeyScope((), ("models",), own), "models"),
        (KeyScope(("*",), ("models",), own), "models"),
        (KeyScope(("llama",), (), own), "endpoints"),
        (KeyScope(("llama",), ("embeddings",), own), "endpoints"),
        (KeyScope(("llama",), ("models",), None), "limits"),
        (KeyScope(("llama",), ("models",), KeyLimits(requests_per_minute=61)), "limits"),
    ):
        refused = await _refused(403, "exceeds_maker", house, account, scope=scope, maker=maker.id)
        assert refused.param == param
    inner = KeyScope(("gpt-4*",), ("models",), own)
    for wanted, given in ((None, START + DAY_S), (START + 2 * DAY_S, START + DAY_S), (START + 9, START + 9)):
        child = await house.accounts.create_key(
            account, "job", scope=inner, expires_at=wanted, maker=maker.id
        )
        assert child.expires_at == given
    assert {each.made_by for each in await house.accounts.list_keys(account, maker=maker.id)} == {maker.id}


async def test_only_a_key_whose_scope_says_so_may_manage_keys_and_only_its_own(house: House) -> None:
    """Not an unscoped one, not one that has ended or is banned; others' keys are not there for it."""
    account = await _ada(house)
    plain = await house.accounts.create_key(account, "plain")
    maker = await house.accounts.create_key(account, "deploy", scope=MAKER, expires_at=START + DAY_S)
    with pytest.raises(AccountError) as caught:
        await house.accounts.keys_maker(plain.key)
    assert (caught.value.status, caught.value.code) == (403, "endpoint_not_permitted")
    found = await house.accounts.keys_maker(maker.key)
    assert found is not None
    assert (found[0], found[1].id) == (maker.id, account)
    for act in (house.accounts.revoke_key, house.accounts.rotate_key):
        for key in (plain.id, maker.id):
            with pytest.raises(AccountError) as caught:
                await act(account, key, maker=maker.id)
            assert caught.value.status == 404
    async with house.database.session() as session:
        session.add(DecisionRow(scope="credential", value=maker.id, reason="r", origin="detection", created_at=START, expires_at=START + 60))  # fmt: skip
    assert await house.accounts.keys_maker(maker.key) is None
    house.now = START + 61
    assert await house.accounts.keys_maker(maker.key) is not None
    house.now = START + DAY_S
    assert await house.accounts.keys_maker(maker.key) is None
    assert await house.accounts.keys_maker("pl-made-up") is None


async def test_what_a_key_made_ends_with_it_generation_by_generation(house: House) -> None:
    """Everything is told to the gateways and cut in one go."""
    account = await _ada(house)
    maker = await house.accounts.create_key(account, "one", scope=MAKER)
    child = await house.accounts.create_key(account, "two", scope=MAKER, maker=maker.id)
    grandchild = await house.accounts.create_key(account, "three", scope=MAKER, maker=child.id)
    other = await house.accounts.create_key(account, "other")
    await house.accounts.revoke_key(account, maker.id)
    assert house.notebook.cuts == [maker.id, child.id, grandchild.id]
    directory = _gateway(house)
    assert [directory.recognise(each.key, START + 30) is None for each in (maker, child, grandchild, other)] == [True, True, True, False]  # fmt: skip


async def test_after_a_rotation_both_secrets_work_until_the_overlap_ends(house: House) -> None:
    """Under the same id; the old one is told why it works no more; a second rotation ends the oldest at once."""
    account = await _ada(house)
    first = await house.accounts.create_key(account, "bot", scope=MAKER)
    second = await house.accounts.rotate_key(account, first.id, overlap_s=60)
    assert (second.id, second.scope, second.former_until) == (first.id, MAKER, START + 60)

    def works(key: NewKey, now: float) -> bool:
        return _gateway(house).recognise(key.key, now) is not None

    assert works(first, START + 59)
    assert works(second, START + 59)
    assert not works(first, START + 60)
    gateway = _gateway(house)
    assert gateway.past(gateway.judge(first.key), START + 60) == "rotated"
    assert works(second, START + 60)
    third = await house.accounts.rotate_key(account, first.id, overlap_s=60)
    assert [works(each, START + 30) for each in (first, second, third)] == [False, True, True]
    fourth = await house.accounts.rotate_key(account, first.id, overlap_s=0)
    assert [works(each, START + 30) for each in (second, third, fourth)] == [False, False, True]
    assert third.key not in repr(third)


async def test_an_overlap_is_what_settings_say_and_at_most_what_they_allow(tmp_path: Path) -> None:
    """A day by default, cut at a week."""
    policy = replace(CHEAP, key_overlap_s=100.0, longest_key_overlap_s=200.0)
    async with account_house(tmp_path, policy) as house:
        account = await _ada(house)
        key = await house.accounts.create_key(account, "bot")
        assert (await house.accounts.rotate_key(account, key.id)).former_until == START + 100
        assert (await house.accounts.rotate_key(account, key.id, overlap_s=1e9)).former_until == START + 200
        with pytest.raises(AccountError):
            await house.accounts.rotate_key(account, "none")


async def test_a_reported_key_ends_its_owner_is_told_and_it_is_on_record(house: House) -> None:
    """With what it had made, once; the letter names the keys and holds no secret; the log says where it was found."""
    account = await _ada(house)
    maker = await house.accounts.create_key(account, "deploy", scope=MAKER)
    child = await house.accounts.create_key(account, "job", scope=MAKER, maker=maker.id)
    line = LeakedKey(maker.key + "\n", "pontlevis_api_key", "https://git.example/x", "commit")
    assert await house.accounts.report_leaked([line, line], source="192.0.2.9") == 1
    assert house.notebook.cuts == [maker.id, child.id]
    (letter,) = await house.letters("leaked")
    assert letter.email == "ada@example.com"
    assert "    deploy" in letter.body
    assert "    job" in letter.body
    assert maker.key not in letter.body
    assert "https://git.example" not in letter.body, "what a stranger wrote is not sent on"
    async with house.database.session() as session:
        (entry,) = await recent_audit(session)
    assert (entry.actor, entry.event, entry.subject) == ("public report", "report:key:leaked", maker.id)
    assert msgspec.json.decode(entry.detail)["found_at"] == "https://git.example/x"
    assert maker.key not in entry.detail
    assert await house.accounts.report_leaked([line], source="192.0.2.9") == 0
    assert maker.key not in repr(line)
    views = {each.name: each.leaked_at for each in await house.accounts.list_keys(account)}
    assert views == {"deploy": START, "job": START}


async def test_of_a_rotated_key_only_the_secret_that_leaked_ends(house: House) -> None:
    """The new one is not out, and goes on."""
    account = await _ada(house)
    first = await house.accounts.create_key(account, "bot")
    second = await house.accounts.rotate_key(account, first.id)
    assert await house.accounts.report_leaked([LeakedKey(first.key)], source="192.0.2.9") == 1
    directory = _gateway(house)
    assert directory.recognise(first.key, START + 30) is None
    assert directory.recognise(second.key, START + 30) is not None
    assert house.notebook.cuts == []
    (letter,) = await house.letters("leaked")
    assert "    bot" in letter.body


async def test_what_was_made_up_never_reaches_the_database(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wrong MACs, other kinds of tokens, rubbish; and one whose MAC holds but whose secret does not ends nothing."""
    account = await _ada(house)
    key = await house.accounts.create_key(account, "bot")
    forged = house.codec.mint(CredentialKind.API_KEY, key.id, int(START), bytes(20))
    assert await house.accounts.report_leaked([LeakedKey(forged)], source="192.0.2.9") == 0
    grant = await house.log_in("ada@example.com")

    def broken() -> None:
        raise AssertionError("the database was asked")

    monkeypatch.setattr(house.database, "session", broken)
    made_up = [grant.token, key.key[:-1] + "A", "pl-", "", "x" * 5_000]
    assert await house.accounts.report_leaked([LeakedKey(each) for each in made_up], source="192.0.2.9") == 0


async def test_many_leaked_keys_of_one_account_are_one_letter(house: House) -> None:
    """Nobody's mailbox is flooded by a report."""
    account = await _ada(house)
    keys = [await house.accounts.create_key(account, f"k{number}") for number in range(12)]
    assert (
        await house.accounts.report_leaked([LeakedKey(each.key) for each in keys], source="192.0.2.9") == 12
    )
    (letter,) = await house.letters("leaked")
    assert all(f"    k{number}\n" in letter.body for number in range(12))


async def test_last_use_is_coarse_and_never_goes_back(house: House) -> None:
    """Written at most once a minute; a parcel that comes late changes nothing."""
    account = await _ada(house)
    key = await house.accounts.create_key(account, "bot")

    async def used(at: float) -> float | None:
        await house.accounts.record_usage([UsageRecord(at, account, key.id, "m", 1, 1, "ok", 0.0, 0.1, 1.0)])
        return (await house.accounts.list_keys(account))[0].last_used_at

    assert await used(START) == START
    assert await used(START + 59) == START
    assert await used(START + 60) == START + 60
    assert await used(START + 1) == START + 60
