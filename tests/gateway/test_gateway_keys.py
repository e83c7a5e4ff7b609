"""Scopes, expiry and rotation where requests come in, and calls under way that may no more."""

import json
import secrets
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from test_gateway_bans import HOME, NOW, Door

from pontlevis.brain.credential import CredentialCodec, CredentialKind
from pontlevis.brain.key_scope import KeyLimits, KeyScope
from pontlevis.brain.vocabulary import RefusalCode, Standing
from pontlevis.gateway.core import Core
from pontlevis.gateway.directory import Caller, Directory
from pontlevis.gateway.http import Connection
from pontlevis.gateway.relay import Exchange
from pontlevis.gateway.request import Request
from pontlevis.gateway.wire import Endpoint
from pontlevis.link.messages import AccountRecord, Changes, CredentialRecord, DecisionRecord

AWAY = "198.51.100.4"
CHAT = "/v1/chat/completions"
SCOPE = KeyScope(("gpt-*", "llama"), ("chat/completions", "models"))


class Gate:
    """A gateway's core and keys of one paid account that a test changes."""

    def __init__(self) -> None:
        self.door = Door()
        self.core: Core = self.door.core
        self.directory: Directory = self.core.directory
        self.codec: CredentialCodec = self.directory._codec
        self.now = NOW
        self.core.unix = lambda: self.now

    def key(self, id_: str = "f" * 16, **fields: Any) -> tuple[str, CredentialRecord]:
        """A key of the paid account, known here."""
        secret = secrets.token_bytes(20)
        record = CredentialRecord(id_, "a2", self.codec.secret_hash(secret), **fields)
        self.directory.apply(Changes(2, credentials=[record]))
        return self.codec.mint(CredentialKind.API_KEY, id_, int(NOW) - 60, secret), record

    def knock(self, key: str, path: str = CHAT, method: str = "POST") -> tuple[int, str]:
        """Status and code of a refusal before the body; zero and nothing where the request goes on."""
        request = self.request(key, path, method)
        self.core.admit(cast("Connection", SimpleNamespace(peer=AWAY)), request)
        if request.refused is None:
            return 0, ""
        return request.refused[0], json.loads(request.refused[1])["error"]["code"]

    def serve(self, key: str, path: str, body: object = None, method: str = "POST") -> tuple[int, Any]:
        """What is answered without an engine."""
        said: list[tuple[int, Any]] = []
        connection = SimpleNamespace(
            peer=AWAY, answer=lambda status, body, fields=b"": said.append((status, json.loads(body)))
        )
        request = self.request(key, path, method)
        self.core.admit(cast("Connection", connection), request)
        assert request.refused is None, request.refused
        request.body.append(json.dumps(body).encode())
        self.core.serve(cast("Connection", connection), request)
        (answer,) = said
        return answer

    def request(self, key: str, path: str, method: str) -> Request:
        request = Request()
        request.path, request.method = path, method
        request.headers = [(b"authorization", b"Bearer " + key.encode())]
        return request


@pytest.fixture
def gate() -> Gate:
    return Gate()


def test_an_endpoint_outside_the_scope_is_refused_before_the_body_comes(gate: Gate) -> None:
    """With a code of its own; what is in it goes on, and an unscoped key goes anywhere."""
    key, _ = gate.key(scope=SCOPE)
    assert gate.knock(key, "/v1/embeddings") == (403, "endpoint_not_permitted")
    assert gate.knock(key, "/v1/nothing") == (404, "unknown_endpoint")
    assert gate.knock(key) == (0, "")
    assert gate.knock(key, "/v1/models", "GET") == (0, "")
    plain, _ = gate.key("e" * 16)
    assert gate.knock(plain, "/v1/embeddings") == (0, "")
    narrow, _ = gate.key("d" * 16, scope=KeyScope(endpoints=("embeddings",)))
    assert gate.knock(narrow, "/v1/models", "GET") == (403, "endpoint_not_permitted")


@pytest.mark.parametrize(("path", "methods"), [("*", b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"), (CHAT, b"POST, OPTIONS"), (CHAT + "/", b"POST, OPTIONS"), ("/v1/models", b"GET, HEAD, OPTIONS"), ("/v1/models/llama", b"GET, HEAD, OPTIONS")])  # fmt: skip
def test_who_asks_for_methods_is_told_without_a_key(gate: Gate, path: str, methods: bytes) -> None:
    """A browser's preflight brings none, and learns that it may not read the answer; nobody is blamed for it."""
    request = gate.request("pl-none", path, "OPTIONS")
    gate.core.admit(cast("Connection", SimpleNamespace(peer=AWAY)), request)
    assert request.refused == (200, b"", b"allow: " + methods + b"\r\n")
    assert [(each.kind, each.outcome) for each in gate.core.recorder.take(1.0, None, {}).observations] == [("page", "ok")]  # fmt: skip
    assert gate.knock("pl-none", "/v1/nothing", "OPTIONS")[0] == 401


def test_an_endpoint_may_end_in_a_slash_and_models_are_read_by_their_head_too(gate: Gate) -> None:
    """As programs write their addresses, and as RFC 9110, 9.1 has it; what else is refused names what is taken."""
    key, _ = gate.key(scope=SCOPE)
    assert gate.knock(key, CHAT + "/") == (0, "")
    assert gate.knock(key, "/v1/embeddings/") == (403, "endpoint_not_permitted")
    assert gate.serve(key, "/v1/models/", method="GET") == gate.serve(key, "/v1/models", method="GET")
    assert gate.knock(key, "/v1/models", "HEAD") == (0, "")
    assert gate.knock(key, CHAT, "HEAD") == (405, "method_not_allowed")
    wrong = gate.request(key, "/v1/models", "POST")
    gate.core.admit(cast("Connection", SimpleNamespace(peer=AWAY)), wrong)
    assert wrong.refused is not None
    assert b"allow: GET, HEAD\r\n" in wrong.refused[2]


def test_a_model_outside_the_scope_is_refused_in_the_apis_own_words(gate: Gate) -> None:
    """403, with the parameter at fault, and counted under its code."""
    key, _ = gate.key(scope=SCOPE)
    status, body = gate.serve(key, CHAT, {"model": "claude", "messages": [{}]})
    assert status == 403
    assert body["error"] | {"message": ""} == {
        "message": "", "type": "permission_error", "code": "model_not_permitted", "param": "model",
    }  # fmt: skip
    assert "'claude'" in body["error"]["message"]
    assert gate.core.take_refusals() == {"model_not_permitted": 1}


@pytest.mark.parametrize("other", ["Model", "models"])
def test_a_key_bound_to_models_names_its_model_once(gate: Gate, other: str) -> None:
    """An engine may go by the other one: Ollama reads names whatever their case."""
    key, _ = gate.key(scope=SCOPE)
    status, body = gate.serve(key, CHAT, {"model": SCOPE.models[0], other: "claude", "messages": [{}]})
    assert (status, body["error"]["code"], body["error"]["param"]) == (400, "invalid_body", "model")


def test_the_list_of_models_holds_what_the_key_may_use(gate: Gate) -> None:
    """Whole and one by one."""
    for engine in gate.core.engines.values():
        engine.up, engine.models = True, {name: {"id": name} for name in ("gpt-4", "llama", "claude")}
    key, _ = gate.key(scope=SCOPE)
    status, body = gate.serve(key, "/v1/models", method="GET")
    assert (status, [each["id"] for each in body["data"]]) == (200, ["gpt-4", "llama"])
    assert gate.serve(key, "/v1/models/gpt-4", method="GET")[0] == 200
    assert gate.serve(key, "/v1/models/claude", method="GET")[0] == 404
    plain, _ = gate.key("e" * 16)
    assert len(gate.serve(plain, "/v1/models", method="GET")[1]["data"]) == 3


def test_a_key_that_has_expired_is_told_so(gate: Gate) -> None:
    """To the second; a revoked one is not told apart from a made-up one."""
    key, record = gate.key(expires_at=NOW + 10)
    gate.now = NOW + 9.9
    assert gate.knock(key) == (0, "")
    gate.now = NOW + 10
    assert gate.knock(key) == (401, "key_expired")
    gate.directory.apply(Changes(3, credentials=[msgspec.structs.replace(record, revoked=True)]))
    assert gate.knock(key) == (401, "invalid_api_key")


def test_a_forged_secret_learns_nothing_of_an_expired_key(gate: Gate) -> None:
    """Even where its MAC holds."""
    gate.key(expires_at=NOW - 1)
    forged = gate.codec.mint(CredentialKind.API_KEY, "f" * 16, int(NOW), bytes(20))
    assert gate.knock(forged) == (401, "invalid_api_key")


class Call:
    """A call under way, as far as its end is concerned."""

    def __init__(self, caller: Caller, source: str = AWAY) -> None:
        self.caller, self.source = caller, source
        self.last_data_at = 1e12
        self.endpoint, self.call = Endpoint.CHAT, SimpleNamespace(model="llama")
        self.ended: list[RefusalCode] = []

    def cut(self, reason: str, code: RefusalCode) -> None:
        assert reason
        self.ended.append(code)


def _begin(gate: Gate, key: str, source: str = AWAY) -> Call:
    caller = gate.directory.recognise(key, gate.now)
    assert caller is not None
    call = Call(caller, source)
    gate.core.exchanges[len(gate.core.exchanges)] = cast(Exchange, call)
    return call


def _decide(scope: str, value: str) -> Changes:
    return Changes(3, decisions=[DecisionRecord(9, scope, value, "r", NOW, NOW + 60)])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_decide("account", "a2"), RefusalCode.ACCOUNT_BANNED),
        (_decide("credential", "f" * 16), RefusalCode.KEY_BANNED),
        (Changes(3, accounts=[AccountRecord("a2", 4, NOW, False, "spam")]), RefusalCode.ACCOUNT_DISABLED),
        (Changes(3, credentials=[CredentialRecord("f" * 16, "a2", b"", revoked=True)]), RefusalCode.ACCOUNT_DISABLED),
        (Changes(3, whole=True, accounts=[AccountRecord("a2", 4, NOW)]), RefusalCode.ACCOUNT_DISABLED),
    ],
    ids=["account banned", "key banned", "account disabled", "key revoked", "key gone while the controller was away"],
)  # fmt: skip
def test_a_call_under_way_ends_whatever_takes_its_right_away(
    gate: Gate, change: Changes, code: RefusalCode
) -> None:
    """By what is known here, however it became known; no message of its own is needed."""
    key, _ = gate.key()
    call = _begin(gate, key)
    gate.core.sweep()
    assert call.ended == []
    gate.directory.apply(change)
    gate.core.sweep()
    assert call.ended == [code]


def test_a_call_ends_with_its_keys_time_and_with_its_secrets(gate: Gate) -> None:
    """The one that uses the new secret goes on."""
    old, record = gate.key()
    before = _begin(gate, old)
    secret = secrets.token_bytes(20)
    rotated = CredentialRecord("f" * 16, "a2", gate.codec.secret_hash(secret), former_hash=record.secret_hash, former_until=NOW + 5)  # fmt: skip
    gate.directory.apply(Changes(3, credentials=[rotated]))
    after = _begin(gate, gate.codec.mint(CredentialKind.API_KEY, "f" * 16, int(NOW), secret))
    gate.core.sweep()
    assert (before.ended, after.ended) == ([], [])
    gate.now = NOW + 5
    gate.core.sweep()
    assert (before.ended, after.ended) == ([RefusalCode.KEY_EXPIRED], [])
    gate.directory.apply(Changes(4, credentials=[msgspec.structs.replace(rotated, expires_at=NOW + 6)]))
    gate.now = NOW + 6
    gate.core.sweep()
    assert after.ended == [RefusalCode.KEY_EXPIRED]


@pytest.mark.parametrize(
    ("scope", "code"),
    [
        (KeyScope(("gpt-*",)), RefusalCode.MODEL_NOT_PERMITTED),
        (KeyScope(endpoints=("embeddings",)), RefusalCode.ENDPOINT_NOT_PERMITTED),
        (KeyScope(("ll*",), ("chat/completions",), KeyLimits(1, 1, 1, 1, 1)), None),
        (None, None),
    ],
)
def test_a_call_ends_when_its_key_may_no_more_what_it_asked(
    gate: Gate, scope: KeyScope | None, code: RefusalCode | None
) -> None:
    """A changed scope reaches what is under way; a changed limit holds from the next call on."""
    key, record = gate.key(scope=SCOPE)
    call = _begin(gate, key)
    gate.directory.apply(Changes(3, credentials=[msgspec.structs.replace(record, scope=scope)]))
    gate.core.sweep()
    assert call.ended == ([code] if code else [])
    caller = gate.directory.recognise(key, NOW)
    assert caller is not None
    assert caller.limits == (scope.limits if scope else None)


def test_an_old_secret_that_leaked_ends_its_calls_and_not_the_new_ones(gate: Gate) -> None:
    """The overlap is over at once."""
    old, record = gate.key()
    before = _begin(gate, old)
    secret = secrets.token_bytes(20)
    gate.directory.apply(
        Changes(3, credentials=[CredentialRecord("f" * 16, "a2", gate.codec.secret_hash(secret))])
    )
    after = _begin(gate, gate.codec.mint(CredentialKind.API_KEY, "f" * 16, int(NOW), secret))
    gate.core.sweep()
    assert (before.ended, after.ended) == ([RefusalCode.ACCOUNT_DISABLED], [])
    assert record.secret_hash == before.caller.proof


def test_a_banned_address_ends_newcomers_calls_and_spares_existing_ones(gate: Gate) -> None:
    """As at the door: an automatic ban leaves an existing account alone."""
    new = _begin(gate, gate.door.keys[Standing.NEW], HOME)
    paid = _begin(gate, gate.door.keys[Standing.PAID], HOME)
    elsewhere = _begin(gate, gate.door.keys[Standing.NEW], AWAY)
    nobody = Call(Caller("anon:" + HOME, "", Standing.ANONYMOUS), HOME)
    gate.core.exchanges[77] = cast(Exchange, nobody)
    gate.core.sweep()
    assert [each.ended for each in (new, nobody)] == [[RefusalCode.SOURCE_BANNED]] * 2
    assert [each.ended for each in (paid, elsewhere)] == [[], []]


def test_whoever_was_met_before_their_key_was_announced_goes_on_until_it_is_known(gate: Gate) -> None:
    """A fresh key, and one met before the first whole state, which turns out to be revoked."""
    secret = secrets.token_bytes(20)
    fresh = _begin(gate, gate.codec.mint(CredentialKind.API_KEY, "c" * 16, int(NOW), secret))
    early = Call(Caller("credential:" + "b" * 16, "b" * 16, Standing.ESTABLISHED))
    gate.core.exchanges[77] = cast(Exchange, early)
    gate.core.sweep()
    assert (fresh.ended, early.ended) == ([], [RefusalCode.ACCOUNT_DISABLED])
    gate.directory.apply(Changes(3, credentials=[CredentialRecord("c" * 16, "a2", b"", revoked=True)]))
    gate.core.sweep()
    assert fresh.ended == [RefusalCode.ACCOUNT_DISABLED]


def test_a_body_that_takes_its_time_brings_nothing_back(gate: Gate) -> None:
    """Rights that ended between a request's head and the end of its body are not used, not for an engine's moment."""
    for changed, code in (
        ({"scope": KeyScope(("llama",))}, RefusalCode.MODEL_NOT_PERMITTED),
        ({"revoked": True}, RefusalCode.ACCOUNT_DISABLED),
    ):
        key, record = gate.key("e" * 16 if "scope" in changed else "d" * 16, scope=SCOPE)
        said: list[tuple[int, Any]] = []
        connection = SimpleNamespace(
            peer=AWAY,
            answer=lambda status, body, fields=b"", said=said: said.append((status, json.loads(body))),
        )
        request = gate.request(key, CHAT, "POST")
        gate.core.admit(cast("Connection", connection), request)
        assert request.refused is None
        gate.directory.apply(Changes(3, credentials=[msgspec.structs.replace(record, **changed)]))
        request.body.append(
            json.dumps({"model": "gpt-4", "messages": [{"role": "user", "content": "hi"}]}).encode()
        )
        gate.core.serve(cast("Connection", connection), request)
        assert [(status, answer["error"]["code"]) for status, answer in said] == [(403, code)]
        assert not gate.core.exchanges
