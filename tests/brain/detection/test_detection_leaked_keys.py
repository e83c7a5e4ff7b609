"""Dialogues about API keys in other hands."""

from __future__ import annotations

import random

import pytest
from detection_dialogue import Dialogue

from pontlevis.brain.detection.detection import Detection
from pontlevis.brain.detection.finding import DetectorName, Measure
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.observation import Kind, Observation, Outcome
from pontlevis.brain.vocabulary import Posture, Standing, Verdict

KEY = "00000000000001f4"
DETECTOR = DetectorName.LEAKED_KEY
HOME, CLIENT, THIEF = "192.0.2.10", 0xA1, 0xEE


def call(
    dialogue: Dialogue,
    source: str,
    *,
    client: int = CLIENT,
    tokens: int = 800,
    at_once: int = 1,
    calls: int = 1,
) -> None:
    dialogue.see(
        Kind.REQUEST, source=source, fingerprint=client, account="user5", standing=Standing.ESTABLISHED,
        tokens=tokens * calls, count=calls, credential=KEY, in_flight=at_once,
    )  # fmt: skip


def history(dialogue: Dialogue, minutes: int = 40) -> None:
    """An owner at home and on the way, two calls a minute."""
    for minute in range(minutes):
        call(dialogue, HOME, tokens=600 + 137 * (minute % 5), at_once=1 + minute % 2)
        dialogue.tick(30)
        call(dialogue, "192.0.2.10" if minute % 3 else "198.51.100.7", tokens=700)
        dialogue.tick(30)


def measures(dialogue: Dialogue) -> list[Measure]:
    return [measure for judgement in dialogue.judgements for measure in judgement.measures]


def steal(dialogue: Dialogue, networks: int, *, client: int = THIEF, seconds: int = 90) -> None:
    """The key is used from so many places at once, hard."""
    for second in range(seconds):
        source = f"{60 + second % networks}.{second % networks}.7.9"
        call(dialogue, source, client=client, tokens=1500, at_once=12, calls=2)
        dialogue.tick()


def test_a_key_used_from_seven_new_networks_and_far_beyond_itself_is_named_and_measured() -> None:
    """By its identifier; the account and its other keys go on."""
    dialogue = Dialogue()
    history(dialogue)
    steal(dialogue, 7)
    finding = dialogue.said(DETECTOR)
    assert finding is not None
    assert finding.hostile
    assert finding.local
    assert finding.sentence.startswith(
        f"Key {KEY} of account user5 shows 7 new networks in 10 min where 2 were most, "
    )
    assert "12 calls at once where 2 were its most and 1 client that it never had." in finding.sentence
    assert dialogue.judgements[-1].verdict is Verdict.ATTACK
    (measure,) = measures(dialogue)
    assert (measure.scope, measure.value) == ("credential", KEY)
    assert measure.finding == finding.id


def test_an_honest_heavy_user_is_not_accused() -> None:
    """A batch job: a hundred times the tokens, twenty calls at once, from where the key lives."""
    dialogue = Dialogue()
    history(dialogue)
    for _ in range(120):
        call(dialogue, HOME, tokens=8000, at_once=20, calls=5)
        dialogue.tick()
    assert dialogue.said(DETECTOR) is None
    assert not measures(dialogue)


def test_a_traveller_is_not_accused() -> None:
    """Six networks in ten minutes on a train, at the usual pace."""
    dialogue = Dialogue()
    history(dialogue)
    for second in range(300):
        if second % 30 == 0:
            call(dialogue, f"{70 + second // 50}.9.9.9", client=THIEF)
        dialogue.tick()
    assert dialogue.said(DETECTOR) is None
    assert not measures(dialogue)


def test_a_service_that_grows_into_five_networks_with_its_own_client_is_not_accused() -> None:
    """A launch: spending and calls at once rise, and the client stays what it was."""
    dialogue = Dialogue()
    history(dialogue)
    steal(dialogue, 5, client=CLIENT)
    assert dialogue.said(DETECTOR) is None


def test_a_key_that_always_roams_is_judged_by_its_own_roaming() -> None:
    """A key in an app of which every user is another network."""
    dialogue = Dialogue()
    for minute in range(60):
        for index in range(3):
            call(dialogue, f"{20 + minute}.{index}.1.1", client=CLIENT + index)
        dialogue.tick(60)
    steal(dialogue, 9, client=THIEF)
    assert dialogue.said(DETECTOR) is None


def test_a_key_without_a_history_is_not_judged() -> None:
    """Nobody knows what is usual for it."""
    dialogue = Dialogue()
    steal(dialogue, 9)
    assert dialogue.said(DETECTOR) is None


def test_networks_are_counted_by_autonomous_system_where_that_is_known() -> None:
    """A cloud's many prefixes are one network, whatever client calls from them."""
    detection = Detection(DetectionPolicy(), network_of=lambda address: "AS64500" if address[:2] in ("60", "61", "62", "63", "64", "65", "66") else None)  # fmt: skip
    dialogue = Dialogue()
    dialogue.detection = detection
    history(dialogue)
    steal(dialogue, 7)
    assert dialogue.said(DETECTOR) is None


def test_the_attack_does_not_become_usual() -> None:
    """An hour of theft later the key is still accused."""
    dialogue = Dialogue()
    history(dialogue)
    for round_ in range(6):
        for second in range(120):
            number = round_ * 12 + second % 12
            call(dialogue, f"{60 + number}.{number}.7.9", client=THIEF, tokens=3000, at_once=12)
            dialogue.tick(5)
    assert dialogue.said(DETECTOR) is not None


@pytest.mark.parametrize("seed", range(40))
def test_honest_keys_of_all_sorts_are_never_accused(seed: int) -> None:
    """Bursts by a heavy-tailed factor, up to three places at once, clients that change now and then."""
    rng = random.Random(seed)
    detection = Detection(DetectionPolicy())
    now = 1_740_000_000.0
    keys = [(f"{number:016x}", rng.randint(1, 3), rng.lognormvariate(6, 1)) for number in range(12)]
    for _ in range(90):
        for number, (key, places, mean) in enumerate(keys):
            burst = rng.paretovariate(0.9)
            place = rng.randrange(places) if rng.random() > 0.1 else 3 + rng.randrange(3)
            detection.observe(
                Observation(
                    now, Kind.REQUEST, source=f"{30 + number}.{place}.1.1", outcome=Outcome.OK,
                    fingerprint=number * 4 + (rng.random() < 0.05), account=f"user{number}", standing=3,
                    count=max(1, int(burst)), tokens=int(mean * burst), credential=key,
                    in_flight=max(1, int(burst)),
                )
            )  # fmt: skip
        now += 60
        judgement = detection.tick(now - now % 3, posture=Posture.NORMAL)
        assert not any(each.detector is DETECTOR for each in judgement.findings)
        assert not judgement.measures


def test_a_key_that_many_programs_in_many_networks_use_at_once_is_named_in_seconds() -> None:
    """Though its owner's own bursts are as large: nobody releases five clients at once into nine new networks."""
    dialogue = Dialogue()
    history(dialogue)
    for place in range(9):
        call(dialogue, f"{60 + place}.{place}.7.9", client=THIEF + place % 5)
    dialogue.tick()
    finding = dialogue.said(DETECTOR)
    assert finding is not None
    assert finding.hostile
    assert "5 clients that it never had" in finding.sentence
    assert {measure.value for measure in measures(dialogue)} == {KEY}


def test_a_new_release_in_many_new_networks_accuses_nobody() -> None:
    """One client more, and three for those who have not renewed it: the owner's service grows."""
    dialogue = Dialogue()
    history(dialogue)
    for place in range(12):
        call(dialogue, f"{60 + place}.{place}.7.9", client=THIEF + place % 3)
        dialogue.tick()
    assert not any(judgement.hostile for judgement in dialogue.judgements)
