"""The second step of a log-in: what it takes, what it refuses, and that nobody is locked out by it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pyotp
import pytest
from account_house import CHEAP, PASSWORD, House, account_house
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text

from pontlevis.accounts.ending import end_all
from pontlevis.accounts.factors import (
    STEP_S,
    Factor,
    Realm,
    SecondFactorRequired,
    as_recovery,
    as_totp,
    matching_step,
    recovery_code,
)
from pontlevis.accounts.policy import OperatorFactor
from pontlevis.accounts.sealing import KeyFiles
from pontlevis.accounts.service import AccountError, SessionGrant
from pontlevis.brain.observation import Outcome
from pontlevis.storage.audit import recent_audit
from pontlevis.storage.tables.accounts import AccountRow, SessionRow

ADA = "ada@example.com"
HOME, ELSEWHERE = "192.0.2.1", "198.51.100.7"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with account_house(tmp_path) as made:
        yield made


class App:
    """Ada's authenticator app."""

    def __init__(self, house: House, secret: str) -> None:
        self._house = house
        self.seed, self._codes = secret, pyotp.TOTP(secret)

    def code(self, steps: int = 0) -> str:
        return self._codes.at(int(self._house.now) + steps * STEP_S)

    def next_code(self) -> str:
        """Of half a minute later."""
        self._house.now += STEP_S
        return self.code()


async def set_up(house: House, email: str = ADA) -> tuple[str, App, list[str]]:
    """An account with an app; its id, the app, its recovery codes."""
    account = (await house.sign_up(email)).id
    offer = await house.accounts.begin_totp(account)
    app = App(house, offer.secret)
    codes = await house.accounts.confirm_totp(account, app.code(), source=HOME)
    house.now += STEP_S
    return account, app, codes


async def first_step(
    house: House, *, source: str = HOME, realm: Realm = Realm.PUBLIC
) -> SecondFactorRequired:
    with pytest.raises(SecondFactorRequired) as caught:
        await house.accounts.log_in(ADA, PASSWORD, source=source, fingerprint=1, realm=realm)
    return caught.value


async def second_step(
    house: House, ticket: str, code: str, *, source: str = HOME, realm: Realm = Realm.PUBLIC
) -> SessionGrant:
    return await house.accounts.finish_log_in(ticket, code, source=source, fingerprint=1, realm=realm)


async def refusal(house: House, ticket: str, code: str, *, source: str = HOME) -> str:
    with pytest.raises(AccountError) as caught:
        await second_step(house, ticket, code, source=source)
    return caught.value.code


async def test_a_log_in_takes_two_steps_and_the_first_opens_nothing(house: House) -> None:
    """The ticket is no session, and the session is a fresh one; what was shown stands in it."""
    account, app, _ = await set_up(house)
    asked = await first_step(house)
    assert asked.methods == (Factor.TOTP, Factor.RECOVERY)
    assert await house.accounts.session_account(asked.ticket) is None
    assert house.codec.judge(asked.ticket) is None
    async with house.database.session() as session:
        assert (await session.scalars(select(SessionRow))).all() == []
    grant = await second_step(house, asked.ticket, app.code())
    view = await house.accounts.session_account(grant.token)
    assert view is not None
    assert view.id == account
    assert [each.factor for each in await house.accounts.list_sessions(account)] == [Factor.TOTP]
    # Not CHALLENGED: that says that somebody ignored a challenge, and weighs as half a wrong password.
    assert house.notebook.outcomes[-2:] == [Outcome.REFUSED, Outcome.OK]
    assert asked.ticket not in repr(asked)


async def test_a_new_password_ends_log_ins_that_wait_for_their_second_step(house: House) -> None:
    """Whoever knew the old one and had come half-way does not get in with a code."""
    account, app, _ = await set_up(house)
    asked = await first_step(house)
    async with house.database.session() as session:
        ended = await end_all(session, await session.get_one(AccountRow, account), house.now, keys=False)
    assert ended == []
    assert await refusal(house, asked.ticket, app.code()) == "ticket_invalid"


async def test_a_used_code_is_refused_also_in_two_hands_at_once(house: House) -> None:
    """RFC 6238 §5.2: one step, one log-in; nor does an older step count after a newer one."""
    _, app, _ = await set_up(house)
    one, two = await first_step(house), await first_step(house)
    code, older = app.code(), app.code(-1)
    done = await asyncio.gather(
        second_step(house, one.ticket, code), second_step(house, two.ticket, code), return_exceptions=True
    )
    assert sorted(isinstance(each, SessionGrant) for each in done) == [False, True]
    three = await first_step(house)
    assert await refusal(house, three.ticket, code) == "invalid_factor"
    assert await refusal(house, three.ticket, older) == "invalid_factor"
    await second_step(house, three.ticket, app.next_code())


async def test_a_ticket_works_once_for_its_network_its_listener_and_its_time(house: House) -> None:
    """Whoever copied it elsewhere, or comes late, begins again."""
    _, app, _ = await set_up(house)
    ticket = (await first_step(house)).ticket
    assert await refusal(house, ticket, app.code(), source=ELSEWHERE) == "ticket_invalid"
    with pytest.raises(AccountError, match="begun too long ago"):
        await second_step(house, ticket, app.code(), realm=Realm.OPERATOR)
    await second_step(house, ticket, app.code(), source="192.0.2.77")
    assert await refusal(house, ticket, app.next_code()) == "ticket_invalid"
    late = (await first_step(house)).ticket
    house.now += CHEAP.ticket_lifetime_s + 1
    assert await refusal(house, late, app.code()) == "ticket_invalid"
    assert await refusal(house, "pt-" + "A" * 60, app.code()) == "ticket_invalid"
    await house.accounts.tidy()
    async with house.database.session() as session:
        assert await session.scalar(text("select count(*) from login_tickets")) == 0


async def test_a_volley_of_guesses_gets_few_tries_and_then_delays_not_a_lock(house: House) -> None:
    """The ticket ends, delays grow for the guesser's place, and the owner at home gets in meanwhile."""
    _, app, _ = await set_up(house)
    house.now += 3_600
    guessed = await first_step(house, source=ELSEWHERE)
    wrong = [f"{(int(app.code()) + 7 * each + 1) % 1_000_000:06}" for each in range(20)]
    outcomes = await asyncio.gather(
        *(second_step(house, guessed.ticket, each, source=ELSEWHERE) for each in wrong),
        return_exceptions=True,
    )
    codes = [each.code for each in outcomes if isinstance(each, AccountError)]
    assert len(codes) == 20
    assert codes.count("invalid_factor") <= CHEAP.ticket_tries
    assert house.notebook.outcomes.count(Outcome.BAD_CREDENTIAL) <= CHEAP.ticket_tries
    with pytest.raises(AccountError) as caught:
        await first_step(house, source=ELSEWHERE)
    assert caught.value.code == "rate_limit_exceeded"
    mine = await first_step(house)
    await second_step(house, mine.ticket, app.code())
    house.now += CHEAP.longest_delay_s + STEP_S
    later = await first_step(house, source=ELSEWHERE)
    await second_step(house, later.ticket, app.code(), source=ELSEWHERE)


async def test_recovery_codes_work_once_each_and_are_told_by_mail(house: House) -> None:
    """Typed with or without the dash; what is stored is not the code."""
    account, _, codes = await set_up(house)
    assert len(codes) == CHEAP.recovery_codes == len(set(codes))
    asked = await first_step(house)
    grant = await second_step(house, asked.ticket, codes[0].upper().replace("-", " "))
    assert grant.account.id == account
    asked = await first_step(house)
    assert await refusal(house, asked.ticket, codes[0]) == "invalid_factor"
    factors = await house.accounts.factors(account)
    assert factors.recovery_left == len(codes) - 1
    renewed = await house.accounts.renew_recovery_codes(account, source=HOME)
    assert await refusal(house, asked.ticket, codes[1]) == "invalid_factor"
    await second_step(house, asked.ticket, renewed[0])
    letters = await house.letters("factors")
    assert len(letters) == 4
    async with house.database.session() as session:
        stored = str((await session.execute(text("select * from recovery_codes"))).all())
        audit = [each.event for each in await recent_audit(session)]
    assert not any(each.replace("-", "") in stored for each in renewed)
    assert audit.count("account:recovery_code:used") == 2


async def test_an_app_counts_only_after_its_first_code_and_can_be_taken_away(house: House) -> None:
    """A secret that nobody confirmed locks nobody out; the recovery codes go with the last factor."""
    account = (await house.sign_up(ADA)).id
    offer = await house.accounts.begin_totp(account)
    await house.log_in(ADA)
    with pytest.raises(AccountError, match="does not fit"):
        await house.accounts.confirm_totp(account, "000000", source=HOME)
    waiting = await house.accounts.pending_totp(account)
    assert waiting == offer
    assert offer.secret not in repr(offer)
    await house.accounts.confirm_totp(account, App(house, offer.secret).code(), source=HOME)
    assert await house.accounts.pending_totp(account) is None
    for again in (house.accounts.begin_totp(account), house.accounts.confirm_totp(account, "1", source=HOME)):
        with pytest.raises(AccountError) as caught:
            await again
        assert caught.value.code == "second_factor_set"
    await first_step(house)
    await house.accounts.remove_totp(account, source=HOME)
    await house.log_in(ADA)
    assert (await house.accounts.factors(account)).recovery_left == 0
    with pytest.raises(AccountError):
        await house.accounts.remove_totp(account, source=HOME)
    with pytest.raises(AccountError):
        await house.accounts.renew_recovery_codes(account, source=HOME)


async def test_the_secret_is_sealed_and_for_its_account_alone(house: House, tmp_path: Path) -> None:
    """Whoever reads the database cannot make codes, and moving a row to another account opens nothing."""
    files = KeyFiles(tmp_path)
    files.make()
    house.database.use_keys(seals=files.sealer())
    _account, app, _ = await set_up(house)
    other = (await house.sign_up("grace@example.com")).id
    async with house.database.session() as session:
        sealed = str(await session.scalar(text("select sealed from totp")))
    assert app.seed not in sealed
    assert sealed.startswith("sealed:1:")
    async with house.database.session() as session:
        await session.execute(text("update totp set account_id = :other"), {"other": other})
    with pytest.raises(AccountError, match="keys that seal"):
        await house.accounts.judge_code(other, app.code())


async def test_operators_are_asked_as_the_setting_says(tmp_path: Path) -> None:
    """Off: never; when set: of who has one; required: nobody without, and no session without behind it either."""
    for rule in OperatorFactor:
        (tmp_path / rule).mkdir()
        async with account_house(tmp_path / rule, replace(CHEAP, operator_second_factor=rule)) as house:
            account = (await house.sign_up(ADA)).id

            async def log_in(house: House = house) -> SessionGrant:
                return await house.accounts.log_in(
                    ADA, PASSWORD, source=HOME, fingerprint=1, realm=Realm.OPERATOR
                )

            public = await house.log_in(ADA)
            if rule is OperatorFactor.REQUIRED:
                with pytest.raises(AccountError) as caught:
                    await log_in()
                assert caught.value.code == "second_factor_missing"
            else:
                assert await house.accounts.operator_session((await log_in()).token) is not None
            offer = await house.accounts.begin_totp(account)
            app = App(house, offer.secret)
            await house.accounts.confirm_totp(account, app.code(), source=HOME)
            if rule is OperatorFactor.OFF:
                await log_in()
                continue
            asked = await first_step(house, realm=Realm.OPERATOR)
            grant = await second_step(house, asked.ticket, app.next_code(), realm=Realm.OPERATOR)
            assert await house.accounts.operator_session(grant.token) is not None
            allowed = await house.accounts.operator_session(public.token) is not None
            assert allowed == (rule is not OperatorFactor.REQUIRED)


async def test_an_operator_takes_lost_factors_away(house: House) -> None:
    """Written to the audit log and told to the owner; unknown accounts are 404."""
    account, _, _ = await set_up(house)
    assert await house.accounts.drop_factors(account, actor="grace")
    await house.log_in(ADA)
    assert not await house.accounts.drop_factors(account, actor="grace")
    with pytest.raises(AccountError):
        await house.accounts.drop_factors("0" * 16, actor="grace")
    async with house.database.session() as session:
        events = [(each.event, each.actor) for each in await recent_audit(session)]
    assert ("operator:second_factor:dropped", "grace") in events


async def test_a_disabled_account_is_not_let_in_between_the_steps(house: House) -> None:
    """What happened after the password was given counts."""
    account, app, _ = await set_up(house)
    asked = await first_step(house)
    await house.accounts.change_account(account, actor="grace", disabled="spam")
    assert await refusal(house, asked.ticket, app.code()) == "account_disabled"


@given(
    now=st.floats(1e9, 4e9),
    drift=st.integers(0, 2),
    offset=st.integers(-4, 4),
    used=st.integers(-5, 5),
)
def test_a_code_counts_within_its_drift_and_after_the_last_one(
    now: float, drift: int, offset: int, used: int
) -> None:
    """And names its own step."""
    step = int(now // STEP_S)
    code = pyotp.TOTP(SECRET).at(int(now) + offset * STEP_S)
    found = matching_step(SECRET, code, now, drift=drift, last_step=step + used)
    if abs(offset) <= drift and offset > used:
        assert found == step + offset
    elif found is not None:  # one in a million codes stands twice in a window
        assert pyotp.HOTP(SECRET).at(found) == code
        assert found > step + used


def test_rfc_6238s_own_values_hold() -> None:
    """Appendix B's SHA-1 column, last six digits."""
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    for at, code in (
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_234_567_890, "005924"),
        (20_000_000_000, "353130"),
    ):
        assert matching_step(secret, code, at, drift=0, last_step=0) == at // STEP_S


@given(st.binary(min_size=16, max_size=16))
def test_recovery_codes_read_as_they_were_made(random: bytes) -> None:
    """However they are typed; and none is taken for an app's code."""
    code = recovery_code(random)
    assert as_recovery(f" {code.upper()} ") == code.replace("-", "")
    assert as_totp(code) == ""


@given(st.text(max_size=40))
def test_whatever_is_typed_is_one_kind_or_none(typed: str) -> None:
    """Unicode's digits are not digits here."""
    digits, letters = as_totp(typed), as_recovery(typed)
    assert not (digits and letters)
    assert not digits or (digits.isascii() and len(digits) == 6)
