"""What is learnt of a stream while it passes."""

import itertools

import pytest
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


def test_only_events_are_counted_and_not_words() -> None:
    """A text that says "data:" is one event; in the responses API only deltas carry tokens."""
    reader = StreamReader(hide_usage=False)
    reader.read(b'data: {"choices":[{"delta":{"content":"data: data:"}}]}\n\ndata: [DONE]\n\n')
    assert reader.events == 2
    responses = StreamReader(hide_usage=False, deltas_only=True)
    responses.read(b'event: response.created\ndata: {"type":"response.created"}\n\n')
    for _ in range(3):
        responses.read(
            b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"x"}\n\n'
        )
    assert responses.events == 3


def test_line_ends_may_be_mixed() -> None:
    """Each event is judged by itself: only usage that nobody asked for is taken out."""
    content = CONTENT.replace(b"\n\n", b"\r\n\r\n")
    reader = StreamReader(hide_usage=True)
    assert feed(reader, [content + USAGE + content + DONE]) == content + content + DONE
    assert reader.events == 3


def test_usage_of_a_large_answer_is_found_at_its_end() -> None:
    """Of thousands of vectors only the last megabyte is kept, which is no JSON any more."""
    end = b'0.5],"usage":{"prompt_tokens":8192,"total_tokens":8192,"prompt_tokens_details":{"cached_tokens":1}},"id":"x"}'
    usage = usage_of(b"0.25," * 200_000 + end)
    assert usage is not None
    assert (usage.tokens_in, usage.tokens_out) == (8_192, None)


def test_reasoning_tokens_are_part_of_the_output() -> None:
    """They are named beside it, and not added."""
    usage = usage_of(
        b'{"usage":{"prompt_tokens":5,"completion_tokens":90,"completion_tokens_details":{"reasoning_tokens":80}}}'
    )
    assert usage is not None
    assert usage.tokens_out == 90


@pytest.mark.parametrize(
    "last", [b"data: [DONE]\n\n", b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n']
)
def test_an_answer_s_last_words_are_known(last: bytes) -> None:
    """By them an end without a length is told from a death."""
    reader = StreamReader(hide_usage=False, watch_end=True)
    reader.read(CONTENT.replace(b'"delta"', b'"finish_reason":null,"delta"'))
    assert not reader.ended
    reader.read(last)
    assert reader.ended


def test_plain_answers_without_usage_say_nothing() -> None:
    """And junk is no reason to fail."""
    assert usage_of(b'{"choices":[]}') is None
    assert usage_of(b'"usage" but no json') is None
    assert usage_of(b"[" * 100_000 + b'"usage"') is None


@pytest.mark.parametrize("count", [b"-5", b"18446744073709551616", b"1" + b"0" * 40, b'"7"', b"0.5"])
def test_a_count_that_no_engine_means_is_none(count: bytes) -> None:
    """Less than nothing would be paid back to the account, and what no number holds could not be written down."""
    usage = b'{"choices":[],"usage":{"prompt_tokens":%b,"completion_tokens":2}}' % count
    assert usage_of(usage) is None
    reader = StreamReader(hide_usage=True)
    reader.read(USAGE + b"data: " + usage + b"\n\n")
    assert reader.usage is not None
    assert (reader.usage.tokens_in, reader.usage.tokens_out) == (7, 2)


def test_the_last_of_several_usages_counts() -> None:
    """Engines that report it as they go repeat it, larger each time."""
    reader = StreamReader(hide_usage=False)
    reader.read(USAGE + USAGE.replace(b'"completion_tokens":2', b'"completion_tokens":5') + DONE)
    assert reader.usage is not None
    assert reader.usage.tokens_out == 5


def test_an_event_of_several_lines_is_read_as_one() -> None:
    """The lines of data belong together (WHATWG, server-sent events), after a mark of the byte order as well."""
    reader = StreamReader(hide_usage=True)
    event = USAGE.replace(b'"choices":[],', b'"choices":[],\ndata: ').replace(b"\n\n", b"\r\n\r\n")
    assert (
        feed(reader, [b"\xef\xbb\xbf" + CONTENT, event[:40], event[40:], DONE])
        == b"\xef\xbb\xbf" + CONTENT + DONE
    )
    assert reader.usage is not None
    assert reader.usage.tokens_in == 7


def test_a_long_event_in_small_parts_is_put_together_once() -> None:
    """Copied with each of its parts, a megabyte that an engine sends without a line feed took 22 s of CPU, during which
    nobody else was served."""
    reader = StreamReader(hide_usage=True)
    parts = [bytes([65 + index % 26]) * 64 for index in range(1_000)]
    for part in parts:
        assert reader.read(part) == b""
    assert all(kept is part for kept, part in zip(reader._tail, parts, strict=True))
    assert reader.read(b"\n\n") == b"".join(parts) + b"\n\n"
