"""Reads recorded production load: the Azure conversation trace and the DeepSeek-R1 client traces.

Neither belongs to this project; a directory with ``llm-traces/`` is named by whoever has them.
"""

import ast
import csv
import json
import random
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from pathlib import Path
from typing import Literal

from pontlevis.simulation.renewal import Pattern, Renewal

TraceName = Literal["azure", "deepseek-r1"]

DAY_S = 86_400.0
WINDOW_S = 600.0  # of the DeepSeek-R1 traces: rate and burstiness
LENGTHS_S = 21_600  # of the same: histograms of lengths
_AZURE_FILE = "llm-traces/azure-2023-conversation.csv"
_DEEPSEEK_FOLDER = "llm-traces/servegen-deepseek-r1"


@dataclass(frozen=True, slots=True)
class Recorded:
    """One recorded request."""

    at: float
    """Share of the replay that has passed, 0 to 1."""
    client: tuple[int, int] | None
    """Place among the recorded clients, heaviest first, and how many there are; None where none is named."""
    input_tokens: int
    output_tokens: int


def read_trace(directory: Path, trace: TraceName, wanted: int, rng: random.Random) -> list[Recorded]:
    """``wanted`` requests in order of time. Raises ``ValueError`` when the trace cannot be read."""
    if wanted == 0:
        return []
    try:
        return _azure(directory, wanted, rng) if trace == "azure" else _deepseek(directory, wanted, rng)
    except (OSError, KeyError, IndexError, TypeError, SyntaxError) as problem:
        raise ValueError(f"cannot read the {trace} trace in {directory}: {problem}") from problem


def _azure(directory: Path, wanted: int, rng: random.Random) -> list[Recorded]:
    with (directory / _AZURE_FILE).open(newline="") as source:
        rows = [
            # Seven digits of a second are written; Python reads six.
            (
                datetime.fromisoformat(row["TIMESTAMP"][:26] + "+00:00").timestamp(),
                int(row["ContextTokens"]),
                int(row["GeneratedTokens"]),
            )
            for row in csv.DictReader(source)
        ]
    if len(rows) <= wanted:
        raise ValueError(f"the azure trace holds {len(rows)} requests, too few for {wanted}")
    first = rng.randrange(len(rows) - wanted)
    begin, end = rows[first][0], rows[first + wanted][0]
    span = (end - begin) or 1.0
    return [
        Recorded((at - begin) / span, None, input_, output)
        for at, input_, output in rows[first : first + wanted]
    ]


@dataclass(frozen=True, slots=True)
class _Window:
    """Ten minutes of one client."""

    start: float
    requests: float
    cv: float
    pattern: Pattern


def _deepseek(directory: Path, wanted: int, rng: random.Random) -> list[Recorded]:
    folder = directory / _DEEPSEEK_FOLDER
    clients = {path: _windows(path) for path in sorted(folder.glob("chunk-*-trace.csv"))}
    loads = {path: sum(each.requests for each in windows) for path, windows in clients.items()}
    total = sum(loads.values())
    if total <= 0:
        raise ValueError(f"there are no DeepSeek-R1 traces in {folder}")
    ranked = sorted(clients, key=lambda path: -loads[path])
    # Twice what is wanted, of which half is left out by lot: bursts would else decide the count.
    times = [
        (at, place)
        for place, path in enumerate(ranked)
        for at in _times(clients[path], 2.0 * wanted / total, rng)
    ]
    while len(times) < wanted:
        times.extend((at, 0) for at in _times(clients[ranked[0]], wanted / total, rng))
    chosen = sorted(rng.sample(times, wanted))
    lengths: dict[int, Callable[[float], tuple[int, int]]] = {}
    recorded = []
    for at, place in chosen:
        if place not in lengths:
            lengths[place] = _lengths(
                ranked[place].with_name(ranked[place].name.replace("-trace.csv", "-dataset.json")), rng
            )
        input_, output = lengths[place](at)
        recorded.append(Recorded(at / DAY_S, (place, len(ranked)), input_, output))
    return recorded


def _windows(path: Path) -> list[_Window]:
    with path.open(newline="") as source:
        return [
            _Window(
                float(row[0]),
                float(row[1]) * WINDOW_S,
                float(row[2] or 1.0),
                "weibull" if row[3] == "Weibull" else "gamma",
            )
            for row in csv.reader(source)
            if float(row[1]) > 0 and float(row[0]) < DAY_S
        ]


def _times(windows: list[_Window], scale: float, rng: random.Random) -> list[float]:
    """Arrivals in seconds of the recorded day, with ``scale`` times its requests.

    Gaps are drawn in units of expected requests and carried over from window to window, so that a
    window with less than one request still gets its share.
    """
    times = []
    left: float | None = None
    for window in windows:
        renewal = Renewal(window.pattern, window.cv, rng)
        expected = window.requests * scale
        at = renewal.first() if left is None else left
        while at < expected:
            times.append(window.start + at / expected * WINDOW_S)
            at += renewal.gap()
        left = at - expected
    return times


def _lengths(path: Path, rng: random.Random) -> Callable[[float], tuple[int, int]]:
    """Draws prompt and answer for a second of the day from the histograms of its six hours."""
    hours: dict[str, dict[str, str]] = json.loads(path.read_text())
    drawers: dict[str, tuple[Callable[[], int], Callable[[], int]]] = {}

    def draw(at: float) -> tuple[int, int]:
        key = str(int(at) // LENGTHS_S * LENGTHS_S)
        if key not in drawers:
            found = hours[key] if hours[key]["input_tokens"] != "{}" else _any_with_lengths(hours)
            drawers[key] = _drawer(found["input_tokens"], rng), _drawer(found["output_tokens"], rng)
        input_, output = drawers[key]
        return input_(), output()

    return draw


def _any_with_lengths(hours: dict[str, dict[str, str]]) -> dict[str, str]:
    return next(each for each in hours.values() if each["input_tokens"] != "{}")


def _drawer(histogram: str, rng: random.Random) -> Callable[[], int]:
    # The files hold each histogram as the text of a Python dictionary.
    counted: dict[int, float] = ast.literal_eval(histogram)
    lengths = list(counted)
    sums = list(accumulate(counted.values()))
    return lambda: int(lengths[min(len(lengths) - 1, bisect_left(sums, rng.random() * sums[-1]))])
