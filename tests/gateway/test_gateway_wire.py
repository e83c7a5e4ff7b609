"""Bodies of the inference API."""

import tracemalloc

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pontlevis.gateway.pictures import IMAGE_TOKENS, MOST_LOOKED_AT
from pontlevis.gateway.wire import (
    BYTES_PER_TOKEN,
    MOST_FIELDS,
    BadBody,
    Endpoint,
    names_its_model_twice,
    read_call,
)

CHAT = b'{"model":"m","messages":[{"role":"user","content":"hi"}]'


@pytest.mark.parametrize(
    ("endpoint", "body", "param"),
    [
        (Endpoint.CHAT, b"", None),
        (Endpoint.CHAT, b"not json", None),
        (Endpoint.CHAT, b"[]", None),
        (Endpoint.CHAT, b'{"messages":[{}]}', "model"),
        (Endpoint.CHAT, b'{"model":"","messages":[{}]}', "model"),
        (Endpoint.CHAT, b'{"model":3,"messages":[{}]}', "model"),
        (Endpoint.CHAT, b'{"model":"m"}', "messages"),
        (Endpoint.CHAT, b'{"model":"m","messages":{}}', "messages"),
        (Endpoint.CHAT, CHAT + b',"stream":"yes"}', "stream"),
        (Endpoint.CHAT, CHAT + b',"max_tokens":-1}', "max_tokens"),
        (Endpoint.CHAT, CHAT + b',"n":1000}', "n"),
        (Endpoint.CHAT, b'{"model":"m","messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}", None),
        (Endpoint.CHAT, b"\xff\xfe{}", None),
        (Endpoint.COMPLETIONS, b'{"model":"m"}', "prompt"),
        (Endpoint.EMBEDDINGS, b'{"model":"m"}', "input"),
        (Endpoint.RESPONSES, b'{"model":"m"}', "input"),
    ],
)
def test_a_bad_body_is_refused_with_the_place_named(
    endpoint: Endpoint, body: bytes, param: str | None
) -> None:
    """Whatever is wrong with a body, the error says so and names the field."""
    with pytest.raises(BadBody) as refused:
        read_call(endpoint, body)
    if param is not None:
        assert refused.value.param == param
        assert param in str(refused.value)


def test_usage_is_asked_for_where_the_client_did_not() -> None:
    """A stream without stream options gets them, and the client's own bytes follow untouched."""
    body = CHAT + b',"stream":true,"x_unknown":{"a":[1,2]}}'
    call = read_call(Endpoint.CHAT, body)
    sent = msgspec.json.decode(call.body)
    assert sent["stream_options"] == {"include_usage": True}
    assert sent["x_unknown"] == {"a": [1, 2]}
    assert call.hide_usage
    assert call.original == body


@pytest.mark.parametrize(
    ("fields", "choices"),
    [
        (b'"prompt":"one"', 1),
        (b'"prompt":["one","two","three"]', 3),
        (b'"prompt":[[1,2],[3]],"n":2', 4),
        (b'"prompt":[1,2,3]', 1),
        (b'"prompt":[]', 1),
        (b'"prompt":"one","best_of":20,"n":2', 20),
    ],
)
def test_every_answer_that_a_completion_makes_is_counted(fields: bytes, choices: int) -> None:
    """A list of prompts is so many, and best_of generates what it does not show."""
    call = read_call(Endpoint.COMPLETIONS, b'{"model":"m","max_tokens":10,' + fields + b"}")
    assert (call.choices, call.output_tokens) == (choices, 10 * choices)


@pytest.mark.parametrize("fields", [b'"prompt":"x","best_of":500', b'"prompt":["x"' + b',"x"' * 3_000 + b"]"])
def test_more_answers_than_anybody_needs_are_refused(fields: bytes) -> None:
    """Before anything is reserved for them."""
    with pytest.raises(BadBody):
        read_call(Endpoint.COMPLETIONS, b'{"model":"m",' + fields + b"}")


def test_a_model_s_name_is_printable() -> None:
    """It goes into the database and onto pages; no engine's model is called by a zero byte."""
    with pytest.raises(BadBody):
        read_call(Endpoint.CHAT, b'{"model":"m\\u0000","messages":[{"role":"user","content":"hi"}]}')


def test_options_that_leave_usage_out_are_completed() -> None:
    """Other stream options stay as they were."""
    call = read_call(Endpoint.CHAT, CHAT + b',"stream":true,"stream_options":{"include_usage":false,"x":1}}')
    assert msgspec.json.decode(call.body)["stream_options"] == {"include_usage": True, "x": 1}
    assert call.hide_usage


def test_a_body_that_asks_for_usage_itself_is_not_touched() -> None:
    """Then the client sees the usage event as well."""
    body = CHAT + b',"stream":true,"stream_options":{"include_usage":true}}'
    call = read_call(Endpoint.CHAT, body)
    assert call.body is body
    assert not call.hide_usage


def test_a_picture_is_not_counted_by_its_bytes() -> None:
    """A megabyte of base64 costs what one picture costs, not a quarter of a million tokens."""
    picture = b'"data:image/png;base64,' + b"A" * 1_000_000 + b'"'
    body = (
        b'{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":'
        + picture
        + b"}}]}]}"
    )
    assert 1_000 < read_call(Endpoint.CHAT, body).input_tokens < 1_200


URI = b'"data:text/plain;base64,' + b"word " * 200_000 + b'"'


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        (Endpoint.CHAT, b'"messages":[{"role":"user","content":%b}]'),
        (Endpoint.CHAT, b'"messages":[{"role":"user","content":[{"type":"text","text":%b}]}]'),
        (Endpoint.CHAT, b'"messages":[{"role":"user","content":"x"}],"tools":[{"image_url":{"url":%b}}]'),
        (Endpoint.RESPONSES, b'"input":%b'),
        (Endpoint.COMPLETIONS, b'"prompt":%b'),
        (Endpoint.EMBEDDINGS, b'"input":[%b]'),
    ],
)
def test_text_that_looks_like_a_picture_is_counted_as_text(endpoint: Endpoint, body: bytes) -> None:
    """Or a book would be judged, rationed and, where its sender leaves before the end, charged as one picture."""
    assert read_call(endpoint, b'{"model":"m",' + body % URI + b"}").input_tokens > 250_000


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        (Endpoint.CHAT, b'"messages":[{"content":[{"type":"image_url","image_url":%b}]}]'),
        (Endpoint.CHAT, b'"messages":[{"content":[{"type":"file","file":{"file_data":%b}}]}]'),
        (Endpoint.RESPONSES, b'"input":[{"content":[{"type":"input_image","image_url":%b}]}]'),
    ],
)
def test_pictures_are_found_where_the_api_puts_them(endpoint: Endpoint, body: bytes) -> None:
    assert 1_000 < read_call(endpoint, b'{"model":"m",' + body % URI + b"}").input_tokens < 1_200


def test_a_body_of_very_many_fields_is_not_written_anew() -> None:
    """Three hundred thousand took half a second of the one loop that serves everybody, before any limit was asked. What the
    engine is then not asked to count is estimated."""
    fields = b",".join(b'"k%d":1' % number for number in range(MOST_FIELDS))
    head = b'{"model":"m","messages":[1],"stream":true,"stream_options":{},'
    call = read_call(Endpoint.CHAT, head + fields + b"}")
    assert call.body.startswith(head)
    assert not call.rewritten
    assert not call.hide_usage
    assert read_call(Endpoint.CHAT, head + b'"k":1}').rewritten


@pytest.mark.parametrize("messages", [b"[]", b"[ \n ]", b"null", b"{}", b'"[1]"', b"1"])
def test_a_chat_has_a_message(messages: bytes) -> None:
    with pytest.raises(BadBody) as caught:
        read_call(Endpoint.CHAT, b'{"model":"m","messages":' + messages + b"}")
    assert caught.value.param == "messages"


def test_pictures_are_looked_for_among_so_many_parts() -> None:
    """A hundred thousand tiny ones took most of a second of the one loop that serves everybody; what is beyond is text."""
    part = b'{"image_url":{"url":"data:"}}'
    few, many = (
        read_call(
            Endpoint.CHAT, b'{"model":"m","messages":[{"content":[' + b",".join([part] * count) + b"]}]}"
        )
        for count in (MOST_LOOKED_AT, 50_000)
    )
    assert few.input_tokens > MOST_LOOKED_AT * IMAGE_TOKENS
    assert (
        many.input_tokens == few.input_tokens + (50_000 - MOST_LOOKED_AT) * (len(part) + 1) // BYTES_PER_TOKEN
    )


@pytest.mark.parametrize("spelling", [b"Model", b"MODEL", b"mod\\u0045l", b"models"])
def test_a_model_named_twice_is_seen(spelling: bytes) -> None:
    """Engines in Go read names whatever their case: a key bound to one model would reach all others by it."""
    twice = b'{"model":"m","messages":[{"content":"hi"}],"' + spelling + b'":"other"}'
    assert names_its_model_twice(twice)
    assert read_call(Endpoint.CHAT, twice).model == "m"
    assert not names_its_model_twice(b'{"model":"m","messages":[{"content":"Model"}],"modelx":{"Model":1}}')


@given(st.binary(max_size=200))
@settings(deadline=None, max_examples=300)
def test_random_bytes_never_do_more_than_be_refused(body: bytes) -> None:
    """No body makes the reader raise anything but its own refusal."""
    for endpoint in Endpoint:
        try:
            read_call(endpoint, body)
        except BadBody:
            continue


@pytest.mark.parametrize("field", [b'"\xff":1', b'"stream_options":{"x":"\xff"}'])
def test_text_that_is_no_utf_8_is_refused_where_the_body_is_rewritten(field: bytes) -> None:
    """Fields that nobody knows are passed over at first, and read when usage is asked for among the options."""
    body = b'{"model":"m","messages":[1],"stream":true,"stream_options":{"include_usage":false},%b}' % field
    with pytest.raises(BadBody):
        read_call(Endpoint.CHAT, body)


@pytest.mark.parametrize(("options", "rewritten"), [(b"", True), (b',"stream_options":{"x":1}', True), (b',"stream_options":{"include_usage":true}', False)])  # fmt: skip
def test_the_client_s_own_body_can_be_had_again_and_is_not_held_twice(
    options: bytes, rewritten: bool
) -> None:
    """For engines that do not know the option; of a large body one copy is held, or memory would be twice its bound."""

    def body() -> bytes:
        return b' {"model":"m","messages":["%b"],"stream":true%b}' % (b"x" * 1_000_000, options)

    tracemalloc.start()
    call = read_call(Endpoint.CHAT, body())
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert (call.original, call.rewritten) == (body(), rewritten)
    if b'"x"' not in options:
        assert held < 1_100_000


def test_what_was_asked_in_the_client_s_name_is_taken_out_where_it_stands() -> None:
    """Not where the text says the same."""
    body = (
        b'{"x":"\\"stream_options\\":{\\"include_usage\\":true},","model":"m","messages":[1],"stream":true}'
    )
    call = read_call(Endpoint.CHAT, body)
    assert (call.original, call.rewritten) == (body, True)
