"""The parts of the OpenAI API that the gateway must understand; everything else passes through untouched."""

from enum import StrEnum
from itertools import product

import msgspec

from pontlevis.gateway.pictures import IMAGE_TOKENS, items_of, pictures_in

BYTES_PER_TOKEN = 4  # OpenAI's own rule of thumb for English text
MOST_CHOICES = 128  # of n and best_of; OpenAI's own bound for n
MOST_PROMPTS = 2_048  # of one call; OpenAI's own bound for the inputs of an embeddings call
MOST_FIELDS = (
    20_000  # of a body that is written anew, by its colons: three hundred thousand take half a second
)
_INJECTED = b'"stream_options":{"include_usage":true},'


class Endpoint(StrEnum):
    """The calls that are relayed. Anything else under /v1 is refused."""

    CHAT = "/v1/chat/completions"
    COMPLETIONS = "/v1/completions"
    EMBEDDINGS = "/v1/embeddings"
    RESPONSES = "/v1/responses"


ENDPOINTS = {path: each for each in Endpoint for path in (each.value, each.value + "/")}
"""By path; a slash at the end is what many programs put there."""
MODELS = "/v1/models"


class StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class _Asked(msgspec.Struct):
    model: str
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | float | None = None
    max_completion_tokens: int | float | None = None
    max_output_tokens: int | float | None = None
    n: int | None = None


class _Chat(_Asked):
    messages: msgspec.Raw = msgspec.Raw()
    """Not a list of them: a million empty ones would cost a tenth of a second."""


class _Completion(_Asked):
    prompt: msgspec.Raw = msgspec.Raw()
    best_of: int | None = None


class _Input(_Asked):
    input: msgspec.Raw = msgspec.Raw()


_DECODERS: dict[
    Endpoint, msgspec.json.Decoder[_Chat] | msgspec.json.Decoder[_Completion] | msgspec.json.Decoder[_Input]
] = {
    Endpoint.CHAT: msgspec.json.Decoder(_Chat),
    Endpoint.COMPLETIONS: msgspec.json.Decoder(_Completion),
    Endpoint.EMBEDDINGS: msgspec.json.Decoder(_Input),
    Endpoint.RESPONSES: msgspec.json.Decoder(_Input),
}


def _spellings() -> type[msgspec.Struct]:
    """Has a field for each way to write ``model`` and ``models`` in large and small letters; what else a body names is skipped
    at no cost, where a dictionary of three hundred thousand names took a fifth of a second."""
    words = [
        "".join(letters)
        for word in ("model", "models")
        for letters in product(*((each, each.upper()) for each in word))
    ]
    others = {f"spelling_{number}": word for number, word in enumerate(words) if word != "model"}
    fields = [(name, msgspec.Raw, msgspec.Raw()) for name in others]
    return msgspec.defstruct("_Spellings", fields, rename=others, gc=False)


_SPELLINGS = _spellings()


class BadBody(ValueError):
    """The body is not what the endpoint takes; the text says why, ``param`` where."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


class InferenceCall(msgspec.Struct, frozen=True, gc=False):
    """What the gateway needs to know of a request body."""

    model: str
    stream: bool
    input_tokens: int
    """Estimated."""
    output_tokens: int
    """What the client allows at most; 0 where it does not say."""
    body: bytes
    """To be sent to the engine: the client's own bytes, with usage asked for where it was not."""
    hide_usage: bool
    """The client did not ask for the usage event, so it must not see it."""
    choices: int = 1
    """Answers asked for."""
    injected_at: int = -1
    """Where usage is asked for in ``body``; -1 where the client did, or the body had to be written anew."""
    replaced: bytes | None = None
    """The client's own body where it had to be written anew."""

    @property
    def rewritten(self) -> bool:
        """Whether usage is asked for in the client's name."""
        return self.injected_at >= 0 or self.replaced is not None

    @property
    def original(self) -> bytes:
        """The client's own bytes; not kept beside ``body`` where they can be had from it, for bodies are large."""
        if self.injected_at < 0:
            return self.body if self.replaced is None else self.replaced
        return self.body[: self.injected_at] + self.body[self.injected_at + len(_INJECTED) :]


def read_call(endpoint: Endpoint, body: bytes) -> InferenceCall:
    """Understands a body. Raises ``BadBody``."""
    try:
        return _read_call(endpoint, body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        # Also what the decoder passed over at first, and a second look finds to be no text.
        raise BadBody(*_explain(error)) from None


def names_its_model_twice(body: bytes) -> bool:
    """Whether a body that was understood names ``model`` in another spelling too, such as ``Model``, or ``models`` to choose
    from: which of them an engine goes by is the engine's affair."""
    found = msgspec.json.decode(body, type=_SPELLINGS)
    return any(len(memoryview(getattr(found, field))) for field in found.__struct_fields__)


def _holds_something(listed: msgspec.Raw) -> bool:
    view = memoryview(listed)
    if view[:2] == b"[{":  # type: ignore[comparison-overlap]  # nearly always
        return True
    begins = bytes(view[:100])
    return begins[:1] == b"[" and begins[1:].lstrip()[:1] != b"]"


def _read_call(endpoint: Endpoint, body: bytes) -> InferenceCall:
    asked = _DECODERS[endpoint].decode(body)
    if not asked.model or len(asked.model) > 256:
        raise BadBody("you must provide a model parameter of 1 to 256 characters", "model")
    if not asked.model.isprintable():
        raise BadBody("the model parameter holds characters that no model's name has", "model")
    choices = _choices(asked.n, "n")
    if isinstance(asked, _Chat):
        if not _holds_something(asked.messages):
            raise BadBody("messages must be a list of at least one message", "messages")
    elif isinstance(asked, _Completion):
        if not bytes(asked.prompt):
            raise BadBody("you must provide a prompt parameter", "prompt")
        choices = max(choices, _choices(asked.best_of, "best_of")) * _prompts(asked.prompt)
    elif not bytes(asked.input):
        raise BadBody("you must provide an input parameter", "input")
    stream = bool(asked.stream)
    output = _output_cap(asked) * choices if endpoint is not Endpoint.EMBEDDINGS else 1
    sent, hide, at = body, False, -1
    replaced: bytes | None = None
    if stream and endpoint in (Endpoint.CHAT, Endpoint.COMPLETIONS):
        hide = asked.stream_options is None or not asked.stream_options.include_usage
        if asked.stream_options is None and b'"stream_options"' not in body:
            at = body.index(b"{") + 1
            sent = b"%b%b%b" % (body[:at], _INJECTED, body[at:])
        elif hide and body.count(b":") > MOST_FIELDS:
            hide = False  # what the engine does not count is estimated
        elif hide:
            sent, replaced = _with_usage(body), body
    tokens = _input_tokens(body, asked)
    return InferenceCall(asked.model, stream, tokens, output, sent, hide, choices, at, replaced)


def _output_cap(asked: _Asked) -> int:
    caps = [
        value
        for value in (asked.max_tokens, asked.max_completion_tokens, asked.max_output_tokens)
        if value is not None
    ]
    if any(value < 0 or value > 2**31 for value in caps):
        raise BadBody("max_tokens must be between 0 and 2147483648", "max_tokens")
    return int(min(caps)) if caps else 0


def _choices(asked: int | None, param: str) -> int:
    if asked is not None and not 1 <= asked <= MOST_CHOICES:
        raise BadBody(f"{param} must be between 1 and {MOST_CHOICES}", param)
    return asked or 1


def _prompts(prompt: msgspec.Raw) -> int:
    """How many are answered: a list of texts, or of lists of tokens, is several; each costs an answer."""
    raw = bytes(prompt)
    if not raw.startswith(b"["):
        return 1
    listed = msgspec.json.decode(raw, type=list[msgspec.Raw])
    several = len(listed) if listed and bytes(listed[0])[:1] in (b'"', b"[") else 1
    if several > MOST_PROMPTS:
        raise BadBody(f"at most {MOST_PROMPTS} prompts are taken at once", "prompt")
    return several


def _input_tokens(body: bytes, asked: _Chat | _Completion | _Input) -> int:
    images = size = 0
    if b'"data:' in body and not isinstance(asked, _Completion):
        images, size = pictures_in(items_of(asked.messages if isinstance(asked, _Chat) else asked.input))
    return max(1, (len(body) - size) // BYTES_PER_TOKEN + images * IMAGE_TOKENS)


def _with_usage(body: bytes) -> bytes:
    """Rewrites a body whose stream options leave usage out."""
    fields: dict[str, msgspec.Raw] = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    options: object = msgspec.json.decode(fields.get("stream_options", msgspec.Raw(b"{}")))
    merged = {**options, "include_usage": True} if isinstance(options, dict) else {"include_usage": True}
    fields["stream_options"] = msgspec.Raw(msgspec.json.encode(merged))
    return msgspec.json.encode(fields)


def _explain(error: Exception) -> tuple[str, str | None]:
    if isinstance(error, msgspec.ValidationError):
        text, _, path = str(error).partition(" - at `$.")
        if "missing required field `model`" in text:
            return "you must provide a model parameter", "model"
        param = path.rstrip("`") or None
        return (f"{param}: {text}" if param else text), param
    if isinstance(error, RecursionError):
        return "the JSON body is nested too deeply", None
    return "we could not parse the JSON body of your request", None
