"""What the simulated engine says: words that depend on nothing but the seed, and plainly are made up."""

from zlib import crc32

SPEECH = (
    "the bridge was raised before night and every lamp along the wall burned low while those inside went on with"
    " their work as if the river had always been that wide so a keeper counted who came and who left wrote each"
    " name once and waited for morning when the chains would run again and the road be open to whoever asked"
)
WORDS = tuple(SPEECH.split())
_SIZE = len(WORDS)


def word(seed: int, place: int) -> str:
    """The word at ``place`` of what this seed says."""
    return WORDS[(seed + place + (place // _SIZE) * 7) % _SIZE]


def words(seed: int, start: int, count: int) -> str:
    """``count`` words from the ``start``-th on, each with a space before it but the very first."""
    said = " ".join([word(seed, place) for place in range(start, start + count)])
    return said if start == 0 else " " + said


def seed_of(prompt: bytes, seed: int = 0) -> int:
    """0 to 2³² - 1."""
    return crc32(prompt, seed & 0xFFFFFFFF)
