"""After a breach: passkeys and authenticator apps, kept or taken away, and what they open before a new password."""

from collections.abc import AsyncIterator
from pathlib import Path

import pyotp
import pytest
from account_house import PASSWORD, House, account_house
from test_accounts_passkeys import add, log_in, refusal
from test_accounts_respond import ADA, BOB, FRESH, respond, token_in

from authenticator import Authenticator
from pontlevis.accounts.errors import AccountError
from pontlevis.accounts.factors import SecondFactorRequired
from pontlevis.brain.observation import Outcome
from pontlevis.storage.audit import recent_audit

HOME = "192.0.2.1"
MUST = "password_change_required"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with account_house(tmp_path) as made:
        yield made


async def with_app(house: House, account: str) -> pyotp.TOTP:
    app = pyotp.TOTP((await house.accounts.begin_totp(account)).secret)
    await house.accounts.confirm_totp(account, app.at(int(house.now)), source=HOME)
    house.now += 30
    return app


async def new_password(house: House) -> None:
    await house.accounts.ask_reset(ADA, source=HOME, language="en")
    link = token_in((await house.letters("reset"))[-1].body)
    await house.accounts.reset_password(link, FRESH, source=HOME)


async def test_a_passkey_opens_nothing_before_the_new_password_and_opens_again_after_it(house: House) -> None:
    """It is kept: what leaked was the password."""
    account = (await house.sign_up(ADA)).id
    key = Authenticator()
    await add(house, account, key)
    done = await respond(house, ADA, apply=True)
    assert (done.targets[0].passkeys, done.targets[0].password) == (0, True)
    assert await refusal(house, key) == MUST
    assert house.notebook.outcomes[-1] is Outcome.REFUSED
    assert await refusal(house, Authenticator(id=b"x" * 32)) == "passkey_invalid"
    await new_password(house)
    assert (await log_in(house, key)).account.id == account


async def test_a_log_in_that_was_half_finished_ends_there_as_well(house: House) -> None:
    """Also where sessions are left alone, and a code that holds is no way round."""
    account = (await house.sign_up(ADA)).id
    app = await with_app(house, account)
    with pytest.raises(SecondFactorRequired) as asked:
        await house.log_in(ADA)
    await respond(house, ADA, apply=True, sessions=False)
    with pytest.raises(AccountError) as refused:
        await house.accounts.finish_log_in(
            asked.value.ticket, app.at(int(house.now)), source=HOME, fingerprint=1
        )
    assert refused.value.code == MUST


async def test_where_everything_is_distrusted_they_go_too(house: House) -> None:
    """Counted before, gone after, told by letter and audited; others keep theirs, and twice does nothing more."""
    account = (await house.sign_up(ADA)).id
    key, other, third = (Authenticator(id=each * 32) for each in (b"1", b"2", b"3"))
    await add(house, account, key)
    await add(house, account, other, "another")
    await with_app(house, account)
    bystander = (await house.sign_up(BOB)).id
    await add(house, bystander, third)
    looked = await respond(house, ADA, passkeys=True)
    assert looked.targets[0].passkeys == 3
    assert "3 passkeys and authenticator apps" in looked.sentence
    assert (await house.accounts.factors(account)).any
    await respond(house, ADA, apply=True, passkeys=True, keys=False, sessions=False, tell=False)
    held = await house.accounts.factors(account)
    assert (held.any, held.recovery_left) == (False, 0)
    assert await refusal(house, key) == "passkey_invalid"
    assert (await log_in(house, third)).account.id == bystander
    async with house.database.session() as session:
        line = next(each for each in await recent_audit(session) if each.subject == account)
    assert line.detail.startswith("password, passkeys: guessed")
    again = await respond(house, ADA, passkeys=True, sessions=False)
    assert (again.targets[0].passkeys, again.targets[0].told) == (0, False)
    await new_password(house)
    assert (await house.log_in(ADA, password=FRESH)).account.id == account


async def test_the_letter_speaks_of_passkeys_only_to_who_had_some(house: House) -> None:
    """Whoever never set one up would wonder what was taken away."""
    account = (await house.sign_up(ADA)).id
    await house.sign_up(BOB)
    await add(house, account, Authenticator())
    await respond(house, ADA, BOB, apply=True, passkeys=True)
    house.now += 3_600
    bodies = {each.email: each.body for each in await house.letters("breach")}
    assert ["Your passkeys, authenticator apps" in bodies[each] for each in (ADA, BOB)] == [True, False]


async def test_they_never_go_without_the_password(house: House) -> None:
    """Else the password that may be known to others would be all that the account takes."""
    account = (await house.sign_up(ADA)).id
    await add(house, account, Authenticator())
    with pytest.raises(AccountError, match="only with the password"):
        await respond(house, ADA, apply=True, passkeys=True, password=False)
    with pytest.raises(SecondFactorRequired):
        await house.accounts.log_in(ADA, PASSWORD, source=HOME, fingerprint=1)
