"""Two gateway workers and the admission that they share, as real processes before an engine that obeys the test."""

import asyncio
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from surroundings import PATIENCE_S

from .conftest import Running, wait_for
from .odd_engine import OddEngine
from .test_e2e_engines import ASK

WORKERS = (0, 1)


class Stream:
    """An endless answer that is read for as long as the test wants."""

    def __init__(self, client: httpx.Client, key: str) -> None:
        self._stack = ExitStack()
        body = {"model": "endless", "messages": ASK, "stream": True}
        self.answer = self._stack.enter_context(
            client.stream(
                "POST", "/v1/chat/completions", json=body, headers={"authorization": f"Bearer {key}"}
            )
        )
        self.text = ""
        self.broken = False
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        try:
            for each in self.answer.iter_text():
                self.text += each
        except (httpx.HTTPError, httpx.StreamError):
            self.broken = True

    @property
    def over(self) -> bool:
        return not self._reader.is_alive()

    def close(self) -> None:
        """The client goes away."""
        stream = self.answer.extensions["network_stream"]
        sock = stream.get_extra_info("socket")
        if sock is not None and not self.over:
            sock.shutdown(2)
        self._reader.join(PATIENCE_S)
        self._stack.close()


class Pair:
    """A service of two workers, and clients of which it is known whose they are."""

    def __init__(self, directory: Path, limit: int, **environment: str) -> None:
        self.engine = OddEngine("plain", "endless", "waits")
        settings = {"ADMISSION__INITIAL_LIMIT": str(limit), "ADMISSION__MAX_LIMIT": str(limit),
                    "ADMISSION__BORROW_SPARE": "0", **environment}  # fmt: skip
        self.service = Running(
            directory / "data", "--engine", self.engine.url, "--workers", "2",
            environment={f"PONTLEVIS_{name}": value for name, value in settings.items()},
        )  # fmt: skip
        self.stack = ExitStack()
        self.clients: dict[int, httpx.Client] = {}
        self.paid = self.new = ""

    def start(self) -> "Pair":
        self.service.start()
        self.paid = self.service.key("paid@example.com")
        self.new = self.service.key("new@example.com", paid=False)
        wait_for(self.ready, 20, lambda: self.service.log[-2_000:])
        self.clients = {number: self.client_of(number) for number in WORKERS}
        return self

    def ready(self) -> bool:
        if self.metric("pontlevis_gateways") != 2 or self.metric("pontlevis_admission") != 1:
            return False
        with httpx.Client(base_url=self.service.url) as client:
            return self.ask(client, self.paid).status_code == 200

    def metric(self, name: str) -> float:
        """Summed over its labels."""
        page = httpx.get(f"{self.service.operator_url}/metrics").text
        return sum(float(each) for each in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", page, re.MULTILINE))

    def ask(self, client: httpx.Client, key: str, model: str = "plain") -> httpx.Response:
        return client.post(
            "/v1/chat/completions",
            json={"model": model, "messages": ASK},
            headers={"authorization": f"Bearer {key}"},
            timeout=PATIENCE_S,
        )

    def client_of(self, number: int) -> httpx.Client:
        """One connection to that worker; the kernel chooses, so that a few are tried."""
        for _ in range(60):
            client = self.stack.enter_context(
                httpx.Client(base_url=self.service.url, limits=httpx.Limits(max_connections=1))
            )
            if worker_of(self.ask(client, self.paid)) == number:
                return client
        raise AssertionError(f"no connection came to worker {number}")

    def stream(self, number: int, key: str) -> Stream:
        made = Stream(self.client_of(number), key)
        self.stack.callback(made.close)
        return made

    def pid(self, name: str) -> int:
        return self.service.note.pids[name]

    def kill(self, name: str) -> int:
        dead = self.pid(name)
        os.kill(dead, signal.SIGKILL)
        return dead

    def back(self, name: str, dead: int) -> None:
        wait_for(
            lambda: self.pid(name) != dead and self.metric("pontlevis_gateways") == 2 and self.metric("pontlevis_admission") == 1,
            30,
            lambda: self.service.log[-2_000:],
        )  # fmt: skip

    def stop(self) -> None:
        self.engine.release.set()
        self.stack.close()
        self.service.stop()
        self.engine.stop()


def worker_of(answer: httpx.Response) -> int:
    """The number of the worker is in the id of each request that was not refused."""
    found = re.fullmatch(r"req_[0-9a-f]{6}([0-9a-f]{2})[0-9a-f]+", answer.headers["x-request-id"])
    assert found, answer.text
    return int(found[1], 16)


@pytest.fixture
def pairs(tmp_path: Path) -> Iterator[Callable[..., Pair]]:
    made: list[Pair] = []

    def make(limit: int, **environment: str) -> Pair:
        made.append(Pair(tmp_path, limit, **environment))
        return made[-1].start()

    yield make
    for pair in made:
        pair.stop()


def flood(pair: Pair, key: str, model: str, count: int) -> list[httpx.Response]:
    """So many at once, each on a connection of its own."""

    async def send() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=count)
        headers = {"authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(limits=limits, timeout=PATIENCE_S, headers=headers) as client:
            body = {"model": model, "messages": ASK}
            url = f"{pair.service.url}/v1/chat/completions"
            return await asyncio.gather(*(client.post(url, json=body) for _ in range(count)))

    return asyncio.run(send())


def test_a_limit_holds_to_the_digit_over_both_workers(pairs: Callable[..., Pair]) -> None:
    """Of two hundred at once 37 are served, whichever workers they came to; then both refuse; no id came twice."""
    pair = pairs(8, ADMISSION__REQUESTS_PER_DAY="185")  # a fifth of it for a new account
    answers = flood(pair, pair.new, "plain", 200)
    served = [each for each in answers if each.status_code == 200]
    assert {each.status_code for each in answers} <= {200, 429, 503}
    while len(served) < 37:
        more = pair.ask(pair.clients[len(served) % 2], pair.new)
        assert more.status_code == 200, more.text
        answers.append(more)
        served.append(more)
    for number in WORKERS:
        assert pair.ask(pair.clients[number], pair.new).status_code == 429
    assert len(served) == 37
    assert len({each.headers["x-request-id"] for each in answers}) == len(answers)
    left = [int(each.headers["x-ratelimit-remaining-requests"]) for each in served]
    assert min(left) == 0
    assert max(left) < 37
    refused = next(each for each in answers if each.status_code != 200)
    told = pair.service.operate("GET", f"/api/refusals/{refused.headers['x-request-id']}").json()
    assert (told["code"], told["standing"]) == (refused.json()["error"]["code"], "new")


def test_two_hundred_at_once_are_served_to_the_digit_of_the_concurrency_limit(pairs: Callable[..., Pair]) -> None:  # fmt: skip
    """Exactly so many of those that came to both workers run, and each other one is told."""
    pair = pairs(64, ADMISSION__CONCURRENT_REQUESTS="23")
    answers: list[httpx.Response] = []
    asking = threading.Thread(target=lambda: answers.extend(flood(pair, pair.paid, "waits", 200)))
    asking.start()
    wait_for(lambda: pair.engine.under_way == 23, 20, lambda: str(pair.engine.under_way))
    for number in WORKERS:
        assert pair.ask(pair.clients[number], pair.paid).status_code == 429
    wait_for(lambda: pair.metric("pontlevis_in_flight") == 23, 10, lambda: str(pair.metric("pontlevis_in_flight")))  # fmt: skip
    assert pair.engine.under_way == pair.engine.most_under_way == 23
    pair.engine.release.set()
    asking.join(PATIENCE_S)
    by_status = [each.status_code for each in answers]
    assert (by_status.count(200), by_status.count(429)) == (23, 177)


def test_a_newcomer_at_one_worker_gives_way_to_an_existing_user_at_the_other(pairs: Callable[..., Pair]) -> None:  # fmt: skip
    """Its request goes back to the queue unseen, and is served afterwards."""
    pair = pairs(1)
    answers: list[httpx.Response] = []
    newcomer = pair.clients[0]
    asking = threading.Thread(target=lambda: answers.append(pair.ask(newcomer, pair.new, "waits")))
    asking.start()
    wait_for(lambda: pair.engine.under_way == 1, 10, lambda: "the newcomer's request did not start")
    assert pair.ask(pair.clients[1], pair.paid).status_code == 200
    pair.engine.release.set()
    asking.join(PATIENCE_S)
    assert [each.status_code for each in answers] == [200]
    assert worker_of(answers[0]) == 0
    assert len([each for each in pair.engine.bodies if each["model"] == "waits"]) == 2


def test_admission_that_was_killed_comes_back_with_exact_counts(pairs: Callable[..., Pair]) -> None:
    """Streams go on, existing users are served meanwhile, newcomers are told to come back, no slot is lost."""
    pair = pairs(6)
    streams = [pair.stream(number, pair.paid) for number in (0, 1, 1)]
    dead = pair.kill("admission")
    wait_for(
        lambda: pair.service.log.count("gateway:admission:lost") == 2, 10, lambda: pair.service.log[-1_000:]
    )
    for number in WORKERS:
        refused = pair.ask(pair.clients[number], pair.new)
        if refused.status_code != 200:
            assert refused.status_code == 503
            assert refused.json()["error"]["code"] == "overloaded"
            assert int(refused.headers["retry-after"]) > 0
        assert pair.ask(pair.clients[number], pair.paid).status_code == 200
    pair.back("admission", dead)
    wait_for(lambda: pair.metric("pontlevis_in_flight") == 3, 10, lambda: str(pair.metric("pontlevis_in_flight")))  # fmt: skip
    assert not any(each.over for each in streams)
    more = [pair.stream(number, pair.paid) for number in (0, 0, 1)]
    waiting = threading.Thread(target=lambda: pair.ask(pair.clients[0], pair.paid))
    waiting.start()
    wait_for(lambda: pair.metric("pontlevis_queued") == 1, 10, lambda: "six of six slots are held: it waits")
    streams[0].close()
    waiting.join(PATIENCE_S)
    for each in (*streams, *more):
        each.close()
    wait_for(lambda: pair.metric("pontlevis_in_flight") == 0, 10, lambda: "a slot was lost")
    assert pair.engine.under_way == 0
    assert pair.ask(pair.clients[1], pair.new).status_code == 200


def test_admission_that_hangs_holds_nobody_up_for_long(pairs: Callable[..., Pair]) -> None:
    """After a second of silence workers go on without it; when it goes on, so do they with it."""
    pair = pairs(6, GATEWAY__ADMISSION_SILENCE_S="1")
    pid = pair.pid("admission")
    os.kill(pid, signal.SIGSTOP)
    try:
        for number in WORKERS:
            assert pair.ask(pair.clients[number], pair.paid).status_code == 200
        assert pair.ask(pair.clients[0], pair.new).status_code == 503
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_for(lambda: pair.ask(pair.clients[0], pair.new).status_code == 200, 10, lambda: pair.service.log[-1_000:])  # fmt: skip
    wait_for(lambda: pair.metric("pontlevis_in_flight") == 0, 10, lambda: "a slot was lost")


def test_what_a_killed_worker_held_is_free_at_once_and_it_is_back_in_seconds(pairs: Callable[..., Pair]) -> None:  # fmt: skip
    """Streams of the other go on; who waited there is served."""
    pair = pairs(3)
    lost = [pair.stream(0, pair.paid) for _ in range(2)]
    kept = pair.stream(1, pair.paid)
    answers: list[httpx.Response] = []
    waiting = threading.Thread(target=lambda: answers.append(pair.ask(pair.clients[1], pair.paid)))
    waiting.start()
    wait_for(lambda: pair.metric("pontlevis_queued") == 1, 10, lambda: "it does not wait")
    dead = pair.kill("gateway-0")
    waiting.join(PATIENCE_S)
    assert [each.status_code for each in answers] == [200]
    wait_for(lambda: all(each.over for each in lost), 10, lambda: "the streams of a dead worker go on")
    pair.back("gateway-0", dead)
    assert not kept.over
    wait_for(lambda: pair.metric("pontlevis_in_flight") == 1, 10, lambda: "a slot was lost")
    assert pair.ask(pair.client_of(0), pair.paid).status_code == 200


def test_no_slot_is_lost_when_admission_and_a_worker_die_under_load(pairs: Callable[..., Pair]) -> None:
    """Forty ask without a pause, old and new, through both deaths; afterwards there is room for exactly as many as before."""
    pair = pairs(4, ADMISSION__REQUESTS_PER_MINUTE="1000000", ADMISSION__TOKENS_PER_MINUTE="1000000000", ADMISSION__REQUESTS_PER_DAY="0")  # fmt: skip
    seen: dict[int, int] = {}
    over = False

    async def ask_again_and_again(client: httpx.AsyncClient, key: str) -> None:
        body = {"model": "plain", "messages": ASK}
        while not over:
            try:
                answer = await client.post("/v1/chat/completions", json=body, headers={"authorization": f"Bearer {key}"})  # fmt: skip
                status = answer.status_code
            except httpx.TransportError:
                status = 0
            seen[status] = seen.get(status, 0) + 1
            await asyncio.sleep(0.02)

    async def load() -> None:
        nonlocal over
        limits = httpx.Limits(max_connections=40)
        async with httpx.AsyncClient(base_url=pair.service.url, limits=limits, timeout=PATIENCE_S) as client:
            asking = [
                asyncio.create_task(ask_again_and_again(client, pair.paid if each % 2 else pair.new))
                for each in range(40)
            ]
            for name in ("admission", "gateway-1", "admission"):
                await asyncio.sleep(0.7)
                dead = pair.kill(name)
                await asyncio.to_thread(pair.back, name, dead)
            while seen.get(200, 0) <= 100:
                await asyncio.sleep(0.05)
            over = True
            await asyncio.gather(*asking)

    asyncio.run(load())
    assert set(seen) <= {0, 200, 429, 503}
    # Each at most twice: who comes back while the dying worker still listens is cut off once more.
    assert seen.get(0, 0) <= 80, "only who was connected to the worker that died"
    wait_for(lambda: pair.metric("pontlevis_in_flight") + pair.metric("pontlevis_queued") == 0, 10, lambda: "a slot was lost")  # fmt: skip
    held = [pair.stream(number, pair.paid) for number in (0, 0, 1, 1)]
    assert pair.engine.under_way == 4
    answers: list[httpx.Response] = []
    waiting = threading.Thread(target=lambda: answers.append(pair.ask(pair.clients[0], pair.paid)))
    waiting.start()
    wait_for(lambda: pair.metric("pontlevis_queued") == 1, 10, lambda: "there is a slot too many")
    held[0].close()
    waiting.join(PATIENCE_S)
    assert [each.status_code for each in answers] == [200]


def test_a_revoked_key_s_streams_end_on_both_workers_and_it_opens_neither(pairs: Callable[..., Pair]) -> None:
    """As soon as the revocation is answered; other streams go on."""
    pair = pairs(16)
    person = {"email": "grace@example.com", "password": "a long enough phrase"}
    api = pair.stack.enter_context(httpx.Client(base_url=pair.service.url))
    assert api.post("/api/accounts", json=person).status_code == 201
    token = api.post("/api/sessions", json=person).json()["token"]
    api.headers["authorization"] = f"Bearer {token}"
    made = api.post("/api/keys", json={"name": "one"}).json()
    mine = [pair.stream(number, made["key"]) for number in WORKERS]
    other = [pair.stream(number, pair.paid) for number in WORKERS]
    assert api.delete(f"/api/keys/{made['id']}").status_code == 204
    for number in WORKERS:
        assert pair.ask(pair.clients[number], made["key"]).status_code == 401
    wait_for(lambda: all(each.over for each in mine), 10, lambda: "a stream goes on with a revoked key")
    assert all("account_disabled" in each.text for each in mine)
    assert not any(each.over for each in other)


def test_a_posture_is_in_force_at_both_workers_and_at_admission_when_it_is_answered(pairs: Callable[..., Pair]) -> None:  # fmt: skip
    """Registration is suspended and anonymous use ends, whichever worker is asked."""
    pair = pairs(8, ANONYMOUS="true")
    for number in WORKERS:
        answer = pair.clients[number].post("/v1/chat/completions", json={"model": "plain", "messages": ASK})
        assert answer.status_code == 200
    body: dict[str, object] = {"posture": "under_attack", "reason": "a test"}
    assert pair.service.operate("POST", "/api/posture", body).status_code == 200
    for number in WORKERS:
        client = pair.clients[number]
        refused = client.post("/v1/chat/completions", json={"model": "plain", "messages": ASK})
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "anonymous_suspended")
        person = {"email": f"new{number}@example.com", "password": "a long enough phrase"}
        sign_up = client.post("/api/accounts", json=person)
        assert (sign_up.status_code, sign_up.json()["error"]["code"]) == (503, "registration_suspended")


def test_views_count_both_workers_and_requests_once(pairs: Callable[..., Pair]) -> None:
    """Metrics, readiness and the operator's API."""
    pair = pairs(8)
    stream = pair.stream(1, pair.paid)
    wait_for(lambda: pair.metric("pontlevis_in_flight") == 1, 10, lambda: str(pair.metric("pontlevis_in_flight")))  # fmt: skip
    assert pair.metric("pontlevis_gateways_wanted") == 2
    ready = httpx.get(f"{pair.service.operator_url}/readyz")
    assert (ready.status_code, ready.json()) == (200, {"gateways": 2, "admission": True, "engines_up": 1})
    wait_for(
        lambda: len(pair.service.operate("GET", "/api/load").json()["samples"]) >= 6, 20, lambda: "no samples"
    )
    load = pair.service.operate("GET", "/api/load").json()
    assert load["gateways"] == 2
    ats = [each["at"] for each in load["samples"]]
    assert len(ats) <= ats[-1] - ats[0] + 3, "one sample a second for both, though one may come late"
    assert load["samples"][-1]["limit_requests"] == 8
    stream.close()
