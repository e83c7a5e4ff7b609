"""What a client calls itself: product and major version of a User-Agent, and nothing else of it.

Anybody can send any User-Agent. What comes out is a name of at most ``MOST_NAME`` characters out of letters, digits
and ``. _ + - /`` and one space, beginning with a letter, so that no reader of a table takes it for a formula, a
tag or another column.
"""

import re

MOST_READ = 256
"""Characters of the header that are looked at."""
MOST_NAME = 48
NONE, OTHER, SEVERAL = "none", "other", "several"
"""No User-Agent; one that is no product's name, or one too many; several from one source at once."""
BARE = " bare"
"""Stands behind a browser's name where no Accept-Language came with it, which browsers send with everything."""
MINUTE_S = 60.0

BROWSERS = frozenset(
    {"Chrome", "Chromium", "HeadlessChrome", "Edge", "Opera", "Safari", "Firefox", "SamsungBrowser", "Electron", "PhantomJS", "MSIE"}
)  # fmt: skip
HEADLESS = frozenset({"HeadlessChrome", "PhantomJS"})
# In this order: nearly all call themselves Chrome or Safari, too (RFC 9110, 10.1.5, on what became of the field).
_MARKS = (
    ("HeadlessChrome/", "HeadlessChrome"), ("PhantomJS/", "PhantomJS"), ("Electron/", "Electron"), ("Edg/", "Edge"),
    ("EdgA/", "Edge"), ("EdgiOS/", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser/", "SamsungBrowser"),
    ("FxiOS/", "Firefox"), ("Firefox/", "Firefox"), ("CriOS/", "Chrome"), ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"), ("Version/", "Safari"), ("MSIE ", "MSIE"),
)  # fmt: skip
KNOWN = BROWSERS | {
    "curl", "Wget", "python-requests", "python-httpx", "Python-urllib", "aiohttp", "OpenAI/Python", "AsyncOpenAI/Python",
    "OpenAI/JS", "Go-http-client", "axios", "node", "node-fetch", "undici", "Bun", "Deno", "okhttp", "Java",
    "Java-http-client", "Apache-HttpClient", "Python", "PostmanRuntime", "HTTPie", "k6", "hey", "Scrapy", "sqlmap",
    "reqwest", "GuzzleHttp", "libwww-perl", "Ruby", "Dart", "Mozilla",
}  # fmt: skip
"""Products that always have room: somebody who makes up names by the thousand cannot hide these."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._+-]{0,23}(?:/[A-Za-z][A-Za-z0-9._+-]{0,15})?")
_MAJOR = re.compile(r"v?(\d{1,3})(?!\d)")
_NUMBERS = re.compile(r"\d{4}")
_SECRETS = ("pl-", "ps-", "sk-")
_WORDS = frozenset({NONE, OTHER, SEVERAL})


def product(header: str) -> str:
    """``curl 8``, ``OpenAI/Python 1``, ``HeadlessChrome 131``, ``Firefox 133``; ``none`` or ``other``.

    A name of more than 24 characters, with four digits in a row, with an @ behind it or with the beginning
    of a key is ``other``: it may be a person's or a secret.
    """
    text = header[:MOST_READ].strip()
    if not text:
        return NONE
    if text.startswith("Mozilla/"):
        return _browser(text)
    words = text.split(maxsplit=2)
    if words[0].startswith("Python/") and len(words) > 1 and words[1].startswith("aiohttp/"):
        words = words[1:]
    return _named(words[0], words[1] if len(words) > 1 else "")


def _browser(text: str) -> str:
    _, robot, rest = text.partition("compatible; ")
    if robot and not rest.startswith("MSIE"):
        word = rest.split(maxsplit=1)[0].rstrip(";)") if rest.strip() else ""
        return _named(word, "")
    for mark, name in _MARKS:
        _, found, rest = text.partition(mark)
        if found and (name != "Safari" or "Safari/" in text):
            return _with_major(name, rest)
    return "Mozilla"


def _named(word: str, after: str) -> str:
    name, _, rest = word.rstrip(";,").partition("/")
    version = rest or after
    if rest[:1].isalpha() and not _MAJOR.match(rest):  # OpenAI/Python 1.55.0
        inner, _, version = rest.partition("/")
        name, version = f"{name}/{inner}", version or after
    if (
        not _NAME.fullmatch(name)
        or _NUMBERS.search(name)
        or name.lower().startswith(_SECRETS)
        or name.lower() in _WORDS
        or "@" in word
    ):
        return OTHER
    return _with_major(name, version)


def _with_major(name: str, version: str) -> str:
    found = _MAJOR.match(version)
    return f"{name} {int(found.group(1))}" if found else name


def family(agent: str) -> str:
    """The product without its version and marks."""
    return agent.partition(" ")[0]


def claims_browser(agent: str) -> bool:
    """Whether it says that it is a browser."""
    return family(agent) in BROWSERS


class AgentNames:
    """Lets at most ``most`` different names through in a minute; well-known products lose their version instead."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._names: set[str] = set()
        self._until = float("-inf")

    def begin(self, now: float) -> bool:
        """Whether a minute is over and another begins. ``now`` is seconds of any clock."""
        if now < self._until:
            return False
        self._names.clear()
        self._until = now + MINUTE_S
        return True

    def take(self, name: str, now: float) -> str:
        """``name``, or what stands for it where there are too many. ``now`` is seconds of any clock."""
        self.begin(now)
        if name in self._names or name in _WORDS:
            return name
        if len(self._names) < self._most:
            self._names.add(name)
            return name
        short = family(name)
        return short if short in KNOWN else OTHER
