"""Tokens in a Cookie header."""

from http.cookies import CookieError, SimpleCookie

SESSION_COOKIE = "pontlevis_session"
DEVICE_COOKIE = "pontlevis_device"  # as the account pages set it


def session_in(cookie: bytes) -> str:
    """The session token in a Cookie header; empty where there is none."""
    return token_in(cookie, SESSION_COOKIE, "ps-")


def token_shown(headers: list[tuple[bytes, bytes]]) -> str:
    """The token of the one Authorization header, or else of the session's cookie; empty where there is neither."""
    cookie = ""
    bearers: list[bytes] = []
    for name, value in headers:
        if name == b"authorization":
            bearers.append(value)
        elif name == b"cookie":
            cookie = session_in(value)
    if not bearers:
        return cookie
    scheme, _, rest = bearers[0].partition(b" ")
    return rest.strip().decode("latin-1") if len(bearers) == 1 and scheme.lower() == b"bearer" else ""


def token_in(cookie: bytes, name: str, prefix: str) -> str:
    if name.encode() not in cookie:
        return ""
    try:
        jar = SimpleCookie(cookie.decode("latin-1"))
    except CookieError:
        return ""
    found = jar.get(name)
    return found.value if found is not None and found.value.startswith(prefix) else ""
