"""What detection costs: an observation, a tick over many live sources, memory, look-ups of knowledge.

``python -m bench.detection`` runs all of it (about a minute and a half); ``--json`` prints the figures
as JSON. Every detector accuses somebody meanwhile and all tables are full.
"""

import argparse
import gc
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from itertools import islice

import psutil

from pontlevis.brain.detection.detection import Detection
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.observation import Kind, Observation, Outcome
from pontlevis.brain.vocabulary import Posture

T0 = 1_740_000_000.0
MEBI = 2**20


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


SORTS: dict[str, Callable[[int, float], Observation]] = {
    "existing user's call": lambda n, at: Observation(
        at,
        Kind.REQUEST,
        Outcome.OK,
        f"10.1.{n % 2000 >> 8}.{n % 2000 & 255}",
        n % 7,
        f"e{n % 2000}",
        3,
        "",
        1,
        500,
    ),
    "made-up key, new source": lambda n, at: Observation(
        at, Kind.REQUEST, Outcome.BAD_CREDENTIAL, f"45.{n >> 16}.{n >> 8 & 255}.{n & 255}", n % 7
    ),
    "call without a key, served": lambda n, at: Observation(
        at, Kind.REQUEST, Outcome.OK, f"46.{n >> 16}.{n >> 8 & 255}.{n & 255}", n % 7
    ),
    "failed log-in, new source": lambda n, at: Observation(
        at, Kind.LOGIN, Outcome.UNKNOWN_USER, f"47.{n >> 16}.{n >> 8 & 255}.{n & 255}", n % 7, f"u{n}"
    ),
    "young account's call": lambda n, at: Observation(
        at, Kind.REQUEST, Outcome.OK, f"48.{n >> 16}.{n >> 8 & 255}.{n & 255}", n % 7, f"n{n}", 1, "", 1, 500
    ),
    "sign-up": lambda n, at: Observation(
        at, Kind.SIGNUP, Outcome.OK, f"49.{n >> 16}.{n >> 8 & 255}.{n & 255}", n % 7, f"s{n}", 1, "a.example"
    ),
}


def observations(detection: Detection, count: int) -> dict[str, float]:
    """Microseconds of one observation, by sort."""
    figures = {}
    for name, make in SORTS.items():
        batch = [make(number, T0 + number / 20_000) for number in range(count)]
        began = time.process_time()
        for each in batch:
            detection.observe(each)
        figures[name] = (time.process_time() - began) / count * 1e6
        detection.tick(T0 + count / 20_000, posture=Posture.NORMAL)
    return figures


def ticks(detection: Detection, sources: int, rate: int) -> dict[str, float]:
    """Milliseconds of a tick, while ``rate`` new sources come a second."""
    took = []
    numbers = iter(range(sources))
    at = T0 + 1000
    while batch := list(islice(numbers, rate)):
        for number in batch:
            detection.observe(mixture(number, at))
        at += 1
        began = time.process_time()
        detection.tick(at, posture=Posture.NORMAL)
        took.append((time.process_time() - began) * 1e3)
    late = took[len(took) // 3 :]
    return {"median": statistics.median(late), "p95": statistics.quantiles(late, n=20)[-1], "worst": max(late)}


def resident() -> float:
    """Of this process, MiB."""
    gc.collect()
    return float(psutil.Process().memory_info().rss) / MEBI


def measure(part: str, detection: Callable[[], Detection]) -> dict[str, object]:
    """One part, in a process of its own so that memory is not another's."""
    before = resident()
    subject = detection()
    idle = resident() - before
    if part == "observation":
        return {"us": observations(subject, 100_000)}
    figures = ticks(subject, *{"100k": (200_000, 10_000), "1m": (1_000_000, 20_000)}[part])
    return {"tick_ms": figures, "idle_mib": idle, "mib_above_idle": resident() - before - idle}


PARTS = ("observation", "100k", "1m")


def main() -> None:
    """Runs each part in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=PARTS, help="only this one, in this process")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    parts = (given.part,) if given.part else PARTS
    found: dict[str, object] = {}
    for part in parts:
        if given.part:
            found[part] = measure(part, lambda: Detection(DetectionPolicy()))
            continue
        read, write = os.pipe()
        child = os.fork()
        if not child:
            os.write(write, json.dumps(measure(part, lambda: Detection(DetectionPolicy()))).encode())
            os._exit(0)
        os.close(write)
        with os.fdopen(read) as answer:
            found[part] = json.loads(answer.read())
        os.waitpid(child, 0)
    json.dump(found, sys.stdout, indent=None if given.json else 2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
