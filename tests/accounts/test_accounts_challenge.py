"""Proof of work: for one action and one network, in time, once."""

import base64
import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from account_house import PASSWORD, House, account_house
from hypothesis import given
from hypothesis import strategies as st

from pontlevis.accounts.challenge import SpentInDatabase
from pontlevis.accounts.challenge_policy import ChallengePolicy
from pontlevis.accounts.service import AccountError, SignUpKind
from pontlevis.brain.observation import Kind, Outcome
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import Posture, RegistrationMode
from pontlevis.solutions import Action

CHALLENGED = PostureState(posture=Posture.ELEVATED, registration=RegistrationMode.CHALLENGE)
ELEVATED = PostureState(posture=Posture.ELEVATED)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """The library judges expiry by the wall clock, so this house keeps to it."""
    async with account_house(tmp_path) as made:
        made.now = time.time()
        made.notebook.posture = CHALLENGED
        yield made


async def _sign_up(house: House, email: str, challenge: str, source: str = "192.0.2.1") -> str:
    """How it ended: the kind, or the refusal's code."""
    try:
        done = await house.accounts.sign_up(
            email, PASSWORD, source=source, fingerprint=1, challenge=challenge
        )
    except AccountError as error:
        return error.code
    return done.kind.value


async def test_who_solved_a_challenge_may_register_once_with_it(house: House) -> None:
    """Nothing without a solution, and nothing with one that was used; both are seen as what they are."""
    assert await _sign_up(house, "ada@example.com", "") == "challenge_required"
    solved = house.solved(Action.SIGNUP)
    assert await _sign_up(house, "ada@example.com", solved) == SignUpKind.CREATED.value
    assert await _sign_up(house, "grace@example.com", solved) == "challenge_failed"
    assert house.notebook.outcomes == [Outcome.CHALLENGED, Outcome.OK, Outcome.CHALLENGE_FAILED]


async def test_a_mistyped_password_does_not_use_the_solution_up(house: House) -> None:
    """The browser's work is spent when everything else is in order."""
    solved = house.solved(Action.SIGNUP)
    with pytest.raises(AccountError):
        await house.accounts.sign_up(
            "ada@example.com", "x", source="192.0.2.1", fingerprint=1, challenge=solved
        )
    assert await _sign_up(house, "ada@example.com", solved) == SignUpKind.CREATED.value


async def test_a_solution_counts_for_its_action_and_its_network_only(house: House) -> None:
    """Within the /24 and the /48 it may move, as phones do."""
    login = house.solved(Action.LOGIN)
    assert await _sign_up(house, "ada@example.com", login) == "challenge_failed"
    elsewhere = house.solved(Action.SIGNUP, "198.51.100.7")
    assert await _sign_up(house, "ada@example.com", elsewhere) == "challenge_failed"
    near = house.solved(Action.SIGNUP, "192.0.2.200")
    assert await _sign_up(house, "ada@example.com", near) == SignUpKind.CREATED.value
    six = house.solved(Action.SIGNUP, "2001:db8:1::1")
    assert await _sign_up(house, "eve@example.com", six, "2001:db8:1:ffff::2") == SignUpKind.CREATED.value


async def test_a_solution_that_comes_too_late_is_refused(house: House) -> None:
    """Also where it was never used."""
    house.now = time.time() - 601
    solved = house.solved(Action.SIGNUP)
    house.now = time.time()
    assert await _sign_up(house, "ada@example.com", solved) == "challenge_failed"


async def test_spent_solutions_stay_spent_over_a_restart_and_on_every_node(house: House) -> None:
    """The database's key decides, not one process's memory; and what has expired is forgotten."""
    one, two = (SpentInDatabase(house.database, 10) for _ in range(2))
    assert await one.spend("a" * 32, house.now + 60)
    assert not await two.spend("a" * 32, house.now + 60)
    await two.forget(house.now + 61)
    assert await SpentInDatabase(house.database, 10).spend("a" * 32, house.now + 60)


def _without(text: str, *names: str, **others: object) -> str:
    found = json.loads(base64.b64decode(text))
    parameters = found["challenge"]["parameters"]
    for name in names:
        parameters.pop(name)
    parameters.update(others)
    return base64.b64encode(json.dumps(found).encode()).decode()


async def test_nobody_makes_us_do_the_work(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Changed, unsigned and costlier challenges are refused by a signature, never by deriving a key."""
    solved = house.solved(Action.SIGNUP)

    def derives(*_: object, **__: object) -> bytes:
        raise AssertionError("a solution was derived again")

    monkeypatch.setattr("hashlib.pbkdf2_hmac", derives)
    tricks = [
        _without(solved, "keySignature"),
        _without(solved, cost=10**9),
        _without(solved, "expiresAt"),
        _without(solved, expiresAt=None),
        _without(solved, data={"action": "signup", "network": "x", "most": 1}),
        _without(solved, algorithm="ARGON2ID", memoryCost=10**9),
        _without(solved, nonce=5),
        "A" * 100_000,
    ]
    for trick in tricks:
        assert await _sign_up(house, "ada@example.com", trick) == "challenge_failed"


async def test_whatever_is_sent_as_a_solution_is_refused_in_words(house: House) -> None:
    """Never an exception of another kind."""

    @given(
        st.one_of(
            st.text(max_size=60),
            st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda x: st.lists(x) | st.dictionaries(
                st.sampled_from(["challenge", "solution", "parameters", "signature", "algorithm", "nonce", "salt", "cost", "keySignature", "derivedKey", "counter", "expiresAt"]), x), max_leaves=12)
            .map(lambda value: base64.b64encode(json.dumps(value).encode()).decode()),
        )
    )  # fmt: skip
    def refused(text: str) -> None:
        with pytest.raises(AccountError) as caught:
            house.accounts.challenges.check(text, Action.SIGNUP, "192.0.2.1")
        assert caught.value.code in ("challenge_failed", "challenge_required")

    refused()


def test_the_work_grows_with_posture_and_for_an_accused_cluster() -> None:
    """And has an upper bound, whatever they ask for together."""
    policy = ChallengePolicy()
    normal, elevated, attack = (
        policy.tries_at(each) for each in (Posture.NORMAL, Posture.ELEVATED, Posture.UNDER_ATTACK)
    )
    assert normal < elevated < attack
    assert policy.tries_at(Posture.RECOVERING) == elevated
    assert policy.tries_at(Posture.ELEVATED, policy.cluster_factor) == round(elevated * policy.cluster_factor)
    assert policy.tries_at(Posture.NORMAL, 0.1) == normal
    assert replace(policy, tries=10**9).tries_at(Posture.NORMAL, 1e9) == 1_000_000


async def test_one_network_gets_so_many_challenges_an_hour(house: House) -> None:
    """Making them costs little, and is bounded all the same."""
    challenges = house.accounts.challenges
    for number in range(ChallengePolicy().per_source):
        challenges.make(Action.SIGNUP, f"192.0.2.{number % 250}", posture=Posture.NORMAL)
    with pytest.raises(AccountError) as caught:
        challenges.make(Action.SIGNUP, "192.0.2.251", posture=Posture.NORMAL)
    assert caught.value.status == 429
    challenges.make(Action.SIGNUP, "198.51.100.1", posture=Posture.NORMAL)


async def test_a_strangers_log_in_takes_a_challenge_while_posture_is_not_normal(house: House) -> None:
    """Before the password is looked at; who logged in from there before, or on that device, never sees it."""
    house.notebook.posture = PostureState()
    await house.sign_up("ada@example.com")
    device = (await house.log_in("ada@example.com", source="198.51.100.1")).device
    await house.log_in("ada@example.com", source="203.0.113.1")
    house.notebook.posture = ELEVATED

    async def tries(
        source: str, *, device: str = "", challenge: str | None = "", password: str = PASSWORD
    ) -> str:
        try:
            await house.accounts.log_in(
                "ada@example.com", password, source=source, fingerprint=1, device=device, challenge=challenge
            )
        except AccountError as error:
            return error.code
        return "ok"

    assert await tries("192.0.2.1") == "ok"
    assert await tries("203.0.113.200", device=device) == "ok"
    before = len(house.notebook.observations)
    assert await tries("203.0.114.9", password="wrong") == "challenge_required"
    seen = house.notebook.observations[before]
    assert (seen.kind, seen.outcome) == (Kind.LOGIN, Outcome.CHALLENGED)
    solved = house.solved(Action.LOGIN, "203.0.114.9")
    assert await tries("203.0.114.9", challenge=solved, password="wrong") == "invalid_credentials"
    assert await tries("203.0.114.9", challenge=solved) == "challenge_failed"
    assert await tries("203.0.114.9", challenge=house.solved(Action.LOGIN, "203.0.114.9")) == "ok"
    assert await tries("198.51.100.77", challenge=None) == "ok"
