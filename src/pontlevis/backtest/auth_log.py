"""sshd and what else logs through PAM: each line one log-in, or none.

A failure that sshd tells in several lines counts once: the others are known by their process.
"""

import re

from pontlevis.backtest.entry import PASSED, Entry, Read
from pontlevis.backtest.reader import Reading
from pontlevis.backtest.syslog import Heads
from pontlevis.brain.observation import Kind, Outcome

_FROM = r"(.{0,128}) from (\S{1,64}) port \d+"
"""The last of them in the line: a user name may say `` from 192.0.2.1 port 1`` too, and is chosen by whoever asks."""
_FAILED = re.compile(
    r"(?:message repeated (\d{1,5}) times: \[ )?Failed (password|keyboard-interactive/pam|none) for (invalid user )?"
    + _FROM
)
_ACCEPTED = re.compile(
    r"Accepted (?:password|publickey|keyboard-interactive/pam|gssapi-with-mic|hostbased) for " + _FROM
)
_INVALID = re.compile(r"(?:Invalid|Illegal) user (.{0,128}) from (\S{1,64})(?: port \d+)?$")
_GONE = re.compile(
    r"(?:Connection (?:closed|reset)|Disconnected) (?:by|from) (invalid|authenticating) user (.{0,128}) (\S{1,64}) port \d+"
)
_PAM = re.compile(
    r"pam_\w+\((\S{1,64}?):auth\): authentication failure;.{0,256}? rhost=(\S{1,64})(?: +user=(\S{0,128}))?"
)
MOST_PROCESSES = 4096


class AuthLog:
    """Lines with a syslog header of whatever form: see ``syslog``."""

    name = "auth"

    def __init__(self, reading: Reading) -> None:
        self._heads = Heads(reading)
        self._told: dict[str, None] = {}
        """Processes whose log-in has been counted."""
        self._ahead: dict[str, None] = {}
        """Those of them that named an unknown user, and have not said yet that the password failed too."""

    def read(self, line: bytes) -> Read:
        """One line."""
        text = line.decode("utf-8", "replace")
        head = self._heads.read(text)
        if head is None:
            return None
        said = text[head.begins : head.begins + 1024]
        entry = self._sshd(said, head.process) if "ssh" in head.program else self._pam(said)
        if entry is None:
            return PASSED
        entry.at = head.at
        return entry

    def _sshd(self, said: str, process: str) -> Entry | None:
        found = _FAILED.match(said)
        if found is not None:
            times, _, unknown, user, source = found.groups()
            if unknown and process in self._ahead and not times:
                del self._ahead[process]
                return None
            self._tell(process)
            outcome = Outcome.UNKNOWN_USER if unknown else Outcome.BAD_CREDENTIAL
            return _login(source, user, outcome, int(times or 1))
        found = _ACCEPTED.match(said)
        if found is not None:
            self._tell(process)
            return _login(found[2], found[1], Outcome.OK)
        found = _INVALID.match(said) if process else None
        if found is not None:
            self._tell(process)
            _remember(self._ahead, process)
            return _login(found[2], found[1], Outcome.UNKNOWN_USER)
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
        if process:
            _remember(self._told, process)


def _remember(processes: dict[str, None], process: str) -> None:
    if process not in processes:
        if len(processes) >= MOST_PROCESSES:
            del processes[next(iter(processes))]
        processes[process] = None


def _login(source: str, user: str, outcome: Outcome, count: int = 1) -> Entry:
    return Entry(source=source, account=user, kind=Kind.LOGIN, outcome=outcome, count=max(1, count))
