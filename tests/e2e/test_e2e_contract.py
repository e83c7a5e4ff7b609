"""Both HTTP APIs against their own OpenAPI documents: whatever fits or does not fit the schema is sent."""

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import CheckFunction
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from .conftest import Running

CHECKS: list[CheckFunction] = [
    not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
]
BOUNDED = settings(
    max_examples=12, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
ENDS_THE_SESSION = frozenset({"/api/sessions/current"})
UNLIMITED = {
    "PONTLEVIS_DEFENCE": "false",
    "PONTLEVIS_ACCOUNTS__SIGNUPS_PER_SOURCE": "100000",
    "PONTLEVIS_ACCOUNTS__ARGON2_MEMORY_KIB": "64",
    "PONTLEVIS_ACCOUNTS__ARGON2_PASSES": "1",
}
PASSWORD = "three quiet herons"


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, str, str]]:
    """A service of its own, with an account's and an operator's token; without defence, so that nothing is rationed."""
    running = Running(tmp_path_factory.mktemp("contract") / "data", environment=UNLIMITED).start()
    link = re.search(r"/setup\?token=(\S+)", running.log)
    assert link is not None, running.log
    with httpx.Client(base_url=running.operator_url, headers={"origin": running.operator_url}) as operator:
        form = {"token": link.group(1), "email": "operator@example.com", "password": PASSWORD}
        operator.post("/setup", data=form)
        operators = operator.cookies["pontlevis_operator"]
    ada = {"email": "ada@example.com", "password": PASSWORD}
    httpx.post(f"{running.url}/api/accounts", json=ada)
    users = httpx.post(f"{running.url}/api/sessions", json=ada).json()["token"]
    yield running, str(users), str(operators)
    running.stop()


class Sender:
    """Sends cases of one operation and checks the answers."""

    def __init__(self, bearer: str) -> None:
        self.fields = {"authorization": f"Bearer {bearer}"}
        self.sent = 0

    def send(self, case: schemathesis.Case[Any]) -> None:
        self.sent += 1
        case.call_and_validate(headers=self.fields, checks=CHECKS)


def keeps_its_contract(document: str, token: str) -> int:
    """Sends what fits each operation and what does not; counts what was sent."""
    sent = 0
    for each in schemathesis.openapi.from_url(document).get_all_operations():
        if not isinstance(each, Ok):
            raise TypeError(f"the document is broken: {each}")
        operation = each.ok()
        sender = Sender("ps-none" if operation.path in ENDS_THE_SESSION else token)
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            run = BOUNDED(given(case=operation.as_strategy(generation_mode=mode))(sender.send))
            # An operation without any input has nothing that does not fit.
            with suppress(Unsatisfiable):
                run()
        sent += sender.sent
    return sent


def test_the_public_api_keeps_its_contract(target: tuple[Running, str, str]) -> None:
    """As an account."""
    running, account, _ = target
    assert keeps_its_contract(f"{running.url}/api/openapi.json", account) > 100


def test_the_operators_api_keeps_its_contract(target: tuple[Running, str, str]) -> None:
    """As an operator."""
    running, _, operator = target
    assert keeps_its_contract(f"{running.operator_url}/api/openapi.json", operator) > 200
