"""Keys changed after they were made: by their owners, by the keys that made them, by operators."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path

import pytest
from account_house import DAY_S, START, House, account_house
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pontlevis.accounts.service import AccountError, KeyChange, NewKey
from pontlevis.brain.key_scope import ENDPOINTS, KeyLimits, KeyScope, exceeds
from pontlevis.storage.audit import recent_audit

MAKER = KeyScope(
    ("gpt-*", "llama"), ("chat/completions", "models", "keys"), KeyLimits(requests_per_minute=60)
)
CHILD = KeyScope(("gpt-4", "llama"), ("chat/completions",), KeyLimits(requests_per_minute=30, concurrent=2))


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with account_house(tmp_path) as made:
        yield made


async def _ada(house: House) -> str:
    return (await house.sign_up("ada@example.com")).id


async def _pair(house: House, account: str) -> tuple[NewKey, NewKey]:
    """A key that makes keys, and one that it made."""
    maker = await house.accounts.create_key(account, "deploy", scope=MAKER, expires_at=START + DAY_S)
    child = await house.accounts.create_key(account, "job", scope=CHILD, maker=maker.id)
    return maker, child


async def _audit(house: House) -> list[tuple[str, str, str, str]]:
    async with house.database.session() as session:
        return [(each.actor, each.event, each.subject, each.detail) for each in await recent_audit(session)]


async def test_what_is_named_changes_and_the_rest_stays(house: House) -> None:
    """Name, models, endpoints, one limit, expiry; gateways are told once and only of a change."""
    account = await _ada(house)
    key = await house.accounts.create_key(account, "bot", scope=CHILD)
    done = await house.accounts.change_key(
        account, key.id, KeyChange(name=" my  bot ", models=("qwen*",), limits={"concurrent": 0}, expires_at=START + 60)
    )  # fmt: skip
    wanted = KeyScope(("qwen*",), ("chat/completions",), KeyLimits(requests_per_minute=30))
    assert (done.key.name, done.key.scope, done.key.expires_at) == ("my bot", wanted, START + 60)
    assert done.differences == (
        "name: bot → my bot", "models: gpt-4, llama → qwen*", "concurrent: 2 → 0", f"expires_at: None → {START + 60}",
    )  # fmt: skip
    told = house.notebook.credentials[-1]
    assert (told.id, told.scope, told.expires_at, told.revoked) == (key.id, wanted, START + 60, False)
    assert house.notebook.cuts == []
    before = len(house.notebook.credentials)
    assert (await house.accounts.change_key(account, key.id, KeyChange(name="my bot"))).differences == ()
    assert len(house.notebook.credentials) == before
    whole = await house.accounts.change_key(
        account, key.id, KeyChange(models=(), endpoints=(), limits={"requests_per_minute": 0}, expires_at=None)
    )  # fmt: skip
    assert (whole.key.scope, whole.key.expires_at) == (KeyScope(), None)
    assert house.notebook.credentials[-1].scope is None
    assert (await house.accounts.list_keys(account))[0] == whole.key


async def test_what_cannot_be_is_refused_and_changes_nothing(house: House) -> None:
    """A bad name, scope or end; another's key, one that has ended."""
    account = await _ada(house)
    other = (await house.sign_up("bob@example.com", source="192.0.2.2")).id
    key = await house.accounts.create_key(account, "bot", scope=CHILD, expires_at=START + 60)
    for change, code in (
        (KeyChange(name=" "), "invalid_name"),
        (KeyChange(endpoints=("x",)), "invalid_scope"),
        (KeyChange(limits={"concurrent": -1}), "invalid_scope"),
        (KeyChange(expires_at=START), "invalid_expiry"),
    ):
        with pytest.raises(AccountError) as caught:
            await house.accounts.change_key(account, key.id, change)
        assert (caught.value.status, caught.value.code) == (400, code)
    with pytest.raises(AccountError) as caught:
        await house.accounts.change_key(other, key.id, KeyChange(name="mine"))
    assert caught.value.status == 404
    house.now = START + 61
    with pytest.raises(AccountError) as caught:
        await house.accounts.change_key(account, key.id, KeyChange(expires_at=None))
    assert caught.value.status == 404, "what has expired does not come back"


async def test_nobody_gives_a_key_more_than_its_maker_has(house: House) -> None:
    """Not its maker, not its owner, not an operator; within that it may be widened again."""
    account = await _ada(house)
    maker, child = await _pair(house, account)
    beyond: list[tuple[dict[str, object], str]] = [
        ({"models": ()}, "models"),
        ({"models": ("claude",)}, "models"),
        ({"endpoints": ()}, "endpoints"),
        ({"limits": {"requests_per_minute": 0}}, "limits"),
        ({"limits": {"requests_per_minute": 61}}, "limits"),
    ]
    for fields, param in beyond:
        change = KeyChange(**fields)  # type: ignore[arg-type]
        for by in (maker.id, ""):
            with pytest.raises(AccountError) as caught:
                await house.accounts.change_key(account, child.id, change, maker=by)
            assert (caught.value.status, caught.value.code, caught.value.param) == (
                403,
                "exceeds_maker",
                param,
            )
        with pytest.raises(AccountError) as caught:
            await house.accounts.change_any_key(child.id, change, actor="op", reason="r", narrow_only=False)
        assert caught.value.code == "exceeds_maker"
    done = await house.accounts.change_key(
        account, child.id, KeyChange(models=("gpt-*",), limits={"requests_per_minute": 60, "concurrent": 0}, expires_at=None), maker=maker.id,
    )  # fmt: skip
    assert done.key.scope == KeyScope(("gpt-*",), ("chat/completions",), KeyLimits(requests_per_minute=60))
    assert done.key.expires_at == START + DAY_S, "cut to its maker's"
    for key in (maker.id, "none"):
        with pytest.raises(AccountError) as caught:
            await house.accounts.change_key(account, key, KeyChange(name="x"), maker=maker.id)
        assert caught.value.status == 404


async def test_what_a_key_loses_its_own_keys_lose_generation_by_generation(house: House) -> None:
    """One with nothing left is revoked and its calls end; they get nothing back when their maker does."""
    account = await _ada(house)
    maker, child = await _pair(house, account)
    second = await house.accounts.create_key(account, "two", scope=MAKER, maker=maker.id)
    below = await house.accounts.create_key(account, "three", scope=MAKER, maker=second.id)
    starved = await house.accounts.create_key(account, "four", scope=replace_models("llama"), maker=second.id)
    bystander = await house.accounts.create_key(account, "other", scope=MAKER)
    narrow = KeyChange(models=("gpt-*",), limits={"requests_per_minute": 20}, expires_at=START + 60)
    done = await house.accounts.change_key(account, maker.id, narrow)
    assert set(done.narrowed) == {child.id, second.id, below.id}
    assert done.revoked == (starved.id,)
    assert house.notebook.cuts == [starved.id]
    own = {each.id: each for each in await house.accounts.list_keys(account)}
    assert own[child.id].scope == KeyScope(
        ("gpt-4",), ("chat/completions",), KeyLimits(requests_per_minute=20, concurrent=2)
    )
    for each in (second, below):
        assert own[each.id].scope == KeyScope(("gpt-*",), MAKER.endpoints, KeyLimits(requests_per_minute=20))
    assert {own[each.id].expires_at for each in (child, second, below)} == {START + 60}
    assert (own[bystander.id].scope, own[bystander.id].expires_at) == (MAKER, None)
    told = {each.id: each for each in house.notebook.credentials}
    assert all(told[each].scope == own[each].scope for each in own)
    await house.accounts.change_key(
        account, maker.id, KeyChange(models=(), limits={"requests_per_minute": 0})
    )
    again = {each.id: each for each in await house.accounts.list_keys(account)}
    assert again[child.id] == own[child.id]


def replace_models(*models: str) -> KeyScope:
    return KeyScope(models, MAKER.endpoints, MAKER.limits)


MODELS = st.lists(st.text("ab*", min_size=1, max_size=3), max_size=2).map(tuple)
CHANGES = st.builds(
    KeyChange,
    models=st.none() | MODELS,
    endpoints=st.none() | st.lists(st.sampled_from(ENDPOINTS), max_size=3).map(tuple),
    limits=st.dictionaries(st.sampled_from(KeyLimits.__struct_fields__), st.integers(0, 4), max_size=3),
    expires_at=st.none() | st.integers(1, 4).map(lambda days: START + days * DAY_S),
)
STEPS = st.lists(st.tuples(st.integers(0, 3), st.booleans(), CHANGES), min_size=1, max_size=5)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(STEPS)
def test_after_any_changes_no_key_may_more_than_its_maker(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, bool, KeyChange]]
) -> None:
    """A chain of four, changed anywhere by anybody in any order; what is refused changes nothing."""

    async def live() -> None:
        async with account_house(tmp_path_factory.mktemp("chain")) as house:
            account = await _ada(house)
            chain: list[NewKey] = []
            for number in range(4):
                maker = chain[-1].id if chain else ""
                scope = KeyScope(endpoints=("models", "chat/completions", "keys"))
                chain.append(await house.accounts.create_key(account, f"k{number}", scope=scope, maker=maker))
            for number, by_maker, change in steps:
                maker = chain[number - 1].id if number and by_maker else ""
                before = {each.id: each for each in await house.accounts.list_keys(account)}
                try:
                    await house.accounts.change_key(account, chain[number].id, change, maker=maker)
                except AccountError:
                    after = {each.id: each for each in await house.accounts.list_keys(account)}
                    assert after == before
                keys = {each.id: each for each in await house.accounts.list_keys(account)}
                for each in keys.values():
                    if each.made_by:
                        above = keys[each.made_by]
                        assert exceeds(each.scope, above.scope) is None
                        assert above.expires_at is None or (each.expires_at or 1e12) <= above.expires_at

    asyncio.run(live())


async def test_a_maker_narrowed_while_it_makes_leaves_nothing_wider(house: House) -> None:
    """Twenty at once, half making and half narrowing, in whatever order the database lets them."""
    account = await _ada(house)
    maker = await house.accounts.create_key(account, "deploy", scope=MAKER)

    async def make() -> None:
        scope = KeyScope(("gpt-4",), ("models",), KeyLimits(requests_per_minute=15))
        await house.accounts.create_key(account, "job", scope=scope, maker=maker.id)

    async def narrow(most: int) -> None:
        await house.accounts.change_key(account, maker.id, KeyChange(limits={"requests_per_minute": most}))

    await make()
    work = [call for most in range(10, 20) for call in (make(), narrow(most))]
    await asyncio.gather(*work, return_exceptions=True)
    keys = {each.id: each for each in await house.accounts.list_keys(account)}
    assert len(keys) > 1
    for each in keys.values():
        assert not each.made_by or exceeds(each.scope, keys[each.made_by].scope) is None


async def test_an_operator_finds_keys_and_revokes_some_or_all_of_an_account(house: House) -> None:
    """Shown first; with what they made; each in the audit log with the reason; streams are cut."""
    account = await _ada(house)
    maker, child = await _pair(house, account)
    other = await house.accounts.create_key(
        (await house.sign_up("bob@example.com", source="192.0.2.2")).id, "x"
    )
    desk = house.accounts
    assert [(each.key.id, each.email) for each in await desk.find_keys(email="ADA@example.com")] in (
        [(child.id, "ada@example.com"), (maker.id, "ada@example.com")],
        [(maker.id, "ada@example.com"), (child.id, "ada@example.com")],
    )
    assert len(await desk.find_keys()) == 3
    assert len(await desk.find_keys(limit=2, offset=2)) == 1
    assert await desk.find_keys(email="nobody@example.com") == await desk.find_keys(email="no address") == []
    trial = await desk.revoke_any_keys([], email="ada@example.com", actor="op", reason="r", apply=False)
    assert ({each.key.id for each in trial.keys}, trial.applied) == ({maker.id, child.id}, False)
    assert (await _audit(house), house.notebook.cuts) == ([], [])
    done = await desk.revoke_any_keys(
        [maker.id, "none"], email="x@y.example", actor="op", reason="sold", apply=True
    )
    assert ([each.key.id for each in done.keys], done.unknown) == (
        [maker.id, child.id],
        ["none", "x@y.example"],
    )
    assert set(house.notebook.cuts) == {maker.id, child.id}
    assert sorted(await _audit(house)) == sorted(
        [("op", "operator:key:revoked", maker.id, "deploy: sold"), ("op", "operator:key:revoked", child.id, "job: sold")]
    )  # fmt: skip
    assert [each.key.id for each in await desk.find_keys()] == [other.id]
    again = await desk.revoke_any_keys([maker.id], actor="op", reason="r", apply=True)
    assert (again.keys, again.unknown) == ([], [maker.id])


async def test_an_operator_rotates_and_changes_a_key_and_it_is_on_record(house: House) -> None:
    """No secret in the log; who may only narrow is refused what gives more."""
    account = await _ada(house)
    key = await house.accounts.create_key(account, "bot", scope=CHILD, expires_at=START + 60)
    turned = await house.accounts.rotate_any_key(key.id, actor="op", reason="asked by mail", overlap_s=0)
    assert house.codec.judge(turned.key) is not None
    widening: tuple[KeyChange, ...] = (
        KeyChange(models=()), KeyChange(limits={"concurrent": 3}), KeyChange(endpoints=()), KeyChange(expires_at=None),
    )  # fmt: skip
    for change in widening:
        with pytest.raises(AccountError) as caught:
            await house.accounts.change_any_key(key.id, change, actor="op", reason="r", narrow_only=True)
        assert (caught.value.status, caught.value.code) == (403, "widens_key")
    narrow = KeyChange(models=("gpt-4",), limits={"concurrent": 1}, expires_at=START + 30)
    await house.accounts.change_any_key(key.id, narrow, actor="op", reason="too much", narrow_only=True)
    await house.accounts.change_any_key(key.id, narrow, actor="op", reason="again", narrow_only=True)
    await house.accounts.change_any_key(
        key.id, KeyChange(expires_at=None), actor="op", reason="paid", narrow_only=False
    )
    lines = await _audit(house)
    assert [(event, subject) for _, event, subject, _ in lines] == [
        ("operator:key:changed", key.id), ("operator:key:changed", key.id), ("operator:key:rotated", key.id)
    ]  # fmt: skip
    assert "models: gpt-4, llama → gpt-4; concurrent: 2 → 1" in lines[1][3]
    assert lines[1][3].endswith("; reason: too much")
    assert not any(turned.key in detail for *_, detail in lines)
    for call in (
        house.accounts.rotate_any_key("none", actor="op", reason="r"),
        house.accounts.change_any_key("none", narrow, actor="op", reason="r", narrow_only=False),
        house.accounts.one_account("none"),
    ):
        with pytest.raises(AccountError) as caught:
            await call
        assert caught.value.status == 404


async def test_gateways_are_told_what_a_key_may_now_and_not_what_it_might_when_it_was_read(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key made, or rotated, while its maker is narrowed is told narrow, whichever of the two is told last."""
    account = await _ada(house)
    maker, child = await _pair(house, account)
    publish, late = house.notebook.publish, asyncio.Event()

    async def slowly(**told: object) -> None:
        # The first is overtaken on its way by whoever can.
        if not late.is_set():
            late.set()
            for _ in range(200):
                await asyncio.sleep(0.001)
        await publish(**told)  # type: ignore[arg-type]

    acts: list[Callable[[], Coroutine[None, None, NewKey]]] = [
        lambda: house.accounts.rotate_key(account, child.id, maker=maker.id),
        lambda: house.accounts.create_key(account, "another", scope=CHILD, maker=maker.id),
    ]
    for act in acts:
        late.clear()
        monkeypatch.setattr(house.notebook, "publish", slowly)
        acting = asyncio.create_task(act())
        await late.wait()
        await house.accounts.change_key(account, maker.id, KeyChange(models=("llama",)))
        made = await acting
        monkeypatch.setattr(house.notebook, "publish", publish)
        told = [each for each in house.notebook.credentials if each.id == made.id][-1]
        assert told.scope is not None
        assert told.scope.models == ("llama",)
        await house.accounts.change_key(account, maker.id, KeyChange(models=MAKER.models))
        await house.accounts.change_key(account, child.id, KeyChange(models=CHILD.models))
