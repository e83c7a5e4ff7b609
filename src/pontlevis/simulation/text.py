"""What the simulated engine says: words that depend on nothing but the seed, and plainly are made up."""

from zlib import crc32

SPEECH = (
    "the bridge was raised before night and every lamp along the wall burned low while those inside went on with"
    " their work as if the river had always been that wide so a keeper counted who came and who left wrote each"
    " name once and waited for morning when the chains would run again and the road be open to whoever asked"
)
WORDS = tuple(SPEECH.split())


def words(seed: int, start: int, count: int) -> str:
    """``count`` words from the ``start``-th on, each with a space before it but the very first."""
    size = len(WORDS)
    said = [WORDS[(seed + place + (place // size) * 7) % size] for place in range(start, start + count)]
    text = " ".join(said)
    return text if start == 0 else " " + text


def seed_of(prompt: bytes) -> int:
    return crc32(prompt)


def natural_length(seed: int) -> int:
    """Output tokens of a prompt that names no limit: 32 to 415, the same each time."""
    return 32 + (seed >> 8) % 384
