"""Passwords that attackers try first are refused, without asking anybody outside."""

from dataclasses import replace
from hashlib import sha1
from pathlib import Path

import pytest
from account_house import CHEAP
from hypothesis import given
from hypothesis import strategies as st

from pontlevis.accounts.breached import BreachedList, ListUnreadable, is_common
from pontlevis.accounts.passwords import HashPool
from pontlevis.accounts.service import AccountError


@pytest.mark.parametrize(
    "password",
    [
        "1234567890", "password123", "P@ssw0rd2024!", "passwordpassword", "Qwertyuiop", "1q2w3e4r5t6y", "motdepasse1",
        "azertyuiop", "abcabcabcabc", "aaaaaaaaaaaa", "!!!Welcome!!!", "letmein123", "Summer2025!", "0987654321",
        "helloworld12", "1qaz2wsx3edc", "iloveyou2024", "LinkedIn.123", "heron-2025!!", "Adalovelace99",
    ],
)  # fmt: skip
def test_what_everybody_tries_first_is_common(password: str) -> None:
    """Words with the usual ornaments, keyboards, the service's name, the address itself."""
    assert is_common(password, own=("Heron", "adalovelace"))


@pytest.mark.parametrize(
    "password",
    [
        "three quiet herons",
        "correct horse battery",
        "Tr0ub4dor&3xq",
        "vK8#mQz2pLw!",
        "8412 7706 3351",
        "mon jardin a trois portes",
    ],
)
def test_what_is_anybodys_own_is_not(password: str) -> None:
    """A heron among other words does no harm."""
    assert not is_common(password, own=("Heron", "ada"))


def _sha1(word: str) -> str:
    return sha1(word.encode(), usedforsecurity=False).hexdigest().upper()


@given(
    st.sets(st.text("abcdef", min_size=1, max_size=8), min_size=1, max_size=60), st.text("abcdef", max_size=8)
)
def test_both_forms_of_the_list_find_what_is_in_it_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, words: set[str], other: str
) -> None:
    """Lines of SHA-1 differ in length, and are searched on disk."""
    folder = tmp_path_factory.mktemp("lists")
    hashed, plain = folder / "sha1.txt", folder / "plain.txt"
    lines = sorted(f"{_sha1(word)}:{10 ** (len(word) % 7)}" for word in words)
    hashed.write_text("\r\n".join(lines) + "\r\n", "ascii")
    plain.write_text("\n".join(words), "utf-8")
    for listed in (BreachedList(hashed), BreachedList(plain)):
        assert all(word in listed for word in words)
        assert (other in listed) == (other in words)


async def test_a_stolen_password_is_refused_with_a_word_of_its_own(tmp_path: Path) -> None:
    """At sign-up and for a new password alike, since both ask the pool."""
    listed = tmp_path / "pwned.txt"
    listed.write_text(
        "".join(sorted(f"{_sha1(each)}:3\n" for each in ("three quiet herons", "x", "y"))), "ascii"
    )
    pool = HashPool(replace(CHEAP, breached_passwords=str(listed)), "Heron")
    with pytest.raises(AccountError) as caught:
        await pool.check("three quiet herons", "ada@example.com")
    assert caught.value.code == "breached_password"
    assert await pool.check("four quiet herons", "ada@example.com") == "four quiet herons"
    pool.close()


def test_a_list_that_cannot_work_is_refused_at_the_start(tmp_path: Path) -> None:
    """Not there, or sorted by count, which is how it is offered first."""
    with pytest.raises(ListUnreadable, match="breached_passwords"):
        BreachedList(tmp_path / "none")
    by_count = tmp_path / "count.txt"
    by_count.write_text(f"{'F' * 40}:9\n{'A' * 40}:5\n", "ascii")
    with pytest.raises(ListUnreadable, match="sorted by hash"):
        BreachedList(by_count)
