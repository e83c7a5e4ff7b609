"""What is wrapped around a line by whoever collected it: Docker, Kubernetes, Compose, the systemd journal.

Chosen once for a file, from its first lines; what is inside is then read as if it stood in a file of its own.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from pontlevis.backtest.times import iso, number, shown

ENOUGH = 0.5
"""Share of the first lines that must be wrapped alike."""
_CRI = re.compile(
    rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)) std(?:out|err) [FP] (.*)", re.DOTALL
)
_COMPOSE = re.compile(rb"[\w.-]{1,128} +\| (\{.*)", re.DOTALL)


class Letter(NamedTuple):
    """A line without its envelope, and the time that stood on it."""

    line: bytes
    at: float | None = None


Envelope = Callable[[bytes], Letter | None]
"""None: the line is not wrapped so."""


class _Docker(msgspec.Struct):
    log: str
    time: str


class _Journal(msgspec.Struct):
    """One entry as ``journalctl -o json`` writes it; a message that is no text is a list of bytes."""

    message: str | list[int] | None = msgspec.field(name="MESSAGE", default=None)
    at: str = msgspec.field(name="__REALTIME_TIMESTAMP", default="")
    identifier: str = msgspec.field(name="SYSLOG_IDENTIFIER", default="")
    command: str = msgspec.field(name="_COMM", default="")
    process: str = msgspec.field(name="_PID", default="")
    syslog_process: str = msgspec.field(name="SYSLOG_PID", default="")


_DOCKER = msgspec.json.Decoder(_Docker)
_JOURNAL = msgspec.json.Decoder(_Journal)


def docker(line: bytes) -> Letter | None:
    """Docker's ``json-file``: ``{"log":"…\\n","stream":"stdout","time":"…"}``."""
    if not line.startswith(b"{"):
        return None
    try:
        held = _DOCKER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return Letter(held.log.rstrip("\r\n").encode("utf-8", "replace"), iso(held.time))


def kubernetes(line: bytes) -> Letter | None:
    """The Container Runtime Interface's files: ``2024-02-01T10:00:00.1Z stdout F …``."""
    found = _CRI.match(line)
    return Letter(found[2], iso(found[1].decode())) if found is not None else None


def compose(line: bytes) -> Letter | None:
    """``docker compose logs`` of what writes JSON: ``traefik-1  | {…}``."""
    found = _COMPOSE.match(line)
    return Letter(found[1]) if found is not None else None


def journal(line: bytes) -> Letter | None:
    """The systemd journal's JSON, with a syslog header before the message, as in a file of ``journalctl``."""
    if b'"__REALTIME_TIMESTAMP"' not in line:
        return None
    try:
        held = _JOURNAL.decode(line)
        at = number(float(held.at))
        message = held.message or ""
        text = message.encode("utf-8", "replace") if isinstance(message, str) else bytes(message)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        return None
    if at is None:
        return None
    if text.startswith(b"{"):
        return Letter(text, at)
    program = held.identifier or held.command or "-"
    process = held.process or held.syslog_process
    head = f"{shown(at)} - {program[:64]}{f'[{process[:9]}]' if process else ''}: "
    return Letter(head.encode("utf-8", "replace") + text.replace(b"\n", b" "), at)


ENVELOPES: dict[str, Envelope] = {
    "docker": docker, "kubernetes": kubernetes, "compose": compose, "journald": journal,
}  # fmt: skip


def envelope_of(lines: Sequence[bytes]) -> tuple[str, Envelope | None]:
    """How these first lines are wrapped, with the envelope's name; empty and None where they are bare."""
    sample = [line for line in lines if line.strip()]
    for name, envelope in ENVELOPES.items():
        wrapped = sum(envelope(line) is not None for line in sample)
        if wrapped and wrapped >= ENOUGH * len(sample):
            return name, envelope
    return "", None
