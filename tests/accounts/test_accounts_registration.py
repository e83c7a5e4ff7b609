"""Who may make an account, and what everybody else is told."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from account_house import CHEAP, PASSWORD, START, SUSPENDED, House, account_house, recovering
from sqlalchemy import func, select

from pontlevis.accounts.service import AccountError, SignUpKind
from pontlevis.brain.observation import Kind, Outcome
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import Posture, RegistrationMode, Standing
from pontlevis.storage.tables.accounts import AccountRow, WaitlistRow


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with account_house(tmp_path) as made:
        yield made


async def _fails(
    house: House, email: str, *, source: str = "192.0.2.1", password: str = PASSWORD
) -> AccountError:
    with pytest.raises(AccountError) as caught:
        await house.accounts.sign_up(email, password, source=source, fingerprint=1)
    return caught.value


async def test_an_account_is_stored_published_and_observed_when_it_is_made(house: House) -> None:
    """What is answered is already on disk and on its way to the gateways."""
    made = await house.sign_up("Ada@Example.com")
    assert made.standing is Standing.NEW
    assert house.standing_of(made.id) is Standing.NEW
    async with house.database.session() as session:
        row = await session.get_one(AccountRow, made.id)
    assert row.password_hash.startswith("$argon2id$")
    assert PASSWORD not in row.password_hash
    seen = house.notebook.observations[-1]
    assert (seen.kind, seen.outcome, seen.account, seen.domain) == (
        Kind.SIGNUP,
        Outcome.OK,
        made.id,
        "example.com",
    )


@pytest.mark.parametrize(
    "again",
    ["ada@example.com", "ADA@EXAMPLE.COM", "ada+spam@example.com", " Ada@Example.com "],
)
async def test_one_person_has_one_account_however_the_address_is_written(house: House, again: str) -> None:
    """Case, tags and blanks do not make a second person."""
    await house.sign_up("ada@example.com")
    assert (await _fails(house, again)).code == "account_exists"


async def test_dots_count_except_where_the_provider_ignores_them(house: House) -> None:
    """Gmail delivers a.da and ada to one mailbox, and calls itself googlemail as well."""
    await house.sign_up("ada@gmail.com")
    assert (await _fails(house, "a.d.a+x@googlemail.com")).code == "account_exists"
    await house.sign_up("grace@example.com")
    await house.sign_up("gra.ce@example.com")


@pytest.mark.parametrize(
    ("email", "password", "code"),
    [
        ("ada", PASSWORD, "invalid_email"),
        ("ada@", PASSWORD, "invalid_email"),
        ("a\nb@example.com", PASSWORD, "invalid_email"),
        (f"{'a' * 300}@example.com", PASSWORD, "invalid_email"),
        ("ada@example.com", "short", "invalid_password"),
        ("ada@example.com", "x" * 129, "invalid_password"),
        ("ada@example.com", "1234567890", "common_password"),
        ("ada@example.com", "QWERTYuiop", "common_password"),
        ("ada@example.com", "aaaaaaaaaaaa", "common_password"),
        ("ada@example.com", "ada@example.com", "common_password"),
        ("ada@example.com", "a lone \ud800 surrogate", "invalid_password"),
    ],
)
async def test_what_cannot_be_an_account_is_refused_and_seen_as_malformed(
    house: House, email: str, password: str, code: str
) -> None:
    """Each with a code of its own; none says anything about who asked."""
    error = await _fails(house, email, password=password)
    assert (error.status, error.code) == (400, code)
    assert house.notebook.outcomes == [Outcome.INVALID]


async def test_addresses_of_private_networks_are_good_enough(house: House) -> None:
    """A service in a company's own network has users whom no public mail reaches."""
    assert (await house.sign_up("ada@corp.local")).email == "ada@corp.local"


async def test_domains_written_in_two_alphabets_are_one(house: House) -> None:
    """Punycode is only another spelling."""
    await house.sign_up("ada@bücher.example")
    assert (await _fails(house, "ada@xn--bcher-kva.example")).code == "account_exists"


async def test_what_detection_hears_of_a_domain_holds_no_control_characters(house: House) -> None:
    """Findings and logs quote it."""
    await _fails(house, "ada@exa\nmple.com")
    assert house.notebook.observations[-1].domain == ""


async def test_suspended_registration_refuses_newcomers_and_nobody_else(house: House) -> None:
    """503 with a time to come back; log-in goes on; the waitlist takes addresses."""
    await house.sign_up("ada@example.com")
    house.notebook.posture = SUSPENDED
    error = await _fails(house, "grace@example.com")
    assert (error.status, error.code) == (503, "registration_suspended")
    assert error.retry_after_s > 0
    assert (await house.log_in("ada@example.com")).account.email == "ada@example.com"
    await house.accounts.join_waitlist("grace@example.com", source="192.0.2.1")
    assert house.notebook.outcomes[-2:] == [Outcome.REFUSED, Outcome.OK]


async def test_the_ramp_lets_its_share_in_and_trying_again_does_not_help(house: House) -> None:
    """Each address draws once for all; later stages only add to those who were let in."""
    house.notebook.posture = recovering(0.25)
    emails = [f"user{number}@example.com" for number in range(200)]

    async def let_in() -> set[str]:
        found = set()
        for number, email in enumerate(emails):
            try:
                done = await house.accounts.sign_up(email, PASSWORD, source=f"10.0.0.{number}", fingerprint=0)
            except AccountError as error:
                if error.code != "account_exists":
                    raise
                found.add(email)
                continue
            if done.kind is SignUpKind.CREATED:
                found.add(email)
        return found

    first = await let_in()
    assert 30 <= len(first) <= 70
    house.now += 60
    assert await let_in() == first
    house.notebook.posture = recovering(0.5)
    second = await let_in()
    assert first < second
    house.notebook.posture = recovering(1.0)
    assert await let_in() == set(emails)


async def test_the_draw_depends_on_a_key_that_strangers_do_not_have(house: House, tmp_path: Path) -> None:
    """Two services let in different addresses, so that nobody can choose one that wins."""
    other = House(house.database, CHEAP)
    other.codec = house.codec
    state = recovering(0.5)
    emails = [f"user{number}@example.com" for number in range(64)]
    mine = [house.accounts._draw(state, email) for email in emails]
    other.accounts.codec = type(house.codec)(b"another pepper of thirty-two byte")
    theirs = [other.accounts._draw(state, email) for email in emails]
    assert mine != theirs
    assert mine == [house.accounts._draw(state, email) for email in emails]


async def test_the_waitlist_is_let_in_first_in_order_and_at_the_rate_of_the_ramp(house: House) -> None:
    """Who joined before registration came back goes before those who come now."""
    house.notebook.posture = SUSPENDED
    waiting = [f"waiting{number}@example.com" for number in range(40)]
    for number, email in enumerate(waiting):
        await house.accounts.join_waitlist(email, source=f"10.0.0.{number}")
    reopened = house.now = START + 600
    house.notebook.posture = recovering(0.25, since=reopened)
    state = house.notebook.posture
    kinds = []
    for number, email in enumerate(waiting):
        done = await house.accounts.sign_up(email, PASSWORD, source=f"10.0.0.{number}", fingerprint=0)
        kinds.append(done.kind)
        drawn = house.accounts._draw(state, email) < 0.25
        assert (done.kind is SignUpKind.CREATED) == (number < 10 or drawn)
    assert kinds[:10] == [SignUpKind.CREATED] * 10
    async with house.database.session() as session:
        held = await session.scalars(select(WaitlistRow).where(WaitlistRow.registered_at.is_not(None)))
        assert len(held.all()) == kinds.count(SignUpKind.CREATED)


async def test_who_is_put_on_the_waitlist_by_the_ramp_gains_no_place_before_others(house: House) -> None:
    """Otherwise a second try would always succeed."""
    house.notebook.posture = recovering(0.05, since=START - 10)
    loser = next(
        email
        for email in (f"user{number}@example.com" for number in range(100))
        if house.accounts._draw(house.notebook.posture, email) > 0.05
    )
    for _ in range(3):
        done = await house.accounts.sign_up(loser, PASSWORD, source="192.0.2.1", fingerprint=0)
        assert done.kind is SignUpKind.WAITLISTED
        house.now += 60


async def test_a_waitlist_outside_recovery_lets_nobody_in(house: House) -> None:
    """An operator who closes the door with a waitlist gets one."""
    house.notebook.posture = PostureState(posture=Posture.ELEVATED, registration=RegistrationMode.WAITLIST)
    done = await house.accounts.sign_up("ada@example.com", PASSWORD, source="192.0.2.1", fingerprint=0)
    assert done.kind is SignUpKind.WAITLISTED


async def test_a_challenge_that_cannot_be_set_closes_the_door_and_says_so(house: House) -> None:
    """Better than letting everybody in under the name of a challenge."""
    house.notebook.posture = PostureState(posture=Posture.ELEVATED, registration=RegistrationMode.CHALLENGE)
    error = await _fails(house, "ada@example.com")
    assert (error.status, error.code) == (403, "challenge_required")


async def test_an_account_that_waits_for_approval_cannot_be_used(house: House) -> None:
    """It exists, gateways know it as disabled, and log-in says why only to who knows the password."""
    house.notebook.posture = PostureState(registration=RegistrationMode.APPROVAL)
    done = await house.accounts.sign_up("ada@example.com", PASSWORD, source="192.0.2.1", fingerprint=0)
    assert done.kind is SignUpKind.PENDING
    assert house.notebook.accounts[-1].disabled
    with pytest.raises(AccountError) as caught:
        await house.log_in("ada@example.com")
    assert caught.value.code == "account_pending"
    with pytest.raises(AccountError) as caught:
        await house.log_in("ada@example.com", password="not this one at all")
    assert caught.value.code == "invalid_credentials"


async def test_the_waitlist_says_nothing_about_who_is_on_it(house: House) -> None:
    """Twice the same answer, one row."""
    for _ in range(2):
        await house.accounts.join_waitlist("ada@example.com", source="192.0.2.1")
    async with house.database.session() as session:
        assert await session.scalar(select(func.count()).select_from(WaitlistRow)) == 1


async def test_one_source_makes_only_so_many_accounts_an_hour(tmp_path: Path) -> None:
    """And so does one IPv6 customer, whatever address of its /64 it uses; others are not touched."""
    async with account_house(tmp_path, replace(CHEAP, signups_per_source=3)) as house:
        for number in range(3):
            await house.sign_up(f"user{number}@example.com", source=f"2001:db8::{number}")
        error = await _fails(house, "user3@example.com", source="2001:db8::ffff")
        assert (error.status, error.code) == (429, "rate_limit_exceeded")
        assert 3_590 <= error.retry_after_s <= 3_600
        await house.sign_up("user4@example.com", source="2001:db8:0:1::1")
        house.now += 3_600
        await house.sign_up("user3@example.com", source="2001:db8::ffff")


async def test_trying_out_addresses_is_rationed_hard(tmp_path: Path) -> None:
    """After a few answers that an address is known, a source gets no answer of either kind."""
    async with account_house(tmp_path, replace(CHEAP, known_answers_per_source=2)) as house:
        await house.sign_up("ada@example.com", source="192.0.2.9")
        for _ in range(2):
            assert (await _fails(house, "ada@example.com")).code == "account_exists"
        for email in ("ada@example.com", "grace@example.com"):
            error = await _fails(house, email)
            assert (error.status, error.code) == (429, "rate_limit_exceeded")
        await house.sign_up("grace@example.com", source="192.0.2.2")
