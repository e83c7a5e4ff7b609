"""Pseudonyms of addresses: prefixes are kept, sentences are covered, the key opens them again."""

from ipaddress import ip_address
from pathlib import Path

import pytest
from evidence_house import House, accusation, act
from hypothesis import given
from hypothesis import strategies as st

from pontlevis.evidence.masking import Mask, key_in
from pontlevis.evidence.rows import finding_note

MASK = Mask(b"0123456789abcdef0123456789abcdef")


def shared(one: str, other: str) -> int:
    """Leading bits that two addresses have in common."""
    first, second = ip_address(one), ip_address(other)
    return first.max_prefixlen - (int(first) ^ int(second)).bit_length()


@given(st.ip_addresses(v=4), st.integers(0, 2**32 - 1))
def test_addresses_that_share_bits_have_pseudonyms_that_share_as_many(one: object, flips: int) -> None:
    """No more and no fewer, for any pair; and the key leads back."""
    first = str(one)
    second = str(ip_address(int(ip_address(first)) ^ flips))
    assert shared(MASK.hide(first), MASK.hide(second)) == shared(first, second)
    assert MASK.reveal(MASK.hide(first)) == first


@given(st.ip_addresses(v=6), st.integers(0, 2**128 - 1))
def test_the_same_of_ipv6(one: object, flips: int) -> None:
    """And prefixes stay prefixes."""
    first = str(one)
    second = str(ip_address(int(ip_address(first)) ^ flips))
    if ":" in second:
        assert shared(MASK.hide(first), MASK.hide(second)) == shared(first, second)
    assert MASK.reveal(MASK.hide(first)) == first


def test_sentences_are_covered_and_words_are_not() -> None:
    """Times of day and versions are no addresses."""
    said = MASK.hide_in("198.51.100.7 and 2001:db8:1:2::/64 at 12:30:45, see 203.0.113.0/24 (a::b).")
    for plain in ("198.51.100.7", "2001:db8", "203.0.113.0", "a::b"):
        assert plain not in said
    assert "12:30:45" in said
    assert MASK.hide("localhost") == "localhost"


def test_a_pseudonymised_store_holds_no_address(tmp_path: Path) -> None:
    """Neither of an act, nor in a finding's sentence or its list."""
    mask = Mask(key_in(tmp_path / "evidence.key"))
    house = House(tmp_path, mask=mask)
    house.batch([act(house.now, source="198.51.100.7")])
    finding = accusation(house.now, "198.51.100.7")
    house.keeper.note(finding_note(finding))
    house.close()
    sources = house.rows("SELECT DISTINCT source, prefix FROM events WHERE event = 'login'")
    assert sources == [(mask.hide("198.51.100.7"), mask.hide("198.51.100.0/24"))]
    assert house.rows("SELECT count(*) FROM events WHERE contains(events::VARCHAR, '198.51.100')") == [(0,)]
    assert Mask(key_in(tmp_path / "evidence.key")).reveal(str(sources[0][0])) == "198.51.100.7"
    assert (tmp_path / "evidence.key").stat().st_mode & 0o777 == 0o600
    with pytest.raises(ValueError, match="5 bytes instead of 32"):
        Mask(b"short")
