"""Templates to answers."""

from datetime import UTC, datetime
from functools import partial
from urllib.parse import urlencode

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.requests import Request

from pontlevis import __version__
from pontlevis.web.i18n import COOKIE, LANGUAGES, Translator, language_of
from pontlevis.web.operator_names import who
from pontlevis.web.targets import safe_next

_KEPT = frozenset({"invitation", "token", "next", "notice"})
"""Parameters without which a page would be another one; the links to its other languages repeat them."""
_FORMS = {
    "/account/keys": "/account",
    "/verify/letter": "/verify",
    "/reset/letter": "/reset",
    "/waitlist": "/register",
}
"""Addresses that are only sent to, and the page on which what they answer belongs."""

_environment = Environment(
    loader=PackageLoader("pontlevis.web"),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

SECURITY_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def iso(seconds: float) -> str:
    return _moment(seconds).strftime("%Y-%m-%dT%H:%M:%SZ")


def _utc(seconds: float) -> str:
    return _moment(seconds).strftime("%Y-%m-%d %H:%M UTC")


def _second(seconds: float) -> str:
    return _moment(seconds).strftime("%Y-%m-%d %H:%M:%S UTC")


def _clock(seconds: float) -> str:
    return _moment(seconds).strftime("%H:%M:%S")


_environment.filters.update(who=who, iso=iso, utc=_utc, clock=_clock, second=_second)


def _in_language(request: Request, path: object, language: str) -> str:
    """This page's address in another language; an invitation or a letter's token in it stays.

    ``path`` where the page is made for all readers alike: nothing of one reader's address may be in it.
    """
    if path is not None:
        return f"{path}?lang={language}"
    own = request.url.path
    own = "/keys" if own.startswith("/keys/") else _FORMS.get(own, own)
    kept = [
        (name, value)
        for name, value in request.query_params.items()
        if name in _KEPT and (name != "next" or safe_next(value) == value)
    ]
    return f"{own}?{urlencode([*kept, ('lang', language)])}"


def page(request: Request, template: str, values: dict[str, object]) -> str:
    """A template's text in the reader's language."""
    language = language_of(request)
    return _environment.get_template(template).render(
        {
            "t": Translator(language),
            "lang": language,
            "languages": LANGUAGES,
            "path": request.url.path,
            "in_language": partial(_in_language, request, values.get("path")),
            "service_name": request.app.state.service_name,
            "account": getattr(request.state, "account", None),
            "operator": getattr(request.state, "operator", None),
            "version": __version__,
            **values,
        }
    )


def text_of(template: str, language: str, values: dict[str, object]) -> str:
    """A template's text without a request: for files."""
    return _environment.get_template(template).render(
        {
            "t": Translator(language),
            "lang": language,
            "languages": LANGUAGES,
            "in_language": lambda other: f"{values.get('path', '')}?lang={other}",
            "version": __version__,
            **values,
        }
    )


def render(request: Request, template: str, values: dict[str, object], *, status: int = 200) -> HTMLResponse:
    """A page. ``?lang=`` is remembered in a cookie."""
    answer = HTMLResponse(page(request, template, values), status)
    wanted = request.query_params.get("lang")
    if wanted in LANGUAGES:
        answer.set_cookie(COOKIE, wanted, max_age=31_536_000, samesite="lax", httponly=True)
    return answer
