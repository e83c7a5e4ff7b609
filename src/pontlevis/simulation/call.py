"""What the simulated engine reads of a request; everything else in it is tolerated."""

import msgspec

from pontlevis.simulation.load_shape import CONVERSATION
from pontlevis.simulation.text import seed_of

BYTES_PER_TOKEN = 4  # English text, roughly
_EMPTY = (b"", b"null", b'""', b"[]")


class BadCall(Exception):
    """The engine answers 400 with this sentence about ``param``."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


class Extension(msgspec.Struct):
    """``pontlevis_sim``: a field of our own, for drills."""

    output_tokens: int = 0
    """Length of the answer, unless the call's own limit is lower; 0: the engine chooses."""


class StreamOptions(msgspec.Struct):
    """What is wanted of a stream."""

    include_usage: bool | None = False


class Function(msgspec.Struct):
    """A function the client offers."""

    name: str = "unnamed"
    parameters: dict[str, object] | None = None


class Tool(msgspec.Struct):
    """One tool; the responses API writes name and parameters without ``function``."""

    function: Function | None = None
    name: str = "unnamed"
    parameters: dict[str, object] | None = None

    @property
    def offered(self) -> Function:
        return self.function or Function(self.name, self.parameters)


class _Message(msgspec.Struct):
    role: str = ""


class Call(msgspec.Struct):
    """One request for an answer."""

    model: str
    messages: list[msgspec.Raw] | None = None
    prompt: msgspec.Raw = msgspec.Raw()
    input: msgspec.Raw = msgspec.Raw()
    n: int | None = None
    seed: int | None = None
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    max_output_tokens: int | None = None
    tools: list[Tool] | None = None
    tool_choice: msgspec.Raw = msgspec.Raw()
    encoding_format: str | None = None
    dimensions: int | None = None
    pontlevis_sim: Extension | None = None

    @property
    def wants_usage(self) -> bool:
        return self.stream_options is not None and bool(self.stream_options.include_usage)

    @property
    def limit(self) -> int | None:
        """Most answer tokens that the client takes. Raises ``BadCall`` below one."""
        found = [
            each
            for each in (self.max_completion_tokens, self.max_tokens, self.max_output_tokens)
            if each is not None
        ]
        if found and min(found) < 1:
            raise BadCall(f"max_tokens must be at least 1, got {min(found)}.", "max_tokens")
        return min(found, default=None)


decode_call = msgspec.json.Decoder(Call).decode


class Prompt:
    """The part of a call that the answer depends on."""

    __slots__ = ("seed", "tokens")

    def __init__(self, call: Call) -> None:
        """Raises ``BadCall`` when there is nothing to answer to."""
        if call.n not in (None, 1):
            raise BadCall("n must be 1: the engine simulator gives one answer.", "n")
        parts = [bytes(each) for each in (*(call.messages or ()), call.prompt, call.input)]
        self.seed = call.seed or 0
        size = 0
        for part in parts:
            if part not in _EMPTY:
                self.seed = seed_of(part, self.seed)
                size += len(part)
        if not size:
            raise BadCall("messages, prompt or input must be given and not empty.", "messages")
        self.tokens = max(1, size // BYTES_PER_TOKEN)

    def answer_tokens(self, call: Call, room: int) -> int:
        """How long the answer will be: as asked, else as the lengths of production chat fall for this prompt.

        ``room`` is what the engine's context leaves for it. Raises ``BadCall`` for a limit below one.
        """
        asked = call.pontlevis_sim.output_tokens if call.pontlevis_sim is not None else 0
        natural = asked if asked > 0 else round(CONVERSATION.output_tokens.at(self.seed / 2**32))
        limit = call.limit
        return max(1, min(natural, limit) if limit is not None else min(natural, room))


def wanted_tool(call: Call) -> Function | None:
    """The function that the answer calls, None where it is text.

    The one that ``tool_choice`` names, else the first; text once a tool has answered, so that a
    client's loop ends. Raises ``BadCall`` for a choice that is not offered.
    """
    choice = bytes(call.tool_choice)
    if not call.tools or choice == b'"none"':
        return None
    if choice.startswith(b"{"):
        name = msgspec.json.decode(choice, type=Tool).offered.name
        named = [each.offered for each in call.tools if each.offered.name == name]
        if not named:
            raise BadCall(f"tool_choice names {name!r}, which is not among tools.", "tool_choice")
        return named[0]
    if call.messages and choice != b'"required"':
        last = msgspec.json.decode(call.messages[-1], type=_Message)
        if last.role == "tool":
            return None
    return call.tools[0].offered
