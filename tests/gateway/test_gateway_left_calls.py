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
        self.cancelled = False

    def send(self, request: bytes, receiver: object) -> "Engine":
        return self

    def cancel(self) -> None:
        self.cancelled = True
        self.connection = None


@pytest.mark.parametrize("connected", [True, False])
def test_a_call_is_charged_once_an_engine_was_given_it_and_not_before(connected: bool) -> None:
    """Or the counts would differ from the engine's own by those who leave while a connection to it is made."""
    gate = Gate()
    (name, engine), *_ = gate.core.engines.items()
    asked = Engine(connected)
    engine.server = cast("Server", asked)
    key, _ = gate.key()
    request = gate.request(key, CHAT, "POST")
    connection = SimpleNamespace(peer=AWAY, task=None)
    gate.core.admit(cast("Connection", connection), request)
    request.body.append(json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).encode())
    gate.core.serve(cast("Connection", connection), request)
    exchange = cast("Exchange", connection.task)
    exchange.dispatch(Dispatch(exchange._ticket, name, 0.0, 10, 10))
    exchange.client_gone()
    assert asked.cancelled
    usage = gate.core.recorder.take_usage()
    assert [each.outcome for each in usage] == (["aborted"] if connected else [])
