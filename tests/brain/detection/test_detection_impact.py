"""How existing users are served."""

from __future__ import annotations

from detection_dialogue import Dialogue

from pontlevis.brain.detection.finding import DetectorName
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.vocabulary import Verdict

FLOOD, DRAIN, IMPACT = DetectorName.ROTATING_FLOOD, DetectorName.TOKEN_DRAIN, DetectorName.IMPACT


def test_waiting_existing_users_are_impact_and_accuse_nobody() -> None:
    """Three seconds of five beyond the objective."""
    dialogue = Dialogue()
    for _ in range(3):
        dialogue.sample(wait_p99_s=3.0, ttft_p99_s=0.5)
        dialogue.tick()
    finding = dialogue.said(IMPACT)
    assert finding is not None
    assert not finding.hostile
    assert "they wait 3 s in the queue (objective 1 s)" in finding.sentence
    assert dialogue.judgements[-1].verdict is Verdict.OVERLOAD


def test_one_slow_second_is_a_hiccup() -> None:
    """The median of five seconds decides."""
    dialogue = Dialogue()
    for second in range(10):
        dialogue.sample(wait_p99_s=9.0 if second == 5 else 0.01, ttft_p99_s=0.4)
        assert dialogue.tick().findings == ()


def test_refused_and_failed_calls_are_impact() -> None:
    """Existing users are to be served."""
    dialogue = Dialogue()
    for _ in range(4):
        dialogue.sample(arrived=20, refused=5, failed=4, wait_p99_s=0.01, ttft_p99_s=0.3)
        dialogue.tick()
    finding = dialogue.said(IMPACT)
    assert finding is not None
    assert "calls failed" in finding.sentence
    assert "calls were refused" in finding.sentence


def test_a_service_that_is_always_slow_is_measured_against_itself() -> None:
    """An engine whose first token takes five seconds every day is no emergency."""
    dialogue = Dialogue(DetectionPolicy(ttft_objective_s=10.0))
    for _ in range(60):
        dialogue.sample(wait_p99_s=0.01, ttft_p99_s=8.0)
        dialogue.tick()
    for _ in range(10):
        dialogue.sample(wait_p99_s=0.01, ttft_p99_s=14.0)
        assert dialogue.tick().findings == ()
