"""One line of the doctor's: what was looked at, how it is, what to do."""

from enum import StrEnum

import msgspec


class Level(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Check(msgspec.Struct, frozen=True):
    """``name`` is stable, for scripts; ``todo`` is empty where nothing is to be done."""

    name: str
    level: Level
    says: str
    todo: str = ""


def ok(name: str, says: str) -> Check:
    return Check(name, Level.OK, says)


def warn(name: str, says: str, todo: str) -> Check:
    return Check(name, Level.WARN, says, todo)


def failed(name: str, says: str, todo: str) -> Check:
    return Check(name, Level.FAIL, says, todo)
