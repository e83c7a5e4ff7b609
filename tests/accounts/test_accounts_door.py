"""The door: invitations, the waitlist's turn, and what sign-up tells about who has an account."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from account_house import CHEAP, PASSWORD, START, SUSPENDED, House, account_house, recovering
from sqlalchemy import select

from pontlevis.accounts.door import Newcomer
from pontlevis.accounts.policy import Verification
from pontlevis.accounts.service import AccountError, SignUpKind
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import Posture, RegistrationMode
from pontlevis.storage.tables.accounts import AccountRow, WaitlistRow

STRICT = replace(CHEAP, verification=Verification.REQUIRED)
CLOSED = [
    SUSPENDED,
    recovering(0.05),
    PostureState(registration=RegistrationMode.CHALLENGE),
    PostureState(registration=RegistrationMode.APPROVAL),
    PostureState(registration=RegistrationMode.WAITLIST),
]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with account_house(tmp_path) as made:
        yield made


def _token(link: str) -> str:
    assert link.startswith("https://front.example/register?invitation=pi-")
    return link.partition("invitation=")[2]


async def _register(house: House, email: str, **options: object) -> str:
    try:
        done = await house.accounts.sign_up(email, PASSWORD, source="192.0.2.1", fingerprint=1, **options)  # type: ignore[arg-type]
    except AccountError as error:
        return error.code
    return done.kind.value


@pytest.mark.parametrize("state", CLOSED, ids=lambda state: state.registration.value)
async def test_an_invitation_works_in_every_mode_and_once(house: House, state: PostureState) -> None:
    """For one person, without a challenge, an approval or a place in line."""
    house.notebook.posture = state
    made = await house.accounts.invite(actor="op@example.com")
    token = _token(made.link)
    assert token not in repr(made)
    assert await _register(house, "ada@example.com", invitation=token) == "created"
    assert await _register(house, "grace@example.com", invitation=token) == "invitation_invalid"
    assert [each.state for each in await house.accounts.list_invitations()] == ["used"]


async def test_an_invitation_that_does_not_hold_opens_nothing(house: House) -> None:
    """Made up, expired, revoked, or for somebody else."""
    house.notebook.posture = SUSPENDED
    for nonsense in ("pi-", "x", "pi-" + "A" * 60):
        assert await _register(house, "ada@example.com", invitation=nonsense) == "invitation_invalid"
    bound = await house.accounts.invite(actor="op", email="ada@gmail.com")
    assert await _register(house, "eve@gmail.com", invitation=_token(bound.link)) == "invitation_invalid"
    assert await _register(house, "a.da+x@gmail.com", invitation=_token(bound.link)) == "created"
    gone = await house.accounts.invite(actor="op")
    await house.accounts.revoke_invitation(gone.view.id, actor="op")
    assert await _register(house, "bob@example.com", invitation=_token(gone.link)) == "invitation_invalid"
    old = await house.accounts.invite(actor="op", lifetime_s=60)
    house.now += 61
    assert await _register(house, "bob@example.com", invitation=_token(old.link)) == "invitation_invalid"
    with pytest.raises(AccountError):
        await house.accounts.revoke_invitation(gone.view.id, actor="op")


async def test_an_invitation_by_mail_proves_the_address(house: House) -> None:
    """Its link goes there and is shown to nobody; the account needs no other letter."""
    made = await house.accounts.invite(actor="op", email="ada@example.com", mail=True, language="fr")
    assert (made.link, made.mailed) == ("", True)
    letter = (await house.letters("invitation"))[0]
    link = next(line for line in letter.body.splitlines() if line.startswith("https://"))
    assert "Bonjour" in letter.body
    house.notebook.posture = SUSPENDED
    assert await _register(house, "ada@example.com", invitation=_token(link)) == "created"
    async with house.database.session() as session:
        row = await session.scalar(select(AccountRow))
    assert row is not None
    assert row.verified_at == house.now
    assert await house.letters("verify") == []


@pytest.mark.parametrize("state", CLOSED, ids=lambda state: state.registration.value)
async def test_whom_an_issuer_vouches_for_meets_the_same_door(house: House, state: PostureState) -> None:
    """No path leads around the mode: not even a log-in elsewhere."""
    house.notebook.posture = state
    newcomer = Newcomer("loser0@example.com", "192.0.2.1", 1, proven=True)
    try:
        done = (await house.accounts.register(newcomer)).kind.value
    except AccountError as error:
        done = error.code
    expected = {
        RegistrationMode.SUSPENDED: "registration_suspended",
        RegistrationMode.CHALLENGE: "challenge_required",
        RegistrationMode.APPROVAL: "pending",
        RegistrationMode.WAITLIST: "waitlisted",
    }
    assert done == expected[state.registration]


async def test_the_waitlist_gets_its_links_in_order_and_at_the_rate_of_the_ramp(house: House) -> None:
    """A link each, for that address alone, once; the rest when the stage allows."""
    house.notebook.posture = SUSPENDED
    for number in range(8):
        await house.accounts.join_waitlist(
            f"waiting{number}@example.com", source=f"10.0.0.{number}", language="fr"
        )
    assert await house.accounts.invite_waiting() == 0
    house.now = START + 600
    house.notebook.posture = recovering(0.25, since=house.now)
    assert await house.accounts.invite_waiting() == 2
    assert await house.accounts.invite_waiting() == 0
    letters = await house.letters("turn")
    assert [each.email for each in letters] == ["waiting0@example.com", "waiting1@example.com"]
    link = next(line for line in letters[0].body.splitlines() if line.startswith("https://"))
    assert await _register(house, "waiting7@example.com", invitation=_token(link)) == "invitation_invalid"
    assert await _register(house, "waiting0@example.com", invitation=_token(link)) == "created"
    house.notebook.posture = recovering(0.5, since=house.now)
    assert await house.accounts.invite_waiting() == 2
    house.notebook.posture = PostureState(registration_since=house.now + 1)
    assert await house.accounts.invite_waiting() == 4
    assert await house.accounts.waiting() == 0
    async with house.database.session() as session:
        rows = (await session.scalars(select(WaitlistRow).order_by(WaitlistRow.id))).all()
    assert [each.registered_at is not None for each in rows] == [True] + [False] * 7


async def test_who_registered_meanwhile_gets_no_link(house: House) -> None:
    """One letter less, and the place is not lost to the next."""
    await house.accounts.join_waitlist("ada@example.com", source="10.0.0.1")
    await house.sign_up("ada@example.com")
    house.now += 1
    assert await house.accounts.invite_waiting() == 0
    assert await house.letters("turn") == []


async def test_where_confirming_is_required_sign_up_tells_nobody_who_has_an_account(tmp_path: Path) -> None:
    """The same answer, the same hashing, one letter either way; and log-in keeps the secret too."""
    async with account_house(tmp_path, STRICT) as house:
        fresh = await house.accounts.sign_up("ada@example.com", PASSWORD, source="192.0.2.1", fingerprint=1)
        again = await house.accounts.sign_up(
            "ada@example.com", "another good phrase", source="192.0.2.1", fingerprint=1
        )
        assert fresh == again
        assert fresh.account is None
        assert fresh.kind is SignUpKind.UNVERIFIED
        assert [each.kind for each in await house.letters()] == ["verify", "known"]
        codes = []
        for password in (PASSWORD, "another good phrase"):
            with pytest.raises(AccountError) as caught:
                await house.log_in("ada@example.com", password=password)
            codes.append(caught.value.code)
        assert codes == ["invalid_credentials"] * 2
        assert house.notebook.accounts == []  # gateways hear of it when it is confirmed
        letter = (await house.letters("verify"))[0]
        token = letter.body.partition("/verify?token=")[2].split()[0]
        await house.accounts.verify_link(token)
        assert not house.notebook.accounts[-1].disabled
        await house.log_in("ada@example.com")


async def test_waiting_in_line_is_the_same_answer_for_everybody(tmp_path: Path) -> None:
    """Who has an account waits like who has none, while the line is long."""
    async with account_house(tmp_path, STRICT) as house:
        await house.accounts.sign_up("ada@example.com", PASSWORD, source="192.0.2.1", fingerprint=1)
        house.notebook.posture = PostureState(
            posture=Posture.ELEVATED, registration=RegistrationMode.WAITLIST
        )
        for email in ("ada@example.com", "grace@example.com"):
            assert await _register(house, email) == "waitlisted"


@pytest.mark.parametrize("email", ["ada@mailinator.com", "ada@x.yopmail.com", "ada@throwaway.test"])
async def test_throw_away_addresses_are_refused(tmp_path: Path, email: str) -> None:
    """Of the built-in list, below its names, and of the operator's; unless the operator invited them."""
    listed = tmp_path / "disposable.txt"
    listed.write_text("# ours\n@throwaway.test  # a remark\n", "utf-8")
    policy = replace(CHEAP, disposable_domains=str(listed))
    async with account_house(tmp_path, policy) as house:
        assert await _register(house, email) == "disposable_email"
        with pytest.raises(AccountError):
            await house.accounts.join_waitlist(email, source="192.0.2.1")
        made = await house.accounts.invite(actor="op")
        assert await _register(house, email, invitation=_token(made.link)) == "created"
    with pytest.raises(ValueError, match="disposable_domains"):
        async with account_house(tmp_path, replace(CHEAP, disposable_domains=str(tmp_path / "none"))):
            pass
