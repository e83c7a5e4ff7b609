"""Each cell of the ladder's table, at the room that enforces it."""

from __future__ import annotations

import random

import pytest

from pontlevis.brain.admission.admission import Admission
from pontlevis.brain.admission.messages import Ask, Dispatch, Refuse
from pontlevis.brain.admission.policy import AdmissionPolicy
from pontlevis.brain.observation import Kind
from pontlevis.brain.posture.ladder import registration
from pontlevis.brain.posture.policy import PosturePolicy
from pontlevis.brain.posture.rationed import rationed
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import Posture, RefusalCode, RegistrationMode, Standing
from pontlevis.gateway.rations import Ration

N, E, U, R = Posture.NORMAL, Posture.ELEVATED, Posture.UNDER_ATTACK, Posture.RECOVERING
SLOTS = 100


def admission(posture: Posture, slots: int = SLOTS) -> Admission:
    made = Admission(AdmissionPolicy(initial_limit=slots), enabled=True, rng=random.Random(1))
    made.set_engine("http://e", frozenset({"m"}), True, 0.0)
    made.set_posture(PostureState(posture=posture), 0.0)
    return made


def started(posture: Posture, standing: Standing) -> int:
    """How many of so many accounts are given a slot of idle engines."""
    made = admission(posture)
    asks = [Ask(number, f"account {number}", standing, "m", 1, 1) for number in range(SLOTS)]
    return sum(isinstance(made.ask(each, 0.0), Dispatch) for each in asks)


@pytest.mark.parametrize(
    ("standing", "slots"),
    [
        (Standing.ANONYMOUS, {N: 90, E: 90, U: 0, R: 50}),
        (Standing.NEW, {N: 90, E: 90, U: 15, R: 60}),
        (Standing.RECENT, {N: 90, E: 90, U: 30, R: 75}),
        (Standing.ESTABLISHED, {N: 100, E: 100, U: 100, R: 100}),
        (Standing.PAID, {N: 100, E: 100, U: 100, R: 100}),
    ],
)
@pytest.mark.parametrize("posture", list(Posture))
def test_slots_of_an_idle_service(standing: Standing, slots: dict[Posture, int], posture: Posture) -> None:
    """Nothing is idle in a surge; under attack nothing is lent, and existing users have all of it."""
    assert started(posture, standing) == slots[posture]


@pytest.mark.parametrize("posture", list(Posture))
def test_anonymous_use_is_off_under_attack_only(posture: Posture) -> None:
    """With a code of its own."""
    said = admission(posture).ask(Ask(1, "anon:192.0.2.1", Standing.ANONYMOUS, "m", 1, 1), 0.0)
    off = isinstance(said, Refuse) and said.code is RefusalCode.ANONYMOUS_SUSPENDED
    assert off == (posture is U)


@pytest.mark.parametrize(
    ("standing", "a_minute"),
    [
        (Standing.NEW, {N: 120, E: 60, U: 60, R: 60}),
        (Standing.RECENT, dict.fromkeys(Posture, 300)),
        (Standing.ESTABLISHED, dict.fromkeys(Posture, 600)),
    ],
)
@pytest.mark.parametrize("posture", list(Posture))
def test_requests_a_minute(standing: Standing, a_minute: dict[Posture, int], posture: Posture) -> None:
    """A new account's are halved while the posture is not normal; nobody else feels it."""
    made = admission(posture)
    served = 0
    for ticket in range(700):
        said = made.ask(Ask(ticket, "one", standing, "m", 1, 1), 0.0)
        if isinstance(said, Refuse):
            assert said.code is RefusalCode.RATE_LIMIT_EXCEEDED
            break
        served += 1
        made.finish(ticket, 0.0, input_tokens=1, output_tokens=1)
    assert served == a_minute[posture]


@pytest.mark.parametrize("standing", [Standing.ANONYMOUS, Standing.NEW, Standing.RECENT])
@pytest.mark.parametrize("posture", list(Posture))
def test_answers_under_way_are_ended_for_an_existing_user(posture: Posture, standing: Standing) -> None:
    """Of new and anonymous accounts, under attack and while recovering; never on a quiet day."""
    made = admission(N, 1)
    assert isinstance(made.ask(Ask(1, "low", standing, "m", 1, 1, stream=True), 0.0), Dispatch)
    made.first_byte(1, 0.1)
    made.set_posture(PostureState(posture=posture), 0.1)
    made.ask(Ask(2, "high", Standing.PAID, "m", 1, 1), 0.2)
    commands = [type(each).__name__ for each in [*made.due(0.25), *made.due(0.5)]]
    assert ("Preempt" in commands) == (posture in (U, R) and standing is not Standing.RECENT)


@pytest.mark.parametrize("posture", list(Posture))
@pytest.mark.parametrize("kind", [Kind.SIGNUP, Kind.LOGIN])
@pytest.mark.parametrize("accused", [False, True])
def test_strangers_are_rationed(posture: Posture, kind: Kind, accused: bool) -> None:
    """Under attack and while recovering; in elevated log-ins only, and only while they are accused."""
    state = PostureState(posture=posture, logins_accused=accused)
    expected = posture in (U, R) or (posture is E and kind is Kind.LOGIN and accused)
    assert rationed(state, kind) == expected


def test_a_ration_is_so_many_a_second_and_so_many_at_once() -> None:
    """A token bucket."""
    ration = Ration(4.0, 20.0)
    assert sum(ration.take(100.0) for _ in range(100)) == 20
    assert sum(ration.take(101.0) for _ in range(100)) == 4


def test_registration_by_posture() -> None:
    """The door of each rung."""
    policy = PosturePolicy()
    assert registration(policy, N) == (RegistrationMode.OPEN, 1.0)
    assert registration(policy, E) == (RegistrationMode.OPEN, 1.0)
    assert registration(policy, E, accused=True) == (RegistrationMode.WAITLIST, 0.0)
    assert registration(policy, U) == (RegistrationMode.SUSPENDED, 0.0)
    assert [registration(policy, R, stage) for stage in range(5)] == [
        (RegistrationMode.WAITLIST, 0.05),
        (RegistrationMode.WAITLIST, 0.25),
        (RegistrationMode.WAITLIST, 0.5),
        (RegistrationMode.OPEN, 1.0),
        (RegistrationMode.OPEN, 1.0),
    ]
