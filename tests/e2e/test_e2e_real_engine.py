"""The contract and the drill with a real engine behind the gateway.

``PONTLEVIS_TEST_ENGINE`` names its address on loopback. Or ``PONTLEVIS_TEST_LLAMA`` names a virtual
environment with ``gguf`` in it and llama.cpp's ``llama-server`` in its ``bin``: then a small model of
random weights is made and served. Without either, all of this is skipped.
"""

import contextlib
import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import openai
import pytest

from ports import free_port
from surroundings import PATIENCE_S

from .conftest import Running, wait_for

HI: list[openai.types.chat.ChatCompletionMessageParam] = [{"role": "user", "content": "hi there"}]
GIVEN, LLAMA = os.environ.get("PONTLEVIS_TEST_ENGINE"), os.environ.get("PONTLEVIS_TEST_LLAMA")
_RUNNING = re.compile(r"^(?:vllm:num_requests_running|llamacpp:requests_processing|sglang:num_running_reqs|lmdeploy:num_requests_running|tgi_batch_current_size)\S* (\S+)", re.M)  # fmt: skip
_GENERATED = re.compile(r"^(?:vllm:generation_tokens_total|llamacpp:tokens_predicted_total|sglang:generation_tokens_total|lmdeploy:generation_tokens_total)\S* (\S+)", re.M)  # fmt: skip

pytestmark = pytest.mark.skipif(not GIVEN and not LLAMA, reason="no real engine: set PONTLEVIS_TEST_ENGINE or PONTLEVIS_TEST_LLAMA")  # fmt: skip


@contextlib.contextmanager
def llama(directory: Path, environment: Path) -> Iterator[str]:
    """llama.cpp's server with a model of random weights; slow enough for two cores to overload it."""
    model, port = directory / "tiny.gguf", free_port()
    maker = Path(__file__).with_name("tiny_gguf.py")
    subprocess.run([environment / "bin/python", maker, model], check=True)
    command: list[str | Path] = [environment / "bin/llama-server", "-m", model, "--host", "127.0.0.1", "--port", str(port), "-np", "8",
               "-c", "32768", "-t", "1", "-tb", "1", "--metrics", "--jinja"]  # fmt: skip
    with (directory / "llama.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:

        def answers() -> bool:
            with contextlib.suppress(httpx.HTTPError):
                return httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200
            return False

        wait_for(answers, 60, lambda: (directory / "llama.log").read_text("utf-8", "replace")[-2_000:])
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if GIVEN:
        yield GIVEN.rstrip("/").removesuffix("/v1")
        return
    with llama(tmp_path_factory.mktemp("llama"), Path(str(LLAMA))) as url:
        yield url


@pytest.fixture(scope="module")
def running(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    made = Running(tmp_path_factory.mktemp("real") / "data", "--engine", engine).start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def client(running: Running) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        base_url=f"{running.url}/v1", api_key=running.key(), max_retries=0, timeout=PATIENCE_S
    ) as made:
        yield made


@pytest.fixture(scope="module")
def model(client: openai.OpenAI) -> str:
    return next(iter(client.models.list())).id


def metric(engine: str, pattern: re.Pattern[str]) -> float | None:
    """A figure of the engine's own, None where it has none."""
    with contextlib.suppress(httpx.HTTPError):
        found = pattern.findall(httpx.get(f"{engine}/metrics").text)
        return sum(map(float, found)) if found else None
    return None


def used(running: Running) -> tuple[int, int]:
    with contextlib.closing(sqlite3.connect(running.data / "pontlevis.db")) as database:
        row = database.execute("SELECT coalesce(sum(requests),0), coalesce(sum(output_tokens),0) FROM usage_days").fetchone()  # fmt: skip
    return int(row[0]), int(row[1])


def test_a_plain_answer_comes_whole_and_is_recorded_as_the_engine_counted(
    running: Running, client: openai.OpenAI, model: str
) -> None:
    """Usage of the answer is what the account is charged."""
    before = used(running)
    raw = client.chat.completions.with_raw_response.create(model=model, messages=HI, max_tokens=7)
    answer = raw.parse()
    assert answer.usage is not None
    assert 1 <= answer.usage.completion_tokens <= 7
    assert raw.headers["x-request-id"].startswith("req_")
    expected = (before[0] + 1, before[1] + answer.usage.completion_tokens)
    wait_for(lambda: used(running) == expected, 10, lambda: f"{used(running)} instead of {expected}")


def test_a_stream_comes_in_pieces_and_is_recorded(
    running: Running, client: openai.OpenAI, model: str
) -> None:
    """Usage is hidden from who did not ask, shown to who did, and recorded for both."""
    before = used(running)
    pieces = list(client.chat.completions.create(model=model, messages=HI, max_tokens=20, stream=True))
    assert all(each.usage is None and each.choices for each in pieces)
    asked = list(client.chat.completions.create(model=model, messages=HI, max_tokens=20, stream=True, stream_options={"include_usage": True}))  # fmt: skip
    usage = asked[-1].usage
    assert usage is not None
    wait_for(lambda: used(running)[0] == before[0] + 2, 10, lambda: f"{used(running)}")
    assert used(running)[1] - before[1] >= usage.completion_tokens


def test_the_engines_own_counter_says_the_same(running: Running, engine: str, client: openai.OpenAI, model: str) -> None:  # fmt: skip
    """Tokens recorded here are tokens generated there, to the digit."""
    if metric(engine, _GENERATED) is None:
        pytest.skip("this engine has no such metric")
    time.sleep(1)
    there, here = metric(engine, _GENERATED), used(running)
    for stream in (False, True):
        answer = client.chat.completions.create(model=model, messages=HI, max_tokens=30, stream=stream)
        if stream:
            list(answer)
    wait_for(lambda: used(running)[0] == here[0] + 2, 10, lambda: "not recorded")
    wait_for(lambda: metric(engine, _GENERATED) == (there or 0) + used(running)[1] - here[1], 10, lambda: f"{there} {metric(engine, _GENERATED)} {here} {used(running)}")  # fmt: skip


def test_tools_and_unknown_fields_pass(client: openai.OpenAI, model: str) -> None:
    """The engine takes them, or its own error is passed on; neither is ours to judge."""
    tools: list[openai.types.chat.ChatCompletionToolParam] = [
        {
            "type": "function",
            "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}},
        }
    ]
    status = status_of(lambda: client.chat.completions.create(model=model, messages=HI, tools=tools, max_tokens=8, extra_body={"odd": 1}))  # fmt: skip
    assert status in (200, 400, 422, 500)


def status_of(ask: Callable[[], object]) -> int:
    """200, or the status of the engine's own error in the API's shape."""
    try:
        ask()
    except openai.APIStatusError as error:
        return error.status_code if "error" in error.response.json() else -1
    return 200


def test_other_endpoints_answer_or_refuse_in_the_engines_own_words(client: openai.OpenAI, model: str) -> None:
    """Completions, embeddings and responses, as far as the engine has them; what it has not is an error of the API's
    shape, whatever shape the engine gives it.
    """
    statuses = [
        status_of(lambda: client.completions.create(model=model, prompt="x", max_tokens=3)),
        status_of(lambda: client.embeddings.create(model=model, input="x")),
        status_of(lambda: client.responses.create(model=model, input="x", max_output_tokens=3)),
    ]
    assert 200 in statuses
    assert set(statuses) <= {200, 400, 404, 405, 422, 500, 501}


def test_a_response_is_streamed_and_recorded(running: Running, client: openai.OpenAI, model: str) -> None:
    """Where the engine has that API: usage stands in its last event, by other names."""
    before = used(running)
    try:
        events = list(client.responses.create(model=model, input="x", max_output_tokens=5, stream=True))
    except openai.APIStatusError as error:
        pytest.skip(f"this engine has no responses API: {error.status_code}")
    last = events[-1]
    assert isinstance(last, openai.types.responses.ResponseCompletedEvent | openai.types.responses.ResponseIncompleteEvent)  # fmt: skip
    if last.response.usage is None:
        pytest.skip("this engine names no usage there")
    expected = (before[0] + 1, before[1] + last.response.usage.output_tokens)
    wait_for(lambda: used(running) == expected, 10, lambda: f"{used(running)} instead of {expected}")


def test_errors_have_the_apis_shape(client: openai.OpenAI, model: str) -> None:
    """Ours, and the engine's that we pass on: a bad message, a bad parameter, a prompt that is too long."""
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="no-such-model", messages=HI)
    for bad in (
        {"messages": [{"role": "user", "content": {"a": 1}}]},
        {"messages": HI, "temperature": "hot"},
        {"messages": [{"role": "user", "content": "word " * 50_000}]},
    ):
        with pytest.raises(openai.APIStatusError) as refused:
            client.chat.completions.create(model=model, messages=[], max_tokens=1, extra_body=bad)
        assert 400 <= refused.value.status_code <= 500
        assert refused.value.response.json()["error"]["message"]


def test_a_client_that_goes_away_stops_the_engine(engine: str, client: openai.OpenAI, model: str) -> None:
    """The slot is free within a moment, where the engine says how many are."""
    stream = client.chat.completions.create(model=model, messages=HI, max_tokens=3_000, stream=True)
    next(iter(stream))
    if metric(engine, _RUNNING) is None:
        pytest.skip("this engine does not say what it runs")
    stream.close()
    wait_for(lambda: metric(engine, _RUNNING) == 0, 5, lambda: f"{metric(engine, _RUNNING)} still run")


@pytest.mark.timeout(420)
def test_the_drill_against_it(engine: str, tmp_path: Path) -> None:
    """The attack is seen, and existing users fare better than those who send ten times what this engine serves."""
    file = tmp_path / "drill.json"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PONTLEVIS_")}
    subprocess.run([sys.executable, "-m", "pontlevis", "drill", "--quick", "--seed", "1", "--engine", engine, "--json", str(file), "--report", str(tmp_path / "r.html")], check=True, env=clean, timeout=400)  # fmt: skip
    card = json.loads(file.read_bytes())
    assert card["offered_multiple"] > 5
    assert card["posture_s"] is not None
    assert card["existing_goodput_ratio"] >= 0.9
