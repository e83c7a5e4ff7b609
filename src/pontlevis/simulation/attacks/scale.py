"""What one tick costs, and how much is remembered, with very many live sources. CPU time of this machine."""

from multiprocessing import get_context
from statistics import median
from time import process_time

import msgspec
import psutil

from pontlevis.brain.detection.detection import Detection
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.observation import Kind, Observation, Outcome
from pontlevis.brain.vocabulary import Posture
from pontlevis.simulation.attacks.clock import START

SECONDS = 50
"""Over which the sources come, so that all of them are live in the last minute."""
MIB = 2**20


class Scale(msgspec.Struct, frozen=True):
    """One measurement."""

    sources: int
    observation_us: float
    """Mean over all of them, microseconds."""
    tick_ms: float
    """Median of the last ticks, milliseconds."""
    worst_tick_ms: float
    memory_mib: float
    """Growth of the process from before the first one."""


def measure(sources: int) -> Scale:
    """Shows detection so many different sources, every kind of deed, and looks at its ticks."""
    process = psutil.Process()
    before = process.memory_info().rss
    detection = Detection(DetectionPolicy())
    rate = sources // SECONDS
    spent, ticks = 0.0, []
    for second in range(SECONDS):
        first = second * rate
        batch = [_deed(first + each, START + second + each / rate) for each in range(rate)]
        begun = process_time()
        for observation in batch:
            detection.observe(observation)
        spent += process_time() - begun
        begun = process_time()
        detection.tick(START + second + 1, posture=Posture.NORMAL)
        ticks.append(1000 * (process_time() - begun))
    late = ticks[-20:]
    return Scale(
        sources=sources,
        observation_us=round(1e6 * spent / (rate * SECONDS), 2),
        tick_ms=round(median(late), 2),
        worst_tick_ms=round(max(late), 2),
        memory_mib=round((process.memory_info().rss - before) / MIB, 1),
    )


def measure_all(sizes: tuple[int, ...] = (100_000, 1_000_000)) -> list[Scale]:
    """Each in a process of its own, so that none inherits another's memory."""
    with get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        return pool.map(measure, sizes, chunksize=1)


def _deed(number: int, at: float) -> Observation:
    """A new source each time; fingerprints, domains and accounts scattered."""
    spread = number * 2_654_435_761 % 2**32  # Knuth's multiplicative hash: every source once, in no order
    source = f"{11 + (spread >> 25)}.{spread >> 17 & 255}.{spread >> 9 & 255}.{spread >> 1 & 255}"
    fingerprint = spread & 0xFFF
    kind, outcome, account, standing, domain, tokens = Kind.REQUEST, Outcome.BAD_CREDENTIAL, "", 0, "", 500
    match number % 10:
        case 4 | 5:
            outcome, account, standing = Outcome.OK, f"n{number}", 1
        case 6 | 7:
            kind, outcome, account, tokens = Kind.LOGIN, Outcome.UNKNOWN_USER, f"name:{number}", 0
        case 8:
            kind, outcome, account, domain, tokens = (
                Kind.SIGNUP,
                Outcome.OK,
                f"n{number}",
                f"d{number % 3000}.example",
                0,
            )
        case 9:
            outcome, account, standing = Outcome.OK, f"e{number}", 3
    return Observation(
        at=at, kind=kind, outcome=outcome, source=source, fingerprint=fingerprint, account=account,
        standing=standing, domain=domain, tokens=tokens,
    )  # fmt: skip
