"""What it costs an attacker to keep registration shut: what docs/posture.md says of it, and no less."""

from __future__ import annotations

from itertools import cycle

import pytest
from detection_dialogue import T0, Dialogue

from pontlevis.brain.observation import Kind, Outcome
from pontlevis.brain.posture.machine import PostureMachine
from pontlevis.brain.posture.policy import PosturePolicy
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.reach import Reach
from pontlevis.brain.vocabulary import Posture, Standing

REQUEST, LOGIN = Kind.REQUEST, Kind.LOGIN
SECONDS = 600


def under_attack(keys: float, log_ins: float, addresses: int) -> float:
    """The share of ten minutes in which a small service, that serves three calls a second, stands ``under_attack``.

    ``keys`` made-up ones and ``log_ins`` a second come from so many addresses in turn; those that are measured are
    turned away and go on.
    """
    dialogue = Dialogue()
    machine = PostureMachine(PosturePolicy(), PostureState(since=T0, registration_since=T0))
    bots = cycle(f"{20 + number // 250}.{number % 250}.7.9" for number in range(addresses))
    measured: set[tuple[str, Reach]] = set()
    owed = {REQUEST: 0.0, LOGIN: 0.0}
    tried = stood = 0
    for second in range(SECONDS):
        home, ada = f"192.0.2.{second % 40}", f"u{second % 40}"
        for kind, count in ((REQUEST, 3), (LOGIN, int(second % 5 == 0))):
            for _ in range(count):
                dialogue.see(
                    kind, source=home, account=ada, standing=Standing.ESTABLISHED, fingerprint=second % 5, tokens=300
                )  # fmt: skip
        for kind, rate, reach in ((REQUEST, keys, Reach.KEYLESS), (LOGIN, log_ins, Reach.LOG_INS)):
            owed[kind] += rate
            while owed[kind] >= 1.0:
                owed[kind] -= 1.0
                tried += 1
                bot = next(bots)
                outcome = Outcome.BAD_CREDENTIAL
                if (bot, reach) in measured:
                    outcome = Outcome.REFUSED
                elif kind is LOGIN and machine.state.posture is not Posture.NORMAL:
                    outcome = Outcome.CHALLENGED
                account = f"v{tried % 1_000}" if kind is LOGIN and outcome is not Outcome.REFUSED else ""
                standing = Standing.ESTABLISHED if account else Standing.ANONYMOUS
                dialogue.see(kind, outcome, bot, fingerprint=0xBAD, account=account, standing=standing)
        dialogue.posture = machine.state.posture
        judgement = dialogue.tick()
        measured |= {(each.value, each.reach) for each in judgement.measures}
        machine.tick(dialogue.now, judgement)
        stood += machine.state.posture is Posture.UNDER_ATTACK
    return stood / SECONDS


@pytest.mark.parametrize(("keys", "log_ins", "addresses"), [(5, 3, 200), (8, 5, 40)])
def test_eight_requests_a_second_keep_registration_shut(keys: float, log_ins: float, addresses: int) -> None:
    """Two kinds of acts at their floors are enough, as long as they go on. A change that makes it dearer changes the page."""
    assert under_attack(keys, log_ins, addresses) > 0.9


@pytest.mark.parametrize(("keys", "log_ins"), [(2, 2), (10, 0), (0, 6)])
def test_less_than_that_or_one_kind_alone_does_not(keys: float, log_ins: float) -> None:
    assert under_attack(keys, log_ins, 400) == 0.0
