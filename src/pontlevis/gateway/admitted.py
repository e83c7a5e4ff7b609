"""What is known of a request when its headers are there."""

import msgspec

from pontlevis.gateway.directory import Caller
from pontlevis.gateway.wire import Endpoint


class Admitted(msgspec.Struct, frozen=True):
    """What was learnt of a request when its headers were there."""

    source: str
    fingerprint: int
    caller: Caller | None
    endpoint: Endpoint | None
    """None for pages and the models list."""
    known: bool = False
    turn: int = 0
    """The directory's, when it said who this is."""


def named(caller: Caller | None) -> tuple[str, int, str]:
    """Account, standing and credential of who asks; empty where nobody is recognised."""
    return (caller.account, int(caller.standing), caller.credential) if caller is not None else ("", 0, "")
