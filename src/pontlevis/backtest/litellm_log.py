"""LiteLLM's own access log (uvicorn's), plain or as JSON; its lines bear no time unless something adds one."""

import re

import msgspec

from pontlevis.backtest.entry import PASSED, Entry, Read
from pontlevis.backtest.reader import Reading
from pontlevis.backtest.times import any_time, iso

_ACCESS = re.compile(
    r'\[?([0-9a-fA-F.:]{3,45}?)\]?:(\d{1,5}) - "(\S{1,16}) (\S{0,4096})(?: HTTP/[\d.]+)?"? (\d{3})'
)
_LEVEL = re.compile(r"(?:\S+ ){0,3}?(?:\x1b\[\d+m)?(?:INFO|WARNING|ERROR|DEBUG)(?:\x1b\[0m)?:")
_STAMP = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?")


class _Json(msgspec.Struct):
    message: str
    timestamp: str | float | None = None


class LiteLlmLog:
    """``INFO: 192.0.2.1:52782 - "POST /v1/chat/completions HTTP/1.1" 401 Unauthorized``."""

    name = "litellm"

    def __init__(self, reading: Reading) -> None:
        self._zone = reading.zone

    def read(self, line: bytes) -> Read:
        """One line."""
        at: float | None = None
        if line.startswith(b"{"):
            try:
                said = msgspec.json.decode(line, type=_Json)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                return None
            text, at = said.message, any_time(said.timestamp, self._zone)
        else:
            text = line.decode("utf-8", "replace")
            stamp = _STAMP.search(text, 0, 128)
            if stamp is not None:
                at = iso(stamp[0].replace(",", "."), self._zone)
        found = _ACCESS.search(text, 0, 8192)
        if found is None:
            return PASSED if line.startswith(b"{") or _LEVEL.match(text) else None
        source, _, method, path, status = found.groups()
        return Entry(at=at, source=source, method=method, path=path, status=int(status))
