"""What web servers write: Common and Combined Log Format, their error logs, with or without a prefix.

nginx, Apache, Traefik (CLF), Caddy (CLF), lighttpd and HAProxy's CLF all put the address, the time in
brackets and the quoted request in this order; what stands before (a virtual host, a syslog header) and
behind is passed over. Of error logs only failed log-ins are taken.
"""

import re
from datetime import datetime

from pontlevis.backtest.entry import PASSED, Entry, Read
from pontlevis.backtest.reader import Reading
from pontlevis.backtest.times import MONTHS, clf
from pontlevis.brain.observation import Kind, Outcome

_TIME = re.compile(r"\[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d(?: [+-]\d{4})?)\] ?\"?")
_REST = re.compile(
    r'((?:[^"\\]|\\.)*+)" (\d{3}|-)(?: (\d+|-))?(?: "((?:[^"\\]|\\.)*+)" "((?:[^"\\]|\\.)*+)"?)?'
)
_ADDRESS = re.compile(r"(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]{0,4}:[0-9a-fA-F:.]{2,40})(?:%\w{1,16})?$")
_NGINX_ERROR = re.compile(r"(?:^|: )(\d{4})/(\d\d)/(\d\d) (\d\d):(\d\d):(\d\d) \[\w+\] ")
_APACHE_ERROR = re.compile(
    r"(?:^|: )\[\w{3} (\w{3}) +(\d{1,2}) (\d\d):(\d\d):(\d\d)(?:\.\d+)? (\d{4})\] \[[\w-]*:?(?:error|warn|info|notice|debug|crit|alert|emerg|trace\d)\]"
)
_CLIENT = re.compile(r"client:? \[?([0-9a-fA-F.:]+?)\]?[,\]:]")
_APACHE_CLIENT = re.compile(r"\[client (?:\[?([0-9a-fA-F.:]+?)\]?)(?::\d+)?\]")
_USER = re.compile(r'user "?([^":]{0,128}?)"?(?: was not found in|: password mismatch| not found)')
_REQUEST = re.compile(r'request: "(\S{1,16}) (\S{0,2048})')
HEAD = 2048
"""What stands before the time is never longer."""


class WebLog:
    """Access and error lines of web servers, mixed as they may be."""

    name = "combined"

    def __init__(self, reading: Reading) -> None:
        self._zone = reading.zone

    def read(self, line: bytes) -> Read:
        """One line."""
        text = line.decode("utf-8", "replace")
        found = _TIME.search(text, 0, HEAD)
        if found is None:
            return self._error(text)
        at = clf(found[1], self._zone)
        rest = _REST.match(text, found.end())
        if at is None or rest is None:
            return None
        source, user = _who(text[: found.start()])
        if not source:
            return None
        asked, status, size, _, agent = rest.groups()
        method, _, target = asked.partition(" ")
        path, _, protocol = target.rpartition(" ")
        if not protocol.startswith("HTTP/"):
            path = target
        sound = method.isascii() and method.replace("-", "").isalpha() and len(method) <= 32
        return Entry(
            at=at,
            source=source,
            method=method if sound else "",
            path=path if sound else "",
            status=int(status) if status != "-" else 0,
            agent=agent or "",
            account=user,
            size=int(size[:15]) if size and size != "-" else 0,
            challenged=bool(user),
        )

    def _error(self, text: str) -> Read:
        found = _NGINX_ERROR.search(text, 0, HEAD)
        if found is not None:
            year, month, day, hour, minute, second = (int(each) for each in found.groups())
            client = _CLIENT.search(text, found.end())
        else:
            found = _APACHE_ERROR.search(text, 0, HEAD)
            if found is None or found[1] not in MONTHS:
                return None
            month, day = MONTHS[found[1]], int(found[2])
            hour, minute, second, year = (int(each) for each in found.groups()[2:])
            client = _APACHE_CLIENT.search(text, found.end())
        user = _USER.search(text, found.end())
        if user is None or client is None:
            return PASSED
        try:
            whole = datetime(year, month, day, hour, minute, min(59, second), tzinfo=self._zone)
            at = whole.timestamp()
        except (ValueError, OverflowError):
            return None
        asked = _REQUEST.search(text, found.end())
        return Entry(
            at=at,
            source=client[1],
            method=asked[1] if asked else "",
            path=asked[2] if asked else "",
            account=user[1],
            kind=Kind.LOGIN,
            outcome=Outcome.BAD_CREDENTIAL if "mismatch" in user[0] else Outcome.UNKNOWN_USER,
        )


def _who(head: str) -> tuple[str, str]:
    """Address and user name before the time: ``[prefix] address ident user``, some of it missing."""
    words = head.split()
    if not words:
        return "", ""
    place = max(0, len(words) - 3)
    if not _ADDRESS.match(words[place]):
        place = next((at for at, word in enumerate(words) if _ADDRESS.match(word.rstrip(","))), place)
    source = words[place].rstrip(",")
    user = " ".join(words[place + 2 :])
    return source[:64], "" if user == "-" else user[:128].strip('"')
