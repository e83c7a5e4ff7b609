"""Who became a candidate for a measure, and for what."""

from dataclasses import dataclass
from enum import StrEnum

from pontlevis.brain.reach import Reach


class Deed(StrEnum):
    """For what a source, account or key became a candidate for a measure."""

    GUESSES = "guesses"
    BAD_KEYS = "bad_keys"
    KEYLESS = "keyless"
    DRAINS = "drains"
    HAMMERS = "hammers"
    FLOODS = "floods"
    SLOW = "slow"
    LEAKED = "leaked"
    WAKES = "wakes"
    PAGES = "pages"


REACH = {
    Deed.GUESSES: Reach.LOG_INS,
    Deed.HAMMERS: Reach.LOG_INS,
    Deed.BAD_KEYS: Reach.KEYLESS,
    Deed.KEYLESS: Reach.KEYLESS,
    Deed.PAGES: Reach.PAGES,
}
"""What a measure for a deed closes to a place: no more than where the deed was done; of others, everything."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A source, account or key whose own deeds may earn it a measure."""

    deed: Deed
    source: str
    account: str
    acts: int
    credential: str = ""
    """Identifier of an API key or session, where it is what a measure would name."""
