"""What is learnt of a stream while it passes."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from pontlevis.gateway.usage import StreamReader, usage_of

CONTENT = b'data: {"id":"1","choices":[{"index":0,"delta":{"content":"hi"}}]}\n\n'
USAGE = (
    b'data: {"id":"1","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9}}\n\n'
)
DONE = b"data: [DONE]\n\n"
STREAM = CONTENT + CONTENT + USAGE + DONE


def feed(reader: StreamReader, pieces: list[bytes]) -> bytes:
    return b"".join(reader.read(piece) for piece in pieces) + reader.rest()


@given(st.lists(st.integers(1, len(STREAM) - 1), max_size=12), st.booleans())
@settings(deadline=None)
def test_a_stream_comes_out_the_same_however_it_is_cut(cuts: list[int], hide: bool) -> None:
    """Only the usage event is taken out, and only for those who did not ask for it."""
    edges = [0, *sorted(set(cuts)), len(STREAM)]
    reader = StreamReader(hide_usage=hide)
    out = feed(reader, [STREAM[begin:end] for begin, end in itertools.pairwise(edges)])
    assert out == (CONTENT + CONTENT + DONE if hide else STREAM)
    assert reader.usage is not None
    assert (reader.usage.tokens_in, reader.usage.tokens_out) == (7, 2)


@given(st.lists(st.binary(max_size=60), max_size=10))
@settings(deadline=None)
def test_whatever_an_engine_sends_is_passed_on(pieces: list[bytes]) -> None:
    """Bytes that are no events are neither lost nor changed."""
    assert feed(StreamReader(hide_usage=False), pieces) == b"".join(pieces)


def test_usage_on_the_last_content_event_stays_visible() -> None:
    """Engines that put usage on an event with content: the event is the client's."""
    event = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1}}\n\n'
    reader = StreamReader(hide_usage=True)
    assert reader.read(event) == event
    assert reader.usage is not None


def test_usage_of_the_responses_api_is_found() -> None:
    """It stands inside the last event's response, by other names."""
    reader = StreamReader(hide_usage=False)
    reader.read(
        b'event: response.completed\ndata: {"type":"response.completed","response":{"usage":{"input_tokens":4,"output_tokens":5}}}\n\n'
    )
    assert reader.usage is not None
    assert (reader.usage.tokens_in, reader.usage.tokens_out) == (4, 5)


def test_plain_answers_without_usage_say_nothing() -> None:
    """And junk is no reason to fail."""
    assert usage_of(b'{"choices":[]}') is None
    assert usage_of(b'"usage" but no json') is None
    assert usage_of(b"[" * 100_000 + b'"usage"') is None
