"""An engine that answers the same to everybody at once, so that it is never the bottleneck.

``python -m bench.upstream`` prints its address. A plain answer is one write. A stream is ``max_tokens``
events, one each tick for every stream that is open, as a batching engine sends them.
"""

import asyncio
import re
import time
from typing import cast

import httptools
import uvloop

from bench.process import allow_many_files

TICK_S = 0.01
MODEL = "bench"

_WORDS = " the bridge was raised before night and every lamp along the wall burned low"
_WHOLE = (
    '{"id":"chatcmpl-bench","object":"chat.completion","created":1700000000,"model":"bench","choices":[{"index":0,'
    '"message":{"role":"assistant","content":"' + _WORDS * 4 + '","refusal":null,"reasoning_content":null},'
    '"logprobs":null,"finish_reason":"stop","stop_reason":null}],"usage":{"prompt_tokens":24,"total_tokens":84,'
    '"completion_tokens":60,"prompt_tokens_details":null},"service_tier":null,"prompt_logprobs":null}'
).encode()
_CHUNK = (
    b'data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"bench","choices":[{'
    b'"index":0,"delta":{"content":" bridge"},"logprobs":null,"finish_reason":null}]}\n\n'
)
_END = (
    b'data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"bench","choices":[{'
    b'"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]}\n\n'
)
_USAGE = (
    b'data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"bench","choices":[],'
    b'"usage":{"prompt_tokens":24,"total_tokens":84,"completion_tokens":60}}\n\n'
)
_DONE = b"data: [DONE]\n\n"
_MODELS = (
    b'{"object":"list","data":[{"id":"bench","object":"model","created":1700000000,"owned_by":"bench"}]}'
)
_LENGTH = re.compile(rb'"max_tokens": ?(\d+)')
_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"
)


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _whole(body: bytes, status: bytes = b"200 OK", content_type: bytes = b"application/json") -> bytes:
    return b"HTTP/1.1 %b\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n%b" % (
        status,
        content_type,
        len(body),
        body,
    )


_ANSWER = _whole(_WHOLE)
_FRAMED_CHUNK = _framed(_CHUNK)


class _Client(asyncio.Protocol):
    def __init__(self, streams: dict["_Client", int]) -> None:
        self._streams = streams
        self._parser = httptools.HttpRequestParser(self)
        self._url = b""
        self._parts: list[bytes] = []
        self._usage = False
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self._streams.pop(self, None)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            if self.transport is not None:
                self.transport.abort()

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_body(self, body: bytes) -> None:
        self._parts.append(body)

    def on_message_complete(self) -> None:
        url, body = self._url, b"".join(self._parts)
        self._url = b""
        self._parts.clear()
        if self.transport is None:
            return
        if url.endswith(b"/chat/completions"):
            if b'"stream":true' in body and b'"user":"hold"' in body:
                # An answer that goes on and says nothing: what such a stream takes of the memory is measured.
                self.transport.write(_STREAM_HEAD + _FRAMED_CHUNK)
            elif b'"stream":true' in body:
                found = _LENGTH.search(body)
                self._usage = b'"include_usage":true' in body
                self.transport.write(_STREAM_HEAD)
                self._streams[self] = int(found[1]) if found else 1
            else:
                self.transport.write(_ANSWER)
        elif url.endswith(b"/v1/models"):
            self.transport.write(_whole(_MODELS))
        elif url in (b"/health", b"/health_generate"):
            self.transport.write(_whole(b"{}"))
        elif url == b"/metrics":
            text = f'vllm:num_requests_running{{model_name="bench"}} {len(self._streams)}\nvllm:num_requests_waiting{{model_name="bench"}} 0\nvllm:kv_cache_usage_perc{{model_name="bench"}} 0.1\n'  # fmt: skip
            self.transport.write(_whole(text.encode(), content_type=b"text/plain"))
        else:
            self.transport.write(_whole(b"{}", b"404 Not Found"))

    def event(self, last: bool) -> None:
        if self.transport is not None:
            self.transport.write(_FRAMED_CHUNK if not last else _framed(_END + (_USAGE if self._usage else b"") + _DONE) + b"0\r\n\r\n")  # fmt: skip


async def _serve() -> None:
    allow_many_files()
    loop = asyncio.get_running_loop()
    streams: dict[_Client, int] = {}
    server = await loop.create_server(lambda: _Client(streams), "127.0.0.1", 0, backlog=8192)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    due = time.monotonic()
    while True:
        due = max(due + TICK_S, time.monotonic())
        await asyncio.sleep(due - time.monotonic())
        for client, left in list(streams.items()):
            if left == 0:
                del streams[client]
                client.event(last=True)
            else:
                streams[client] = left - 1
                client.event(last=False)


if __name__ == "__main__":
    uvloop.run(_serve())
