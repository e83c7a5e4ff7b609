"""Calls whose clients leave: what is charged for them."""

import json
from types import SimpleNamespace
from typing import cast

import pytest
from test_gateway_keys import AWAY, CHAT, Gate

from pontlevis.brain.admission.messages import Dispatch
from pontlevis.gateway.http import Connection
from pontlevis.gateway.relay import Exchange
from pontlevis.gateway.upstream import Server


class Engine:
    """Takes a request and keeps it; its connection is there already, or still being made."""

    def __init__(self, connected: bool) -> None:
        self.connection = SimpleNamespace() if connected else None
        self.cancelled = self.let_go = False

    def send(self, request: bytes, receiver: object) -> "Engine":
        return self

    def let_end(self) -> None:
        self.let_go = True

    def cancel(self) -> None:
        self.cancelled = True
        self.connection = None


def called(stream: bool, asked: Engine) -> tuple[Gate, Exchange]:
    """A call that was sent to the engine."""
    gate = Gate()
    (name, engine), *_ = gate.core.engines.items()
    engine.server = cast("Server", asked)
    key, _ = gate.key()
    request = gate.request(key, CHAT, "POST")
    connection = SimpleNamespace(peer=AWAY, task=None, fields=b"", write=lambda data: None)
    gate.core.admit(cast("Connection", connection), request)
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": stream}
    request.body.append(json.dumps(body).encode())
    gate.core.serve(cast("Connection", connection), request)
    exchange = cast("Exchange", connection.task)
    exchange.dispatch(Dispatch(exchange._ticket, name, 0.0, 10, 10))
    return gate, exchange


@pytest.mark.parametrize("connected", [True, False])
def test_a_call_is_charged_once_an_engine_was_given_it_and_not_before(connected: bool) -> None:
    """Or the counts would differ from the engine's own by those who leave while a connection to it is made."""
    asked = Engine(connected)
    gate, exchange = called(False, asked)
    exchange.client_gone()
    assert asked.cancelled
    usage = gate.core.recorder.take_usage()
    assert [each.outcome for each in usage] == (["aborted"] if connected else [])


STREAM_HEAD = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"transfer-encoding", b"chunked")]
WORD = b'data: {"choices":[{"index":0,"delta":{"content":"two words"}}]}\n\n'
COUNTED = b'data: {"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":30}}\n\n'
DONE = b"data: [DONE]\n\n"


def test_who_leaves_at_the_last_word_is_charged_what_the_engine_counted() -> None:
    """The official client closes its connection at [DONE]; vLLM ends the answer's framing a moment after it, and one
    event of it may hold several tokens. The engine has done its work: it is not cut off, and the call ended well.
    """
    asked = Engine(connected=True)
    gate, exchange = called(True, asked)
    exchange.answer_begins(200, STREAM_HEAD)
    for data in (WORD, WORD, COUNTED, DONE):
        exchange.answer_data(data)
    exchange.client_gone()
    (record,) = gate.core.recorder.take_usage()
    assert (record.outcome, record.input_tokens, record.output_tokens) == ("ok", 12, 30)
    assert (asked.let_go, asked.cancelled) == (True, False)


def test_who_leaves_before_it_is_charged_what_had_come() -> None:
    """The events, or what the engine said so far where it counts in every one."""
    running = WORD.replace(b"]}", b'],"usage":{"prompt_tokens":12,"completion_tokens":%d}}')
    for events, charged in (([WORD] * 3, 3), ([running % 5, running % 9], 9)):
        asked = Engine(connected=True)
        gate, exchange = called(True, asked)
        exchange.answer_begins(200, STREAM_HEAD)
        for data in events:
            exchange.answer_data(data)
        exchange.client_gone()
        (record,) = gate.core.recorder.take_usage()
        assert (record.outcome, record.output_tokens) == ("aborted", charged)
        assert asked.cancelled
