"""What a child process of the supervisor needs to start: settings from a private file, an end when its parent ends."""

import ctypes
import logging
import os
import resource
import signal
import sys
from pathlib import Path

import msgspec

from pontlevis.config import Settings

_PR_SET_PDEATHSIG = 1  # prctl(2)
WANTED_FILES = 65_536  # open files; each client connection is one


def end_with_parent(parent: int) -> None:
    """Asks the kernel for SIGTERM when the parent dies; ends at once where it is dead already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        raise SystemExit("the supervisor has ended")


def raise_file_limit() -> int:
    """Raises the soft limit on open files as far as allowed; returns what holds."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED_FILES if hard == resource.RLIM_INFINITY else min(WANTED_FILES, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return soft


def set_up_logging() -> None:
    """One line an event on standard error; control characters, which an attacker might send, are escaped."""
    handler = logging.StreamHandler()
    handler.setFormatter(_OneLine("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for chatty in ("uvicorn", "alembic", "httpx"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


class _OneLine(logging.Formatter):
    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        text = super().formatMessage(record)
        return "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in text)


def say_no_more() -> None:
    """At exit, after all else: native modules then list on standard error every function that they leave behind."""
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def write_settings(settings: Settings, path: Path) -> None:
    """Secrets of engines are in it: mode 0600."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(settings.model_dump_json().encode())


def read_settings(path: Path) -> Settings:
    return Settings(**msgspec.json.decode(path.read_bytes()))
