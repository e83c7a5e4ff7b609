"""Tells pages that people open from what a browser fetches for them, by method and path alone."""

import re
from urllib.parse import unquote_plus
from zlib import crc32

from pontlevis.brain.observation import PagePart

_ASSET = re.compile(
    r"\.(?:css|js|mjs|map|png|jpe?g|gif|svg|webp|avif|ico|bmp|woff2?|ttf|otf|eot|mp[34]|webm|ogg|wasm)$"
)
_FILE = re.compile(r"\.(?:pdf|zip|gz|bz2|xz|tgz|iso|txt|xml|json5?|atom|rss)$")
"""Downloads, feeds and what crawlers ask for: neither a page nor what one needs."""
_PROGRAMS = ("/api/", "/.well-known/")
"""What programs ask for, a page's own scripts among them."""
MOST_NAMES = 32
"""Parameters of a query that are looked at."""


def part_of(method: str, path: str) -> PagePart:
    """What a request is; ``path`` without its query. Only what is fetched is a page or an asset."""
    if method != "GET":
        return PagePart.OTHER
    bare = path.lower().rstrip("/")
    if bare.startswith(_PROGRAMS):
        return PagePart.OTHER
    if _ASSET.search(bare) is not None:
        return PagePart.ASSET
    return PagePart.OTHER if _FILE.search(bare) is not None else PagePart.VIEW


def is_file(path: str) -> bool:
    """Whether the path names a file rather than a page: an asset, a download, a feed."""
    bare = path.lower().rstrip("/")
    return _ASSET.search(bare) is not None or _FILE.search(bare) is not None


def names_of(query: str) -> int:
    """32-bit hash of the names of a query's parameters, whatever their order and values; never 0."""
    pairs = query.split("&", MOST_NAMES)[:MOST_NAMES]
    names = sorted({unquote_plus(pair.partition("=")[0][:128]) for pair in pairs})
    return crc32("&".join(names).encode("utf-8", "replace")) or 1
