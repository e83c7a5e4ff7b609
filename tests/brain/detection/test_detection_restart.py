"""What detection knows after a restart, and what it does where it knows nothing."""

from __future__ import annotations

import msgspec
import pytest
from detection_dialogue import T0
from hypothesis import given, settings
from hypothesis import strategies as st

from pontlevis.brain.detection.detection import Detection, DetectionState
from pontlevis.brain.detection.familiar import Familiar, FamiliarState
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.observation import Kind, Observation, Outcome
from pontlevis.brain.vocabulary import Posture, Standing

HALF_DAY = 43_200.0


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=8), st.floats(0, 3 * HALF_DAY)), max_size=40))
def test_familiar_places_are_the_same_after_a_restart(visits: list[tuple[str, float]]) -> None:
    """Both generations, and when they turn."""
    before = Familiar(HALF_DAY, lg_bits=12)
    visits.sort(key=lambda each: each[1])
    for source, at in visits:
        before.add(source, T0 + at)
    after = Familiar(HALF_DAY, lg_bits=12)
    now = T0 + (visits[-1][1] if visits else 0.0)
    assert after.restore(before.state(), now) is bool(visits)
    for source in {*(source for source, _ in visits), "stranger", "another"}:
        assert (source in after) is (source in before)
    after.add("later", now + HALF_DAY)
    before.add("later", now + HALF_DAY)
    assert after.state() == before.state()


def test_what_is_too_old_or_broken_is_not_taken_up() -> None:
    """A day later nobody of them is familiar; bytes of another size, or none, change nothing."""
    kept = Familiar(HALF_DAY, lg_bits=12)
    kept.add("192.0.2.1", T0)
    state = kept.state()
    larger = Familiar(HALF_DAY, lg_bits=13).state()
    for broken, now in (
        (state, T0 + 2 * HALF_DAY),
        (state, T0 - 1),
        (msgspec.structs.replace(state, new=b"no such thing"), T0),
        (msgspec.structs.replace(state, old=larger.old), T0),
        (FamiliarState(T0, b"", b""), T0),
    ):
        fresh = Familiar(HALF_DAY, lg_bits=12)
        assert not fresh.restore(broken, now)
        assert "192.0.2.1" not in fresh


def broken_keys(detection: Detection, at: float, *, seconds: int = 60) -> list[str]:
    """A library breaks the keys of 60 customers, who try again; whom measures name."""
    named = []
    for second in range(seconds):
        for number in range(60):
            detection.observe(
                Observation(
                    at + second,
                    Kind.REQUEST,
                    Outcome.BAD_CREDENTIAL,
                    f"192.0.2.{number}",
                    7,
                    count=2 if second < 2 else second % 8 == number % 8,
                )
            )
        judgement = detection.tick(at + second + 1, posture=Posture.NORMAL)
        named += [each.value for each in judgement.measures]
    return named


def served(detection: Detection) -> None:
    for number in range(60):
        detection.observe(
            Observation(
                T0,
                Kind.REQUEST,
                Outcome.OK,
                f"192.0.2.{number}",
                7,
                f"a{number}",
                Standing.ESTABLISHED.value,
            )
        )
    detection.tick(T0 + 1, posture=Posture.NORMAL)


@pytest.mark.parametrize("hours", [0.01, 5.0])
def test_a_library_that_breaks_keys_after_a_restart_accuses_nobody(hours: float) -> None:
    """Its users were served before it, some hours ago: what was kept still knows their places."""
    before = Detection(DetectionPolicy())
    served(before)
    state = msgspec.msgpack.decode(msgspec.msgpack.encode(before.state(T0 + 1)), type=DetectionState)
    after = Detection(DetectionPolicy())
    now = T0 + hours * 3600
    after.restore(state, now)
    assert broken_keys(after, now) == []


def test_where_nothing_is_known_of_anybody_made_up_keys_take_longer_to_earn_a_measure() -> None:
    """At a first start a flood cannot be told from it, so what a broken client does in a minute is forgiven."""
    assert broken_keys(Detection(DetectionPolicy()), T0) == []
    known = Detection(DetectionPolicy(young_s=1.0))
    assert broken_keys(known, T0)


def test_a_state_of_before_places_were_kept_is_still_read() -> None:
    """An update in place."""
    old = msgspec.msgpack.encode(
        {"at": T0, "baseline": Detection(DetectionPolicy()).state(T0).baseline, "good": []}
    )
    state = msgspec.msgpack.decode(old, type=DetectionState)
    assert state.places is None
    after = Detection(DetectionPolicy())
    after.restore(state, T0)
    assert after.tick(T0, posture=Posture.NORMAL).findings == ()
