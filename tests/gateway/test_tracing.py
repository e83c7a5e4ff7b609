"""OpenTelemetry traces: what they say, what they never say, and that they are not there unless asked for."""

import subprocess
import sys

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from pontlevis.tracing import Tracing, TracingPolicy, start_tracing

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01".encode()


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


def started(spans: InMemorySpanExporter, share: float = 1.0) -> Tracing:
    policy = TracingPolicy(endpoint="http://127.0.0.1:9/v1/traces", share=share)
    tracing = start_tracing(policy, process="test", exporter=spans)
    assert tracing is not None
    return tracing


def test_a_call_is_a_span_with_its_queue_and_each_try_below(spans: InMemorySpanExporter) -> None:
    """The client's trace goes on through us to the engine; each engine is told another parent."""
    tracing = started(spans)
    headers = [
        (b"traceparent", PARENT),
        (b"tracestate", b"vendor=1"),
        (b"authorization", b"Bearer pl-secret"),
    ]
    call = tracing.call("/v1/chat/completions", "small", "paid", headers)
    assert call is not None
    first = call.sending("http://one", 0.25)
    second = call.sending("http://two", 0.25)
    call.end("ok", status=200, tokens_in=3, tokens_out=5)
    tracing.close()
    found = spans.get_finished_spans()
    assert [each.name for each in found] == ["queue", "engine", "engine", "POST /v1/chat/completions"]
    queue, one, two, root = found
    assert all(each.context is not None and f"{each.context.trace_id:032x}" == TRACE for each in found)
    assert root.parent is not None
    assert f"{root.parent.span_id:016x}" == "00f067aa0ba902b7"
    assert root.context is not None
    assert all(
        each.parent is not None and each.parent.span_id == root.context.span_id for each in (queue, one, two)
    )
    assert (queue.end_time or 0) - (queue.start_time or 0) == 250_000_000
    for lines, span in ((first, one), (second, two)):
        assert span.context is not None
        assert (
            lines
            == f"traceparent: 00-{TRACE}-{span.context.span_id:016x}-01\r\ntracestate: vendor=1\r\n".encode()
        )
    assert one.attributes is not None
    assert one.attributes["pontlevis.failed"] is True
    assert root.attributes is not None
    assert root.attributes["gen_ai.usage.output_tokens"] == 5
    assert "secret" not in "".join(each.to_json() for each in found)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"00-0-0-0",
        PARENT + b"\r\nx: y",
        b"00-" + b"0" * 32 + b"-" + b"0" * 16 + b"-01",
        b"ff-" + PARENT[3:],
    ],
)
def test_a_bad_traceparent_begins_a_trace_of_its_own(spans: InMemorySpanExporter, value: bytes) -> None:
    """And nothing of it reaches the engine."""
    tracing = started(spans)
    call = tracing.call("/v1/models", "", "new", [(b"traceparent", value), (b"tracestate", b"a=b")])
    assert call is not None
    lines = call.sending("http://one", 0.0)
    assert TRACE.encode() not in lines
    assert lines.count(b"\r\n") == 1
    call.end("refused", status=0, tokens_in=None, tokens_out=None)
    tracing.close()
    assert spans.get_finished_spans()[-1].parent is None


def test_a_client_cannot_ask_for_more_than_the_share(spans: InMemorySpanExporter) -> None:
    """Whatever its sampled flag says."""
    tracing = started(spans, share=0.0)
    assert tracing.call("/v1/models", "", "new", [(b"traceparent", PARENT)]) is None
    tracing.close()


async def test_a_tick_is_a_span(spans: InMemorySpanExporter) -> None:
    """Also one that fails, which is passed on."""
    tracing = started(spans)

    async def fails() -> None:
        raise ValueError("a tick")

    with pytest.raises(ValueError, match="a tick"):
        await tracing.every("tick", fails)()
    tracing.close()
    (span,) = spans.get_finished_spans()
    assert (span.name, span.status.is_ok) == ("tick", False)


def test_nothing_of_it_is_loaded_while_it_is_off() -> None:
    """In the gateway not one module; FastAPI itself loads the API where it is installed, never the SDK."""
    for process, name in (
        ("pontlevis.gateway.worker", "opentelemetry"),
        ("pontlevis.controller.process", "opentelemetry.sdk"),
    ):
        code = (
            f"import sys, {process};"
            "from pontlevis.tracing import TracingPolicy, start_tracing;"
            "assert start_tracing(TracingPolicy(), process='x') is None;"
            f"print([each for each in sys.modules if each.startswith('{name}')])"
        )
        said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert said.stdout.strip() == "[]", process


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"endpoint": "ftp://x"}, "http or https"),
        ({"share": 1.5}, "between 0 and 1"),
        ({"export_every_s": 0.0}, "positive"),
    ],
)
def test_bad_settings_are_refused(settings: dict[str, object], why: str) -> None:
    """With the reason."""
    with pytest.raises(ValueError, match=why):
        TracingPolicy(**settings)  # type: ignore[arg-type]
