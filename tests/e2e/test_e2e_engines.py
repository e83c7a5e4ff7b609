"""Engines that are not ours: what they add is passed on, and what they do wrong ends in a proper error."""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletionUserMessageParam

from surroundings import PATIENCE_S

from .conftest import Running, wait_for
from .odd_engine import OddEngine

MODELS = ("plain", "refuses-stream-options", "html", "hangs-up", "dies", "endless",
          "dies-in-head", "unframed-whole", "unframed-cut", "refuses-key", "echoes", "unwrapped-error", "ends-late",
          "tagged:latest")  # fmt: skip
ASK: list[ChatCompletionUserMessageParam] = [{"role": "user", "content": "hello"}]


class Street:
    """A service before two engines."""

    def __init__(self, directory: Path) -> None:
        self.first = OddEngine(*MODELS, "both", "waits", "dies-after-head")
        self.second = OddEngine("both", "waits", "only-here", "dies-after-head")
        options = ("--engine", self.first.url + "/v1", "--engine", self.second.url)
        self.service = Running(directory / "data", *options).start()
        self.key = self.service.key()
        wait_for(lambda: "only-here" in self.models(), 20, lambda: "the engines were not found")

    def models(self) -> set[str]:
        found = httpx.get(f"{self.service.url}/v1/models", headers={"authorization": f"Bearer {self.key}"})
        return {each["id"] for each in found.json().get("data", [])}

    def client(self) -> openai.OpenAI:
        return openai.OpenAI(base_url=f"{self.service.url}/v1", api_key=self.key, max_retries=0)

    def chat(self, **more: object) -> httpx.Response:
        return httpx.post(
            f"{self.service.url}/v1/chat/completions",
            json={"messages": ASK, **more},
            headers={"authorization": f"Bearer {self.key}"},
            timeout=PATIENCE_S,
        )

    def used(self, model: str) -> tuple[int, ...]:
        """Requests, those of them whose client left, tokens in, tokens out."""
        with contextlib.closing(sqlite3.connect(self.service.data / "pontlevis.db", timeout=60)) as database:
            row = database.execute(
                "SELECT sum(requests), sum(aborted), sum(input_tokens), sum(output_tokens) FROM usage_days WHERE model = ?",
                (model,),
            ).fetchone()
        return tuple(each or 0 for each in row)

    def stop(self) -> None:
        self.service.stop()
        self.first.stop()
        self.second.stop()


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    made = Street(tmp_path_factory.mktemp("street"))
    yield made
    made.stop()


def test_models_of_all_engines_are_offered(street: Street) -> None:
    """Each once, though two engines have it."""
    with street.client() as client:
        listed = [model.id for model in client.models.list()]
    assert sorted(listed) == sorted({*MODELS, "both", "waits", "only-here", "dies-after-head"})


def test_fields_that_nobody_knows_pass_both_ways(street: Street) -> None:
    """What a client adds reaches the engine, what an engine adds reaches the client."""
    answer = street.chat(model="plain", odd_option={"deep": [1, None]}, seed=7)
    assert answer.json()["odd"] == {"a": [1]}
    assert answer.json()["choices"][0]["message"]["reasoning_content"] == "hm"
    assert street.first.bodies[-1]["odd_option"] == {"deep": [1, None]}
    assert street.first.bodies[-1]["seed"] == 7


def test_a_stream_passes_whole_and_without_the_engines_cookies(street: Street) -> None:
    """And without usage, where the engine gives none."""
    with street.client() as client:
        stream = client.chat.completions.create(model="plain", messages=ASK, stream=True)
        words = [chunk.choices[0].delta.content or "" for chunk in stream]
    assert "".join(words) == "the bridge is up"
    assert street.first.bodies[-1]["stream_options"] == {"include_usage": True}
    assert "set-cookie" not in street.chat(model="plain", stream=True).headers


def test_no_client_can_make_an_engine_count_as_refusing_stream_options(street: Street) -> None:
    """Its own words, which an engine's error repeats, may name them; usage of others is asked for all the same."""
    before = len(street.first.bodies)
    assert street.chat(model="echoes", stream=True, temperature="stream_options").status_code == 400
    assert street.chat(model="plain", stream=True).status_code == 200
    asked = street.first.bodies[before:]
    assert ["stream_options" in each for each in asked] == [True, False, True]


def test_an_engine_that_refuses_stream_options_is_asked_without(street: Street) -> None:
    """The client, who did not ask for them, notices nothing; the next request goes without at once."""
    before = len(street.first.bodies)
    for _ in range(2):
        answer = street.chat(model="refuses-stream-options", stream=True)
        assert answer.status_code == 200
        assert "the" in answer.text
    asked = street.first.bodies[before:]
    assert ["stream_options" in each for each in asked] == [True, False, False]


def test_an_engines_own_error_is_passed_on_in_the_apis_shape(street: Street) -> None:
    """Status and words; a page of HTML has none."""
    answer = street.chat(model="html")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/json")
    assert answer.json()["error"]["message"] == "the engine answered 500 Internal Server Error"
    with street.client() as client, pytest.raises(openai.BadRequestError) as unwrapped:
        client.chat.completions.create(model="unwrapped-error", messages=ASK)
    assert (unwrapped.value.type, unwrapped.value.code) == ("BadRequestError", "400")
    assert "too long" in unwrapped.value.message


def test_the_official_client_that_leaves_at_the_last_word_is_charged_what_the_engine_counted(
    street: Street,
) -> None:
    """It closes its connection at [DONE], and engines may end the answer a moment after that."""
    street.first.release.clear()
    with street.client() as client:
        list(client.chat.completions.create(model="ends-late", messages=ASK, stream=True))
    wait_for(lambda: street.used("ends-late") == (1, 0, 12, 30), 10, lambda: f"{street.used('ends-late')}")
    street.first.release.set()
    street.first.release.clear()  # who waited goes on; streams without end have one when it is set


def test_a_model_may_be_asked_for_without_its_usual_tag(street: Street) -> None:
    """As Ollama takes it; the engine gets the name that the client gave."""
    assert street.chat(model="tagged").status_code == 200
    assert street.first.bodies[-1]["model"] == "tagged"
    assert street.chat(model="tagged:other").status_code == 404
    with street.client() as client:
        assert client.models.retrieve("tagged").id == "tagged:latest"


def test_an_engine_that_hangs_up_before_a_byte_ends_in_an_openai_error(street: Street) -> None:
    """Asked again only on a fresh connection, where there is no other engine; and a request that breaks an engine does not take it out for others."""
    before = len(street.first.bodies)
    answer = street.chat(model="hangs-up")
    assert len(street.first.bodies) <= before + 2
    assert street.chat(model="plain").status_code == 200
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "engine_unavailable"
    assert int(answer.headers["retry-after"]) >= 1


def test_a_stream_whose_engine_dies_ends_with_an_error_event(street: Street) -> None:
    """Never a silent cut: the official client raises."""
    with street.client() as client:
        stream = client.chat.completions.create(model="dies", messages=ASK, stream=True)
        seen = [next(stream).choices[0].delta.content]
        with pytest.raises(openai.APIError, match="engine failed"):
            list(stream)
    assert seen == ["the"]


def test_an_engine_that_dies_within_its_head_ends_in_an_error(street: Street) -> None:
    """Half a head is no answer."""
    street.chat(model="plain")  # five failures in a row, and the engine is given none for a while
    answer = street.chat(model="dies-in-head")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "engine_unavailable")


def test_an_engine_that_dies_before_its_first_event_is_replaced(street: Street) -> None:
    """Engines send the head before they read the prompt; nothing of it had reached the client."""
    street.first.dies = True
    try:
        for _ in range(3):
            street.chat(model="plain")
            answer = street.chat(model="dies-after-head", stream=True)
            assert answer.status_code == 200
            assert answer.text.endswith("data: [DONE]\n\n")
            assert answer.text.count("data:") == 5
    finally:
        street.first.dies = False


def test_an_answer_that_ends_with_its_connection_is_whole_by_its_last_words(street: Street) -> None:
    """Without them it was cut, and the client is told; line ends of either kind are passed on."""
    street.chat(model="plain")
    whole = street.chat(model="unframed-whole", stream=True).text
    assert whole.endswith("data: [DONE]\n\n")
    assert "\r\n\r\n" in whole
    assert "error" not in whole
    cut = street.chat(model="unframed-cut", stream=True).text
    assert '"code":"engine_unavailable"' in cut


def test_the_operators_account_with_an_engine_stays_private(street: Street) -> None:
    """A key of ours that an engine refuses is no fault of the client's; limits shown are the account's own here."""
    street.chat(model="plain")
    answer = street.chat(model="refuses-key")
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "engine_unavailable")
    assert "sk-" not in answer.text
    plain = street.chat(model="plain")
    assert plain.headers.get_list("x-ratelimit-limit-requests") == ["600"]
    assert "openai-organization" not in plain.headers


def test_a_client_that_goes_away_stops_the_engine(street: Street) -> None:
    """The engine sees its client go within a moment."""
    street.chat(model="plain")
    street.first.gone.clear()
    with street.client() as client:
        stream = client.chat.completions.create(model="endless", messages=ASK, stream=True)
        next(stream)
        stream.close()
    assert street.first.gone.wait(60)


def test_two_engines_share_the_load(street: Street) -> None:
    """Eight requests at once: each engine gets half, by tokens in flight."""
    street.first.release.clear()
    street.second.release.clear()
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda: answers.append(street.chat(model="waits").status_code))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    wait_for(
        lambda: street.first.under_way + street.second.under_way == 8,
        10,
        lambda: f"{street.first.under_way} and {street.second.under_way} are under way",
    )
    shares = (street.first.under_way, street.second.under_way)
    street.first.release.set()
    street.second.release.set()
    for thread in threads:
        thread.join(60)
    assert shares == (4, 4)
    assert answers == [200] * 8


def test_an_engine_that_is_gone_is_left_out_until_it_is_back(tmp_path: Path) -> None:
    """Its models go with it; requests for a shared model all succeed meanwhile."""
    here = Street(tmp_path)
    try:
        port = here.second.port
        here.second.stop()
        assert [here.chat(model="both").status_code for _ in range(6)] == [200] * 6
        wait_for(
            lambda: "only-here" not in here.models(), 20, lambda: "a dead engine's model is still offered"
        )
        gone = here.chat(model="only-here")
        assert (gone.status_code, gone.json()["error"]["code"]) == (503, "engine_unavailable")
        here.second = OddEngine("both", "only-here", port=port)
        wait_for(lambda: here.chat(model="only-here").status_code == 200, 30, lambda: "it never came back")
    finally:
        here.stop()
