"""Reads a report of leaked keys: a JSON list as partners of secret scanners send it, or a form."""

from urllib.parse import parse_qs

import msgspec

from pontlevis.accounts.leaks import MOST_REPORTED, LeakedKey
from pontlevis.accounts.service import AccountError

MOST_BYTES = 262_144  # a hundred lines with long addresses
MOST_FIELDS = 20


class _Line(msgspec.Struct):
    token: str
    type: str = ""
    url: str = ""
    source: str = ""

    def __repr__(self) -> str:
        return f"_Line(type={self.type!r})"


_lines = msgspec.json.Decoder(list[_Line])


def read_report(body: bytes, content_type: str) -> list[LeakedKey]:
    """At least one line. Raises ``AccountError`` 400, and 413 for what is too large."""
    if len(body) > MOST_BYTES:
        raise AccountError(413, "request_too_large", f"a report has at most {MOST_BYTES} bytes")
    kind = content_type.partition(";")[0].strip().lower()
    found = _read_form(body) if kind == "application/x-www-form-urlencoded" else _read_json(body)
    if not found or not all(each.token.strip() for each in found):
        raise AccountError(400, "invalid_body", "each line of a report names a token", param="token")
    if len(found) > MOST_REPORTED:
        raise AccountError(413, "request_too_large", f"a report names at most {MOST_REPORTED} keys")
    return found


def _read_json(body: bytes) -> list[LeakedKey]:
    try:
        return [LeakedKey(each.token, each.type, each.url, each.source) for each in _lines.decode(body)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise AccountError(
            400, "invalid_body", "a report is a JSON list of objects with token, type, url and source"
        ) from None


def _read_form(body: bytes) -> list[LeakedKey]:
    """``token`` may hold several, one a line."""
    try:
        fields = parse_qs(body.decode("utf-8"), max_num_fields=MOST_FIELDS)
    except ValueError:
        raise AccountError(400, "invalid_body", "the form cannot be read") from None
    url, place, kind = (fields.get(name, [""])[0] for name in ("url", "source", "type"))
    tokens = " ".join(fields.get("token", [])).split()
    return [LeakedKey(each, kind, url, place) for each in tokens]
