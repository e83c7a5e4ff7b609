"""Faults of ours, or of a customer's client, are told from attacks; and attacks do not hide behind them."""

from __future__ import annotations

from pontlevis.brain.detection.detection import Detection
from pontlevis.brain.detection.finding import DetectorName, Finding
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.observation import Kind, Observation, Outcome
from pontlevis.brain.vocabulary import Posture, Standing

T0 = 1_740_000_000.0


def customers(detection: Detection, number: int) -> list[str]:
    """So many addresses at which an existing user was just served."""
    sources = [f"20.1.{n // 250}.{n % 250 + 1}" for n in range(number)]
    for n, source in enumerate(sources):
        detection.observe(
            Observation(T0, Kind.REQUEST, Outcome.OK, source, 7, f"acct{n}", Standing.ESTABLISHED.value)
        )
    detection.tick(T0 + 1, posture=Posture.NORMAL)
    return sources


def bad_keys(detection: Detection, sources: list[str], at: float, count: int = 1) -> None:
    for source in sources:
        detection.observe(Observation(at, Kind.REQUEST, Outcome.BAD_CREDENTIAL, source, 9, count=count))


def finding(detection: Detection, at: float) -> Finding | None:
    findings = detection.tick(at, posture=Posture.NORMAL).findings
    return next((each for each in findings if each.detector is DetectorName.ROTATING_FLOOD), None)


def test_damaged_keys_of_known_customers_are_no_attack() -> None:
    """An update of their client, most at places where they were served: said, and nobody is accused."""
    detection = Detection(DetectionPolicy())
    known = customers(detection, 80)
    moved = [f"30.{n}.1.1" for n in range(40)]
    bad_keys(detection, [*known, *moved], T0 + 1.5, count=2)
    found = finding(detection, T0 + 2)
    assert found is not None
    assert not found.hostile
    assert "a fault of ours or of their client" in found.sentence


def test_one_customers_machine_hides_no_flood() -> None:
    """However much it sends itself."""
    detection = Detection(DetectionPolicy())
    known = customers(detection, 80)
    bad_keys(detection, known[:1], T0 + 1.5, count=5_000)
    bad_keys(detection, [f"30.{n}.1.1" for n in range(120)], T0 + 1.5, count=3)
    found = finding(detection, T0 + 2)
    assert found is not None
    assert found.hostile


def test_whoever_cannot_log_in_to_the_account_just_made_there_accuses_nobody() -> None:
    """A crowd for whom every password fails; the same failures at other accounts are an attack."""
    for own in (True, False):
        detection = Detection(DetectionPolicy())
        for n in range(120):
            source, account = f"30.{n}.1.1", f"acct{n}"
            detection.observe(
                Observation(T0, Kind.SIGNUP, Outcome.OK, source, n % 20 + 1, account, 0, "gmail.com")
            )
            tried, standing = (account, Standing.NEW) if own else (f"victim{n}", Standing.ESTABLISHED)
            detection.observe(
                Observation(
                    T0 + 0.5, Kind.LOGIN, Outcome.BAD_CREDENTIAL, source, n % 20 + 1, tried, standing.value
                )
            )
        judgement = detection.tick(T0 + 1, posture=Posture.NORMAL)
        stuffing = [each for each in judgement.findings if each.detector is DetectorName.CREDENTIAL_STUFFING]
        assert [each.hostile for each in stuffing] == [not own]
