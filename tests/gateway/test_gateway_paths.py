"""The gateway reads a path as the controller does, so that no other spelling gets by what is decided by it."""

from types import SimpleNamespace
from typing import cast
from urllib.parse import unquote

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from test_gateway_bans import Door

from pontlevis.brain.vocabulary import Posture, RegistrationMode
from pontlevis.gateway.http import Connection
from pontlevis.gateway.request import Request, path_of

SPELLINGS = [
    b"/api/accounts", b"/api/accounts?x=1", b"/%61pi/accounts", b"/api%2faccounts", b"/api/accounts#x", b"/api/accounts#?x",
    b"/%61%70%69/account%73?invitation=x",
]  # fmt: skip


@given(st.text("/ap%26f1#?;.", max_size=30))
def test_a_path_is_read_as_the_controllers_server_reads_it(rest: str) -> None:
    """uvicorn takes the path that httptools finds, and decodes percent signs once."""
    target = b"/" + rest.encode()
    try:
        theirs = httptools.parse_url(target).path
    except httptools.HttpParserInvalidURLError:
        return
    assert path_of(target) == unquote(theirs.decode("ascii"))


@pytest.mark.parametrize("target", SPELLINGS)
def test_a_sign_up_is_refused_under_every_spelling_while_registration_is_suspended(target: bytes) -> None:
    """At the gateway's cost, not the controller's."""
    door = Door()
    directory = door.core.directory
    directory.posture = replace(
        directory.posture, posture=Posture.UNDER_ATTACK, registration=RegistrationMode.SUSPENDED
    )
    request = Request()
    request.target, request.path, request.method = target, path_of(target), "POST"
    door.core.admit(cast("Connection", SimpleNamespace(peer="198.51.100.4")), request)
    assert request.refused is not None
    assert request.refused[0] == 503
