"""OpenTelemetry traces, off unless an endpoint is set; nothing of OpenTelemetry is loaded before.

A call of the inference API is one span, its time in the queue and each try at an engine are spans below it; the
controller's ticks are spans of their own. They say standing, model, engine, tokens and outcome: never an account,
an address, a key or a word of a prompt.
"""

import logging
import re
from dataclasses import dataclass
from random import random
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from pontlevis.brain.setting import check_numbers, setting

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from opentelemetry.sdk.trace import Span, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Tracer

_PARENT = re.compile(rb"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
"""W3C Trace Context, level 1, version 00."""
LONGEST_STATE = 512
"""Bytes of ``tracestate`` that are kept (W3C Trace Context §3.3.1.5: at least so many)."""

log = logging.getLogger("pontlevis.tracing")


@dataclass(frozen=True, slots=True)
class TracingPolicy:
    """The settings of traces. Raises ValueError for a share that is none and an endpoint that is no address."""

    endpoint: str = setting(
        "",
        unit="address",
        doc="OTLP over HTTP, for instance http://127.0.0.1:4318/v1/traces; empty: no traces.",
        source="choice: off",
    )
    share: float = setting(
        0.1,
        unit="share",
        doc="Of calls that are traced, whatever a client's traceparent asks for.",
        source="choice: one in ten, so that a flood cannot fill the collector",
    )
    most_waiting: int = setting(
        2_048,
        unit="spans",
        doc="Spans that wait for export; further ones are dropped.",
        source="OpenTelemetry SDK's default (OTEL_BSP_MAX_QUEUE_SIZE)",
    )
    export_every_s: float = setting(
        5.0,
        unit="s",
        doc="Between two exports.",
        source="OpenTelemetry SDK's default (OTEL_BSP_SCHEDULE_DELAY)",
    )

    def __post_init__(self) -> None:
        check_numbers(self, "tracing")
        if not 0 <= self.share <= 1:
            raise ValueError("share must be between 0 and 1")
        if self.most_waiting < 1 or self.export_every_s <= 0:
            raise ValueError("most_waiting and export_every_s must be positive")
        parts = urlsplit(self.endpoint)
        if self.endpoint and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise ValueError("endpoint must be an http or https address")


class CallTrace(Protocol):
    """One call's spans."""

    def sending(self, engine: str, waited_s: float) -> bytes:
        """A try at an engine begins; returns the header lines for it. A try before it has failed."""
        ...

    def end(self, outcome: str, *, status: int, tokens_in: int | None, tokens_out: int | None) -> None: ...


class Tracing:
    """Begins spans. Export runs in a thread of its own and never holds a call up."""

    def __init__(self, provider: "TracerProvider", share: float) -> None:
        self._provider = provider
        self._tracer: Tracer = provider.get_tracer("pontlevis")
        self._share = share

    def call(
        self, endpoint: str, model: str, standing: str, headers: "list[tuple[bytes, bytes]]"
    ) -> CallTrace | None:
        """A call begins; None where it is not drawn. The client's traceparent is taken up, its wish is not."""
        # Drawn here, so that what is not drawn costs one random number.
        if random() >= self._share:  # noqa: S311 - a sample, no secret
            return None
        return _CallTrace(self._tracer, endpoint, model, standing, headers)

    def every(self, name: str, act: "Callable[[], Awaitable[None]]") -> "Callable[[], Awaitable[None]]":
        """``act`` with a span around each turn."""

        async def traced() -> None:
            with self._tracer.start_as_current_span(name):
                await act()

        return traced

    def close(self) -> None:
        """Exports what waits, within a few seconds."""
        self._provider.shutdown()


class _CallTrace:
    __slots__ = ("_state", "_tracer", "_try", "_waited", "span")

    def __init__(
        self, tracer: "Tracer", endpoint: str, model: str, standing: str, headers: "list[tuple[bytes, bytes]]"
    ) -> None:
        from opentelemetry import trace

        self._tracer = tracer
        self._try: Span | None = None
        self._waited = False
        self._state = b""
        parent = None
        for name, value in headers:
            if name == b"traceparent" and (found := _PARENT.fullmatch(value.strip())):
                parent = trace.SpanContext(int(found[1], 16), int(found[2], 16), True, trace.TraceFlags(1))
            elif name == b"tracestate" and len(value) <= LONGEST_STATE:
                self._state = value
        context = None
        if parent is not None and parent.is_valid:
            context = trace.set_span_in_context(trace.NonRecordingSpan(parent))
        else:
            self._state = b""
        self.span = tracer.start_span(
            f"POST {endpoint}",
            context,
            kind=trace.SpanKind.SERVER,
            attributes={"gen_ai.request.model": model[:200], "pontlevis.standing": standing},
        )

    def sending(self, engine: str, waited_s: float) -> bytes:
        from opentelemetry import trace

        context = trace.set_span_in_context(self.span)
        if not self._waited:
            self._waited = True
            begun = self.span.start_time or 0  # type: ignore[attr-defined]
            queue = self._tracer.start_span("queue", context, start_time=begun)
            queue.end(begun + int(waited_s * 1e9))
        if self._try is not None:
            self._try.set_attribute("pontlevis.failed", True)
            self._try.end()
        tried = self._tracer.start_span(
            "engine", context, kind=trace.SpanKind.CLIENT, attributes={"server.address": engine}
        )
        self._try = tried  # type: ignore[assignment]
        held = tried.get_span_context()
        lines = b"traceparent: 00-%032x-%016x-01\r\n" % (held.trace_id, held.span_id)
        return lines + (b"tracestate: %b\r\n" % self._state if self._state else b"")

    def end(self, outcome: str, *, status: int, tokens_in: int | None, tokens_out: int | None) -> None:
        from opentelemetry import trace

        if self._try is not None:
            self._try.end()
        span = self.span
        span.set_attribute("pontlevis.outcome", outcome)
        if status:
            span.set_attribute("http.response.status_code", status)
        if tokens_in is not None:
            span.set_attribute("gen_ai.usage.input_tokens", tokens_in)
        if tokens_out is not None:
            span.set_attribute("gen_ai.usage.output_tokens", tokens_out)
        if outcome == "error":
            span.set_status(trace.StatusCode.ERROR)
        span.end()


def start_tracing(
    policy: TracingPolicy, *, process: str, exporter: "SpanExporter | None" = None
) -> Tracing | None:
    """None where traces are off, or where the extra ``otel`` is not installed, which is logged.

    ``process`` names the service to the collector; ``exporter`` is for tests.
    """
    if not policy.endpoint:
        return None
    try:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        if exporter is None:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

            exporter = OTLPSpanExporter(endpoint=policy.endpoint, timeout=5)
    except ImportError as error:
        log.error("tracing:start:failed install pontlevis[otel] for traces (%s)", error)
        return None
    provider = TracerProvider(resource=Resource.create({"service.name": process}), shutdown_on_exit=False)
    processor = BatchSpanProcessor(
        exporter,
        max_queue_size=policy.most_waiting,
        schedule_delay_millis=policy.export_every_s * 1_000,
        max_export_batch_size=min(512, policy.most_waiting),
    )
    provider.add_span_processor(processor)
    return Tracing(provider, policy.share)
