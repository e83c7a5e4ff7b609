"""Headers that every answer carries, and the check that a browser's request comes from our own pages."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pontlevis.web.render import SECURITY_HEADERS

HSTS_S = 31_536_000  # OWASP's HTTP headers cheat sheet: a year
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def _is_foreign(headers: Headers, own: str) -> bool:
    """Whether a browser sent this from another site than ``own`` (a base address).

    Sec-Fetch-Site (Fetch Metadata) where there is one, else Origin against Host and our own address. Every
    browser since 2020 sends at least one of them with what is not a GET; what comes without either comes
    from a program, or from a browser so old that SameSite=Lax alone keeps our cookies out of it.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    if origin is not None:
        return urlsplit(origin).netloc not in (headers.get("host", "?"), urlsplit(own).netloc)
    return False


class SecurityMiddleware:
    """Pure ASGI. ``own`` is the address under which browsers know us.

    With ``hosts`` only these Host headers are answered, against DNS rebinding.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str] | None = None, own: str = "") -> None:
        self._app = app
        self._hosts = hosts
        self._own = own
        self._fields = dict(SECURITY_HEADERS)
        if own.startswith("https://"):
            self._fields["strict-transport-security"] = f"max-age={HSTS_S}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        _without_escapes(scope)
        headers = Headers(scope=scope)

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                fields = MutableHeaders(scope=message)
                for name, value in self._fields.items():
                    fields.setdefault(name, value)
                if not scope["path"].startswith("/static/"):
                    fields.setdefault("cache-control", "no-store")
            await send(message)

        if self._hosts is not None and headers.get("host", "") not in self._hosts:
            await _refusal(421, "wrong_host", "this name does not lead to the operator's listener")(
                scope, receive, sending
            )
        elif scope["method"] not in _SAFE and _is_foreign(headers, self._own):
            await _refusal(403, "cross_site", "the request comes from another site")(scope, receive, sending)
        else:
            await self._app(scope, receive, sending)


def _without_escapes(scope: Scope) -> None:
    """Leaves out cookies with a backslash: none of ours has one, and to undo 31 KB of them takes Python's own parser a second
    of CPU (CVE-2024-7592)."""
    fields = scope["headers"]
    if any(name == b"cookie" and b"\\" in value for name, value in fields):
        scope["headers"] = [
            (name, b";".join(each for each in value.split(b";") if b"\\" not in each))
            if name == b"cookie"
            else (name, value)
            for name, value in fields
        ]


def _refusal(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse(
        {"error": {"message": message, "type": "permission_error", "code": code, "param": None}}, status
    )
