"""What the simulated engine reads and writes, without a socket."""

import json

import pytest

from pontlevis.simulation.answer import ChatAnswer
from pontlevis.simulation.call import BadCall, Function, Prompt, decode_call, wanted_tool
from pontlevis.simulation.tool_call import arguments_of, pieces

TOOL = {"type": "function", "function": {"name": "weather", "parameters": {}}}


def call_with(**fields: object) -> bytes:
    body: dict[str, object] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    return json.dumps(body | fields).encode()


def test_the_same_prompt_gets_an_answer_of_the_same_length_and_another_seed_another() -> None:
    """Length follows from seed and prompt alone; streaming or not does not matter."""
    plain = Prompt(decode_call(call_with()))
    streamed = Prompt(decode_call(call_with(stream=True, temperature=0.3)))
    seeded = Prompt(decode_call(call_with(seed=7)))
    assert plain.seed == streamed.seed != seeded.seed
    call = decode_call(call_with())
    assert plain.answer_tokens(call, 10_000) == streamed.answer_tokens(call, 10_000)


def test_prompt_tokens_are_a_quarter_of_the_prompts_bytes() -> None:
    """Longer prompts cost more; fields that are not the prompt cost nothing."""
    short = Prompt(decode_call(call_with(metadata={"note": "x" * 4000})))
    long = Prompt(decode_call(call_with(messages=[{"role": "user", "content": "x" * 4000}])))
    assert short.tokens < 20
    assert 1000 <= long.tokens < 1020


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens", "max_output_tokens"])
def test_the_lowest_limit_caps_the_answer(name: str) -> None:
    """Also one that the drill's own field asks to be longer."""
    call = decode_call(call_with(**{name: 9}, pontlevis_sim={"output_tokens": 500}))
    assert Prompt(call).answer_tokens(call, 10_000) == 9


def test_a_drill_can_name_the_length() -> None:
    """Without a limit of the client it is taken as it is, as far as the context has room."""
    call = decode_call(call_with(pontlevis_sim={"output_tokens": 500}))
    assert Prompt(call).answer_tokens(call, 10_000) == 500
    assert Prompt(call).answer_tokens(call, 40) == 40


@pytest.mark.parametrize(
    "fields",
    [{"messages": []}, {"messages": None}, {"n": 2}, {"max_tokens": 0}, {"max_tokens": -5}],
)
def test_a_call_that_cannot_be_answered_is_refused(fields: dict[str, object]) -> None:
    """With a sentence and the field's name."""
    call = decode_call(call_with(**fields))
    with pytest.raises(BadCall) as caught:
        Prompt(call).answer_tokens(call, 1000)
    assert caught.value.param in fields


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"tools": [TOOL]}, "weather"),
        ({"tools": [TOOL], "tool_choice": "auto"}, "weather"),
        ({"tools": [TOOL], "tool_choice": "required"}, "weather"),
        ({"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "weather"}}}, "weather"),
        ({"tools": [TOOL], "tool_choice": "none"}, None),
        ({"tools": []}, None),
        ({}, None),
        ({"tools": [TOOL], "messages": [{"role": "tool", "content": "3"}]}, None),
    ],
)
def test_a_tool_is_called_when_one_is_offered_and_wanted(fields: dict[str, object], name: str | None) -> None:
    """And not again once it has answered."""
    tool = wanted_tool(decode_call(call_with(**fields)))
    assert (tool.name if tool else None) == name


def test_a_tool_that_is_not_offered_cannot_be_chosen() -> None:
    """The engine answers 400."""
    choice = {"type": "function", "function": {"name": "other"}}
    with pytest.raises(BadCall, match="'other', which is not among tools"):
        wanted_tool(decode_call(call_with(tools=[TOOL], tool_choice=choice)))


def test_arguments_follow_the_schema() -> None:
    """Every property gets a value of its type."""
    properties = {
        "city": {"type": "string"},
        "unit": {"enum": ["C", "F"]},
        "days": {"type": "integer"},
        "share": {"type": "number"},
        "now": {"type": "boolean"},
        "nothing": {"type": "null"},
        "names": {"type": "array", "items": {"type": "string"}},
        "place": {"type": "object", "properties": {"x": {"type": "integer"}}},
        "odd": True,
    }
    text = arguments_of(Function("f", {"type": "object", "properties": properties}), 12_345)
    made = json.loads(text)
    assert list(made) == list(properties)
    assert isinstance(made["city"], str)
    assert made["unit"] in ("C", "F")
    assert isinstance(made["days"], int)
    assert isinstance(made["now"], bool)
    assert made["nothing"] is None
    assert isinstance(made["names"][0], str)
    assert isinstance(made["place"]["x"], int)
    assert "".join(pieces(text)) == text


def test_a_schema_that_holds_itself_comes_to_an_end() -> None:
    """Depth is bounded."""
    schema: dict[str, object] = {"type": "object"}
    schema["properties"] = {"again": schema}
    assert arguments_of(Function("f", schema), 1).count("again") < 20


def test_a_stream_says_the_same_as_the_whole_answer() -> None:
    """Whatever the pieces, the words are those of the plain answer."""
    call = decode_call(call_with(stream_options={"include_usage": True}))
    streamed, whole = (ChatAnswer("1", 0, call, 99, 5, 100, None) for _ in range(2))
    data = b"".join([streamed.more(1), streamed.more(60), streamed.more(39), streamed.last()])
    events = [each.removeprefix(b"data: ") for each in data.strip().split(b"\n\n")]
    assert events.pop() == b"[DONE]"
    decoded = [json.loads(each) for each in events]
    usage = decoded.pop()
    assert usage["choices"] == []
    assert usage["usage"]["completion_tokens"] == 100
    text = "".join(each["choices"][0]["delta"].get("content") or "" for each in decoded)
    assert text == json.loads(whole.whole())["choices"][0]["message"]["content"]
    assert len(text.split()) == 100
    assert decoded[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert decoded[-1]["choices"][0]["finish_reason"] == "stop"
