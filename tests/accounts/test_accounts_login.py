"""Log-in: who gets in, who waits, and that nobody is locked out by somebody else."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from account_house import CHEAP, DAY_S, PASSWORD, House, account_house
from sqlalchemy import func, select

from pontlevis.accounts.service import AccountError
from pontlevis.brain.credential import CredentialKind
from pontlevis.brain.observation import Kind, Outcome
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import Posture, Standing
from pontlevis.gateway.directory import Directory
from pontlevis.link.messages import AccountRecord, Changes
from pontlevis.solutions import Action
from pontlevis.storage.tables.accounts import AccountRow, SessionRow

HOME, ELSEWHERE = "192.0.2.1", "198.51.100.7"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with account_house(tmp_path) as made:
        yield made


async def _fails(
    house: House, email: str, *, source: str = ELSEWHERE, password: str = "not this one", device: str = ""
) -> AccountError:
    with pytest.raises(AccountError) as caught:
        await house.log_in(email, source=source, password=password, device=device)
    return caught.value


async def test_a_log_in_makes_a_fresh_session_that_gateways_know(house: House) -> None:
    """Two log-ins, two sessions: none is taken over from before the password was given."""
    made = await house.sign_up("ada@example.com")
    one, two = await house.log_in("ada@example.com"), await house.log_in("ada@example.com")
    assert one.token != two.token
    for grant in (one, two):
        found = await house.accounts.session_account(grant.token)
        assert found is not None
        assert found.id == made.id
    credential = house.codec.judge(two.token)
    assert credential is not None
    record = house.notebook.credentials[-1]
    assert (record.id, record.account, record.expires_at) == (credential.id, made.id, two.expires_at)
    assert record.secret_hash == house.codec.secret_hash(credential.secret)
    assert house.notebook.observations[-1].kind is Kind.LOGIN


async def test_wrong_password_and_unknown_address_get_the_same_answer(house: House) -> None:
    """Detection is told the difference; the visitor is not."""
    await house.sign_up("ada@example.com")
    wrong, unknown = await _fails(house, "ada@example.com"), await _fails(house, "grace@example.com")
    nonsense = await _fails(house, "no address at all")
    assert {(each.status, each.code, each.message) for each in (wrong, unknown, nonsense)} == {
        (401, "invalid_credentials", "the e-mail address or the password is wrong")
    }
    assert house.notebook.outcomes[-3:] == [
        Outcome.BAD_CREDENTIAL,
        Outcome.UNKNOWN_USER,
        Outcome.UNKNOWN_USER,
    ]


async def test_an_unknown_address_is_hashed_like_a_known_one(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What takes the time is done in both cases, with the same parameters."""
    await house.sign_up("ada@example.com")
    hashed: list[str] = []
    fits = house.accounts.pool._fits

    def noted(hash_: str, password: str) -> bool:
        hashed.append(hash_.rpartition("$")[0].rpartition("$")[0])
        return fits(hash_, password)

    monkeypatch.setattr(house.accounts.pool, "_fits", noted)
    for email in ("ada@example.com", "grace@example.com", "nonsense"):
        await _fails(house, email)
    assert len(hashed) == 3
    assert len(set(hashed)) == 1


async def test_the_password_may_come_in_any_unicode_form(house: House) -> None:
    """A phone and a desktop may compose the same letters differently."""
    await house.sign_up("ada@example.com", password="cafe\u0301 au lait")
    await house.log_in("ada@example.com", password="caf\u00e9 au lait")
    await _fails(house, "ada@example.com", password="half a pair \ud800")


async def test_an_account_without_a_password_cannot_be_logged_in_to(house: House) -> None:
    """An operator's command makes such accounts; no password fits them, not the empty one either."""
    await house.accounts.make_key("ada@example.com")
    for password in ("", "nobody has this password", PASSWORD):
        assert (await _fails(house, "ada@example.com", password=password)).code == "invalid_credentials"


async def test_delays_grow_with_failures_and_never_beyond_their_bound(house: House) -> None:
    """Five are free; then 2, 4, 8 … seconds, at most 300, and the right password waits like a wrong one."""
    await house.sign_up("ada@example.com")
    for _ in range(5):
        assert (await _fails(house, "ada@example.com")).status == 401
    delays = []
    for _ in range(10):
        error = await _fails(house, "ada@example.com", password=PASSWORD)
        assert error.status == 429
        delays.append(error.retry_after_s)
        house.now += error.retry_after_s
        assert (await _fails(house, "ada@example.com")).status == 401
    assert delays == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    house.now += 300
    await house.log_in("ada@example.com", source=ELSEWHERE)


async def test_failures_are_forgotten_after_an_hour(house: House) -> None:
    """And somebody who comes back the next day starts afresh."""
    for _ in range(6):
        await _fails(house, "ada@example.com")
        house.now += 10
    house.now += 3_601
    assert (await _fails(house, "ada@example.com")).status == 401


async def test_an_attacker_cannot_lock_the_owner_out_of_a_place_where_they_logged_in(house: House) -> None:
    """Whatever strangers do to the account, its own places have their own count."""
    await house.sign_up("ada@example.com")
    await house.log_in("ada@example.com", source=HOME)
    for number in range(30):
        await _fails(house, "ada@example.com", source=f"198.51.100.{number}")
    assert (await _fails(house, "ada@example.com", source="203.0.113.1", password=PASSWORD)).status == 429
    await house.log_in("ada@example.com", source=HOME)


async def test_strangers_behind_the_same_address_do_not_slow_those_who_live_there(house: House) -> None:
    """An attacker in the same office is slowed; who logged in from there before is not."""
    await house.sign_up("ada@example.com")
    await house.log_in("ada@example.com", source=HOME)
    for number in range(10):
        with pytest.raises(AccountError):
            await house.log_in(f"guess{number}@example.com", source=HOME, password="x")
    assert (await _fails(house, "guess@example.com", source=HOME)).status == 429
    await house.log_in("ada@example.com", source=HOME)


async def test_home_is_not_a_free_pass(house: House) -> None:
    """Guessing from the owner's own address is slowed too, for this account alone."""
    await house.sign_up("ada@example.com")
    await house.log_in("ada@example.com", source=HOME)
    for _ in range(5):
        assert (await _fails(house, "ada@example.com", source=HOME)).status == 401
    assert (await _fails(house, "ada@example.com", source=HOME)).status == 429


async def test_an_own_log_in_between_guesses_does_not_wipe_the_count(house: House) -> None:
    """An attacker with an account of their own gains little by using it."""
    await house.sign_up("ada@example.com")
    await house.sign_up("mallory@example.com")
    statuses = []
    for _ in range(8):
        statuses.append((await _fails(house, "ada@example.com")).status)
        if statuses[-1] == 401:
            async with house.database.session() as session:
                row = await session.scalar(
                    select(AccountRow).where(AccountRow.email == "mallory@example.com")
                )
                assert row is not None
                row.familiar = ""
            await house.log_in("mallory@example.com", source=ELSEWHERE)
    assert 429 in statuses


async def test_a_known_device_goes_first_wherever_it_is(house: House) -> None:
    """The owner travels; the browser is the same; strangers' failures do not matter."""
    await house.sign_up("ada@example.com")
    device = (await house.log_in("ada@example.com", source=HOME)).device
    for number in range(10):
        await _fails(house, "ada@example.com", source=f"198.51.100.{number}")
    assert (await _fails(house, "ada@example.com", source="203.0.113.1", password=PASSWORD)).status == 429
    await house.log_in("ada@example.com", source="203.0.113.1", device=device)


async def test_a_device_speaks_for_its_own_account_only(house: House) -> None:
    """And opens nothing: it is no session, no key, and no password."""
    await house.sign_up("ada@example.com")
    await house.sign_up("mallory@example.com")
    device = (await house.log_in("mallory@example.com", source=ELSEWHERE)).device
    assert device.startswith(CredentialKind.DEVICE.value)
    assert await house.accounts.session_account(device) is None
    for _ in range(5):
        await _fails(house, "ada@example.com", source="203.0.113.1", device=device)
    assert (await _fails(house, "ada@example.com", source="203.0.113.1", device=device)).status == 429
    house.now += 366 * DAY_S
    assert house.accounts.devices.name(device, "", house.now) is None


async def test_an_ipv6_home_is_a_whole_prefix(house: House) -> None:
    """Addresses within a /64 change by themselves every day."""
    await house.sign_up("ada@example.com")
    await house.log_in("ada@example.com", source="2001:db8::1")
    for number in range(10):
        await _fails(house, "ada@example.com", source=f"198.51.100.{number}")
    await house.log_in("ada@example.com", source="2001:db8::abcd")
    async with house.database.session() as session:
        places = await session.scalar(select(AccountRow.familiar))
    assert places == "2001:db8::/64 192.0.2.1"


async def test_when_too_many_wait_strangers_are_refused_and_known_sources_are_not(tmp_path: Path) -> None:
    """The pool's queue is short for strangers; who is at home has a queue of their own and goes first."""
    async with account_house(tmp_path, replace(CHEAP, hash_queue=4, argon2_memory_kib=4_096)) as house:
        await house.sign_up("ada@example.com")
        await house.log_in("ada@example.com", source=HOME)
        done: list[str] = []

        async def stranger(number: int) -> AccountError:
            error = await _fails(house, f"user{number}@example.com", source=f"198.51.100.{number}")
            done.append("stranger")
            return error

        async def owner() -> None:
            await house.log_in("ada@example.com", source=HOME)
            done.append("owner")

        strangers = [asyncio.create_task(stranger(number)) for number in range(40)]
        await asyncio.sleep(0)
        await owner()
        errors = await asyncio.gather(*strangers)
        # The queue is never full of those who did not even solve a challenge.
        assert {(each.status, each.code) for each in errors} == {
            (401, "invalid_credentials"),
            (403, "challenge_required"),
        }


async def test_a_caller_who_goes_away_leaves_their_turn_to_the_next(tmp_path: Path) -> None:
    """No slot of the pool is ever lost."""
    async with account_house(tmp_path, replace(CHEAP, argon2_memory_kib=4_096)) as house:
        pool = house.accounts.pool
        tasks = [asyncio.create_task(pool.verify("", "x", familiar=False)) for _ in range(6)]
        await asyncio.sleep(0)
        for task in tasks[1:4]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert pool._free == house.accounts.policy.hash_threads
        assert await pool.verify("", "x", familiar=False) is False


async def test_a_session_ends_when_it_is_ended_or_its_time_is_over(house: House) -> None:
    """At once, for gateways too, and streams under way are cut."""
    await house.sign_up("ada@example.com")
    one, two = await house.log_in("ada@example.com"), await house.log_in("ada@example.com")
    await house.accounts.end_session(one.token)
    assert await house.accounts.session_account(one.token) is None
    assert house.notebook.credentials[-1].revoked
    assert house.notebook.cuts == [house.notebook.credentials[-1].id]
    assert await house.accounts.session_account(two.token) is not None
    house.now += 14 * DAY_S
    assert await house.accounts.session_account(two.token) is None
    for nonsense in ("", "ps-", "ps-" + "A" * 60, one.token[:-1] + "\ud800"):
        await house.accounts.end_session(nonsense)
        assert await house.accounts.session_account(nonsense) is None


async def test_an_account_keeps_its_newest_sessions_only(tmp_path: Path) -> None:
    """The oldest ends when one too many begins, and gateways are told."""
    async with account_house(tmp_path, replace(CHEAP, sessions_per_account=3)) as house:
        await house.sign_up("ada@example.com")
        grants = []
        for _ in range(5):
            house.now += 1
            grants.append(await house.log_in("ada@example.com"))
        alive = [await house.accounts.session_account(each.token) is not None for each in grants]
        assert alive == [False, False, True, True, True]
        assert sum(each.revoked for each in house.notebook.credentials) == 2


async def test_sessions_that_are_over_do_not_pile_up(house: House) -> None:
    """They are removed when the next one begins."""
    await house.sign_up("ada@example.com")
    await house.log_in("ada@example.com")
    house.now += 15 * DAY_S
    await house.log_in("ada@example.com")
    async with house.database.session() as session:
        assert await session.scalar(select(func.count()).select_from(SessionRow)) == 1


async def test_a_disabled_account_is_told_why_when_the_password_fits(house: House) -> None:
    """And only then; its sessions are worth nothing."""
    made = await house.sign_up("ada@example.com")
    grant = await house.log_in("ada@example.com")
    async with house.database.session() as session:
        (await session.get_one(AccountRow, made.id)).disabled = "it was stolen"
    error = await _fails(house, "ada@example.com", password=PASSWORD)
    assert (error.status, error.code, error.message) == (403, "account_disabled", "it was stolen")
    assert (await _fails(house, "ada@example.com")).code == "invalid_credentials"
    assert await house.accounts.session_account(grant.token) is None


async def test_a_device_token_is_no_credential_at_the_gateway(house: House) -> None:
    """Not even while it is fresh, and not before the gateway knows anything; it only says who is at home there."""
    made = await house.sign_up("ada@example.com")
    device = (await house.log_in("ada@example.com")).device
    directory = Directory(house.codec)
    assert directory.recognise(device, house.now) is None
    assert house.codec.judge(device) is None
    record = AccountRecord(made.id, int(Standing.RECENT), house.now)
    directory.apply(Changes(1, whole=True, accounts=[record]))
    assert directory.recognise(device, house.now) is None
    assert directory.is_home(device)
    session = (await house.log_in("ada@example.com")).token
    assert not directory.is_home(session)
    directory.apply(Changes(2, accounts=[AccountRecord(made.id, int(Standing.NEW), house.now)]))
    assert not directory.is_home(device)


async def test_a_flood_of_strangers_takes_a_challenge_before_anything_is_noticed(tmp_path: Path) -> None:
    """The first seconds: with half the queue waiting, strangers show their work first and owners at home do not."""
    async with account_house(tmp_path, replace(CHEAP, argon2_memory_kib=16_384)) as house:
        await house.sign_up("ada@example.com", source=HOME)
        pool = house.accounts.pool
        flood = [asyncio.create_task(pool.verify("", "x", familiar=False)) for _ in range(CHEAP.hash_queue)]
        await asyncio.sleep(0)
        assert house.accounts.login_challenged
        assert (await _fails(house, "ada@example.com", password=PASSWORD)).code == "challenge_required"
        await house.log_in("ada@example.com", source=HOME)
        await asyncio.gather(*flood)
        assert not house.accounts.login_challenged
        await house.log_in("ada@example.com", source=ELSEWHERE)


async def test_a_volley_has_no_more_tries_than_one_after_the_other(house: House) -> None:
    """From many sources at once at one account: five are judged, the others wait, and the right one is not among them."""
    await house.sign_up("ada@example.com")
    tries = [_fails(house, "ada@example.com", source=f"198.51.{each}.7") for each in range(20)]
    statuses = [each.status for each in await asyncio.gather(*tries)]
    assert statuses.count(401) == 5
    assert statuses.count(429) == 15
    assert (await _fails(house, "ada@example.com", password=PASSWORD)).status == 429
    await house.log_in("ada@example.com")  # at home nothing of it is felt


async def test_a_volley_that_waits_for_its_challenges_has_no_more_tries_either(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tries that came before the first failure was counted, and whose challenges are spent after it, wait as all do."""
    await house.sign_up("ada@example.com")
    house.notebook.posture, house.now = PostureState(posture=Posture.UNDER_ATTACK), time.time()
    spend, counted = house.accounts.challenges.spend, asyncio.Event()

    async def late(id_: str, expires: float) -> None:
        if asyncio.current_task() in tries[5:]:
            await counted.wait()
        await spend(id_, expires)

    async def fails(source: str) -> int:
        solution = house.solved(Action.LOGIN, source)
        with pytest.raises(AccountError) as caught:
            await house.accounts.log_in(
                "ada@example.com", "not this one", source=source, fingerprint=1, challenge=solution
            )
        return caught.value.status

    monkeypatch.setattr(house.accounts.challenges, "spend", late)
    tries = [asyncio.create_task(fails(f"198.51.{each}.7")) for each in range(8)]
    assert await asyncio.gather(*tries[:5]) == [401] * 5
    counted.set()
    assert await asyncio.gather(*tries[5:]) == [429] * 3


async def test_detection_is_told_who_brought_a_solution_whatever_became_of_the_log_in(house: House) -> None:
    """A stranger who solved the challenge, right or wrong; not whoever was not asked, or came without."""
    await house.sign_up("ada@example.com")
    await house.log_in("ada@example.com", source=HOME)
    house.notebook.posture, house.now = PostureState(posture=Posture.ELEVATED), time.time()
    house.notebook.observations.clear()
    log_in = house.accounts.log_in
    for password, source, solves in (
        ("not this one", "198.51.100.7", True),
        (PASSWORD, "198.51.101.7", True),
        (PASSWORD, "198.51.102.7", False),
        (PASSWORD, HOME, False),
    ):
        solution = house.solved(Action.LOGIN, source) if solves else ""
        with contextlib.suppress(AccountError):
            await log_in("ada@example.com", password, source=source, fingerprint=1, challenge=solution)
    told = [(each.outcome, each.solved) for each in house.notebook.observations if each.kind is Kind.LOGIN]
    assert told == [
        (Outcome.BAD_CREDENTIAL, True),
        (Outcome.OK, True),
        (Outcome.CHALLENGED, False),
        (Outcome.OK, False),
    ]
