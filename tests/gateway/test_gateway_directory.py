"""What a gateway knows by heart."""

import secrets

import msgspec
import pytest

from pontlevis.brain.credential import CredentialCodec, CredentialKind
from pontlevis.brain.vocabulary import Standing
from pontlevis.gateway.cookies import token_shown
from pontlevis.gateway.directory import Directory
from pontlevis.link.messages import AccountRecord, Changes, CredentialRecord, DecisionRecord

NOW = 1_800_000_000.0
DAY = 86_400


@pytest.fixture
def codec() -> CredentialCodec:
    return CredentialCodec(secrets.token_bytes(32))


def minted(codec: CredentialCodec, issued: float = NOW, id_: str = "00" * 8) -> tuple[str, bytes]:
    secret = secrets.token_bytes(20)
    return codec.mint(CredentialKind.API_KEY, id_, int(issued), secret), codec.secret_hash(secret)


def known(codec: CredentialCodec) -> tuple[Directory, str]:
    directory = Directory(codec)
    key, hash_ = minted(codec)
    directory.apply(
        Changes(
            1,
            whole=True,
            accounts=[AccountRecord("a", int(Standing.PAID), NOW)],
            credentials=[CredentialRecord("00" * 8, "a", hash_)],
        )
    )
    return directory, key


def test_a_known_key_is_recognised_and_a_revoked_one_is_not(codec: CredentialCodec) -> None:
    """Revoking takes hold with the message that says so."""
    directory, key = known(codec)
    caller = directory.recognise(key, NOW)
    assert caller is not None
    assert caller.standing is Standing.PAID
    directory.apply(Changes(2, credentials=[CredentialRecord("00" * 8, "a", b"", revoked=True)]))
    assert directory.recognise(key, NOW + 60) is None


def test_a_revoked_key_is_not_given_back_by_what_was_said_of_it_before(codec: CredentialCodec) -> None:
    """A record that was read while it was rightful, and came after its end, opens nothing."""
    directory, key = known(codec)
    fresh, hash_ = minted(codec)
    directory.apply(Changes(2, credentials=[CredentialRecord("00" * 8, "a", b"", revoked=True)]))
    directory.apply(Changes(3, credentials=[CredentialRecord("00" * 8, "a", hash_)]))
    assert directory.recognise(fresh, NOW) is None
    assert directory.recognise(key, NOW) is None


def test_a_key_that_is_revoked_within_seconds_is_nobody(codec: CredentialCodec) -> None:
    """It must not pass as one that has not been announced yet."""
    directory, key = known(codec)
    directory.apply(Changes(2, credentials=[CredentialRecord("00" * 8, "a", b"", revoked=True)]))
    assert directory.recognise(key, NOW + 1) is None


def test_a_made_up_key_is_nobody(codec: CredentialCodec) -> None:
    """Keys of every wrong shape: cut, longer, other alphabet, another service's, one bit changed."""
    directory, key = known(codec)
    other, _ = minted(CredentialCodec(secrets.token_bytes(32)))
    flipped = key[:-1] + ("A" if key[-1] != "A" else "B")
    for wrong in (
        "",
        "pl-",
        key[:-1],
        key + "A",
        "pl-" + "é" * 60,
        "sk-" + key[3:],
        "ps-" + key[3:],
        other,
        flipped,
        "\x00" * 63,
    ):
        assert directory.recognise(wrong, NOW) is None


def test_before_the_first_sync_a_real_key_counts_by_its_age(codec: CredentialCodec) -> None:
    """While the database is away an existing account is recognised by its token alone."""
    directory = Directory(codec)
    ages = [(0, Standing.NEW), (2 * DAY, Standing.RECENT), (30 * DAY, Standing.ESTABLISHED)]
    for age, standing in ages:
        caller = directory.recognise(minted(codec, NOW - age)[0], NOW)
        assert caller is not None
        assert caller.standing is standing


def test_after_a_sync_an_unknown_key_is_gone_unless_it_is_seconds_old(codec: CredentialCodec) -> None:
    """A key may be used before the message about it arrives; an erased one may not."""
    directory, _ = known(codec)
    assert directory.recognise(minted(codec, NOW - DAY, "11" * 8)[0], NOW) is None
    fresh = directory.recognise(minted(codec, NOW - 1, "22" * 8)[0], NOW)
    assert fresh is not None
    assert fresh.standing is Standing.NEW


def test_an_expired_session_is_nobody(codec: CredentialCodec) -> None:
    """Expiry needs no message."""
    directory = Directory(codec)
    key, hash_ = minted(codec)
    directory.apply(
        Changes(
            1,
            whole=True,
            accounts=[AccountRecord("a", 3, NOW)],
            credentials=[CredentialRecord("00" * 8, "a", hash_, NOW + 10)],
        )
    )
    assert directory.recognise(key, NOW + 9) is not None
    assert directory.recognise(key, NOW + 11) is None


def test_decisions_hold_for_addresses_prefixes_and_accounts_until_they_end(codec: CredentialCodec) -> None:
    """Each scope bans what it names, no more, and not for longer."""
    directory = Directory(codec)
    directory.apply(
        Changes(
            1,
            whole=True,
            decisions=[
                DecisionRecord(1, "address", "192.0.2.7", "r", NOW, NOW + 10),
                DecisionRecord(2, "prefix", "198.51.100.0/24", "r", NOW, NOW + 10),
                DecisionRecord(3, "prefix", "2001:db8::/48", "r", NOW, NOW + 10),
                DecisionRecord(4, "account", "a", "r", NOW, NOW + 10),
            ],
        )
    )
    assert directory.banned_source("192.0.2.7", NOW)
    assert not directory.banned_source("192.0.2.8", NOW)
    assert directory.banned_source("198.51.100.200", NOW)
    assert directory.banned_source("2001:db8:0:5::1", NOW)
    assert not directory.banned_source("2001:db8:1::1", NOW)
    assert directory.banned_account("a", NOW)
    assert not directory.banned_source("192.0.2.7", NOW + 11)
    directory.expire(NOW + 11)
    assert directory.decisions == 0


def test_a_whole_state_replaces_what_was_known_only_when_it_is_complete(codec: CredentialCodec) -> None:
    """While its parts arrive, what was known goes on to hold."""
    directory, key = known(codec)
    directory.apply(Changes(2, whole=True, complete=False))
    assert directory.recognise(key, NOW) is not None
    directory.apply(Changes(3, complete=True))
    assert directory.recognise(key, NOW + 60) is None


def test_a_lifted_decision_no_longer_holds(codec: CredentialCodec) -> None:
    """Undo works at once."""
    directory = Directory(codec)
    directory.apply(
        Changes(1, whole=True, decisions=[DecisionRecord(1, "address", "192.0.2.7", "r", NOW, NOW + 10)])
    )
    directory.apply(
        Changes(2, decisions=[DecisionRecord(1, "address", "192.0.2.7", "r", NOW, NOW + 10, lifted=True)])
    )
    assert not directory.banned_source("192.0.2.7", NOW)


def test_a_valid_key_of_an_existing_account_counts_for_more_than_an_address(codec: CredentialCodec) -> None:
    """Not a made-up, revoked or measured one, nor one of an account that is new or disabled."""
    directory, key = known(codec)
    assert directory.is_existing(key, NOW)
    forged, _ = minted(CredentialCodec(secrets.token_bytes(32)))
    assert not directory.is_existing(forged, NOW)
    assert not directory.is_existing("", NOW)
    record = AccountRecord("a", int(Standing.PAID), NOW)
    for changed in (
        msgspec.structs.replace(record, standing=int(Standing.NEW)),
        msgspec.structs.replace(record, disabled="spam"),
    ):
        directory.apply(Changes(2, accounts=[changed]))
        assert not directory.is_existing(key, NOW)
    directory.apply(
        Changes(3, accounts=[record], decisions=[DecisionRecord(1, "account", "a", "r", NOW, NOW + 10)])
    )
    assert not directory.is_existing(key, NOW)
    assert directory.is_existing(key, NOW + 11)
    directory.apply(Changes(4, decisions=[DecisionRecord(2, "credential", "00" * 8, "r", NOW, NOW + 30)]))
    assert not directory.is_existing(key, NOW + 20)


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ([(b"authorization", b"Bearer pl-abc")], "pl-abc"),
        ([(b"authorization", b"bearer  pl-abc ")], "pl-abc"),
        ([(b"cookie", b"a=b; pontlevis_session=ps-abc")], "ps-abc"),
        ([(b"cookie", b"pontlevis_session=ps-abc"), (b"authorization", b"Bearer pl-abc")], "pl-abc"),
        ([(b"authorization", b"Basic cHM=")], ""),
        ([(b"authorization", b"Bearer pl-abc"), (b"authorization", b"Bearer pl-def")], ""),
        ([(b"cookie", b"pontlevis_device=pd-abc")], ""),
        ([], ""),
    ],
)
def test_the_token_that_a_request_shows(headers: list[tuple[bytes, bytes]], token: str) -> None:
    """One key, or a session; nothing that could be read in two ways."""
    assert token_shown(headers) == token


def test_a_revoked_key_tells_whose_it_was_and_opens_nothing(codec: CredentialCodec) -> None:
    """An old client that goes on with it is no stranger with a made-up key; a new account's may be one."""
    directory, key = known(codec)
    forged, _ = minted(CredentialCodec(secrets.token_bytes(32)))
    assert directory.former(directory.judge(forged)) is None
    directory.apply(Changes(2, credentials=[CredentialRecord("00" * 8, "a", b"", revoked=True)]))
    assert directory.recognise(key, NOW) is None
    former = directory.former(directory.judge(key))
    assert former is not None
    assert (former.account, former.standing, former.credential) == ("a", Standing.PAID, "")
    directory.apply(Changes(3, accounts=[AccountRecord("a", int(Standing.NEW), NOW)]))
    assert directory.former(directory.judge(key)) is None
