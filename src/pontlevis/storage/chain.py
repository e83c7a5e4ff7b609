"""The chain of the audit log: what one line's hash is made of, and how the chain is checked.

Each line carries the SHA-256 of its own content and of the line before, so that whoever changes, removes
or adds one must write every later one anew (Haber and Stornetta, "How to Time-Stamp a Digital Document",
1991; the layout is that of RFC 9162's leaf hash with a list in place of a tree). The end of the chain stands
in a row of its own and, where a key is at hand, under an HMAC of it, so that a shortened chain is seen too.
"""

import hmac
import json
from dataclasses import dataclass
from hashlib import sha256

NOTHING = "0" * 64
"""What stands before the first line."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the audit log. ``at`` is Unix seconds."""

    at: float
    actor: str
    event: str
    subject: str
    detail: str


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain ends: how many lines were ever written, the last one's id and hash.

    ``base_hash`` is the hash of the last line that retention removed, ``base_count`` how many it removed;
    ``NOTHING`` and 0 where none was.
    """

    count: int
    last_id: int
    hash: str
    base_count: int = 0
    base_hash: str = NOTHING


def line_hash(prior: str, line: Line) -> str:
    """64 hexadecimal digits. ``prior`` is the hash of the line before, ``NOTHING`` for the first."""
    # JSON with fixed separators: no content of one field can be taken for another's.
    content = json.dumps(
        [prior, repr(float(line.at)), line.actor, line.event, line.subject, line.detail],
        ensure_ascii=True,
        separators=(",", ":"),
    )
    return sha256(b"pontlevis audit 1\n" + content.encode()).hexdigest()


def head_mac(key: bytes, head: Head) -> str:
    """64 hexadecimal digits: HMAC-SHA256 over the whole head."""
    content = f"pontlevis audit head 1\n{head.count}\n{head.last_id}\n{head.hash}\n{head.base_count}\n{head.base_hash}"
    return hmac.new(key, content.encode(), sha256).hexdigest()
