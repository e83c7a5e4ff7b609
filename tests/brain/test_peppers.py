"""Tokens name the pepper that made them: what is issued holds as long as it was said, and costs one MAC to judge."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pontlevis.brain import credential as module
from pontlevis.brain.credential import CredentialCodec, CredentialKind
from pontlevis.brain.peppers import MOST, Pepper, Peppers

NOW = 1_738_000_000.0
ID = "0123456789abcdef"
DAY_S = 86_400.0
ROOT, SECOND, THIRD = b"r" * 32, b"s" * 32, b"t" * 32
OPENING = (CredentialKind.API_KEY, CredentialKind.SESSION)
TICKETS = (CredentialKind.INVITATION, CredentialKind.LINK, CredentialKind.TICKET, CredentialKind.CEREMONY)
ALONE = (CredentialKind.DEVICE, CredentialKind.CEREMONY)


def minted(codec: CredentialCodec, kind: CredentialKind) -> str:
    return codec.mint(kind, ID, int(NOW), b"x" * 20)


def holds(codec: CredentialCodec, token: str) -> bool:
    kind = CredentialKind(token[:3])
    if kind in OPENING:
        found = codec.judge(token)
    elif kind is CredentialKind.DEVICE:
        found = codec.judge_device(token)
    else:
        found = codec.judge_ticket(token, kind)
    return found is not None and (found.kind, found.id, found.secret) == (kind, ID, b"x" * 20)


@pytest.mark.parametrize("kind", CredentialKind)
def test_what_a_former_pepper_made_holds_while_it_may(kind: CredentialKind) -> None:
    """Keys and links until they expire; what only the MAC proves for its overlap, and not a second longer."""
    first = Peppers.single(ROOT)
    old = minted(CredentialCodec(first), kind)
    turned = first.turned(SECOND, NOW, alone_s=30 * DAY_S, kept_s=None)
    codec = CredentialCodec(turned, NOW)
    assert holds(codec, old)
    assert holds(codec, minted(codec, kind))
    assert minted(codec, kind) != old
    codec.at(NOW + 30 * DAY_S - 1)
    assert holds(codec, old)
    codec.at(NOW + 30 * DAY_S)
    assert holds(codec, old) is (kind not in ALONE)
    assert holds(codec, minted(codec, kind))


@pytest.mark.parametrize("kind", CredentialKind)
def test_with_a_stated_overlap_everything_ends_with_it(kind: CredentialKind) -> None:
    """In a process that goes on, and in one that starts later; at once where none is stated for."""
    first = Peppers.single(ROOT)
    old = minted(CredentialCodec(first), kind)
    turned = first.turned(SECOND, NOW, alone_s=DAY_S, kept_s=DAY_S)
    codec = CredentialCodec(turned, NOW)
    assert holds(codec, old)
    codec.at(NOW + DAY_S)
    assert not holds(codec, old)
    assert not holds(CredentialCodec(turned, NOW + DAY_S), old)
    at_once = first.turned(SECOND, NOW, alone_s=0.0, kept_s=0.0)
    assert [each.number for each in at_once.each] == [2]
    assert not holds(CredentialCodec(at_once, NOW), old)


def test_a_leak_after_a_rotation_ends_all_that_came_before() -> None:
    """A later rotation shortens what an earlier one let hold, and never lengthens it."""
    first = Peppers.single(ROOT)
    second = first.turned(SECOND, NOW, alone_s=DAY_S, kept_s=DAY_S)
    third = second.turned(THIRD, NOW, alone_s=30 * DAY_S, kept_s=None)
    assert [(each.number, each.kept_until) for each in third.each] == [(3, None), (2, None), (1, NOW + DAY_S)]
    tokens = [minted(CredentialCodec(each), CredentialKind.API_KEY) for each in (first, second, third)]
    assert [holds(CredentialCodec(third, NOW), each) for each in tokens] == [True, True, True]
    assert [holds(CredentialCodec(third, NOW + DAY_S), each) for each in tokens] == [False, True, True]
    leaked = third.turned(b"u" * 32, NOW, alone_s=0.0, kept_s=0.0)
    assert [holds(CredentialCodec(leaked, NOW), each) for each in tokens] == [False, False, False]


@given(st.integers(min_value=0, max_value=255), st.integers(min_value=0, max_value=2**96 - 1))
def test_a_made_up_token_never_holds(number: int, mac: int) -> None:
    """Whichever pepper it names: one that holds, one that is over, one that never was."""
    turned = Peppers.single(ROOT).turned(SECOND, NOW, alone_s=DAY_S, kept_s=DAY_S)
    codec = CredentialCodec(turned, NOW)
    body = module._BODY.pack(number, bytes.fromhex(ID), int(NOW), b"x" * 20)
    text = "pl-" + urlsafe_b64encode(body + mac.to_bytes(12, "big")).decode()
    assert codec.judge(text) is None


@given(st.integers(min_value=0, max_value=255))
def test_a_token_that_names_another_pepper_than_its_own_does_not_hold(number: int) -> None:
    """The number is under the MAC."""
    codec = CredentialCodec(Peppers.single(ROOT).turned(SECOND, NOW, alone_s=DAY_S, kept_s=DAY_S), NOW)
    raw = urlsafe_b64decode(minted(codec, CredentialKind.API_KEY)[3:])
    text = "pl-" + urlsafe_b64encode(bytes([number]) + raw[1:]).decode()
    assert (codec.judge(text) is not None) is (number == 2)


def test_judging_costs_one_mac_however_many_peppers_there_are() -> None:
    """For a valid token of the newest, of a former one, of one that is over, and for one that was made up."""
    peppers = Peppers.single(ROOT)
    tokens = [minted(CredentialCodec(peppers), CredentialKind.API_KEY)]
    for number in range(5):
        peppers = peppers.turned(bytes([number]) * 32, NOW, alone_s=0.0, kept_s=None if number else 0.0)
        tokens.append(minted(CredentialCodec(peppers), CredentialKind.API_KEY))
    codec = CredentialCodec(peppers, NOW)
    tokens.append(tokens[-1][:-1] + ("A" if tokens[-1][-1] != "A" else "B"))
    tokens.append(minted(CredentialCodec(THIRD), CredentialKind.API_KEY))
    for token in tokens:
        with mock.patch.object(module, "blake2b", wraps=blake2b) as hashed:
            codec.judge(token)
        assert hashed.call_count == 1
    assert [codec.judge(each) is not None for each in tokens] == [
        False,
        True,
        True,
        True,
        True,
        True,
        False,
        False,
    ]


def test_secrets_at_rest_outlive_a_rotation_and_codes_do_not() -> None:
    """A key's hash is the same under each; what lives for minutes is made with the newest."""
    first = Peppers.single(ROOT)
    before, after = (
        CredentialCodec(first),
        CredentialCodec(first.turned(SECOND, NOW, alone_s=0.0, kept_s=0.0)),
    )
    assert before.secret_hash(b"x") == after.secret_hash(b"x") == before.fresh_hash(b"x")
    assert not hmac.compare_digest(before.fresh_hash(b"x"), after.fresh_hash(b"x"))


def test_numbers_end_in_words_and_secrets_show_nowhere() -> None:
    """Rather than that a number is used again."""
    last = Peppers(ROOT, (Pepper(MOST, SECOND),))
    with pytest.raises(ValueError, match="cannot name more"):
        last.turned(THIRD, NOW, alone_s=0.0, kept_s=0.0)
    assert "ss" not in repr(last) + repr(last.newest)


def test_what_was_packed_is_unpacked_and_damage_is_refused() -> None:
    """Cut short anywhere, with numbers that are none, or with secrets that are too short."""
    turned = Peppers.single(ROOT).turned(SECOND, NOW, alone_s=DAY_S, kept_s=None)
    packed = turned.pack()
    assert Peppers.unpack(packed) == turned
    for end in range(len(packed)):
        with pytest.raises(ValueError, match=r"damaged|cut short"):
            Peppers.unpack(packed[:end])
    for wrong in (
        Peppers(ROOT, ()),
        Peppers(ROOT, (Pepper(1, ROOT), Pepper(2, SECOND))),
        Peppers(ROOT, (Pepper(0, ROOT),)),
        Peppers(ROOT, (Pepper(256, ROOT),)),
        Peppers(ROOT, (Pepper(1, b"short"),)),
    ):
        with pytest.raises(ValueError, match=r"damaged|cut short"):
            Peppers.unpack(wrong.pack())
