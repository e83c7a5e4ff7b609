"""Rounds: each kind of request against each peer in turn, CPU time taken before and after."""

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from bench.held import held_kib
from bench.loadgen import GIVE_UP_S, Kind, Order, Outcome
from bench.peer import Peer
from bench.process import CannotStart, Process, allow_many_files, busy_s, cpu_s, rss_mib

KINDS: tuple[Kind, ...] = ("plain", "streamed", "large", "refused")
WARM_UP_SHARE = 0.1  # of a round's requests, sent to each peer before the first
IDLE_S = 2.0  # in which a peer's CPU without load is taken
REFUSED_FROM = "127.0.9.9"  # strangers come from elsewhere than the user
USER_FROM = "127.0.0.2"


NEEDED = ("direct", "envoy", "pontlevis")
"""Without these there is nothing to compare."""


class BenchError(Exception):
    """The measurement would not mean anything."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is sent."""

    rounds: int = 7
    plain: int = 3000
    """Plain requests a round."""
    streams: int = 64
    """Streams a round, all at once."""
    chunks: int = 100
    """Events of one stream."""
    large: int = 300
    """Requests with prompts of 200 KB a round."""
    refused: int = 3000
    """Refused requests a round."""
    connections: int = 16
    """Plain and refused requests under way at once."""
    held: int = 5000
    """Streams that stay open and say nothing, for their memory; 0 leaves that out."""

    def order(self, kind: Kind, peer: Peer, share: float = 1.0) -> Order:
        requests = {
            "plain": self.plain,
            "streamed": self.streams,
            "large": self.large,
            "refused": self.refused,
        }[kind]
        requests = max(1, round(requests * share * peer.share))
        return Order(
            host="127.0.0.1",
            port=peer.port,
            kind=kind,
            requests=requests,
            connections=requests if kind == "streamed" else self.connections,
            chunks=self.chunks,
            keys=peer.bad_keys if kind == "refused" else peer.keys,
            source=REFUSED_FROM if kind == "refused" else USER_FROM,
            headers=peer.headers,
        )


@dataclass(slots=True)
class Series:
    """One kind of request through one peer, round by round."""

    path_us: list[float] = field(default_factory=list)
    """CPU of the data path for one unit: a request, or an event of a stream."""
    all_us: list[float] = field(default_factory=list)
    """The same with all the peer's processes."""
    ends_us: list[float] = field(default_factory=list)
    """CPU of client and engine for one unit, which stand at both ends of each peer."""
    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)


@dataclass(slots=True)
class PeerResult:
    """What was measured of one peer."""

    series: dict[Kind, Series] = field(default_factory=dict)
    spared: dict[Kind, str] = field(default_factory=dict)
    """Kinds that it fails at, and why: not measured."""
    rss_mib: dict[str, float] = field(default_factory=dict)
    """Resident memory after the rounds, by part."""
    held_kib: float | None = None
    """Memory of the data path for one stream that is open and says nothing; None where not all stayed open."""
    idle_cpu: float = 0.0
    """Share of one core that all its processes take without load."""

    def path_us(self, kind: Kind) -> list[float]:
        """CPU of the data path, round by round; empty where it was not measured."""
        return self.series[kind].path_us if kind in self.series else []


@dataclass(slots=True)
class Result:
    """One whole run."""

    plan: Plan
    peers: dict[str, PeerResult]
    left_out: dict[str, str]
    """Peers that did not run, and why."""
    seconds: float
    others: float
    """Share of the machine that processes outside this benchmark took during the rounds, 0 to 1."""


def measure(peers: list[Peer], plan: Plan, say: Callable[[str], None]) -> Result:
    """Runs everything. Raises ``BenchError`` when requests failed, ``CannotStart`` when a peer that is needed does not run."""
    begin = time.monotonic()
    allow_many_files()
    peers = list(peers)
    left_out: dict[str, str] = {}
    results = {peer.name: PeerResult() for peer in peers}
    with tempfile.TemporaryDirectory(prefix="pontlevis-bench-") as name:
        folder = Path(name)
        upstream = Process([sys.executable, "-m", "bench.upstream"], folder / "upstream.log")
        try:
            address = upstream.line()
            for peer in list(peers):
                say(f"starting {peer.name}")
                try:
                    peer.start(address, folder)
                    results[peer.name].spared = failed = _warm_up(peer, plan)
                    for kind, why in failed.items():
                        say(f"{peer.name} is not measured, {kind}: {why}")
                        left_out[f"{peer.name}, {kind},"] = why
                except (CannotStart, BenchError) as error:
                    if peer.name in NEEDED:
                        raise
                    say(f"{peer.name} is left out: {error}")
                    peer.stop()
                    peers.remove(peer)
                    del results[peer.name]
                    left_out[peer.name] = str(error)
            for peer in peers:
                results[peer.name].idle_cpu = _idle(peer)
            pids = [
                upstream.pid,
                *(pid for peer in peers for part in peer.processes.values() for pid in part),
            ]
            busy, ours, rounds_begin = busy_s(), _ours_s(pids), time.monotonic()
            for turn in range(plan.rounds):
                say(f"round {turn + 1} of {plan.rounds}")
                for kind in KINDS:
                    # Whoever comes first in one round comes last in another.
                    for peer in peers[turn % len(peers) :] + peers[: turn % len(peers)]:
                        _round(peer, kind, plan, results[peer.name], upstream.pid)
            whole = (time.monotonic() - rounds_begin) * (os.cpu_count() or 1)
            others = max(0.0, busy_s() - busy - (_ours_s(pids) - ours)) / whole
            for peer in peers:
                results[peer.name].rss_mib = {part: rss_mib(pids) for part, pids in peer.processes.items()}
            if plan.held:
                for peer in peers:
                    if peer.processes and "streamed" not in results[peer.name].spared:
                        say(f"{plan.held} streams held open through {peer.name}")
                        results[peer.name].held_kib = held_kib(peer, plan.held)
        finally:
            for peer in peers:
                peer.stop()
            upstream.stop()
    return Result(plan, results, left_out, time.monotonic() - begin, others)


def _ours_s(pids: list[int]) -> float:
    """CPU so far of peers and engine, of the load generators that have ended, and of this process."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return cpu_s(pids) + ended.ru_utime + ended.ru_stime + time.process_time()


def _warm_up(peer: Peer, plan: Plan) -> dict[Kind, str]:
    """What the peer fails at and is spared, and why. Raises ``BenchError`` where nothing works, or where all must."""
    failed: dict[Kind, str] = {}
    for kind in KINDS:
        order = plan.order(kind, peer, WARM_UP_SHARE)
        if not order.keys:
            continue
        try:
            _send(peer, order)
        except BenchError as error:
            if peer.name in NEEDED or kind == "plain":
                raise
            failed[kind] = str(error)
    return failed


def _idle(peer: Peer) -> float:
    pids = [pid for each in peer.processes.values() for pid in each]
    if not pids:
        return 0.0
    before, begin = cpu_s(pids), time.monotonic()
    time.sleep(IDLE_S)
    return (cpu_s(pids) - before) / (time.monotonic() - begin)


def _round(peer: Peer, kind: Kind, plan: Plan, result: PeerResult, engine: int) -> None:
    order = plan.order(kind, peer)
    if not order.keys or kind in result.spared:
        return
    parts = list(peer.processes.values())
    path = parts[0] if parts else []
    everything = [pid for part in parts for pid in part]
    path_before, all_before, engine_before = cpu_s(path), cpu_s(everything), cpu_s([engine])
    outcome = _send(peer, order)
    path_s, all_s = cpu_s(path) - path_before, cpu_s(everything) - all_before
    engine_s = cpu_s([engine]) - engine_before
    units = order.requests * (order.chunks if kind == "streamed" else 1)
    series = result.series.setdefault(kind, Series())
    series.path_us.append(1e6 * path_s / units)
    series.all_us.append(1e6 * all_s / units)
    series.ends_us.append(1e6 * (outcome.cpu_s + engine_s) / units)
    series.p50_ms.append(outcome.p50_ms)
    series.p99_ms.append(outcome.p99_ms)


def _send(peer: Peer, order: Order) -> Outcome:
    done = subprocess.run(
        [sys.executable, "-m", "bench.loadgen", msgspec.json.encode(order).decode()],
        capture_output=True,
        text=True,
        timeout=GIVE_UP_S + 30.0,
        check=False,
    )
    if done.returncode != 0:
        raise BenchError(f"the load generator failed: {done.stderr[-1500:]}")
    outcome = msgspec.json.decode(done.stdout, type=Outcome)
    if outcome.failed or outcome.answered != order.requests:
        raise BenchError(
            f"{peer.name}, {order.kind}: {outcome.answered} of {order.requests} answered as expected, {outcome.failed} failed: {outcome.first_failure}"
        )
    return outcome
