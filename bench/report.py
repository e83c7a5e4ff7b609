"""What a run says: a table of CPU per unit, the ratios that are promised, and the same as JSON."""

import os
import platform
import statistics
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from bench.loadgen import Kind
from bench.measure import KINDS, PeerResult, Result, Series

UNITS: dict[Kind, str] = {
    "plain": "plain request",
    "streamed": "streamed chunk",
    "large": "200 KB prompt",
    "refused": "refused request",
}


@dataclass(frozen=True, slots=True)
class Ratio:
    """One promise: what Pontlevis takes over what Envoy takes, and the most it may be."""

    name: str
    rounds: list[float]
    """One value a round: both were measured within seconds, so that a busy machine slows both."""
    at_most: float

    @property
    def value(self) -> float:
        """Median of the rounds."""
        return statistics.median(self.rounds)

    @property
    def kept(self) -> bool:
        return self.value <= self.at_most


def ratios(result: Result) -> list[Ratio]:
    """Of the data path's CPU; none where one of the two was not measured."""
    ours, envoy = result.peers.get("pontlevis"), result.peers.get("envoy")
    if ours is None or envoy is None:
        return []
    promised: tuple[tuple[str, Kind, Kind, float], ...] = (
        ("plain request / Envoy's plain request", "plain", "plain", 2.0),
        ("streamed chunk / Envoy's streamed chunk", "streamed", "streamed", 1.0),
        # 25 µs where Envoy's plain proxying costs 34.
        ("refused request / Envoy's plain request", "refused", "plain", 25 / 34),
    )
    found = []
    for name, kind, other, at_most in promised:
        values, bases = ours.path_us(kind), envoy.path_us(other)
        if values and bases:
            pairs = zip(values, bases, strict=True)
            found.append(Ratio(name, [value / base for value, base in pairs], at_most))
    return found


def against_envoy(result: Result) -> dict[str, dict[Kind, float]]:
    """By peer: its data path's CPU over Envoy's, median of the rounds; a refusal over Envoy's plain request."""
    envoy = result.peers.get("envoy")
    if envoy is None:
        return {}
    found: dict[str, dict[Kind, float]] = {}
    for name, peer in result.peers.items():
        for kind in KINDS:
            values, bases = peer.path_us(kind), envoy.path_us("plain" if kind == "refused" else kind)
            if values and bases and any(values):
                rounds = [value / base for value, base in zip(values, bases, strict=True)]
                found.setdefault(name, {})[kind] = statistics.median(rounds)
    return found


def markdown(result: Result) -> list[str]:
    """The table for a page: who takes how much of Envoy's CPU, and of memory for a stream that is open."""
    lines = [
        "| | " + " | ".join(UNITS[kind] for kind in KINDS) + " | KiB a held stream |",
        "| --- |" + " ---: |" * (len(KINDS) + 1),
    ]
    for name, kinds in against_envoy(result).items():
        cells = [f"{kinds[kind]:.2f} ×" if kind in kinds else "–" for kind in KINDS]
        held = result.peers[name].held_kib
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {'–' if held is None else f'{held:.0f}'} |")
    return lines


def show(result: Result, console: Console) -> None:
    """Prints the tables."""
    table = Table(title="CPU, user and system, µs; median of the rounds ± half their spread")
    table.add_column("peer", no_wrap=True)
    for kind in KINDS:
        table.add_column(UNITS[kind], justify="right")
    table.add_column("idle, %", justify="right")
    table.add_column("MiB", justify="right")
    table.add_column("KiB a held stream", justify="right")
    for name, peer in result.peers.items():
        for row in _rows(name, peer):
            table.add_row(*row)
    console.print(table)
    for name, why in result.left_out.items():
        console.print(f"{name} was left out: {why}", markup=False, highlight=False)
    against = against_envoy(result)
    if against:
        console.print("Of Envoy's CPU for the same (a refusal: of Envoy's plain request), as Markdown:")
        console.print("\n".join(markdown(result)), highlight=False, soft_wrap=True)
    found = ratios(result)
    if found:
        promises = Table(title="Ratios of the data path")
        promises.add_column("what")
        promises.add_column("median", justify="right")
        promises.add_column("least to most", justify="right")
        promises.add_column("at most", justify="right")
        promises.add_column("kept")
        for ratio in found:
            promises.add_row(
                ratio.name,
                f"{ratio.value:.2f}",
                f"{min(ratio.rounds):.2f} to {max(ratio.rounds):.2f}",
                f"{ratio.at_most:.2f}",
                "yes" if ratio.kept else "no",
            )
        console.print(promises)
    console.print(
        f"Meanwhile others took {100 * result.others:.0f} % of the machine; beyond 10 % figures waver."
    )
    waits = Table(title="Wait for the first byte, ms: context, not a verdict")
    waits.add_column("peer")
    for kind in KINDS:
        waits.add_column(f"{kind}, p50 / p99", justify="right")
    for name, peer in result.peers.items():
        waits.add_row(name, *(_wait(peer, kind) for kind in KINDS))
    console.print(waits)


def as_dict(result: Result) -> dict[str, object]:
    """Everything, for the JSON file."""
    plan = result.plan
    return {
        "machine": {
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "kernel": platform.release(),
        },
        "plan": {
            "rounds": plan.rounds,
            "plain": plan.plain,
            "streams": plan.streams,
            "chunks": plan.chunks,
            "large": plan.large,
            "refused": plan.refused,
            "held": plan.held,
            "connections": plan.connections,
        },
        "seconds": round(result.seconds, 1),
        "others": round(result.others, 3),
        "left_out": result.left_out,
        "peers": {name: _peer(peer) for name, peer in result.peers.items()},
        "ratios": [
            {
                "name": each.name,
                "value": round(each.value, 3),
                "rounds": _rounded(each.rounds),
                "at_most": round(each.at_most, 3),
                "kept": each.kept,
            }
            for each in ratios(result)
        ],
    }


def _peer(peer: PeerResult) -> dict[str, object]:
    kinds = {
        kind: {
            "data_path_us": _rounded(series.path_us),
            "all_processes_us": _rounded(series.all_us),
            "client_and_engine_us": _rounded(series.ends_us),
            "p50_ms": _rounded(series.p50_ms),
            "p99_ms": _rounded(series.p99_ms),
        }
        for kind, series in peer.series.items()
    }
    memory = {part: round(size, 1) for part, size in peer.rss_mib.items()}
    held = None if peer.held_kib is None else round(peer.held_kib, 1)
    return {"kinds": kinds, "rss_mib": memory, "held_kib": held, "idle_cpu": round(peer.idle_cpu, 4)}


def _rounded(values: list[float]) -> list[float]:
    return [round(value, 2) for value in values]


def _rows(name: str, peer: PeerResult) -> list[list[str]]:
    """One row for a peer of one part, two for one of several; without a process, what stands at both ends."""
    memory = list(peer.rss_mib.values())
    idle = f"{100 * peer.idle_cpu:.1f}"
    series = [peer.series.get(kind, Series()) for kind in KINDS]
    path = [_cell(each.path_us) for each in series]
    if not memory:
        return [[f"{name}: client and engine", *(_cell(each.ends_us) for each in series), "", "", ""]]
    held = "-" if peer.held_kib is None else f"{peer.held_kib:.1f}"
    if len(memory) == 1:
        return [[name, *path, idle, f"{memory[0]:.0f}", held]]
    return [
        [f"{name}: {next(iter(peer.rss_mib))}", *path, "", f"{memory[0]:.0f}", held],
        [f"{name}: all", *(_cell(each.all_us) for each in series), idle, f"{sum(memory):.0f}", ""],
    ]


def _cell(values: list[float]) -> str:
    if not values:
        return "-"
    middle = statistics.median(values)
    spread = (max(values) - min(values)) / middle if middle else 0.0
    return f"{middle:.1f} ±{50 * spread:.0f}%"


def _wait(peer: PeerResult, kind: Kind) -> str:
    series = peer.series.get(kind)
    if series is None:
        return "-"
    return f"{statistics.median(series.p50_ms):.1f} / {statistics.median(series.p99_ms):.1f}"
