"""Texts that operators give, made fit for pages, feeds and letters. All raise ``ValueError`` with a readable reason."""

from pontlevis.incidents.words import Words

LONGEST_TEXT = 4_000
LONGEST_NAME = 200
LONGEST_POSTMORTEM = 40_000


def clean(text: str) -> str:
    """Without control characters: they have no place on a page, and XML forbids them."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join("".join(each for each in line if each.isprintable()) for line in lines).strip()


def body_of(english: str, french: str, *, most: int = LONGEST_TEXT, what: str = "an update") -> Words:
    """Both languages; without a French text the English one stands for it."""
    return Words(text_of(english, most, what), text_of(french.strip() or english, most, what))


def name_of(text: str) -> str:
    """One line."""
    return text_of(" ".join(text.split()), LONGEST_NAME, "a name")


def text_of(text: str, most: int, what: str) -> str:
    """Not empty, and at most so many characters."""
    made = clean(text)
    if not made or len(made) > most:
        raise ValueError(f"{what} has 1 to {most} characters")
    return made
