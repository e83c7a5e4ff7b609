"""An engine's own error, in the shape that the API's clients read.

vLLM, llama.cpp and hosted APIs answer ``{"error": {…}}``; SGLang the same without the wrapping, TGI and Ollama a bare
text, what is built on FastAPI its ``detail``, and a proxy before an engine a page of HTML.
"""

import re

import msgspec

from pontlevis.gateway.answers import REASONS, error_type

MOST_TEXT = 500  # characters of a text that is no JSON
_KEPT = (b"retry-after", b"content-language")
_TRACE = re.compile(r'\n\s*(?:File "|Traceback )')  # SGLang adds where in its own files a check failed
_JSON = b"content-type: application/json\r\n"


def shaped(status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> tuple[bytes, bytes]:
    """Header lines and body for the client: the engine's bytes where they have the shape, else its words in it."""
    kept = b"".join(b"%b: %b\r\n" % field for field in headers if field[0] in _KEPT)
    try:
        said: object = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        said = _text(status, headers, body)
    if isinstance(said, dict) and isinstance(said.get("error"), dict):
        return _JSON + kept, body
    return _JSON + kept, msgspec.json.encode({"error": _error(status, said)})


def _error(status: int, said: object) -> dict[str, object]:
    error: dict[str, object] = {"message": "", "type": error_type(status), "code": None, "param": None}
    if isinstance(said, dict):
        # What an engine says beside the message is kept, as it is where the error was wrapped already.
        error |= {
            str(name): value for name, value in said.items() if name not in ("object", "error", "detail")
        }
        kind = said.get("error_type")
        if isinstance(kind, str):
            error["type"] = kind
        words = [said.get(name) for name in ("message", "error", "detail")]
    else:
        words = [said]
    error["message"] = next(filter(None, map(_words, words)), _reason(status))
    return error


def _words(said: object) -> str:
    """A sentence of what FastAPI and others put into one field; empty where there is none."""
    if isinstance(said, str):
        return _TRACE.split(said, maxsplit=1)[0].strip()
    if isinstance(said, list):
        return "; ".join(filter(None, map(_words, said)))
    if isinstance(said, dict):
        where = said.get("loc")
        path = ".".join(map(str, where)) + ": " if isinstance(where, list) else ""
        return path + (_words(said.get("msg")) or _words(said.get("message")))
    return ""


def _text(status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> str:
    kind = next((value for name, value in headers if name == b"content-type"), b"")
    text = body[: MOST_TEXT * 4].decode("utf-8", "replace").strip()
    return _reason(status) if b"html" in kind or text.startswith("<") else text[:MOST_TEXT]


def _reason(status: int) -> str:
    return f"the engine answered {status} {REASONS.get(status, b'').decode()}".strip()
