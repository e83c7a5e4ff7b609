"""Which reader reads a file: said by the operator, or seen from its first lines."""

import re
from collections.abc import Callable, Sequence

from pontlevis.backtest.auth_log import AuthLog
from pontlevis.backtest.entry import Entry, Passed
from pontlevis.backtest.json_lines import JsonLines
from pontlevis.backtest.litellm_log import LiteLlmLog
from pontlevis.backtest.reader import Reader, Reading
from pontlevis.backtest.series import Series
from pontlevis.backtest.web_log import WebLog

READERS: dict[str, Callable[[Reading], Reader]] = {
    "combined": WebLog,
    "json": JsonLines,
    "litellm": LiteLlmLog,
    "auth": AuthLog,
    "series": Series,
}
"""By name; in this order where two read a line equally well."""
ALSO = {
    "common": "combined", "clf": "combined", "apache": "combined", "nginx": "combined", "traefik": "combined",
    "jsonl": "json", "nginx-json": "json", "traefik-json": "json", "caddy": "json",
    "sshd": "auth", "syslog": "auth", "csv": "series", "uvicorn": "litellm",
}  # fmt: skip
"""Other names of them."""
FIRST_LINES = 100
"""So many lines are looked at."""
ENOUGH = 0.2
"""A format is recognised when this share of them can be read."""


_ARRAY = re.compile(rb"\s*\[\s*(?:\{|$)")


class UnknownFormat(ValueError):
    """No reader reads enough of the first lines, or none has this name."""


def named(name: str, reading: Reading) -> Reader:
    """The reader of a format; raises ``UnknownFormat``."""
    chosen = READERS.get(ALSO.get(name, name))
    if chosen is None:
        raise UnknownFormat(f"no format is called {name!r}; there are {', '.join([*READERS, *ALSO])}")
    return chosen(reading)


def recognised(lines: Sequence[bytes], reading: Reading) -> Reader:
    """The reader that makes most of these first lines; raises ``UnknownFormat`` where none makes enough."""
    sample = [line for line in lines[:FIRST_LINES] if line.strip()]
    best, most = "", 0.0
    for name, make in READERS.items():
        reader = make(reading)
        acts, score = 0, 0.0
        for line in sample:
            read = reader.read(line.rstrip(b"\r"))
            # A line that is passed over speaks for a format too, but less.
            acts += isinstance(read, Entry)
            score += 1.0 if isinstance(read, Entry) else 0.5 if isinstance(read, Passed) else 0.0
        if score > most and (acts or name != "series"):  # any first line may name columns
            best, most = name, score
    if sample and _ARRAY.match(sample[0]):
        raise UnknownFormat(
            "it is one JSON array; one object a line is read: jq -c '.[]' FILE | pontlevis backtest -"
        )
    if not sample or most < ENOUGH * len(sample):
        raise UnknownFormat("none of the known formats fits its first lines; name it with --format")
    return READERS[best](reading)
