"""Says phrases in English or French: texts, numbers, plurals, dates, lists and quotation marks of each."""

import string
import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files

from pontlevis.investigation.phrase import Phrase

LANGUAGES = ("en", "fr")
NARROW, WIDE = "\u202f", "\u00a0"
"""No-break spaces. French parts thousands and stands before ``;!?`` with the narrow one, and puts the other
before ``:`` and ``%`` and inside guillemets (Lexique des règles typographiques, Imprimerie nationale)."""
_MONTHS = {
    "en": [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    "fr": [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ],
}
_AND = {"en": "and", "fr": "et"}
_LENGTHS = (
    (86_400, {"en": "d", "fr": "j"}),
    (3_600, {"en": "h", "fr": "h"}),
    (60, {"en": "min", "fr": "min"}),
)


@cache
def texts_of(language: str) -> dict[str, str]:
    """All texts of a language by ``table.name``."""
    folder = files("pontlevis.investigation").joinpath("locale")
    found: dict[str, str] = {}
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        if file.name.endswith(f".{language}.toml"):
            for table, texts in tomllib.loads(file.read_text("utf-8")).items():
                found.update({f"{table}.{name}": str(text) for name, text in texts.items()})
    return {name: _spaced(text) for name, text in found.items()} if language == "fr" else found


def _spaced(text: str) -> str:
    """French texts are written with plain spaces; here they become the ones at which no line breaks."""
    for sign, space in ((":", WIDE), ("%", WIDE), ("»", WIDE), (";", NARROW), ("!", NARROW), ("?", NARROW)):
        text = text.replace(f" {sign}", f"{space}{sign}")
    return text.replace("« ", f"«{WIDE}")


class Original(str):
    """Words of the program that are English whatever the document's language."""

    __slots__ = ()


class Tongue(string.Formatter):
    """One language. Raises ``ValueError`` for one that is not spoken here.

    Blanks of a text say how they are filled: ``{acts:n}`` a number, ``:n2`` with two places, ``:p`` a share as
    percent, ``:at`` a moment, ``:for`` a length of time, ``:and`` a list, ``:;`` one with semicolons,
    ``{acts:?act|acts}`` the word that goes with the number, ``{sampled:if|about |}`` one word if true and another if not.
    """

    def __init__(self, language: str) -> None:
        if language not in LANGUAGES:
            raise ValueError(f"{language!r} is not spoken here: {', '.join(LANGUAGES)}")
        self.language = language
        self._texts = texts_of(language)

    def __call__(
        self, code: str, /, **values: str | int | float | bool | Phrase | Sequence[str | Phrase]
    ) -> str:
        """The text. Raises ``KeyError`` for one that there is not."""
        return self.vformat(self._texts[code], (), values)

    def say(self, said: Phrase) -> str:
        """The same of a phrase."""
        return self.vformat(self._texts[said.code], (), said.values)

    def sentence(self, said: Phrase) -> str:
        """With a capital."""
        text = self.say(said)
        return text[:1].upper() + text[1:]

    def format_field(self, value: object, format_spec: str) -> str:
        if isinstance(value, Phrase):
            return self.say(value)
        if format_spec.startswith("?"):
            one, _, more = format_spec[1:].partition("|")
            return one if self._single(float(str(value))) else more
        if format_spec.startswith("if|"):
            yes, _, no = format_spec[3:].partition("|")
            return yes if value else no
        if isinstance(value, Sequence) and not isinstance(value, str):
            if format_spec == ";":
                return self.joined(value)
            return self.listed([self.say(each) if isinstance(each, Phrase) else str(each) for each in value])
        if not format_spec:
            return str(value)
        return self._figure(float(str(value)), format_spec)

    def _figure(self, value: float, how: str) -> str:
        places = int(how[1:] or 0) if how[:1] in ("n", "p") else 0
        if how.startswith("n"):
            return self.number(value, places)
        if how.startswith("p"):
            return self.share(value, places)
        if how == "at":
            return self.moment(value)
        if how == "for":
            return self.length(value)
        raise ValueError(f"{how!r} is no way to write a figure")

    def _single(self, count: float) -> bool:
        """French says the singular of what is less than two; English of one alone."""
        return abs(count) < 2 if self.language == "fr" else count == 1

    def number(self, value: float, places: int = 0) -> str:
        """``1,234.5``, or ``1 234,5`` with a narrow no-break space."""
        text = f"{value:,.{places}f}"
        if self.language == "fr":
            text = text.replace(",", NARROW).replace(".", ",")
        return text

    def short(self, value: float) -> str:
        """A figure of a setting: no more places than it needs."""
        return f"{value:g}".replace(".", ",") if self.language == "fr" else f"{value:g}"

    def share(self, value: float, places: int = 0) -> str:
        """``92%``, or ``92 %``."""
        return f"{self.number(100 * value, places)}{WIDE if self.language == 'fr' else ''}%"

    def day(self, at: float) -> str:
        """``28 January 2025``; French has ``1er``."""
        when = datetime.fromtimestamp(at, UTC)
        number = "1er" if self.language == "fr" and when.day == 1 else str(when.day)
        return f"{number} {_MONTHS[self.language][when.month - 1]} {when.year}"

    def moment(self, at: float) -> str:
        """``28 January 2025, 12:00:05 UTC``, or ``28 janvier 2025 à 12:00:05 UTC``. Unix seconds."""
        clock = f"{datetime.fromtimestamp(at, UTC):%H:%M:%S}{WIDE}UTC"
        return f"{self.day(at)} à {clock}" if self.language == "fr" else f"{self.day(at)}, {clock}"

    def clock(self, at: float, *, dated: bool = False) -> str:
        """For tables: ``12:00:05``, with the day before it where there is more than one."""
        when = datetime.fromtimestamp(at, UTC)
        if not dated:
            return f"{when:%H:%M:%S}"
        return f"{when:%d/%m/%Y %H:%M:%S}" if self.language == "fr" else f"{when:%Y-%m-%d %H:%M:%S}"

    def length(self, seconds: float) -> str:
        """``3.2 s``, ``45 s``, ``5 min 10 s``, ``2 h 5 min``, ``3 d 4 h``."""
        if seconds < 60:
            return f"{self.number(seconds, 1 if seconds < 10 and seconds != int(seconds) else 0)}{WIDE}s"
        names = [(size, word[self.language]) for size, word in _LENGTHS]
        for (size, word), (smaller, lesser) in zip(names, [*names[1:], (1, "s")], strict=True):
            if seconds >= size:
                rest = int(seconds % size // smaller)
                return f"{int(seconds // size)}{WIDE}{word}" + (f" {rest}{WIDE}{lesser}" if rest else "")
        raise ValueError("no length of time")

    def listed(self, parts: Sequence[str]) -> str:
        """``a``, ``a and b``, ``a, b and c``."""
        if len(parts) < 2:
            return "".join(parts)
        return f"{', '.join(parts[:-1])} {_AND[self.language]} {parts[-1]}"

    def joined(self, parts: Sequence[str | Phrase]) -> str:
        """With semicolons."""
        sign = f"{NARROW}; " if self.language == "fr" else "; "
        return sign.join(self.say(each) if isinstance(each, Phrase) else each for each in parts)

    def named(self, table: str, word: str) -> str:
        """A word of the program in people's words; the word itself where there are none (a newer version's)."""
        found = self._texts.get(f"{table}.{word.replace(' ', '_').replace('-', '_')}")
        return word.replace("_", " ") if found is None else found


def blanks_of(text: str) -> Mapping[str, set[str]]:
    """The names that a text's blanks have, each with the ways in which it is written."""
    found: dict[str, set[str]] = {}
    for _, name, how, _ in string.Formatter().parse(text):
        if name is not None:
            found.setdefault(name, set()).add(how or "")
    return found
