"""Strangers who did the challenge's work while log-ins are rationed: their own lane, and nobody else's."""

import random
import secrets
import time
from types import SimpleNamespace
from typing import cast

import altcha
import pytest
from worker_house import Clock, House

from pontlevis.accounts.challenge import Challenges, SpentChallenges
from pontlevis.accounts.challenge_policy import ChallengePolicy
from pontlevis.brain.admission.policy import AdmissionPolicy
from pontlevis.brain.credential import CredentialCodec, CredentialKind
from pontlevis.brain.observation import Outcome
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.refusal_note import RefusalCodec
from pontlevis.brain.vocabulary import Posture, RegistrationMode
from pontlevis.config import EngineSettings, Settings
from pontlevis.gateway.core import Core
from pontlevis.gateway.directory import Directory
from pontlevis.gateway.http import Connection
from pontlevis.gateway.policy import GatewayPolicy
from pontlevis.gateway.recorder import Recorder
from pontlevis.gateway.request import Request
from pontlevis.gateway.solvers import TICKET_USES
from pontlevis.gateway.upstream import Server
from pontlevis.link.messages import Changes
from pontlevis.solutions import Action

HOME, ELSEWHERE = "192.0.2.7", "198.51.100.9"
ATTACK = PostureState(posture=Posture.UNDER_ATTACK, registration=RegistrationMode.CHALLENGE)
EASY = ChallengePolicy(iterations=1, tries=4, tries_elevated=4, tries_under_attack=4)


class Gate:
    """One gateway's core under attack, whose strangers' ration is empty."""

    def __init__(self, *, solved: float = 3.0, login: bool = True) -> None:
        pepper = secrets.token_bytes(32)
        self.codec = CredentialCodec(pepper)
        policy = GatewayPolicy(
            stranger_posts_per_s=0.0,
            stranger_posts_burst=0.0,
            solved_posts_per_s=0.0,
            solved_posts_burst=solved,
        )
        # The library judges expiry by the wall clock.
        self.challenges = Challenges(
            self.codec.secret_hash(b"challenges"), EASY, cast("SpentChallenges", None), time.time
        )
        directory, clock, house = Directory(self.codec), Clock(), House(AdmissionPolicy())
        directory.apply(Changes(1, whole=True, posture=ATTACK))
        self.core = Core(
            Settings(
                engines=[EngineSettings(url="http://127.0.0.1:9")],
                gateway=policy,
                challenge=ChallengePolicy(login=login),
                public_url="https://front.example",
            ),
            directory,
            house.workers[0].remote,
            house.workers[0].engines,
            Recorder(0, policy),
            Server(host="127.0.0.1", port=9, most=1, connect_timeout_s=1.0, clock=clock),
            random.Random(1),
            RefusalCodec(pepper),
            monotonic=clock,
            unix=time.time,
        )

    def solution(self, action: Action = Action.LOGIN, source: str = HOME) -> str:
        challenge = altcha.Challenge.from_dict(
            self.challenges.make(action, source, posture=Posture.UNDER_ATTACK)
        )
        solved = altcha.solve_challenge(challenge)
        assert solved is not None
        return altcha.Payload(challenge, solved).to_base64()

    def post(
        self, path: str = "/api/sessions", *, header: str = "", cookie: str = "", source: str = HOME
    ) -> tuple[int, bytes, bytes]:
        """Status, body and fields of a refusal; 0 where the request goes on."""
        request = Request()
        request.path, request.method, request.target = path, "POST", path.encode()
        if header:
            request.headers.append((b"x-pontlevis-solution", header.encode()))
        if cookie:
            request.headers.append((b"cookie", cookie.encode()))
        self.core.admit(cast("Connection", SimpleNamespace(peer=source)), request)
        return request.refused or (0, b"", b"")


def test_who_did_the_work_passes_where_others_are_shown_the_way() -> None:
    """A program by the header, a form by the cookie; each solution once."""
    gate = Gate()
    status, body, _ = gate.post()
    assert status == 403
    assert b'"challenge_required"' in body
    assert b"https://front.example/api/challenge?action=login" in body
    status, _, fields = gate.post("/login")
    assert status == 303
    assert fields.startswith(b"location: /login?notice=busy\r\nx-request-id: ref_")
    seen = gate.core.recorder.take(1.0, None, {}).observations
    assert {each.outcome for each in seen} == {Outcome.CHALLENGED}, "who goes on like this ignores it"
    one, two = gate.solution(), gate.solution()
    assert gate.post(header=one)[0] == 0
    assert gate.post(header=one)[0] == 403
    assert gate.post("/login", cookie=f"lang=fr; pontlevis_solution={two}; x=y")[0] == 0
    assert gate.post("/login", cookie=f"pontlevis_solution={two}")[0] == 303


@pytest.mark.parametrize("wrong", ["network", "action", "forged", "nonsense", "long"])
def test_what_is_no_solution_passes_nobody_and_takes_nothing_from_those_who_solved(wrong: str) -> None:
    """However much of it comes."""
    gate = Gate(solved=1.0)
    text = {
        "network": gate.solution(source=ELSEWHERE),
        "action": gate.solution(Action.SIGNUP),
        "forged": Gate().solution(),
        "nonsense": "eyJ" + "A" * 100,
        "long": "eyJ" + "A" * 100_000,
    }[wrong]
    for _ in range(50):
        assert gate.post(header=text)[0] == 403
    assert gate.post(header=gate.solution())[0] == 0


def test_the_lane_has_a_ration_and_sign_ups_one_of_their_own_kind() -> None:
    """Also work is not let through without bound; a sign-up's solution opens sign-up."""
    gate = Gate(solved=2.0)
    assert gate.post("/register", cookie=f"pontlevis_solution={gate.solution(Action.SIGNUP)}")[0] == 0
    assert [gate.post(header=gate.solution())[0] for _ in range(3)] == [0, 403, 403]


def test_a_ticket_of_the_first_step_leads_on_to_the_second() -> None:
    """A few times each, and a made-up one never."""
    gate = Gate(solved=100.0)
    ticket = gate.codec.mint(CredentialKind.TICKET, "ab" * 8, 1_738_000_000, bytes(20))
    cookie = f"pontlevis_ticket={ticket}"
    statuses = [gate.post("/login/second", cookie=cookie)[0] for _ in range(TICKET_USES + 2)]
    assert statuses == [0] * TICKET_USES + [303, 303]
    link = gate.codec.mint(CredentialKind.LINK, "ab" * 8, 1_738_000_000, bytes(20))
    for wrong in ("pt-" + "A" * 60, "pt-" + link[3:]):
        assert gate.post("/login/second", cookie=f"pontlevis_ticket={wrong}")[0] == 303


def test_without_a_challenge_for_log_ins_strangers_are_asked_to_come_back() -> None:
    """As are sign-ups, whose challenge is the registration mode's."""
    gate = Gate(login=False)
    assert gate.post()[0] == gate.post("/login")[0] == gate.post("/register")[0] == 503
