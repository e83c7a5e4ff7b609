"""What ends a key ends its streams at both workers; limits of a key hold over both. Real processes."""

import json
from collections.abc import Callable, Iterator
from itertools import pairwise

import httpx
import pytest

from .conftest import wait_for
from .test_e2e_workers import WORKERS, Pair, Stream, worker_of

PASSWORD = "three quiet herons"


class Owner:
    """Somebody with an account and a session."""

    def __init__(self, pair: Pair, name: str) -> None:
        self.pair = pair
        account = {"email": f"{name}.own@example.com", "password": PASSWORD}
        made = httpx.post(f"{pair.service.url}/api/accounts", json=account)
        assert made.status_code == 201, made.text
        self.account = made.json()["id"]
        pair.service.operate("PATCH", f"/api/accounts/{self.account}", {"paid": True})
        token = httpx.post(f"{pair.service.url}/api/sessions", json=account).json()["token"]
        self.client = pair.stack.enter_context(
            httpx.Client(base_url=pair.service.url, headers={"authorization": f"Bearer {token}"})
        )

    def key(self, **wanted: object) -> dict[str, str]:
        answer = self.client.post("/api/keys", json={"name": "bot", **wanted})
        assert answer.status_code == 201, answer.text
        made: dict[str, str] = answer.json()
        return made


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    made = Pair(
        tmp_path_factory.mktemp("keys"), 64,
        ACCOUNTS__ARGON2_MEMORY_KIB="64", ACCOUNTS__ARGON2_PASSES="1", ADMISSION__CONCURRENT_REQUESTS="1000",
    )  # fmt: skip
    yield made.start()
    made.stop()


def both(pair: Pair, key: str) -> list[Stream]:
    """An endless answer at each worker, of which something has come."""
    streams = [pair.stream(number, key) for number in WORKERS]
    wait_for(lambda: all("data:" in each.text for each in streams), 10, lambda: "no stream began")
    assert [worker_of(each.answer) for each in streams] == list(WORKERS)
    return streams


def last_error(stream: Stream) -> str:
    """The code of the event that ended it; its connection ended well."""
    assert not stream.broken, stream.text[-500:]
    last = stream.text.rstrip().rpartition("data: ")[2]
    return str(json.loads(last)["error"]["code"])


def revoke(owner: Owner, key: dict[str, str]) -> None:
    assert owner.client.delete(f"/api/keys/{key['id']}").status_code == 204


def report(owner: Owner, key: dict[str, str]) -> None:
    """As GitHub's secret scanning does it."""
    body = [
        {"token": key["key"], "type": "pontlevis_api_key", "url": "https://git.example/x", "source": "commit"}
    ]
    answer = httpx.post(f"{owner.pair.service.url}/api/leaked-keys", json=body)
    assert (answer.status_code, answer.json()) == (202, {"received": 1})


def disable(owner: Owner, key: dict[str, str]) -> None:
    answer = owner.pair.service.operate("PATCH", f"/api/accounts/{owner.account}", {"disabled": "spam"})
    assert answer.status_code == 200, answer.text


def ban_key(owner: Owner, key: dict[str, str]) -> None:
    decide(owner, "credential", key["id"])


def ban_account(owner: Owner, key: dict[str, str]) -> None:
    decide(owner, "account", owner.account)


def decide(owner: Owner, scope: str, value: str) -> None:
    body = {"scope": scope, "value": value, "reason": "test", "duration_s": 600}
    answer = owner.pair.service.operate("POST", "/api/decisions", body)
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize(
    ("act", "code", "afterwards"),
    [
        (revoke, "account_disabled", (401, "invalid_api_key")),
        (report, "account_disabled", (401, "invalid_api_key")),
        (disable, "account_disabled", (403, "account_disabled")),
        (ban_key, "key_banned", (403, "key_banned")),
        (ban_account, "account_banned", (403, "account_banned")),
    ],
)
def test_streams_at_both_workers_end_with_an_error_event(
    pair: Pair, act: Callable[[Owner, dict[str, str]], None], code: str, afterwards: tuple[int, str]
) -> None:
    """And the engine is rid of them; another key's stream goes on, and the key is refused from then on."""
    owner = Owner(pair, act.__name__.replace("_", "."))
    key = owner.key()
    bystander = pair.stream(0, pair.paid)
    streams = both(pair, key["key"])
    busy = pair.engine.under_way
    act(owner, key)
    wait_for(lambda: all(each.over for each in streams), 10, lambda: f"{act.__name__}: a stream goes on")
    assert [last_error(each) for each in streams] == [code, code]
    wait_for(lambda: pair.engine.under_way == busy - 2, 10, lambda: str(pair.engine.under_way))
    assert not bystander.over
    bystander.close()
    for number in WORKERS:
        refused = pair.ask(pair.clients[number], key["key"])
        assert (refused.status_code, refused.json()["error"]["code"]) == afterwards


def test_a_stream_does_not_outlive_its_key(pair: Pair) -> None:
    """Its time is over while it runs: the last event says so, and so does the next refusal."""
    key = Owner(pair, "late").key(expires_in_s=6)
    streams = both(pair, key["key"])
    wait_for(lambda: all(each.over for each in streams), 20, lambda: "a stream outlived its key")
    assert [last_error(each) for each in streams] == ["key_expired"] * 2
    refused = pair.ask(pair.clients[0], key["key"])
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "key_expired")


def test_a_changed_scope_holds_at_both_workers_at_once_and_ends_what_it_forbids(pair: Pair) -> None:
    """A changed limit ends nothing; a model taken away ends its streams, and its next call is refused."""
    owner = Owner(pair, "changed")
    key = owner.key()
    streams = both(pair, key["key"])
    path = f"/api/keys/{key['id']}"
    assert owner.client.patch(path, json={"limits": {"concurrent": 50}}).status_code == 200
    assert pair.ask(pair.clients[0], key["key"]).status_code == 200
    assert not any(each.over for each in streams)
    answer = owner.client.patch(path, json={"models": ["other*"]})
    assert answer.status_code == 200, answer.text
    for number in WORKERS:
        refused = pair.ask(pair.clients[number], key["key"])
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "model_not_permitted")
    wait_for(lambda: all(each.over for each in streams), 10, lambda: "a stream goes on")
    assert [last_error(each) for each in streams] == ["model_not_permitted"] * 2


def test_a_limit_of_a_keys_own_holds_over_both_workers_and_is_told_exactly(pair: Pair) -> None:
    """Nine requests a minute, one by one at either worker: the headers count down, the tenth is refused."""
    key = Owner(pair, "limited").key(limits={"requests_per_minute": 9, "concurrent": 5})
    left = []
    for number in range(9):
        answer = pair.ask(pair.clients[number % 2], key["key"])
        assert answer.status_code == 200, answer.text
        assert answer.headers["x-ratelimit-limit-requests"] == "9"
        left.append(int(answer.headers["x-ratelimit-remaining-requests"]))
    assert left[0] == 8
    # A ninth of a minute gives one back; nothing is given back twice.
    assert all(one - other in (0, 1) for one, other in pairwise(left))
    for _ in range(3):
        answer = pair.ask(pair.clients[0], key["key"])
        if answer.status_code == 429:
            break
    assert answer.status_code == 429
    assert "its limit of 9 requests a minute" in answer.json()["error"]["message"]
    assert answer.headers["x-ratelimit-remaining-requests"] == "0"
    assert 0 < float(answer.headers["x-ratelimit-reset-requests"].rstrip("s")) <= 60
    assert 1 <= int(answer.headers["retry-after"]) <= 8


def test_a_scope_holds_and_a_key_makes_keys_within_it(pair: Pair) -> None:
    """Models, endpoints, the list; a child over the wire; an old secret until its overlap ends."""
    owner = Owner(pair, "scoped")
    key = owner.key(models=["pl*"], endpoints=["chat/completions", "models", "keys"])
    bearer = {"authorization": f"Bearer {key['key']}"}
    client = pair.clients[1]
    assert pair.ask(client, key["key"]).status_code == 200
    refused = pair.ask(client, key["key"], "endless")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "model_not_permitted")
    assert [each["id"] for each in client.get("/v1/models", headers=bearer).json()["data"]] == ["plain"]
    refused = client.post("/v1/embeddings", headers=bearer, json={"model": "plain", "input": "x"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "endpoint_not_permitted")
    wide = client.post("/api/keys", headers=bearer, json={"name": "wide"})
    assert (wide.status_code, wide.json()["error"]["code"]) == (403, "exceeds_maker")
    child = client.post("/api/keys", headers=bearer, json={"name": "job", "models": ["plain"], "endpoints": ["chat/completions"]})  # fmt: skip
    assert child.status_code == 201, child.text
    assert pair.ask(client, child.json()["key"]).status_code == 200
    turned = client.post(f"/api/keys/{child.json()['id']}/rotate", headers=bearer, json={"overlap_s": 60})
    assert turned.status_code == 200, turned.text
    for each in (child, turned):
        assert pair.ask(client, each.json()["key"]).status_code == 200
    assert (
        client.post(
            f"/api/keys/{child.json()['id']}/rotate", headers=bearer, json={"overlap_s": 0}
        ).status_code
        == 200
    )
    for each in (child, turned):
        refused = pair.ask(client, each.json()["key"])
        assert (refused.status_code, refused.json()["error"]["type"]) == (401, "authentication_error")
