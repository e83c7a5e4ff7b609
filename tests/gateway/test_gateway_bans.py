"""Whom a decision against an address hits, and whom it does not."""

import random
import secrets
from types import SimpleNamespace
from typing import cast

import pytest
from worker_house import Clock, House

from pontlevis.brain.admission.policy import AdmissionPolicy
from pontlevis.brain.credential import CredentialCodec, CredentialKind
from pontlevis.brain.reach import Reach
from pontlevis.brain.refusal_note import RefusalCodec
from pontlevis.brain.vocabulary import Standing
from pontlevis.config import EngineSettings, Settings
from pontlevis.gateway.core import Core
from pontlevis.gateway.directory import Directory
from pontlevis.gateway.http import Connection
from pontlevis.gateway.policy import GatewayPolicy
from pontlevis.gateway.recorder import Recorder
from pontlevis.gateway.request import Request
from pontlevis.gateway.source import ClientAddresses
from pontlevis.gateway.upstream import Server
from pontlevis.link.messages import AccountRecord, Changes, CredentialRecord, DecisionRecord

NOW = 1_800_000_000.0
HOME = "192.0.2.7"


class Door:
    """One gateway's core, an address in it that is banned, and keys of an old account and a new one."""

    def __init__(
        self,
        policy: GatewayPolicy | None = None,
        origin: str = "detection",
        *reaches: Reach,
    ) -> None:
        pepper = secrets.token_bytes(32)
        codec = CredentialCodec(pepper)
        directory = Directory(codec)
        self.policy = policy or GatewayPolicy()
        clock = Clock()
        house = House(AdmissionPolicy())
        self.core = Core(
            Settings(engines=[EngineSettings(url="http://127.0.0.1:9")], gateway=self.policy),
            directory,
            house.workers[0].remote,
            house.workers[0].engines,
            Recorder(0, self.policy),
            Server(host="127.0.0.1", port=9, most=1, connect_timeout_s=1.0, clock=clock),
            random.Random(1),
            RefusalCodec(pepper),
            monotonic=clock,
            unix=lambda: NOW,
        )
        self.keys: dict[Standing, str] = {}
        accounts, credentials = [], []
        for number, standing in enumerate((Standing.NEW, Standing.RECENT, Standing.PAID)):
            secret = secrets.token_bytes(20)
            identifier = f"{number:016x}"
            self.keys[standing] = codec.mint(CredentialKind.API_KEY, identifier, int(NOW) - 60, secret)
            accounts.append(AccountRecord(f"a{number}", int(standing), NOW))
            credentials.append(CredentialRecord(identifier, f"a{number}", codec.secret_hash(secret)))
        bans = [
            DecisionRecord(number, "address", HOME, "r", NOW, NOW + 60, origin, reach=reach)
            for number, reach in enumerate(reaches or (Reach.EVERYTHING,), 1)
        ]
        directory.apply(Changes(1, whole=True, accounts=accounts, credentials=credentials, decisions=bans))
        self.directory = directory

    def knock(
        self, key: str = "", *, path: str = "/v1/models", source: str = HOME, method: str = "GET"
    ) -> int:
        """The status of a refusal; 0 where the request goes on."""
        request = Request()
        request.path, request.method = path, method
        if key:
            request.headers = [(b"authorization", b"Bearer " + key.encode())]
        self.core.admit(cast("Connection", SimpleNamespace(peer=source)), request)
        return request.refused[0] if request.refused is not None else 0


@pytest.mark.parametrize("standing", [Standing.RECENT, Standing.PAID])
def test_an_existing_accounts_key_passes_where_its_address_is_banned(standing: Standing) -> None:
    """A machine in the same house took part in an attack; that is no reason to refuse the key's owner."""
    assert Door().knock(Door().keys[standing]) == 403, "a key of another service is none"
    door = Door()
    assert door.knock(door.keys[standing]) == 0


def test_nobody_else_passes() -> None:
    """No key, a made-up one, a new account's: the decision is about all of them."""
    door = Door()
    for key in ("", "pl-made-up", door.keys[Standing.NEW]):
        assert door.knock(key) == 403
        assert door.knock(key, path="/login") == 403
    assert door.knock(source="198.51.100.1") == 401


def test_an_operators_decision_hits_everybody() -> None:
    """Whoever took it by hand meant the address."""
    door = Door(origin="ada@example.com")
    assert door.knock(door.keys[Standing.PAID]) == 403


def test_sparing_can_be_switched_off() -> None:
    """Then the address decides alone, as it does in most products."""
    door = Door(GatewayPolicy(bans_spare_existing=False))
    assert door.knock(door.keys[Standing.PAID]) == 403


TRIES: dict[str, tuple[Standing | str, str, str]] = {
    "a call without a key": ("", "/v1/models", "GET"),
    "a call with a made-up key": ("pl-made-up", "/v1/models", "GET"),
    "a call with a new account's key": (Standing.NEW, "/v1/models", "GET"),
    "the page with the form": ("", "/login", "GET"),
    "a log-in": ("", "/api/sessions", "POST"),
    "a log-in by the form": ("", "/login", "POST"),
    "a sign-up": ("", "/api/accounts", "POST"),
    "the account page with a key": (Standing.NEW, "/account", "GET"),
    "the status page": ("", "/status", "GET"),
    "a style sheet": ("", "/static/style.css", "GET"),
}
REFUSED = {
    Reach.KEYLESS: {"a call without a key", "a call with a made-up key"},
    Reach.LOG_INS: {"a log-in", "a log-in by the form"},
    Reach.SIGN_UPS: {"a sign-up"},
    Reach.PAGES: {"the page with the form"},
}


@pytest.mark.parametrize("reach", REFUSED)
def test_a_decision_closes_what_it_reaches_and_nothing_besides(reach: Reach) -> None:
    """Whoever shares the address with a flood's machine reads pages, logs in, and calls with a key."""
    door = Door(None, "detection", reach)
    refused = set()
    for name, (key, path, method) in TRIES.items():
        shown = door.keys[key] if isinstance(key, Standing) else key
        if door.knock(shown, path=path, method=method) == 403:
            refused.add(name)
    assert refused == REFUSED[reach]


def test_two_decisions_of_different_reach_hold_at_once_and_end_one_by_one() -> None:
    """The end of one is not the end of the other."""
    door = Door(None, "detection", Reach.KEYLESS, Reach.LOG_INS)
    assert door.knock() == door.knock(path="/login", method="POST") == 403
    ended = DecisionRecord(1, "address", HOME, "r", NOW, NOW + 60, lifted=True)
    door.directory.apply(Changes(2, decisions=[ended]))
    assert door.knock() == 401
    assert door.knock(path="/login", method="POST") == 403


@pytest.mark.parametrize("known", [True, False])
def test_a_log_in_from_where_users_are_is_held_when_strangers_bodies_fill_their_room(known: bool) -> None:
    """Four thousand forms that are sent slowly fill what is held for strangers; existing users still log in."""
    door = Door()
    if known:
        door.core.known_sources.add("198.51.100.9", "a2", NOW)
    request = Request()
    request.path, request.method = "/login", "POST"
    door.core.admit(cast("Connection", SimpleNamespace(peer="198.51.100.9")), request)
    assert request.refused is None
    assert request.existing is known


def test_whoever_a_client_says_it_is_the_proxys_own_line_counts() -> None:
    """HAProxy writes its line below the client's. Read alone, the client's had others banned, and itself never found."""
    door = Door()
    door.core.settings = door.core.settings.model_copy(update={"trusted_proxies": ("10.0.0.0/8",)})
    door.core._addresses = ClientAddresses(("10.0.0.0/8",))
    statuses = []
    for lines in ((HOME, "198.51.100.9"), ("198.51.100.9", HOME)):
        request = Request()
        request.path, request.method = "/login", "GET"
        request.headers = [(b"x-forwarded-for", each.encode()) for each in lines]
        door.core.admit(cast("Connection", SimpleNamespace(peer="10.0.0.1")), request)
        statuses.append(request.refused[0] if request.refused is not None else 0)
    assert statuses == [0, 403]
