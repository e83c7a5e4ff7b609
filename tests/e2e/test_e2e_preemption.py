"""Existing users take the slots of newcomers: over real sockets, with the engine's work cancelled."""

import asyncio
import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import httpx
import openai
import pytest

from surroundings import PATIENCE_S

from .conftest import Running, wait_for
from .odd_engine import OddEngine
from .test_e2e_engines import ASK

LIMIT = {"PONTLEVIS_ADMISSION__INITIAL_LIMIT": "2", "PONTLEVIS_ADMISSION__MAX_LIMIT": "2", "PONTLEVIS_ADMISSION__BORROW_SPARE": "0"}  # fmt: skip


class Bridge:
    """A service before one engine that is given two requests at once."""

    def __init__(self, directory: Path) -> None:
        self.engine = OddEngine("plain", "endless", "waits")
        self.service = Running(
            directory / "data", "--engine", self.engine.url, environment={**LIMIT, "PONTLEVIS_ADMISSION__REQUESTS_PER_DAY": "37"}
        ).start()  # fmt: skip
        self.paid = self.service.key("paid@example.com")
        self.new = self.service.key("new@example.com", paid=False)
        wait_for(self.ready, 20, lambda: "the engine was not found")

    def ready(self) -> bool:
        listed = httpx.get(f"{self.service.url}/v1/models", headers={"authorization": f"Bearer {self.paid}"})
        return bool(listed.json().get("data"))

    def client(self, key: str) -> openai.OpenAI:
        return openai.OpenAI(
            base_url=f"{self.service.url}/v1", api_key=key, max_retries=0, timeout=PATIENCE_S
        )


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[Bridge]:
    made = Bridge(tmp_path)
    yield made
    made.engine.stop()
    made.service.stop()


def test_under_attack_a_newcomer_s_stream_ends_with_an_error_for_an_existing_user(bridge: Bridge) -> None:
    """The reason stands in the last event; the engine's work is cancelled; the existing user is served."""
    with bridge.client(bridge.new) as newcomer, bridge.client(bridge.paid) as existing:
        stream = newcomer.chat.completions.create(model="endless", messages=ASK, stream=True)
        events = iter(stream)
        next(events)
        mine = existing.chat.completions.create(model="endless", messages=ASK, stream=True)
        next(iter(mine))
        answer = bridge.service.operate("POST", "/api/posture", {"posture": "under_attack", "reason": "test"})
        assert answer.status_code == 200
        second = existing.chat.completions.create(model="plain", messages=ASK)
        assert second.choices[0].message.content == "the bridge is up"
        with pytest.raises(openai.APIError) as cut:
            list(islice(events, 2_000))
        assert cut.value.code == "preempted"
        assert "existing user" in cut.value.message
        assert isinstance(cut.value.body, dict)
        told = bridge.service.operate("GET", f"/api/refusals/{cut.value.body['request_id']}").json()
        assert (told["code"], told["standing"]) == ("preempted", "new")
        assert bridge.engine.gone.wait(60), "the engine's work goes on"
        next(iter(mine))
        mine.close()


def test_a_newcomer_s_request_that_has_not_begun_goes_back_and_is_served_later(bridge: Bridge) -> None:
    """Its client sees nothing but a longer wait."""
    answers: list[str | None] = []

    def ask() -> None:
        with bridge.client(bridge.new) as newcomer:
            made = newcomer.chat.completions.create(model="waits", messages=ASK)
            answers.append(made.choices[0].message.content)

    with bridge.client(bridge.paid) as existing:
        waiting = threading.Thread(target=ask)
        waiting.start()
        wait_for(lambda: bridge.engine.under_way == 1, 10, lambda: "the newcomer's request did not start")
        first = existing.chat.completions.create(model="endless", messages=ASK, stream=True)
        next(iter(first))
        second = existing.chat.completions.create(model="plain", messages=ASK)
        assert second.choices[0].message.content == "the bridge is up"
        first.close()
        bridge.engine.release.set()
        waiting.join(60)
    assert answers == ["the bridge is up"]
    asked = [each for each in bridge.engine.bodies if each["model"] == "waits"]
    assert len(asked) == 2, "it was sent, taken back, and sent again"


def test_two_hundred_at_once_are_served_to_the_digit_of_the_day_s_limit(bridge: Bridge) -> None:
    """37, not one more, whatever arrives together; and each refusal explains itself to the operator."""

    async def flood() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=200)
        headers = {"authorization": f"Bearer {bridge.paid}"}
        async with httpx.AsyncClient(limits=limits, timeout=PATIENCE_S, headers=headers) as client:
            body = {"model": "plain", "messages": ASK}
            url = f"{bridge.service.url}/v1/chat/completions"
            return await asyncio.gather(*(client.post(url, json=body) for _ in range(200)))

    answers = asyncio.run(flood())
    assert {each.status_code for each in answers} == {200, 429}
    served = [each for each in answers if each.status_code == 200]
    assert len(served) == 37
    assert min(int(each.headers["x-ratelimit-remaining-requests"]) for each in served) == 0
    refused = next(each for each in answers if each.status_code == 429 and "a day" in each.text)
    told = bridge.service.operate("GET", f"/api/refusals/{refused.headers['x-request-id']}").json()
    assert (told["code"], told["cause"], told["standing"]) == (
        "rate_limit_exceeded",
        "requests_a_day",
        "paid",
    )
    assert told["posture"] == "normal"
