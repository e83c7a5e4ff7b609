"""Who the drill's people are: addresses of 127.0.0.0/8, programs, mail domains. All of it synthetic."""

import random
from dataclasses import dataclass

Fields = tuple[tuple[str, str], ...]

_CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
_SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.2 Mobile/15E148 Safari/604.1"
_FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:134.0) Gecko/20100101 Firefox/134.0"

# Order and set of names differ by program; that is what a fingerprint sees. Shares follow the usual
# ranking of browsers: one third Chrome on a desktop, a quarter a phone, a long tail.
BROWSERS: tuple[tuple[float, Fields], ...] = (
    (0.30, (("user-agent", _CHROME), ("accept", "*/*"), ("accept-language", "en-US,en;q=0.9"), ("sec-ch-ua", '"Chromium";v="131"'), ("sec-fetch-site", "same-origin"))),
    (0.20, (("accept", "*/*"), ("sec-fetch-site", "same-origin"), ("accept-language", "en-GB"), ("user-agent", _SAFARI))),
    (0.13, (("sec-ch-ua-platform", '"Android"'), ("user-agent", _CHROME), ("sec-ch-ua", '"Chromium";v="131"'), ("sec-ch-ua-mobile", "?1"), ("accept", "*/*"), ("sec-fetch-site", "same-origin"), ("accept-language", "de"))),
    (0.11, (("user-agent", _FIREFOX), ("accept", "*/*"), ("accept-language", "fr,en;q=0.7"), ("sec-fetch-site", "same-origin"), ("priority", "u=4"))),
    (0.09, (("sec-ch-ua-platform", '"macOS"'), ("user-agent", _CHROME), ("accept", "*/*"), ("sec-ch-ua", '"Chromium";v="131"'), ("sec-fetch-site", "same-origin"), ("dnt", "1"))),
    (0.07, (("user-agent", _SAFARI), ("accept", "*/*"), ("accept-language", "es-ES"), ("sec-fetch-site", "same-origin"), ("priority", "u=3, i"))),
    (0.06, (("user-agent", _FIREFOX), ("accept", "*/*"), ("accept-language", "nl"), ("sec-fetch-site", "same-origin"), ("dnt", "1"), ("sec-gpc", "1"))),
    (0.04, (("sec-ch-ua", '"Microsoft Edge";v="131"'), ("sec-ch-ua-mobile", "?0"), ("user-agent", _CHROME), ("accept", "*/*"), ("sec-fetch-site", "same-origin"), ("accept-language", "pt-BR"))),
)  # fmt: skip
PROGRAMS: tuple[tuple[float, Fields], ...] = (
    (0.45, (("accept", "application/json"), ("user-agent", "OpenAI/Python 1.59.6"), ("x-stainless-lang", "python"), ("x-stainless-package-version", "1.59.6"), ("x-stainless-os", "Linux"))),
    (0.20, (("user-agent", "OpenAI/JS 4.77.0"), ("x-stainless-lang", "js"), ("accept", "application/json"), ("accept-language", "*"))),
    (0.15, (("accept", "*/*"), ("user-agent", "curl/8.11.1"))),
    (0.12, (("user-agent", "python-httpx/0.28.1"), ("accept", "*/*"))),
    (0.08, (("user-agent", "Go-http-client/1.1"), ("accept-language", "en"))),
)  # fmt: skip
ATTACK_TOOLS: tuple[tuple[float, Fields], ...] = (
    (0.6, (("user-agent", _CHROME), ("accept", "*/*"))),
    (0.3, (("accept", "*/*"), ("user-agent", "python-requests/2.32.3"), ("connection", "keep-alive"))),
    (0.1, (("user-agent", "Go-http-client/1.1"),)),
)  # fmt: skip
DOMAINS = (
    (0.52, "gmail.com"), (0.13, "outlook.com"), (0.09, "icloud.com"), (0.07, "yahoo.com"), (0.05, "proton.me"),
    (0.04, "hotmail.com"), (0.03, "gmx.net"), (0.02, "orange.fr"),
)  # fmt: skip
"""Popular mail providers; the rest have domains of their own."""
ATTACK_DOMAINS = (
    (0.4, "mailbox-a.example"),
    (0.3, "gmail.com"),
    (0.2, "mailbox-b.example"),
    (0.1, "mailbox-c.example"),
)


def pick(rng: random.Random, table: tuple[tuple[float, "Fields"], ...]) -> Fields:
    return rng.choices([each for _, each in table], [share for share, _ in table])[0]


def pick_domain(rng: random.Random, table: tuple[tuple[float, str], ...]) -> str:
    known = sum(share for share, _ in table)
    if rng.random() > known:
        return f"{rng.choice('abcdefghkmnprst')}{rng.randrange(10_000)}.example"
    return rng.choices([each for _, each in table], [share for share, _ in table])[0]


@dataclass(frozen=True, slots=True)
class Person:
    """An address and the program that speaks from it."""

    address: str
    fields: Fields


def existing(seed: int, count: int) -> list[Person]:
    """Existing users: 127.1.0.0/16, programs for the greater part."""
    rng = random.Random(f"existing {seed}")  # noqa: S311
    return [
        Person(
            f"127.1.{index // 8 + 1}.{(index * 29) % 250 + 2}",
            pick(rng, PROGRAMS if rng.random() < 0.7 else BROWSERS),
        )
        for index in range(count)
    ]


def newcomer(rng: random.Random, number: int) -> Person:
    """An honest newcomer: 127.2.0.0/15, each in a network of its own, with a browser."""
    return Person(
        f"127.{2 + number // 250 % 2}.{number % 250 + 1}.{rng.randrange(2, 250)}", pick(rng, BROWSERS)
    )


def attacker(rng: random.Random, block: int, number: int) -> Person:
    """An attacker's address within 127.``block``.0.0/16."""
    return Person(f"127.{block}.{number // 200 + 1}.{number % 200 + 20}", pick(rng, ATTACK_TOOLS))
