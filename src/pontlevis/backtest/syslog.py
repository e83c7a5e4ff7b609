"""What stands before a syslog message: when, which program, which process. In all the ways that daemons write it."""

import re
from typing import NamedTuple

from pontlevis.backtest.reader import Reading
from pontlevis.backtest.times import Yearless, iso, number

_PRIORITY = re.compile(r"<\d{1,3}>(?:(\d) )?")
_NEW = re.compile(
    r"(\S{1,64}) \S{1,255} (\S{1,64}) (\S{1,128}) \S{1,64} (?:-|(?:\[(?:[^\]\\]|\\.)*+\])++) ?\ufeff?"
)
"""RFC 5424 after its version: time, host, program, process, message's name, structured data."""
_STAMP = re.compile(
    r"(?:[A-Z][a-z]{2} )?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)(?: [A-Z]{1,5}(?= ))?"
)
_UNIX = re.compile(r"(\d{9,10}\.\d{1,9})(?= )")
_FRACTION = re.compile(r"\.\d{1,9}")
_PROGRAM = re.compile(r" (?:\S{1,256} )?([\w./-]{1,64})(?:\[(\d{1,9})\])?: ")


class Message(NamedTuple):
    """One line's message, and by whom it was written."""

    at: float
    program: str
    process: str
    """Its number, empty where it was not written."""
    begins: int
    """Where in the line."""


class Heads:
    """Reads them line by line: a time without a year goes on from the one before.

    RFC 3164 and RFC 5424, with a priority or without; times of ``journalctl -o short-iso``, ``short-precise``,
    ``short-full`` and ``short-unix``. The name of a zone says nothing: ``--timezone`` does.
    """

    def __init__(self, reading: Reading) -> None:
        self._zone = reading.zone
        self._yearless = Yearless(reading.year, reading.zone)

    def read(self, text: str) -> Message | None:
        """None where the line begins with nothing of the sort."""
        begins = 0
        if text.startswith("<"):
            priority = _PRIORITY.match(text)
            if priority is None:
                return None
            begins = priority.end()
            if priority[1]:
                return self._new(text, begins)
        at, end = self._time(text, begins)
        if at is None:
            return None
        program = _PROGRAM.match(text, end)
        return Message(at, program[1], program[2] or "", program.end()) if program is not None else None

    def _time(self, text: str, begins: int) -> tuple[float | None, int]:
        stamp = _STAMP.match(text, begins)
        if stamp is not None:
            return iso(stamp[1], self._zone), stamp.end()
        read = self._yearless.read(text[begins:] if begins else text)
        if read is not None:
            end = begins + read[1]
            fraction = _FRACTION.match(text, end)
            return read[0], fraction.end() if fraction is not None else end
        unix = _UNIX.match(text, begins)
        return (number(float(unix[1])), unix.end()) if unix is not None else (None, 0)

    def _new(self, text: str, begins: int) -> Message | None:
        found = _NEW.match(text, begins)
        at = iso(found[1], self._zone) if found is not None else None
        if found is None or at is None:
            return None
        return Message(at, found[2], found[3] if found[3].isdigit() else "", found.end())
