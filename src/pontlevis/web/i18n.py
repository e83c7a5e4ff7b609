"""Texts of the pages in English and French, by key."""

import tomllib
from functools import cache
from importlib.resources import files

from starlette.requests import Request

LANGUAGES = ("en", "fr")
COOKIE = "lang"


@cache
def catalogue(language: str) -> dict[str, str]:
    """All texts of a language. Keys are dotted; the files hold them flat within tables."""
    folder = files("pontlevis.web").joinpath("locale")
    found: dict[str, str] = {}
    for name in (
        f"{language}.toml",
        f"status.{language}.toml",
        f"gate.{language}.toml",
        f"safety.{language}.toml",
    ):
        for table, texts in tomllib.loads(folder.joinpath(name).read_text("utf-8")).items():
            found.update({f"{table}.{key}": str(text) for key, text in texts.items()})
    return found


def language_of(request: Request) -> str:
    """``?lang=``, then the cookie, then Accept-Language, then English."""
    for wanted in (request.query_params.get("lang"), request.cookies.get(COOKIE)):
        if wanted in LANGUAGES:
            return wanted
    best, best_weight = "en", 0.0
    for part in request.headers.get("accept-language", "")[:500].split(","):
        tag, _, rest = part.strip().partition(";")
        try:
            weight = float(rest.strip().removeprefix("q=")) if rest else 1.0
        except ValueError:
            continue
        language = tag.partition("-")[0].lower()
        if language in LANGUAGES and weight > best_weight:
            best, best_weight = language, weight
    return best


class Translator:
    """Texts of one language: ``t("login.title")``; ``{name}`` in a text is filled from the arguments."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._texts = catalogue(language)

    def __call__(self, key: str, **values: object) -> str:
        text = self._texts.get(key)
        if text is None:
            # An error code without a text of its own still says something.
            text = self._texts["error.unknown"] if key.startswith("error.") else key
        return text.format(**values) if values else text
