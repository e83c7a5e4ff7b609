"""Tokens in a Cookie header."""

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
    """The value of that name, the last where there are several, as the controller reads it; empty where it begins otherwise.

    Python's own parser takes a second of CPU for 31 KB of quoted backslashes (CVE-2024-7592). Our tokens are never quoted.
    """
    wanted, found = name.encode(), b""
    if wanted not in cookie:
        return ""
    for pair in cookie.split(b";"):
        key, _, value = pair.partition(b"=")
        if key.strip() == wanted:
            found = value.strip()
    text = found.decode("latin-1")
    return text if text.startswith(prefix) else ""
