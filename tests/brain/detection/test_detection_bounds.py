"""Detection's bounds: memory, time, and what it may not touch."""

from __future__ import annotations

import ast
import gc
import time
import tracemalloc
from pathlib import Path

import pytest
from detection_dialogue import T0

import pontlevis.brain.detection
import pontlevis.brain.posture
from pontlevis.brain.detection.detection import Detection
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.observation import Kind, Observation, Outcome
from pontlevis.brain.setting import notes
from pontlevis.brain.vocabulary import Posture

FORBIDDEN = {"time", "datetime", "asyncio", "socket", "random", "secrets", "os", "io", "threading", "uuid"}


def modules() -> list[Path]:
    rooms = (pontlevis.brain.detection, pontlevis.brain.posture)
    return sorted(path for room in rooms for path in Path(room.__path__[0]).glob("*.py"))


@pytest.mark.parametrize("path", modules(), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_no_module_reads_a_clock_draws_randomness_or_does_io(path: Path) -> None:
    """The brain is told everything."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert not {name.name.split(".")[0] for name in node.names} & FORBIDDEN
        elif isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] not in FORBIDDEN
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"open", "print", "input"}


def test_every_setting_has_unit_meaning_and_source() -> None:
    """The reference page is made from them."""
    for note in notes(DetectionPolicy).values():
        assert note.unit
        assert note.doc
        assert note.source


def mixture(number: int, at: float) -> Observation:
    """A new source each time, and every kind of deed; fingerprints, domains and accounts scattered."""
    source = f"{11 + (number >> 16)}.{number * 7919 >> 4 & 255}.{number >> 8 & 255}.{number & 255}"
    fingerprint = number * 2_654_435_761 & 0xFFF
    match number % 10:
        case 0 | 1 | 2 | 3:
            return Observation(at, Kind.REQUEST, Outcome.BAD_CREDENTIAL, source, fingerprint, tokens=500)
        case 4 | 5:
            return Observation(at, Kind.REQUEST, Outcome.OK, source, fingerprint, f"n{number}", 1, "", 1, 500)
        case 6 | 7:
            return Observation(at, Kind.LOGIN, Outcome.UNKNOWN_USER, source, fingerprint, f"u{number}")
        case 8:
            domain = f"d{number % 3000}.example"
            return Observation(at, Kind.SIGNUP, Outcome.OK, source, fingerprint, f"n{number}", 1, domain)
        case _:
            return Observation(at, Kind.REQUEST, Outcome.OK, source, fingerprint, f"e{number}", 3, "", 1, 500)


def play(detection: Detection, first: int, last: int, *, rate: int, at: float) -> float:
    """Sources ``first`` to ``last``, ``rate`` a second, a tick each second. Returns the time after."""
    for number in range(first, last):
        detection.observe(mixture(number, at + (number - first) / rate))
        if number % rate == rate - 1:
            detection.tick(at + (number - first + 1) / rate, posture=Posture.NORMAL)
    return at + (last - first) / rate


def test_memory_stops_growing_with_the_number_of_sources() -> None:
    """Small bounds: five times the sources, hardly any more memory."""
    policy = DetectionPolicy(
        max_fingerprints=64,
        max_prefixes=64,
        max_domains=64,
        max_suspects=1024,
        max_newcomers=1024,
        max_sleepers=1024,
        max_visitors=1024,
        max_keys=1024,
        measures_in_force=500,
        max_good=256,
    )
    detection = Detection(policy)
    tracemalloc.start()
    try:
        now = play(detection, 0, 8_000, rate=1000, at=T0)
        gc.collect()
        early, _ = tracemalloc.get_traced_memory()
        play(detection, 8_000, 40_000, rate=1000, at=now)
        gc.collect()
        late, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert late < 8 * 2**20
    assert late - early < 2 * 2**20


def test_a_tick_over_many_live_sources_is_short() -> None:
    """Its cost follows the bounds, not the number of sources; ten times the figure is allowed here."""
    detection = Detection(DetectionPolicy())
    play(detection, 0, 30_000, rate=6000, at=T0)
    began = time.process_time()
    for step in range(5):
        detection.tick(T0 + 5 + step / 10, posture=Posture.NORMAL)
    assert (time.process_time() - began) / 5 < 0.05
