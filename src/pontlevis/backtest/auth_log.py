"""sshd and what else logs through PAM: each line one log-in, or none.

A failure that sshd tells in two lines counts once: the second is known by its process.
"""

import re

from pontlevis.backtest.entry import PASSED, Entry, Read
from pontlevis.backtest.reader import Reading
from pontlevis.backtest.times import Yearless, iso
from pontlevis.brain.observation import Kind, Outcome

_PROGRAM = re.compile(r" (?:\S{1,256} )?([\w./-]{1,64})(?:\[(\d{1,9})\])?: ")
_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)")
_FROM = r"(.{0,128}?) from (\S{1,64}) port \d+"
_FAILED = re.compile(
    r"(?:message repeated (\d{1,5}) times: \[ )?Failed (password|keyboard-interactive/pam|none) for (invalid user )?"
    + _FROM
)
_ACCEPTED = re.compile(
    r"Accepted (?:password|publickey|keyboard-interactive/pam|gssapi-with-mic|hostbased) for " + _FROM
)
_GONE = re.compile(
    r"(?:Connection (?:closed|reset)|Disconnected) (?:by|from) (invalid|authenticating) user (.{0,128}?) (\S{1,64}) port \d+"
)
_PAM = re.compile(
    r"pam_\w+\((\S{1,64}?):auth\): authentication failure;.{0,256}? rhost=(\S{1,64})(?: +user=(\S{0,128}))?"
)
MOST_PROCESSES = 4096


class AuthLog:
    """Lines with a syslog time (no year) or an RFC 3339 one."""

    name = "auth"

    def __init__(self, reading: Reading) -> None:
        self._zone = reading.zone
        self._yearless = Yearless(reading.year, reading.zone)
        self._told: dict[str, None] = {}
        """Processes whose log-in has been counted."""

    def read(self, line: bytes) -> Read:
        """One line."""
        text = line.decode("utf-8", "replace")
        stamp = _STAMP.match(text)
        if stamp is not None:
            at, end = iso(stamp[1], self._zone), stamp.end()
        else:
            read = self._yearless.read(text)
            at, end = read if read is not None else (None, 0)
        if at is None:
            return None
        program = _PROGRAM.match(text, end)
        if program is None:
            return None
        said = text[program.end() : program.end() + 1024]
        entry = self._sshd(said, program[2] or "") if "ssh" in program[1] else self._pam(said)
        if entry is None:
            return PASSED
        entry.at = at
        return entry

    def _sshd(self, said: str, process: str) -> Entry | None:
        found = _FAILED.match(said)
        if found is not None:
            self._tell(process)
            times, _, unknown, user, source = found.groups()
            outcome = Outcome.UNKNOWN_USER if unknown else Outcome.BAD_CREDENTIAL
            return _login(source, user, outcome, int(times or 1))
        found = _ACCEPTED.match(said)
        if found is not None:
            self._tell(process)
            return _login(found[2], found[1], Outcome.OK)
        found = _GONE.match(said)
        if found is None or process in self._told:
            return None
        self._tell(process)
        outcome = Outcome.UNKNOWN_USER if found[1] == "invalid" else Outcome.BAD_CREDENTIAL
        return _login(found[3], found[2], outcome)

    def _pam(self, said: str) -> Entry | None:
        found = _PAM.search(said)
        if found is None or found[1] == "sshd":
            return None
        return _login(found[2], found[3] or "", Outcome.BAD_CREDENTIAL)

    def _tell(self, process: str) -> None:
        if process and process not in self._told:
            if len(self._told) >= MOST_PROCESSES:
                del self._told[next(iter(self._told))]
            self._told[process] = None


def _login(source: str, user: str, outcome: Outcome, count: int = 1) -> Entry:
    return Entry(source=source, account=user, kind=Kind.LOGIN, outcome=outcome, count=max(1, count))
