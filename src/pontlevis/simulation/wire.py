"""Bodies of the OpenAI API as vLLM writes them, extra fields and nulls among them."""

import base64
import hashlib
import struct

import msgspec

from pontlevis.simulation.call import BYTES_PER_TOKEN, BadCall, Call
from pontlevis.simulation.text import seed_of

OWNER = "pontlevis-engine-sim"
DIMENSIONS = 16  # of an embedding where the client names none
MOST_DIMENSIONS = 4096
MOST_TEXTS = 2048  # of one call, as the OpenAI API allows

encode = msgspec.json.Encoder().encode

_ERROR_TYPES = {400: "BadRequestError", 404: "NotFoundError", 405: "MethodNotAllowed", 413: "RequestTooLarge"}


def error(status: int, message: str, code: str, param: str | None = None) -> bytes:
    return encode({"error": {"message": message, "type": _ERROR_TYPES[status], "param": param, "code": code}})


def models(names: list[str], created: int, context: int) -> bytes:
    return encode({"object": "list", "data": [model(name, created, context) for name in names]})


def model(name: str, created: int, context: int) -> dict[str, object]:
    return {
        "id": name,
        "object": "model",
        "created": created,
        "owned_by": OWNER,
        "root": name,
        "parent": None,
        "max_model_len": context,
    }


def usage(prompt: int, answer: int) -> dict[str, object]:
    return {
        "prompt_tokens": prompt,
        "total_tokens": prompt + answer,
        "completion_tokens": answer,
        "prompt_tokens_details": None,
    }


def embeddings(call: Call) -> bytes:
    """Vectors of length one that depend on the text alone. Raises ``BadCall`` for an input that cannot be read."""
    raw = bytes(call.input)
    size = DIMENSIONS if call.dimensions is None else call.dimensions
    if not 1 <= size <= MOST_DIMENSIONS:
        raise BadCall(f"dimensions must lie between 1 and {MOST_DIMENSIONS}.", "dimensions")
    given: object = msgspec.json.decode(raw) if raw else None
    if not given or not isinstance(given, str | list):
        raise BadCall("input must be a text or a list of texts or tokens, and not empty.", "input")
    # A list of numbers is one text of tokens.
    one = isinstance(given, str) or isinstance(given[0], int)
    each_text = [raw] if one else [encode(each) for each in given]
    if len(each_text) > MOST_TEXTS:
        raise BadCall(f"input holds {len(each_text)} texts, at most {MOST_TEXTS} are taken.", "input")
    data = [
        {"object": "embedding", "index": index, "embedding": _vector(text, size, call.encoding_format)}
        for index, text in enumerate(each_text)
    ]
    tokens = sum(max(1, len(text) // BYTES_PER_TOKEN) for text in each_text)
    counted = {
        "prompt_tokens": tokens,
        "total_tokens": tokens,
        "completion_tokens": 0,
        "prompt_tokens_details": None,
    }
    return encode(
        {
            "id": f"embd-{seed_of(raw):08x}",
            "object": "list",
            "model": call.model,
            "data": data,
            "usage": counted,
        }
    )


def _vector(text: bytes, size: int, encoding: str | None) -> list[float] | str:
    digest = hashlib.shake_128(text).digest(2 * size)
    numbers = [each / 2**15 - 1.0 for each in struct.unpack(f"<{size}H", digest)]
    length = sum(each * each for each in numbers) ** 0.5 or 1.0
    vector = [each / length for each in numbers]
    if encoding == "base64":
        return base64.b64encode(struct.pack(f"<{size}f", *vector)).decode()
    return vector
