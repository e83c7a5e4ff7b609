"""What detection costs: an observation, a tick over many live sources, memory, look-ups of knowledge.

``python -m bench.detection`` runs all of it (about a minute); ``--json`` prints the figures
as JSON. Every detector accuses somebody meanwhile and all tables are full.
"""

import argparse
import gc
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from ipaddress import IPv4Address
from itertools import islice
from pathlib import Path

import psutil

from pontlevis.brain.detection.detection import Detection
from pontlevis.brain.detection.knowledge import EMPTY, Knowledge
from pontlevis.brain.detection.layers import Layer
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.observation import Kind, Observation, Outcome, PagePart
from pontlevis.brain.vocabulary import Posture
from pontlevis.knowledge.policy import KnowledgePolicy
from pontlevis.knowledge.shelf import Shelf

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
    "page, new source": lambda n, at: Observation(
        at,
        Kind.PAGE,
        Outcome.OK,
        f"50.{n >> 16}.{n >> 8 & 255}.{n & 255}",
        n % 7,
        target=n % 5,
        parameters=n,
        part=PagePart.VIEW,
    ),
    "style sheet, new source": lambda n, at: Observation(
        at, Kind.PAGE, Outcome.OK, f"51.{n >> 16}.{n >> 8 & 255}.{n & 255}", part=PagePart.ASSET
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
    return {
        "median": statistics.median(late),
        "p95": statistics.quantiles(late, n=20)[-1],
        "worst": max(late),
    }


def resident() -> float:
    """Of this process, MiB."""
    gc.collect()
    return float(psutil.Process().memory_info().rss) / MEBI


def measure(part: str, detection: Callable[[], Detection]) -> dict[str, object]:
    """One part, in a process of its own so that memory is not another's."""
    if part == "look_ups":
        return dict(look_ups(500_000, 500_000))
    if part.startswith("informed"):
        part, detection = {"informed": "observation", "informed_1m": "1m"}[part], informed
    before = resident()
    subject = detection()
    idle = resident() - before
    if part == "observation":
        return {"us": observations(subject, 100_000)}
    figures = ticks(subject, *{"100k": (200_000, 10_000), "1m": (1_000_000, 20_000)}[part])
    return {"tick_ms": figures, "idle_mib": idle, "mib_above_idle": resident() - before - idle}


def look_ups(ranges: int, count: int) -> dict[str, float]:
    """Of knowledge read from a file with so many ranges: memory, time to read, look-ups a second."""
    rng = random.Random(1)
    before = resident()
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "asn.csv"
        step = (1 << 32) // ranges
        with path.open("w") as file:
            for number in range(ranges):
                first, last = IPv4Address(number * step), IPv4Address(number * step + step - 1)
                file.write(f"{first},{last},{1 + number % 80_000},Network {number % 80_000}\n")
        shelf = Shelf(KnowledgePolicy(asn_files=(str(path),)), time.time)
        began = time.process_time()
        report = shelf.look()
        took = time.process_time() - began
    assert report is not None
    knowledge = report.knowledge
    strangers = [str(IPv4Address(rng.getrandbits(32))) for _ in range(count)]
    began = time.process_time()
    for each in strangers:
        knowledge.find(each)
    new = count / (time.process_time() - began)
    few = strangers[:1000] * (count // 1000)
    began = time.process_time()
    for each in few:
        knowledge.find(each)
    again = count / (time.process_time() - began)
    del strangers, few
    return {
        "ranges": knowledge.ranges,
        "read_s": took,
        "mib": resident() - before,
        "look_ups_per_s_new_address": new,
        "look_ups_per_s_known_address": again,
    }


def informed() -> Detection:
    """A detection that knows of every /18 which network it belongs to, and of every fifth that it is a data centre."""
    networks = Layer(
        (number << 14, (number << 14) + (1 << 14) - 1, 1 + number % 80_000) for number in range(1 << 18)
    )
    centres = Layer((number << 14, (number << 14) + (1 << 14) - 1, 1) for number in range(0, 1 << 18, 5))
    detection = Detection(DetectionPolicy())
    detection.know(Knowledge((networks, centres, Layer()), EMPTY))
    return detection


PARTS = ("observation", "100k", "1m", "informed", "informed_1m", "look_ups")


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
