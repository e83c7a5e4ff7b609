"""Passwords that attackers try first: a few written out here, and the operator's list on disk."""

import re
from array import array
from bisect import bisect_left
from hashlib import blake2b, sha1
from pathlib import Path

# The commonest words of leaked passwords, as public counts agree on them. A password that is one of
# these with digits and marks around it is as easy as the word.
_WORDS = frozenset(
    [
        "password",
        "passwort",
        "motdepasse",
        "contrasena",
        "senha",
        "haslo",
        "parola",
        "wachtwoord",
        "passw0rd",
        "qwerty",
        "qwertz",
        "azerty",
        "qwertyuiop",
        "azertyuiop",
        "qwertzuiop",
        "asdfgh",
        "asdfghjkl",
        "zxcvbn",
        "zxcvbnm",
        "qazwsx",
        "qazwsxedc",
        "qwerasdf",
        "asdfasdf",
        "qweasd",
        "qweasdzxc",
        "abc",
        "abcd",
        "abcdef",
        "abcdefg",
        "abcdefgh",
        "abcdefghij",
        "abcabc",
        "letmein",
        "letmeinnow",
        "iloveyou",
        "iloveu",
        "welcome",
        "bienvenue",
        "willkommen",
        "changeme",
        "changemenow",
        "secret",
        "topsecret",
        "admin",
        "administrator",
        "root",
        "superuser",
        "user",
        "guest",
        "default",
        "login",
        "access",
        "test",
        "testing",
        "tester",
        "football",
        "baseball",
        "basketball",
        "soccer",
        "hockey",
        "monkey",
        "dragon",
        "sunshine",
        "princess",
        "princesse",
        "soleil",
        "shadow",
        "master",
        "superman",
        "batman",
        "pokemon",
        "starwars",
        "michael",
        "jordan",
        "charlie",
        "ashley",
        "jessica",
        "daniel",
        "thomas",
        "jennifer",
        "hunter",
        "killer",
        "trustno",
        "whatever",
        "freedom",
        "computer",
        "internet",
        "samsung",
        "google",
        "facebook",
        "linkedin",
        "youtube",
        "chocolate",
        "chocolat",
        "butterfly",
        "cheese",
        "summer",
        "winter",
        "spring",
        "autumn",
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "monday",
        "friday",
        "hello",
        "helloworld",
        "bonjour",
        "hallo",
        "loveyou",
        "lovely",
        "doudou",
        "loulou",
        "marseille",
        "liverpool",
        "chelsea",
        "arsenal",
        "barcelona",
        "openai",
        "chatgpt",
        "assistant",
    ]
)
# Rows and columns of keyboards and counting: anything made of these alone.
_RUNS = re.compile(
    r"(?:0?123456789?0?|0?98765432[10]*|1q2w3e4r(?:5t(?:6y)?)?|q1w2e3r4(?:t5)?|1qaz(?:2wsx)?(?:3edc)?(?:4rfv)?|zaq1(?:2wsx)?|123|321|abc|xyz|qwe|asd|zxc|wasd)+"
)
_LEET = str.maketrans("013457@$!", "oieastasi")
_EDGES = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_OTHER = re.compile(r"[\W\d_]+")
_MARKS = re.compile(r"[\W_]+")
MOST_AROUND = 8  # digits and marks beside a word; with more it may be a secret of its own
MOST_LINES = 2_000_000  # of a plain list, held in memory at eight bytes each
LONGEST_LINE = 1_000
_SHA1_LINE = re.compile(rb"[0-9A-Fa-f]{40}(?::\d+)?\s*")


class ListUnreadable(ValueError):
    """The operator's list cannot be used; says which and why."""


def is_common(password: str, *, own: tuple[str, ...] = ()) -> bool:
    """Whether it is among the first that anybody tries; ``own`` are words that belong to this place.

    A word of the list counts with up to eight digits and marks around and within it, with digits for
    letters, and twice or beside another one.
    """
    lower = password.casefold()
    if len(set(lower)) < 4 or _RUNS.fullmatch(_MARKS.sub("", lower)):
        return True
    words = _WORDS | {_OTHER.sub("", each.casefold()) for each in own if len(each) >= 3}
    for form in (lower, _EDGES.sub("", lower).translate(_LEET)):
        stem = _OTHER.sub("", form)
        if len(lower) - len(stem) > MOST_AROUND:
            continue
        if stem in words or any(
            stem[:cut] in words and stem[cut:] in words for cut in range(3, len(stem) - 2)
        ):
            return True
    return False


class BreachedList:
    """The operator's list, of either form. Raises ``ListUnreadable``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._plain: array[int] | None = None
        try:
            with path.open("rb") as file:
                first = file.readline(LONGEST_LINE)
            if _SHA1_LINE.fullmatch(first):
                self._check_order()
            else:
                self._plain = self._read_plain()
        except OSError as error:
            raise ListUnreadable(f"accounts.breached_passwords: {path}: {error.strerror}") from None

    def __contains__(self, password: str) -> bool:
        """Reads the disk for a SHA-1 list, some thirty short reads; not for an event loop."""
        if self._plain is not None:
            digest = _short(password.encode())
            at = bisect_left(self._plain, digest)
            return at < len(self._plain) and self._plain[at] == digest
        wanted = sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()
        return self._on_disk(wanted)

    def _on_disk(self, wanted: bytes) -> bool:
        with self._path.open("rb") as file:
            low, high = 0, file.seek(0, 2)
            # Lines differ in length: the middle is a byte, and the line that begins after it is judged.
            while low < high:
                middle = (low + high) // 2
                file.seek(middle)
                if middle:
                    file.readline(LONGEST_LINE)
                start = file.tell()
                line = file.readline(LONGEST_LINE)
                found = line[:40].upper()
                if not line or start >= high or found >= wanted:
                    if found == wanted:
                        return True
                    high = middle
                else:
                    low = file.tell()
            file.seek(low)
            return file.readline(LONGEST_LINE)[:40].upper() == wanted

    def _check_order(self) -> None:
        """The beginning must be sorted by hash: a list sorted by count would find next to nothing."""
        before = b""
        with self._path.open("rb") as file:
            for _ in range(1_000):
                line = file.readline(LONGEST_LINE)
                if not line.strip():
                    return
                found = line[:40].upper()
                if not _SHA1_LINE.fullmatch(line) or found < before:
                    raise ListUnreadable(
                        f"accounts.breached_passwords: {self._path}: SHA-1 lines must be sorted by hash"
                    )
                before = found

    def _read_plain(self) -> "array[int]":
        found = array("Q")
        with self._path.open("rb") as file:
            for line in file:
                word = line.rstrip(b"\r\n")
                if word:
                    found.append(_short(word))
                if len(found) > MOST_LINES:
                    raise ListUnreadable(
                        f"accounts.breached_passwords: {self._path} has more than {MOST_LINES} lines; "
                        "as sorted SHA-1 it may be as long as you like"
                    )
        return array("Q", sorted(found))


def _short(word: bytes) -> int:
    return int.from_bytes(blake2b(word, digest_size=8).digest(), "big")
