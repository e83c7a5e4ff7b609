"""What a sentence says, apart from the language it is said in."""

import msgspec


class Phrase(msgspec.Struct, frozen=True):
    """The name of a text in ``locale/`` and what fills its blanks; names may be phrases themselves."""

    code: str
    values: dict[str, "str | int | float | bool | Phrase | list[str | Phrase]"] = {}


def phrase(code: str, **values: "str | int | float | bool | Phrase | list[str | Phrase]") -> Phrase:
    """``phrase("who.guessing", sources=3)``."""
    return Phrase(code, values)
