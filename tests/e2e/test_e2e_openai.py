"""The official client against a real service."""

from collections.abc import Iterator

import httpx
import openai
import pytest

from .conftest import Running, wait_for

MODEL = "pontlevis-sim"
HI: list[openai.types.chat.ChatCompletionMessageParam] = [{"role": "user", "content": "hi"}]


@pytest.fixture(scope="module")
def client(service: Running) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{service.url}/v1", api_key=service.key(), max_retries=0) as made:
        yield made


def test_models_are_listed_and_found(client: openai.OpenAI) -> None:
    """As the engine names them."""
    assert [each.id for each in client.models.list()] == [MODEL]
    assert client.models.retrieve(MODEL).id == MODEL
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("no-such-model")


def test_a_plain_answer_comes_whole_with_usage_and_limits(client: openai.OpenAI) -> None:
    """Unknown fields of the engine pass through; the headers tell what is left."""
    raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=HI, max_tokens=5)
    answer = raw.parse()
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 5
    assert "prompt_logprobs" in raw.text
    assert int(raw.headers["x-ratelimit-limit-requests"]) > 0
    assert raw.headers["x-request-id"].startswith("req_")


def test_a_stream_comes_piece_by_piece_without_usage_that_was_not_asked_for(client: openai.OpenAI) -> None:
    """The gateway asks for usage itself and takes it out again."""
    pieces = list(client.chat.completions.create(model=MODEL, messages=HI, max_tokens=12, stream=True))
    assert len(pieces) > 5
    assert all(each.usage is None for each in pieces)
    assert all(each.choices for each in pieces)


def test_a_stream_shows_usage_to_whom_asked(client: openai.OpenAI) -> None:
    """With ``stream_options`` the last event carries it."""
    stream = client.chat.completions.create(
        model=MODEL, messages=HI, max_tokens=4, stream=True, stream_options={"include_usage": True}
    )
    last = list(stream)[-1]
    assert last.usage is not None
    assert last.usage.completion_tokens == 4


def test_tool_calls_pass_through(client: openai.OpenAI) -> None:
    """Plain and streaming."""
    tools: list[openai.types.chat.ChatCompletionToolParam] = [
        {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
    ]
    answer = client.chat.completions.create(model=MODEL, messages=HI, tools=tools, max_tokens=4)
    calls = answer.choices[0].message.tool_calls
    assert calls is not None
    assert calls[0].type == "function"
    assert calls[0].function.name == "weather"
    pieces = list(
        client.chat.completions.create(model=MODEL, messages=HI, tools=tools, max_tokens=4, stream=True)
    )
    assert any(each.choices[0].delta.tool_calls for each in pieces)


def test_the_other_endpoints_are_relayed(client: openai.OpenAI) -> None:
    """Completions, embeddings and responses."""
    assert client.completions.create(model=MODEL, prompt="x", max_tokens=3).choices[0].text
    assert len(client.embeddings.create(model=MODEL, input=["a", "b"]).data) == 2
    assert client.responses.create(model=MODEL, input="x", max_output_tokens=3).output_text


def test_errors_are_openais_own(client: openai.OpenAI) -> None:
    """401, 404, 400 and 413, each with code and message."""
    with pytest.raises(openai.AuthenticationError) as unknown:
        client.with_options(api_key="pl-" + "A" * 60).models.list()
    assert unknown.value.code == "invalid_api_key"
    with pytest.raises(openai.NotFoundError) as missing:
        client.chat.completions.create(model="no-such-model", messages=HI)
    assert missing.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError) as bad:
        client.chat.completions.create(model=MODEL, messages=[])
    assert bad.value.param == "messages"
    with pytest.raises(openai.APIStatusError) as large:
        client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "x" * 5_000_000}])
    assert large.value.status_code == 413


def test_a_limit_is_answered_with_429_and_when_to_come_back(service: Running) -> None:
    """A new account has a fifth of the full limits: 120 requests a minute."""
    key = service.key("newcomer@example.com", paid=False)
    with openai.OpenAI(base_url=f"{service.url}/v1", api_key=key, max_retries=0) as newcomer:

        def ask_often() -> None:
            for _ in range(2_000):  # two a second come back meanwhile
                newcomer.embeddings.create(model=MODEL, input="a")

        with pytest.raises(openai.RateLimitError) as limited:
            ask_often()
    assert limited.value.code == "rate_limit_exceeded"
    assert int(limited.value.response.headers["retry-after"]) >= 1
    assert limited.value.response.headers["x-ratelimit-limit-requests"] == "120"


def test_a_client_that_goes_away_frees_its_slot(service: Running, client: openai.OpenAI) -> None:
    """The engine's work is cancelled, not only hidden."""
    engine = service.operate("GET", "/api/load?last=1").json()["engines"][0]["url"]
    before = httpx.get(f"{engine}/stats").json()
    stream = client.chat.completions.create(model=MODEL, messages=HI, max_tokens=2_000, stream=True)
    next(iter(stream))
    stream.close()
    wait_for(
        lambda: httpx.get(f"{engine}/stats").json()["cancelled"] > before["cancelled"],
        10,
        lambda: "the engine works on for nobody",
    )


def test_unknown_endpoints_and_methods_are_refused(service: Running) -> None:
    """By an allow-list, after the key was checked."""
    key = {"authorization": f"Bearer {service.key()}"}
    assert httpx.post(f"{service.url}/v1/files", headers=key).json()["error"]["code"] == "unknown_endpoint"
    assert httpx.get(f"{service.url}/v1/chat/completions", headers=key).status_code == 405
    assert httpx.get(f"{service.url}/v1/models").json()["error"]["code"] == "missing_api_key"
    twice = httpx.get(
        f"{service.url}/v1/models", headers=[("authorization", "Bearer a"), ("authorization", "Bearer b")]
    )
    assert twice.status_code == 400


def test_a_session_is_no_api_key(service: Running) -> None:
    """A session opens the inference API only as a cookie together with the header of our own pages."""
    person = {"email": "session@example.com", "password": "a long enough phrase"}
    assert httpx.post(f"{service.url}/api/accounts", json=person).status_code == 201
    token = httpx.post(f"{service.url}/api/sessions", json=person).json()["token"]
    models = f"{service.url}/v1/models"
    cookie = {"cookie": f"pontlevis_session={token}"}
    assert httpx.get(models, headers={"authorization": f"Bearer {token}"}).status_code == 401
    assert httpx.get(models, headers=cookie).status_code == 401
    assert httpx.get(models, headers={**cookie, "x-pontlevis-request": "1"}).status_code == 200
    assert (
        httpx.delete(
            f"{service.url}/api/sessions/current", headers={"authorization": f"Bearer {token}"}
        ).status_code
        == 204
    )
    assert httpx.get(models, headers={**cookie, "x-pontlevis-request": "1"}).status_code == 401
