"""Gateways and controller go by all the peppers that hold, and by none that is over."""

import json

import httpx
from typer.testing import CliRunner

from pontlevis.cli import app

from .conftest import Running

PERSON = {"email": "ada@example.com", "password": "a long enough phrase"}


def command(running: Running, *words: str) -> str:
    done = CliRunner().invoke(app, [*words, "--data", str(running.data)])
    assert done.exit_code == 0, done.output
    return done.output


def opened(running: Running, *tokens: str) -> list[int]:
    """What the gateway says to keys, and the controller to sessions."""
    paths = [("/v1/models" if each.startswith("pl-") else "/api/keys") for each in tokens]
    return [
        httpx.get(f"{running.url}{path}", headers={"authorization": f"Bearer {each}"}).status_code
        for path, each in zip(paths, tokens, strict=True)
    ]


def test_keys_hold_through_a_rotation_and_end_with_a_leak(own_service: Running) -> None:
    """One key from before a leak, one from before a rotation, one of now; what is turned under a running service
    waits for its next start."""
    running = own_service
    ended = command(running, "keys", "create", "bob@example.com").split()[-1]
    command(running, "secrets", "rotate", "pepper", "--now")
    held = command(running, "keys", "create", "bob@example.com").split()[-1]
    command(running, "secrets", "rotate", "pepper")
    running.start()
    assert httpx.post(f"{running.url}/api/accounts", json=PERSON).status_code == 201
    session = httpx.post(f"{running.url}/api/sessions", json=PERSON).json()["token"]
    key = running.key()
    assert opened(running, ended, held, key, session) == [401, 200, 200, 200]
    told = json.loads(command(running, "secrets", "rotate", "pepper", "--now", "--json"))
    assert (told["number"], told["restart"], told["issued"]["sessions"]) == (4, True, 1)
    assert opened(running, ended, held, running.key(), session) == [401, 200, 200, 200]
