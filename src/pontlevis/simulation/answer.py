"""Writes the answer to one request, whole or as server-sent events, for chat and plain completions."""

from typing import Protocol

from pontlevis.simulation.call import Call, Function
from pontlevis.simulation.text import words
from pontlevis.simulation.tool_call import arguments_of, pieces
from pontlevis.simulation.wire import encode, usage

DONE = b"data: [DONE]\n\n"


class Answer(Protocol):
    """An answer that grows by tokens."""

    tokens: int
    """How many it will have in all."""

    def more(self, tokens: int) -> bytes:
        """Events for so many more tokens."""

    def last(self) -> bytes:
        """Events that end the stream."""

    def whole(self) -> bytes:
        """The body for a client that does not stream."""


class ChatAnswer:
    """Chat: text, or the call of a tool."""

    def __init__(
        self,
        id_: str,
        created: int,
        call: Call,
        seed: int,
        prompt_tokens: int,
        tokens: int,
        tool: Function | None,
    ) -> None:
        self._call = call
        self._seed = seed
        self._prompt_tokens = prompt_tokens
        self._said = 0
        self._base: dict[str, object] = {"id": f"chatcmpl-{id_}", "object": "chat.completion", "created": created, "model": call.model}  # fmt: skip
        self._chunk_base = self._base | {"object": "chat.completion.chunk"}
        self._cut = _cut(call, tokens)
        self._tool: dict[str, object] | None = None
        if tool is None:
            self.tokens = tokens
            # All but the word itself is the same in each event: written once, joined each time.
            self._head = b"data: " + encode(self._chunk_base).removesuffix(b"}") + b',"choices":[{"index":0,"delta":{"content":"'  # fmt: skip
            self._foot = b'","reasoning_content":null},"logprobs":null,"finish_reason":null}]}\n\n'
        else:
            self._arguments = arguments_of(tool, seed)
            self._pieces = pieces(self._arguments)
            self.tokens = len(self._pieces)
            self._tool = {"id": f"call_{id_}", "type": "function", "function": {"name": tool.name, "arguments": ""}}  # fmt: skip

    def more(self, tokens: int) -> bytes:
        first = self._said == 0
        start = self._said
        self._said += tokens
        if self._tool is not None:
            events = [] if not first else [self._event({"role": "assistant", "content": None}), self._event({"tool_calls": [{"index": 0, **self._tool}]})]  # fmt: skip
            events.extend(
                self._event({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
                for piece in self._pieces[start : self._said]
            )
            return b"".join(events)
        # The words are plain ASCII letters, so that they need no escaping.
        event = self._head + words(self._seed, start, tokens).encode() + self._foot
        return self._event({"role": "assistant", "content": ""}) + event if first else event

    def last(self) -> bytes:
        data = self._event({}, self._reason)
        if self._call.wants_usage:
            data += _event(
                {**self._chunk_base, "choices": [], "usage": usage(self._prompt_tokens, self.tokens)}
            )
        return data + DONE

    def whole(self) -> bytes:
        message: dict[str, object] = {"role": "assistant", "content": None, "refusal": None, "annotations": None, "audio": None, "function_call": None, "tool_calls": [], "reasoning_content": None}  # fmt: skip
        if self._tool is None:
            message["content"] = words(self._seed, 0, self.tokens)
        else:
            function: dict[str, object] = {"name": _name(self._tool), "arguments": self._arguments}
            message["tool_calls"] = [{**self._tool, "function": function}]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self._reason, "stop_reason": None}  # fmt: skip
        return encode(
            {
                **self._base,
                "choices": [choice],
                "service_tier": None,
                "system_fingerprint": None,
                "usage": usage(self._prompt_tokens, self.tokens),
                "prompt_logprobs": None,
                "kv_transfer_params": None,
            }
        )

    @property
    def _reason(self) -> str:
        if self._tool is not None:
            return "tool_calls"
        return "length" if self._cut else "stop"

    def _event(self, delta: dict[str, object], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return _event({**self._chunk_base, "choices": [choice]})


class CompletionAnswer:
    """Plain completions."""

    def __init__(
        self, id_: str, created: int, call: Call, seed: int, prompt_tokens: int, tokens: int
    ) -> None:
        self.tokens = tokens
        self._call = call
        self._seed = seed
        self._said = 0
        self._usage = usage(prompt_tokens, tokens)
        self._reason = "length" if _cut(call, tokens) else "stop"
        self._base: dict[str, object] = {"id": f"cmpl-{id_}", "object": "text_completion", "created": created, "model": call.model}  # fmt: skip

    def more(self, tokens: int) -> bytes:
        text = words(self._seed, self._said, tokens)
        self._said += tokens
        return _event({**self._base, "choices": [self._choice(text, None)]})

    def last(self) -> bytes:
        data = _event({**self._base, "choices": [self._choice("", self._reason)]})
        if self._call.wants_usage:
            data += _event({**self._base, "choices": [], "usage": self._usage})
        return data + DONE

    def whole(self) -> bytes:
        choice = self._choice(words(self._seed, 0, self.tokens), self._reason) | {"prompt_logprobs": None}
        return encode(
            {
                **self._base,
                "choices": [choice],
                "service_tier": None,
                "system_fingerprint": None,
                "usage": self._usage,
            }
        )

    @staticmethod
    def _choice(text: str, reason: str | None) -> dict[str, object]:
        return {"index": 0, "text": text, "logprobs": None, "finish_reason": reason, "stop_reason": None}


def _cut(call: Call, tokens: int) -> bool:
    """Whether the client's limit, not the engine, ended the answer."""
    limit = call.limit
    return limit is not None and tokens >= limit


def _event(body: dict[str, object]) -> bytes:
    return b"data: " + encode(body) + b"\n\n"


def _name(tool: dict[str, object]) -> object:
    function = tool["function"]
    return function["name"] if isinstance(function, dict) else None
