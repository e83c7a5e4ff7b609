"""Whom a decision against an address hits, and whom it does not."""

import random
import secrets
from types import SimpleNamespace
from typing import cast

import pytest
from worker_house import Clock, House

from pontlevis.brain.admission.policy import AdmissionPolicy
from pontlevis.brain.credential import CredentialCodec, CredentialKind
from pontlevis.brain.refusal_note import RefusalCodec
from pontlevis.brain.vocabulary import Standing
from pontlevis.config import EngineSettings, Settings
from pontlevis.gateway.core import Core
from pontlevis.gateway.directory import Directory
from pontlevis.gateway.http import Connection
from pontlevis.gateway.policy import GatewayPolicy
from pontlevis.gateway.recorder import Recorder
from pontlevis.gateway.request import Request
from pontlevis.gateway.upstream import Server
from pontlevis.link.messages import AccountRecord, Changes, CredentialRecord, DecisionRecord

NOW = 1_800_000_000.0
HOME = "192.0.2.7"


class Door:
    """One gateway's core, an address in it that is banned, and keys of an old account and a new one."""

    def __init__(self, policy: GatewayPolicy | None = None, origin: str = "detection") -> None:
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
        ban = DecisionRecord(1, "address", HOME, "r", NOW, NOW + 60, origin)
        directory.apply(Changes(1, whole=True, accounts=accounts, credentials=credentials, decisions=[ban]))

    def knock(self, key: str = "", *, path: str = "/v1/models", source: str = HOME) -> int:
        """The status of a refusal; 0 where the request goes on."""
        request = Request()
        request.path, request.method = path, "GET"
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
