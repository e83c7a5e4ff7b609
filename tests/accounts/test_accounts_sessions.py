"""One's sessions: listed, ended at once everywhere, and what a new password does to them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from account_house import CHEAP, PASSWORD, House, account_house

from pontlevis.accounts.service import AccountError
from pontlevis.accounts.user_agent import device_label

ADA = "ada@example.com"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"
NEW = "four loud herons"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with account_house(tmp_path) as made:
        yield made


async def test_sessions_are_listed_roughly_and_end_at_once(house: House) -> None:
    """Network, not address; each ending reaches the gateways and cuts what is under way."""
    account = (await house.sign_up(ADA)).id
    phone = await house.log_in(ADA, source="198.51.100.7")
    house.now += 60
    mine = await house.accounts.log_in(ADA, PASSWORD, source="192.0.2.9", fingerprint=1, agent=FIREFOX)
    here, other = await house.accounts.list_sessions(account, mine.token)
    assert (here.network, here.device, here.current) == ("192.0.2.0/24", "Firefox, Linux", True)
    assert (other.network, other.device, other.current) == ("198.51.100.0/24", "", False)
    await house.accounts.end_own_session(account, other.id)
    assert await house.accounts.session_account(phone.token) is None
    assert house.notebook.credentials[-1].revoked
    assert house.notebook.cuts == [other.id]
    with pytest.raises(AccountError) as caught:
        await house.accounts.end_own_session(account, other.id)
    assert caught.value.status == 404


async def test_ending_all_others_leaves_this_one_and_makes_them_strangers(house: House) -> None:
    """Whoever had one of them has to come by the front door like anybody."""
    account = (await house.sign_up(ADA)).id
    others = [await house.log_in(ADA, source=f"198.51.100.{each}") for each in range(1, 4)]
    mine = await house.log_in(ADA, source="203.0.113.9")
    assert await house.accounts.end_other_sessions(account, mine.token) == 3
    assert await house.accounts.session_account(mine.token) is not None
    for each in others:
        assert await house.accounts.session_account(each.token) is None
    assert house.notebook.accounts[-1].familiar == "203.0.113.9"
    assert len(house.notebook.cuts) == 3
    assert await house.accounts.end_other_sessions(account, mine.token) == 0


async def test_nobody_ends_somebody_elses_session(house: House) -> None:
    """The id alone is no permission."""
    await house.sign_up(ADA)
    grace = (await house.sign_up("grace@example.com")).id
    hers = await house.log_in(ADA)
    (found,) = await house.accounts.list_sessions(hers.account.id)
    with pytest.raises(AccountError):
        await house.accounts.end_own_session(grace, found.id)
    assert await house.accounts.session_account(hers.token) is not None


async def test_a_new_password_ends_every_session_and_begins_a_fresh_one(house: House) -> None:
    """Also the one that asked; keys stay; its owner is told by mail."""
    account = (await house.sign_up(ADA)).id
    key = (await house.accounts.create_key(account, "laptop")).id
    old, mine = await house.log_in(ADA), await house.log_in(ADA)
    with pytest.raises(AccountError) as caught:
        await house.accounts.change_password(mine.token, "not this one", NEW, source="192.0.2.1")
    assert caught.value.code == "invalid_credentials"
    with pytest.raises(AccountError) as caught:
        await house.accounts.change_password(mine.token, PASSWORD, "password12", source="192.0.2.1")
    assert caught.value.status == 400
    grant = await house.accounts.change_password(mine.token, PASSWORD, NEW, source="192.0.2.1")
    for each in (old, mine):
        assert await house.accounts.session_account(each.token) is None
    assert await house.accounts.session_account(grant.token) is not None
    assert [each.id for each in await house.accounts.list_keys(account)] == [key]
    await house.log_in(ADA, password=NEW)
    assert [each.kind for each in await house.letters("changed")] == ["changed"]


async def test_a_stolen_session_cannot_guess_the_password(house: House) -> None:
    """Delays run for the account's own change, apart from its log-ins."""
    await house.sign_up(ADA)
    mine = await house.log_in(ADA)
    codes = []
    for _ in range(CHEAP.free_failures + 1):
        with pytest.raises(AccountError) as caught:
            await house.accounts.change_password(mine.token, "wrong", NEW, source="192.0.2.1")
        codes.append(caught.value.code)
    assert codes[-1] == "rate_limit_exceeded"
    await house.log_in(ADA)


async def test_a_session_grows_too_old_to_change_what_guards_the_account(house: House) -> None:
    """A quarter of an hour; then it asks for a log-in."""
    await house.sign_up(ADA)
    mine = await house.log_in(ADA)
    await house.accounts.require_fresh(mine.token)
    house.now += CHEAP.fresh_session_s + 1
    with pytest.raises(AccountError) as caught:
        await house.accounts.require_fresh(mine.token)
    assert caught.value.code == "fresh_login_required"


@pytest.mark.parametrize(
    ("agent", "label"),
    [
        (FIREFOX, "Firefox, Linux"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0", "Edge, Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1", "Safari, iPhone"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36", "Chrome, Android"),
        ("python-httpx/0.28.1", "Python"),
        ("<script>alert(1)</script>", ""),
    ],
)  # fmt: skip
def test_devices_have_names_that_their_owners_know(agent: str, label: str) -> None:
    """And nothing of the header itself is kept."""
    assert device_label(agent) == label
