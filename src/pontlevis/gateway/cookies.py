"""Tokens in a Cookie header."""

from http.cookies import CookieError, SimpleCookie

SESSION_COOKIE = "pontlevis_session"
DEVICE_COOKIE = "pontlevis_device"  # as the account pages set it


def session_in(cookie: bytes) -> str:
    """The session token in a Cookie header; empty where there is none."""
    return token_in(cookie, SESSION_COOKIE, "ps-")


def token_in(cookie: bytes, name: str, prefix: str) -> str:
    if name.encode() not in cookie:
        return ""
    try:
        jar = SimpleCookie(cookie.decode("latin-1"))
    except CookieError:
        return ""
    found = jar.get(name)
    return found.value if found is not None and found.value.startswith(prefix) else ""
