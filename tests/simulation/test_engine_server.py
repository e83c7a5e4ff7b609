"""The engine simulator as a process, spoken to as real clients do."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import httpx
import openai
import pytest

from pontlevis.simulation.server import PARENT_POLL_S
from surroundings import PATIENCE_S

MODEL = "pontlevis-sim"
HELLO: list[openai.types.chat.ChatCompletionMessageParam] = [{"role": "user", "content": "hello"}]
WEATHER: list[openai.types.chat.ChatCompletionToolUnionParam] = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
        },
    }
]
CHAT = {"model": MODEL, "messages": [{"role": "user", "content": "hello"}]}


@contextlib.contextmanager
def simulator(*options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A simulator on a free port: its address and its process."""
    command = [sys.executable, "-m", "pontlevis", "engine-sim", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line.startswith("listening on http://127.0.0.1:")
            yield line.split()[-1], process
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with simulator("--slots", "4", "--decode-rate", "400", "--total-decode-rate", "4000") as (found, _):
        yield found


@pytest.fixture
def http(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=PATIENCE_S, trust_env=False) as client:
        yield client


@pytest.fixture
def client(address: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0) as made:
        yield made


def until(holds: Callable[[], bool], seconds: float = 60.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.02)
    return False


def test_models_are_listed_and_found(client: openai.OpenAI) -> None:
    """By the official client."""
    assert [each.id for each in client.models.list()] == [MODEL]
    assert client.models.retrieve(MODEL).id == MODEL


def test_a_plain_chat_answer_counts_its_tokens(client: openai.OpenAI) -> None:
    """As many words as tokens, cut where the client said."""
    answer = client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=7)
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 7
    assert len((answer.choices[0].message.content or "").split()) == 7
    assert answer.choices[0].finish_reason == "length"


def test_a_streamed_chat_answer_ends_with_usage_when_asked(client: openai.OpenAI) -> None:
    """The last chunk has usage and no choices, and the words are those of the plain answer."""
    chunks = list(
        client.chat.completions.create(
            model=MODEL, messages=HELLO, max_tokens=7, stream=True, stream_options={"include_usage": True}
        )
    )
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 7
    plain = client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=7)
    said = "".join(each.choices[0].delta.content or "" for each in chunks[:-1])
    assert said == plain.choices[0].message.content


def test_an_offered_tool_is_called_plainly_and_streamed(client: openai.OpenAI) -> None:
    """Both ways give the same function and arguments."""
    plain = client.chat.completions.create(model=MODEL, messages=HELLO, tools=WEATHER)
    calls = plain.choices[0].message.tool_calls or []
    assert plain.choices[0].finish_reason == "tool_calls"
    with client.chat.completions.stream(model=MODEL, messages=HELLO, tools=WEATHER) as stream:
        streamed = stream.get_final_completion().choices[0].message.tool_calls or []
    assert len(calls) == len(streamed) == 1
    assert calls[0].type == "function"
    assert calls[0].function.name == streamed[0].function.name == "weather"
    assert calls[0].function.arguments == streamed[0].function.arguments
    assert list(json.loads(calls[0].function.arguments)) == ["city"]


def test_completions_embeddings_and_responses_answer_the_official_client(client: openai.OpenAI) -> None:
    """The same vectors for the same text; a response's events make its text."""
    assert len(client.completions.create(model=MODEL, prompt="x", max_tokens=3).choices[0].text.split()) == 3
    vectors = [each.embedding for each in client.embeddings.create(model=MODEL, input=["a", "b", "a"]).data]
    assert vectors[0] == vectors[2] != vectors[1]
    assert sum(each * each for each in vectors[0]) == pytest.approx(1.0, abs=1e-3)
    whole = client.responses.create(model=MODEL, input="hi", max_output_tokens=5)
    with client.responses.stream(model=MODEL, input="hi", max_output_tokens=5) as stream:
        deltas = [event.delta for event in stream if event.type == "response.output_text.delta"]
    assert "".join(deltas) == whole.output_text
    assert whole.usage is not None
    assert whole.usage.output_tokens == 5


def test_fields_that_vllm_adds_are_there_and_unknown_ones_are_taken(http: httpx.Client) -> None:
    """So that whoever relays is tried with them."""
    body = http.post("/v1/chat/completions", json=CHAT | {"max_tokens": 2, "guided_zebra": {"x": [1]}}).json()
    assert body["service_tier"] is None
    assert body["prompt_logprobs"] is None
    assert body["choices"][0]["message"]["reasoning_content"] is None


@pytest.mark.parametrize(
    ("path", "content", "status", "code"),
    [
        ("/v1/chat/completions", b"{", 400, "invalid_body"),
        ("/v1/chat/completions", b"\xff\x00", 400, "invalid_body"),
        ("/v1/chat/completions", b"[" * 100_000, 400, "invalid_body"),
        ("/v1/chat/completions", b'{"model":"pontlevis-sim"}', 400, "invalid_value"),
        ("/v1/chat/completions", b'{"model":"none","messages":[]}', 404, "model_not_found"),
        ("/v1/chat/completions", json.dumps(CHAT | {"tools": [{"type": "function", "function": {"name": "a"}}], "tool_choice": {"type": "function", "function": {"name": "b"}}}).encode(), 400, "invalid_value"),
        ("/v1/chat/completions", json.dumps(CHAT | {"messages": [{"content": "x" * 300_000}]}).encode(), 400, "context_length_exceeded"),
        ("/v1/embeddings", b'{"model":"pontlevis-sim","input":[]}', 400, "invalid_value"),
        ("/v1/nothing", b"{}", 404, "not_found"),
    ],
    ids=["cut", "binary", "deep", "no messages", "no model", "no such tool", "too long", "no text", "no path"],
)  # fmt: skip
def test_a_bad_request_gets_an_error_in_openais_shape(
    http: httpx.Client, path: str, content: bytes, status: int, code: str
) -> None:
    """And the next request on the connection is answered."""
    answer = http.post(path, content=content)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert error["code"] == code
    assert set(error) == {"message", "type", "param", "code"}
    assert http.get("/health").status_code == 200


def test_metrics_have_vllms_names(http: httpx.Client) -> None:
    """Gauges that a gateway steers by, and the histogram of waits."""
    http.post("/v1/chat/completions", json=CHAT | {"max_tokens": 1})
    text = http.get("/metrics").text
    for name in ("num_requests_running", "num_requests_waiting", "kv_cache_usage_perc"):
        assert f'vllm:{name}{{engine="0",model_name="{MODEL}"}} 0.0' in text
    assert 'le="+Inf"' in text


def test_a_client_that_goes_frees_its_slot(http: httpx.Client, address: str) -> None:
    """Streaming or not, running or waiting: nothing is left of it."""
    long = CHAT | {"pontlevis_sim": {"output_tokens": 20_000}}
    host, port = address.removeprefix("http://").split(":")
    before = http.get("/stats").json()["cancelled"]
    gone = []
    for streams in (True, False) * 4:
        body = json.dumps(long | {"stream": streams}).encode()
        connection = socket.create_connection((host, int(port)))
        connection.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%b"
            % (len(body), body)
        )
        gone.append(connection)
    assert until(lambda: http.get("/stats").json()["running"] == 4)
    assert http.get("/stats").json()["waiting"] == 4
    for connection in gone:
        connection.close()
    assert until(lambda: http.get("/stats").json()["cancelled"] == before + 8)
    stats = http.get("/stats").json()
    assert (stats["running"], stats["waiting"], stats["kv_usage"]) == (0, 0, 0.0)


def test_requests_sent_ahead_are_answered_in_order(address: str) -> None:
    """Three on one connection, the last of which says that it is the last."""
    host, port = address.removeprefix("http://").split(":")
    body = json.dumps(CHAT | {"max_tokens": 2}).encode()
    post = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%b" % (
        len(body),
        body,
    )
    with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as connection:
        connection.sendall(
            post
            + b"GET /health HTTP/1.1\r\nhost: x\r\n\r\nGET /v1/models HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        )
        data = b""
        while part := connection.recv(65_536):
            data += part
    assert data.count(b"HTTP/1.1 200 OK") == 3
    assert data.index(b'"chat.completion"') < data.index(b"\r\n\r\n{}") < data.index(b'"list"')


def test_what_is_not_http_closes_the_connection_and_nothing_else(address: str, http: httpx.Client) -> None:
    """Random bytes are no reason to stop."""
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as connection:
        connection.sendall(b"\x16\x03\x01 nonsense \r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(1024) == b""
    assert http.get("/health").status_code == 200


def test_it_ends_on_sigterm() -> None:
    """Quickly and well."""
    with simulator() as (_, process):
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


@pytest.mark.parametrize("options", [[], ["--with-parent"]], ids=["of its own", "with its parent"])
def test_it_ends_when_its_parent_dies_where_it_was_told_to(options: list[str]) -> None:
    """Also when the parent had no time to say so; one that was started by hand outlives its terminal."""
    script = (
        "import subprocess, sys, os\n"
        f"child = subprocess.Popen([sys.executable, '-m', 'pontlevis', 'engine-sim', '--port', '0', *{options}], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)\n"
        "print(child.pid, child.stdout.readline().decode().split()[-1], flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    parent = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    number, address = parent.stdout.split()
    pid = int(number)

    def ended() -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        # Where nobody reaps orphans it stays as a zombie.
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123
            return stat.read().rsplit(")", 1)[1].split()[0] == "Z"

    if options:
        assert until(ended, 10.0)
        return
    try:
        time.sleep(3 * PARENT_POLL_S)  # it would have looked twice by now
        assert httpx.get(f"{address}/health").status_code == 200
    finally:
        os.kill(pid, signal.SIGTERM)


def test_a_port_that_is_taken_is_said_plainly() -> None:
    """Status 1 and one sentence."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "pontlevis", "engine-sim", "--port", port]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
    assert "Traceback" not in done.stderr
