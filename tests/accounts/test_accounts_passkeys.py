"""Passkeys: made, shown, refused."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from account_house import CHEAP, PASSWORD, House, account_house
from hypothesis import given
from hypothesis import strategies as st

from authenticator import Authenticator
from pontlevis.accounts.factors import Factor, SecondFactorRequired
from pontlevis.accounts.service import AccountError, SessionGrant
from pontlevis.accounts.webauthn_rp import BadPasskey, RelyingParty
from pontlevis.brain.observation import Outcome

ADA = "ada@example.com"
HOME = "192.0.2.1"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with account_house(tmp_path) as made:
        yield made


async def add(house: House, account: str, key: Authenticator, name: str = "phone") -> list[str]:
    begun = await house.accounts.begin_passkey(account)
    return await house.accounts.add_passkey(account, begun.state, key.make(begun.options), name, source=HOME)


async def log_in(house: House, key: Authenticator) -> SessionGrant:
    begun = house.accounts.begin_passkey_log_in()
    return await house.accounts.passkey_log_in(
        begun.state, key.show(begun.options), source=HOME, fingerprint=1
    )


async def refusal(house: House, key: Authenticator) -> str:
    with pytest.raises(AccountError) as caught:
        await log_in(house, key)
    return caught.value.code


async def test_a_passkey_is_a_whole_log_in(house: House) -> None:
    """No name and no password; and a password alone opens the account no more."""
    account = (await house.sign_up(ADA)).id
    key = Authenticator()
    codes = await add(house, account, key)
    assert len(codes) == CHEAP.recovery_codes
    grant = await log_in(house, key)
    assert grant.account.id == account
    assert (await house.accounts.list_sessions(account))[0].factor is Factor.PASSKEY
    held = (await house.accounts.factors(account)).passkeys[0]
    assert (held.name, held.last_used_at) == ("phone", house.now)
    assert house.notebook.outcomes[-1] is Outcome.OK
    with pytest.raises(SecondFactorRequired) as caught:
        await house.accounts.log_in(ADA, PASSWORD, source=HOME, fingerprint=1)
    assert caught.value.methods == (Factor.RECOVERY, Factor.PASSKEY)
    await house.accounts.remove_passkey(account, held.id, source=HOME)
    assert await refusal(house, key) == "passkey_invalid"
    await house.log_in(ADA)


async def test_no_passkey_writes_into_the_log(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """The library quotes the origin that an answer claims: a stranger wrote a line of any text with each try. No request
    writes one now, and whoever asks for more is told what the library said and not what it was sent."""
    account = (await house.sign_up(ADA)).id
    key = Authenticator()
    await add(house, account, key)
    key.origin = "https://front.example/ 2025-01-27 posture:state:normal all is well"
    caplog.set_level("INFO")
    assert await refusal(house, key) == "passkey_invalid"
    assert caplog.text == ""
    caplog.set_level("DEBUG")
    assert await refusal(house, key) == "passkey_invalid"
    said = [each.getMessage() for each in caplog.records if each.name.startswith("pontlevis")]
    assert said == ["account:passkey:refused Unexpected client data origin"]


async def test_a_counter_that_goes_back_is_a_copy(house: House) -> None:
    """The copy is refused; WebAuthn Level 2 §6.1.1."""
    account = (await house.sign_up(ADA)).id
    key = Authenticator(count=5)
    await add(house, account, key)
    await log_in(house, key)
    key.count = 2
    assert await refusal(house, key) == "passkey_invalid"
    assert house.notebook.outcomes[-1] is Outcome.BAD_CREDENTIAL
    key.count = 10
    await log_in(house, key)


async def test_an_answer_is_taken_once_in_time_and_from_our_page(house: House) -> None:
    """Replays, late answers, another site's page, a key without its user, and somebody else's state."""
    account = (await house.sign_up(ADA)).id
    key = Authenticator()
    await add(house, account, key)
    begun = house.accounts.begin_passkey_log_in()
    answer = key.show(begun.options)
    await house.accounts.passkey_log_in(begun.state, answer, source=HOME, fingerprint=1)
    tries = [(begun.state, answer)]
    late = house.accounts.begin_passkey_log_in()
    tries.append((late.state, key.show(late.options)))
    made_for = await house.accounts.begin_passkey(account)
    house.now += CHEAP.ticket_lifetime_s
    fresh = house.accounts.begin_passkey_log_in()
    tries += [(made_for.state, key.show(fresh.options)), ("", answer), ("pc-" + "A" * 60, answer)]
    for state, shown in tries:
        with pytest.raises(AccountError) as caught:
            await house.accounts.passkey_log_in(state, shown, source=HOME, fingerprint=1)
        assert caught.value.code == "passkey_failed"
    key.origin = "https://front.example.evil.example"
    assert await refusal(house, key) == "passkey_invalid"
    key.origin, key.verifies = "https://front.example", False
    assert await refusal(house, key) == "passkey_invalid"


async def test_one_passkey_belongs_to_one_account_and_a_few_belong_to_each(tmp_path: Path) -> None:
    """A second account cannot take it over; bounds and names hold."""
    from dataclasses import replace

    async with account_house(tmp_path, replace(CHEAP, passkeys_per_account=1)) as house:
        ada, grace = (await house.sign_up(ADA)).id, (await house.sign_up("grace@example.com")).id
        key = Authenticator()
        await add(house, ada, key, name="  ")
        with pytest.raises(AccountError) as caught:
            await add(house, grace, key)
        assert caught.value.code == "passkey_known"
        with pytest.raises(AccountError) as caught:
            await house.accounts.begin_passkey(ada)
        assert caught.value.code == "too_many_passkeys"
        (held,) = (await house.accounts.factors(ada)).passkeys
        with pytest.raises(AccountError):
            await house.accounts.remove_passkey(grace, held.id, source=HOME)
        begun = await house.accounts.begin_passkey(grace)
        with pytest.raises(AccountError) as caught:
            await house.accounts.add_passkey(
                grace, begun.state, Authenticator(id=b"x" * 2_000).make(begun.options), "n", source=HOME
            )
        assert caught.value.code == "passkey_failed"


async def test_guesses_of_one_source_are_slowed(house: House) -> None:
    """A flood of made-up passkeys costs its source delays like wrong passwords."""
    codes = [
        await refusal(house, Authenticator(id=bytes([each]) * 32)) for each in range(CHEAP.free_failures + 1)
    ]
    assert codes == ["passkey_invalid"] * CHEAP.free_failures + ["rate_limit_exceeded"]
    assert Outcome.UNKNOWN_USER in house.notebook.outcomes


def test_browsers_offer_passkeys_under_a_name_and_https_alone() -> None:
    """Or on this machine."""
    found = {url: RelyingParty.of(url, "Heron") for url in (
        "https://front.example:8443", "http://localhost:8080", "http://front.example", "https://192.0.2.1", "https://[2001:db8::1]", "")}  # fmt: skip
    assert {url for url, party in found.items() if party} == {
        "https://front.example:8443",
        "http://localhost:8080",
    }
    party = found["https://front.example:8443"]
    assert party is not None
    assert (party.id, party.origin) == ("front.example", "https://front.example:8443")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
PARTS = st.dictionaries(
    st.sampled_from(["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]),
    JSON | st.binary(max_size=60).map(lambda raw: raw.hex()),
)
ANSWERS = st.fixed_dictionaries(
    {
        "id": JSON | st.just("AAAA"),
        "rawId": JSON | st.just("AAAA"),
        "type": st.just("public-key") | JSON,
        "response": PARTS | JSON,
    }
)


@given(ANSWERS.map(json.dumps) | JSON.map(json.dumps) | st.text(max_size=50))
def test_whatever_comes_in_place_of_an_answer_is_refused(answer: str) -> None:
    """And nothing else happens."""
    party = RelyingParty("front.example", "https://front.example", "Heron")
    with pytest.raises(BadPasskey):
        party.made(answer, b"c" * 20)
    with pytest.raises(BadPasskey):
        party.shown(answer, b"c" * 20, b"\xa0", 0)
    with pytest.raises(BadPasskey, match="too long"):
        party.made(answer + " " * 20_000, b"c" * 20)
