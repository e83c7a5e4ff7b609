"""Bodies that the simulated engine reads and writes, in the shapes of the OpenAI API as vLLM serves it."""

import hashlib
from typing import Literal

import msgspec

from pontlevis.simulation.text import natural_length, seed_of, words

Kind = Literal["chat", "completion", "response"]


class _Extension(msgspec.Struct):
    output_tokens: int = 0


class _StreamOptions(msgspec.Struct):
    include_usage: bool = False


class SimulatedCall(msgspec.Struct):
    """What the engine looks at; everything else is tolerated."""

    model: str
    messages: list[msgspec.Raw] | None = None
    prompt: msgspec.Raw = msgspec.Raw()
    input: msgspec.Raw = msgspec.Raw()
    stream: bool | None = False
    stream_options: _StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    max_output_tokens: int | None = None
    tools: list[msgspec.Raw] | None = None
    tool_choice: msgspec.Raw = msgspec.Raw()
    pontlevis_sim: _Extension | None = None

    @property
    def calls_tool(self) -> bool:
        return bool(self.tools) and bytes(self.tool_choice) != b'"none"'

    @property
    def tool_name(self) -> str:
        try:
            tool = msgspec.json.decode(self.tools[0], type=_Tool) if self.tools else _Tool()
        except msgspec.DecodeError:
            tool = _Tool()
        return tool.function.name


class _Function(msgspec.Struct):
    name: str = "unnamed"


class _Tool(msgspec.Struct):
    function: _Function = msgspec.field(default_factory=_Function)


decode_call = msgspec.json.Decoder(SimulatedCall).decode
encode = msgspec.json.Encoder().encode


def output_tokens(call: SimulatedCall, body: bytes) -> int:
    """How long the answer will be."""
    asked = call.pontlevis_sim.output_tokens if call.pontlevis_sim is not None else 0
    wanted = asked if asked > 0 else natural_length(seed_of(body))
    caps = [each for each in (call.max_tokens, call.max_completion_tokens, call.max_output_tokens) if each]
    return max(1, min([wanted, *caps]))


def error(status: int, message: str, code: str) -> tuple[int, bytes]:
    kind = "NotFoundError" if status == 404 else "BadRequestError"
    return status, encode({"error": {"message": message, "type": kind, "param": None, "code": code}})


def models(names: list[str], created: int) -> bytes:
    return encode(
        {
            "object": "list",
            "data": [
                {
                    "id": name,
                    "object": "model",
                    "created": created,
                    "owned_by": "pontlevis-engine-sim",
                    "root": name,
                    "parent": None,
                    "max_model_len": 65_536,
                }
                for name in names
            ],
        }
    )


def usage(prompt: int, completion: int) -> dict[str, object]:
    return {
        "prompt_tokens": prompt,
        "total_tokens": prompt + completion,
        "completion_tokens": completion,
        "prompt_tokens_details": None,
    }


class Answer:
    """Writes one request's answer, plain or as a stream."""

    __slots__ = ("_call", "_created", "_id", "_kind", "_said", "_seed", "prompt_tokens", "stream", "tokens")

    def __init__(
        self, kind: Kind, id_: str, call: SimulatedCall, seed: int, prompt_tokens: int, created: int
    ) -> None:
        self._kind = kind
        self._id = id_
        self._call = call
        self._seed = seed
        self._created = created
        self._said = 0
        self.prompt_tokens = prompt_tokens
        self.tokens = 0
        self.stream = bool(call.stream)

    def more(self, tokens: int) -> bytes:
        """Events for so many more tokens."""
        first = self._said == 0
        text = words(self._seed, self._said, tokens)
        self._said += tokens
        self.tokens += tokens
        if self._kind == "chat":
            events = [self._delta({"role": "assistant", "content": ""})] if first else []
            if self._call.calls_tool:
                if first:
                    events.append(
                        self._delta({"tool_calls": [_tool_call(self._id, self._call.tool_name, "", 0)]})
                    )
                    events.append(self._delta({"tool_calls": [{"index": 0, "function": {"arguments": '{"city": "Brugge"}'}}]}))  # fmt: skip
            else:
                events.append(self._delta({"content": text, "reasoning_content": None}))
            return b"".join(events)
        if self._kind == "completion":
            return self._event({**self._base("text_completion"), "choices": [{"index": 0, "text": text, "logprobs": None, "finish_reason": None}]})  # fmt: skip
        events = []
        if first:
            events.append(self._named("response.created", {"response": self._response("in_progress", None)}))
        events.append(self._named("response.output_text.delta", {"item_id": f"msg_{self._id}", "output_index": 0, "content_index": 0, "delta": text}))  # fmt: skip
        return b"".join(events)

    def last(self) -> bytes:
        """The end of a stream."""
        if self._kind == "response":
            return self._named("response.completed", {"response": self._response("completed", self._text())})
        if self._kind == "chat":
            reason = "tool_calls" if self._call.calls_tool else "length" if self._cut else "stop"
            events = [self._delta({}, reason)]
        else:
            events = [self._event({**self._base("text_completion"), "choices": [{"index": 0, "text": "", "logprobs": None, "finish_reason": "stop"}]})]  # fmt: skip
        if self._call.stream_options is not None and self._call.stream_options.include_usage:
            object_ = "chat.completion.chunk" if self._kind == "chat" else "text_completion"
            events.append(self._event({**self._base(object_), "choices": [], "usage": usage(self.prompt_tokens, self.tokens)}))  # fmt: skip
        events.append(b"data: [DONE]\n\n")
        return b"".join(events)

    def whole(self) -> bytes:
        """A plain answer."""
        if self._kind == "response":
            return encode(self._response("completed", self._text()))
        counted = usage(self.prompt_tokens, self.tokens)
        if self._kind == "completion":
            choice: dict[str, object] = {"index": 0, "text": self._text(), "logprobs": None, "finish_reason": "stop", "stop_reason": None}  # fmt: skip
            return encode({**self._base("text_completion"), "choices": [choice], "usage": counted})
        message: dict[str, object] = {"role": "assistant", "content": self._text(), "refusal": None, "reasoning_content": None}  # fmt: skip
        reason = "length" if self._cut else "stop"
        if self._call.calls_tool:
            message |= {"content": None, "tool_calls": [_tool_call(self._id, self._call.tool_name, '{"city": "Brugge"}')]}  # fmt: skip
            reason = "tool_calls"
        choice = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": reason,
            "stop_reason": None,
        }
        return encode({**self._base("chat.completion"), "choices": [choice], "usage": counted, "service_tier": None, "prompt_logprobs": None})  # fmt: skip

    @property
    def _cut(self) -> bool:
        cap = self._call.max_completion_tokens or self._call.max_tokens
        return cap is not None and self.tokens >= cap

    def _text(self) -> str:
        return words(self._seed, 0, self.tokens)

    def _base(self, object_: str) -> dict[str, object]:
        prefix = "chatcmpl" if self._kind == "chat" else "cmpl"
        return {
            "id": f"{prefix}-{self._id}",
            "object": object_,
            "created": self._created,
            "model": self._call.model,
        }

    def _delta(self, delta: dict[str, object], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return self._event({**self._base("chat.completion.chunk"), "choices": [choice]})

    def _response(self, status: str, text: str | None) -> dict[str, object]:
        output: list[dict[str, object]] = []
        if text is not None:
            content = {"type": "output_text", "text": text, "annotations": []}
            output = [{"type": "message", "id": f"msg_{self._id}", "status": "completed", "role": "assistant", "content": [content]}]  # fmt: skip
        counted = {
            "input_tokens": self.prompt_tokens,
            "output_tokens": self.tokens,
            "total_tokens": self.prompt_tokens + self.tokens,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 0},
        }
        return {
            "id": f"resp_{self._id}",
            "object": "response",
            "created_at": self._created,
            "model": self._call.model,
            "status": status,
            "output": output,
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "usage": counted if text is not None else None,
        }

    @staticmethod
    def _event(body: dict[str, object]) -> bytes:
        return b"data: " + encode(body) + b"\n\n"

    @staticmethod
    def _named(name: str, body: dict[str, object]) -> bytes:
        return b"event: %b\ndata: %b\n\n" % (
            name.encode(),
            encode({"type": name, "sequence_number": 0, **body}),
        )


def embeddings(call: SimulatedCall, prompt_tokens: int) -> bytes:
    """Unit-free vectors of eight numbers that depend on the text alone."""
    raw = bytes(call.input) or b'""'
    texts: list[object] = (
        msgspec.json.decode(raw) if raw.startswith(b"[") else [raw.decode("utf-8", "replace")]
    )
    data = []
    for index, text in enumerate(texts[:2048]):
        digest = hashlib.blake2b(str(text).encode(), digest_size=8).digest()
        data.append(
            {"object": "embedding", "index": index, "embedding": [each / 127.5 - 1.0 for each in digest]}
        )
    counted = {"prompt_tokens": prompt_tokens, "total_tokens": prompt_tokens}
    return encode({"object": "list", "data": data, "model": call.model, "usage": counted})


def _tool_call(id_: str, name: str, arguments: str, index: int | None = None) -> dict[str, object]:
    call: dict[str, object] = {"id": f"call_{id_}", "type": "function", "function": {"name": name, "arguments": arguments}}  # fmt: skip
    return call if index is None else {"index": index, **call}
