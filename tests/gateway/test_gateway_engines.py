"""What is learnt of an engine by asking it: health, models, how busy it is."""

import asyncio
import contextlib
import json
import time

import pytest

from pontlevis.config import EngineSettings
from pontlevis.gateway.engines import (
    Engine,
    EngineMetrics,
    make_engine,
    probe_metrics,
    probe_models,
    read_metrics,
)
from pontlevis.gateway.policy import GatewayPolicy
from until import until

MODELS = {"data": [{"id": "llama3:latest"}, {"id": "qwen:7b"}, {"id": 7}]}


class Served:
    """An engine of a few paths; 404 to all others."""

    def __init__(self, **paths: tuple[int, bytes]) -> None:
        self.paths = {"/" + name.replace("__", "/"): answer for name, answer in paths.items()}
        self.asked: list[str] = []
        self.open = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            path = head.split()[1].decode()
            self.asked.append(path)
            status, body = self.paths.get(path, (404, b""))
            writer.write(b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n%b" % (status, len(body), body))

    async def engine(self) -> Engine:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.open += 1
            with contextlib.suppress(asyncio.IncompleteReadError):
                await self.answer(reader, writer)
            writer.close()
            await writer.wait_closed()
            self.open -= 1

        self.listening = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = self.listening.sockets[0].getsockname()[1]
        return make_engine(EngineSettings(url=f"http://127.0.0.1:{port}/v1"), GatewayPolicy(), time.monotonic)

    async def end(self, engine: Engine) -> None:
        engine.server.close()
        await until(lambda: self.open == 0)
        self.listening.close()
        await self.listening.wait_closed()


def probed(served: Served) -> tuple[Engine, EngineMetrics | None]:
    async def act() -> tuple[Engine, EngineMetrics | None]:
        engine = await served.engine()
        await probe_models(engine, 60)
        await probe_metrics(engine, 60)
        metrics = await probe_metrics(engine, 60)
        await served.end(engine)
        return engine, metrics

    return asyncio.run(act())


@pytest.mark.parametrize("body", [b'{"object":"list","data":null}', b'{"object":"list"}', b'{"data":[]}'])
def test_an_engine_without_a_model_yet_is_up(body: bytes) -> None:
    """As Ollama before its first pull, whose list is null."""
    engine, _ = probed(Served(v1__models=(200, body)))
    assert (engine.up, engine.error, engine.serves) == (True, "", frozenset())
    assert engine.takes("anything")


def test_a_model_may_be_named_without_its_usual_tag() -> None:
    """As Ollama's users do; another tag is another model."""
    engine, _ = probed(Served(v1__models=(200, json.dumps(MODELS).encode())))
    assert engine.serves == {"llama3:latest", "llama3", "qwen:7b"}
    assert [engine.takes(name) for name in ("llama3", "llama3:latest", "qwen", "qwen:7b")] == [True, True, False, True]  # fmt: skip


def test_metrics_are_read_where_they_were_moved_to() -> None:
    """FastAPI sends to the address with a slash."""
    served = Served(
        v1__models=(200, b"{}"), metrics=(307, b""), metrics__=(200, b"sglang:num_running_reqs 3\n")
    )
    assert probed(served)[1] == EngineMetrics(3, 0, 0.0)
    assert served.asked == ["/v1/models", "/metrics", "/metrics/"]


def test_an_engine_that_comes_back_is_asked_anew_what_it_can() -> None:
    """It may have been started with metrics this time, or be a version that takes stream options."""

    async def act() -> None:
        served = Served(v1__models=(200, b"{}"))
        engine = await served.engine()
        await probe_models(engine, 60)
        assert await probe_metrics(engine, 60) is None
        engine.refuses_stream_options = True
        await probe_models(engine, 60)
        assert (engine.metrics_path, engine.refuses_stream_options) == (None, True)
        served.paths["/v1/models"] = (503, b"loading")
        await probe_models(engine, 60)
        await probe_models(engine, 60)
        assert (engine.up, engine.error) == (False, "/v1/models answers 503")
        served.paths = {"/v1/models": (200, b"{}"), "/metrics": (200, b"tgi_queue_size 2\n")}
        await probe_models(engine, 60)
        assert await probe_metrics(engine, 60) == EngineMetrics(0, 2, 0.0)
        assert not engine.refuses_stream_options
        await served.end(engine)

    asyncio.run(act())


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        # vLLM 0.32; the breakdown by reason says the same requests again
        (
            'vllm:num_requests_running{engine="0",model_name="m"} 2.0\n'
            'vllm:num_requests_waiting{engine="0",model_name="m"} 3.0\n'
            'vllm:num_requests_waiting_by_reason{engine="0",model_name="m",reason="capacity"} 3.0\n'
            'vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.25\n',
            EngineMetrics(2, 3, 0.25),
        ),
        ('vllm:num_requests_running{engine="0"} 2.0\nvllm:num_requests_running{engine="1"} 4.0\n', EngineMetrics(6, 0, 0.0)),
        ('sglang:num_running_reqs{tp_rank="0"} 5\nsglang:num_queue_reqs 1\nsglang:token_usage 0.5\n', EngineMetrics(5, 1, 0.5)),
        ("llamacpp:requests_processing 1\nllamacpp:requests_deferred 4\n", EngineMetrics(1, 4, 0.0)),
        ("tgi_batch_current_size 4\ntgi_queue_size 7\ntgi_batch_current_max_tokens 99\n", EngineMetrics(4, 7, 0.0)),
        ('lmdeploy:num_requests_running{engine="0"} 5.0\nlmdeploy:num_requests_waiting 1.0\n', EngineMetrics(5, 1, 0.0)),
        ("# HELP vllm:num_requests_running 9\nhttp_requests_total 4\n", None),
        ("vllm:num_requests_running NaN\n", None),
    ],
)  # fmt: skip
def test_the_metrics_of_each_kind_of_engine(page: str, expected: EngineMetrics | None) -> None:
    """By the names of their own; what is not theirs is left alone."""
    assert read_metrics(page.encode()) == expected
