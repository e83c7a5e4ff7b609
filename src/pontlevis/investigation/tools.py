"""What a header fingerprint may say of the tool: ordered header names as well-known clients send them.

Measured here by letting each client ask a socket on loopback: curl 7.88, GNU Wget 1.21, Python 3.11 urllib,
Requests 2, HTTPX 0.28, openai-python, Node's fetch, Chromium. Anybody can send the same names in the same
order, so that a match is a hint and never a proof.
"""

from zlib import crc32

_ORDERS: dict[str, tuple[str, ...]] = {
    "curl": (
        "host user-agent accept",
        "host user-agent accept content-type",
    ),
    "GNU Wget": ("host user-agent accept accept-encoding connection",),
    "Python urllib": (
        "accept-encoding host user-agent connection",
        "accept-encoding host user-agent content-type connection",
    ),
    "Python Requests": (
        "host user-agent accept-encoding accept connection",
        "host user-agent accept-encoding accept connection content-type",
    ),
    "Python HTTPX": (
        "host accept accept-encoding connection user-agent",
        "host accept accept-encoding connection user-agent content-type",
    ),
    "the OpenAI library for Python": (
        "host accept-encoding connection accept content-type user-agent x-stainless-lang x-stainless-package-version"
        " x-stainless-os x-stainless-arch x-stainless-runtime x-stainless-runtime-version x-stainless-async"
        " x-stainless-retry-count x-stainless-read-timeout",
    ),
    "Node's fetch": (
        "host connection accept accept-language sec-fetch-mode user-agent accept-encoding",
        "host connection content-type accept accept-language sec-fetch-mode user-agent accept-encoding",
    ),
    "Chromium": (
        "host connection sec-ch-ua sec-ch-ua-mobile sec-ch-ua-platform upgrade-insecure-requests user-agent accept"
        " sec-fetch-site sec-fetch-mode sec-fetch-user sec-fetch-dest accept-encoding accept-language",
    ),
}
KNOWN = {
    crc32("\n".join(order.split()).encode()): tool for tool, orders in _ORDERS.items() for order in orders
}


def tool_of(fingerprint: int) -> str:
    """The client that sends its headers in this order; empty where none that was measured does."""
    return KNOWN.get(fingerprint, "")
