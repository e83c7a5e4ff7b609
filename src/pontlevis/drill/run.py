"""One run of a drill: fresh processes, the plan played, everything watched."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import msgspec

from pontlevis.drill.fleet import DrillError, Fleet, loopback, service, start_player
from pontlevis.drill.plan import Act
from pontlevis.drill.player import Outcome, Part, Played
from pontlevis.drill.scenario import Scenario
from pontlevis.drill.seeding import seed as seed_accounts

LEAD_S = 2.5  # between starting the generators and second 0 of the plan
POLL_S = 0.25


class Seen(msgspec.Struct):
    """What the operator's API said at one moment."""

    at: float
    """Seconds of the plan."""
    posture: str
    verdict: str
    registration: str
    share: float
    hostile_findings: list[str]
    evidence_gone_s: float | None = None
    """Since when nothing hostile is in evidence, seconds of the plan."""


class Moment(msgspec.Struct):
    """One second of service, as the gateway measured it."""

    at: float
    queued: int
    in_flight: int
    limit: int
    engine_waiting: int
    engine_busy: float
    arrived: dict[str, int]
    refused: dict[str, int]


class RunRecord(msgspec.Struct):
    """Everything that one run showed."""

    name: str
    defence: bool
    outcomes: list[Outcome]
    not_sent: dict[str, int]
    generator_late_p99_s: float
    seen: list[Seen]
    moments: list[Moment]
    transitions: list[dict[str, object]]
    cpu: list[tuple[float, dict[str, float]]]
    """Seconds of the plan, CPU seconds by process so far."""
    engine: dict[str, float]
    decisions: int


def play(
    name: str,
    scenario: Scenario,
    honest: list[Act],
    hostile: list[Act],
    until: float,
    *,
    defence: bool,
    seed: int,
    directory: Path,
    advance: Callable[[float], None],
) -> RunRecord:
    """Plays honest and hostile acts up to ``until``; ``advance`` is told the seconds played, for a progress bar.

    Raises ``DrillError``.
    """
    directory.mkdir(parents=True, exist_ok=True)
    seeded = asyncio.run(seed_accounts(directory / "data", scenario, seed))
    keys = {"existing": seeded.existing, "sleeper": seeded.sleepers}
    with service(scenario, directory, defence=defence) as fleet:
        host = loopback(scenario.host)
        begin = time.time() + LEAD_S
        files: list[tuple[Path, Path]] = []
        players = []
        for part_name, acts in (("honest", honest), ("hostile", hostile)):
            if not acts:
                continue
            ends = until if part_name == "honest" else min(until, scenario.attack_end)
            part = Part(
                host,
                fleet.port,
                begin,
                ends,
                acts,
                keys,
                seed,
                scenario.model,
                not scenario.engine_url,
            )
            part_file, played_file = directory / f"{part_name}.part", directory / f"{part_name}.played"
            part_file.write_bytes(msgspec.msgpack.encode(part))
            player = start_player(part_file, played_file)
            fleet.watch(f"generator {part_name}", player.pid)
            players.append(player)
            files.append((part_file, played_file))
        try:
            seen = _watch(fleet, begin, until, advance)
            for player in players:
                player.wait(60.0)
        finally:
            for player in players:
                if player.poll() is None:
                    player.kill()
                    player.wait()
        last = _operator(fleet)
        moments, transitions, decisions = _collect(last, begin)
        engine: dict[str, float] = {}
        if not scenario.engine_url:
            engine = httpx.get(f"{fleet.engine_url}/stats", timeout=5.0, trust_env=False).json()
    played: list[Played] = []
    for part_file, played_file in files:
        if not played_file.exists():
            raise DrillError(f"the {part_file.stem} generator failed; see {part_file.with_suffix('.log')}")
        played.append(msgspec.msgpack.decode(played_file.read_bytes(), type=Played))
    not_sent: dict[str, int] = {}
    for each in played:
        not_sent |= each.not_sent
    return RunRecord(
        name,
        defence,
        [outcome for each in played for outcome in each.outcomes],
        not_sent,
        max((each.late_p99_s for each in played), default=0.0),
        seen,
        moments,
        transitions,
        [(at - begin, held) for at, held in fleet.cpu],
        engine,
        decisions,
    )


def _operator(fleet: Fleet) -> httpx.Client:
    return httpx.Client(
        transport=httpx.HTTPTransport(uds=fleet.note.operator_socket),
        base_url=fleet.note.operator_url,
        timeout=5.0,
    )


def _watch(fleet: Fleet, begin: float, until: float, advance: Callable[[float], None]) -> list[Seen]:
    """Asks the operator's API a few times a second until the plan's end."""
    seen: list[Seen] = []
    client = _operator(fleet)
    shown = 0.0
    sampled = 0.0
    with contextlib.closing(client):
        while (now := time.time() - begin) < until + 0.5:
            if now - sampled >= 1.0:
                sampled = now
                fleet.sample_cpu()
            with contextlib.suppress(httpx.HTTPError, ValueError, KeyError):
                state = client.get("/api/posture").json()
                findings = client.get("/api/findings").json()["findings"]
                seen.append(
                    Seen(
                        time.time() - begin,
                        state["posture"],
                        state["verdict"],
                        state["registration"],
                        state["registration_share"],
                        [each["detector"] for each in findings if each["hostile"]],
                        None
                        if state["evidence_gone_since"] is None
                        else state["evidence_gone_since"] - begin,
                    )
                )
            progressed = min(until, max(0.0, time.time() - begin))
            advance(progressed - shown)
            shown = progressed
            time.sleep(POLL_S)
    fleet.sample_cpu()
    return seen


def _collect(client: httpx.Client, begin: float) -> tuple[list[Moment], list[dict[str, object]], int]:
    with contextlib.closing(client):
        load = client.get("/api/load").json()["samples"]
        transitions = client.get("/api/transitions").json()["transitions"]
        decisions = len(client.get("/api/decisions").json()["decisions"])
    words = ("anonymous", "new", "recent", "established", "paid", "operator")
    moments = [
        Moment(
            each["at"] - begin,
            sum(band["queued"] for band in each["bands"]),
            sum(band["in_flight"] for band in each["bands"]),
            each["limit_requests"],
            each["engine_waiting"],
            each["engine_busy"],
            {words[band["standing"]]: band["arrived"] for band in each["bands"]},
            {words[band["standing"]]: band["refused"] for band in each["bands"]},
        )
        for each in load
    ]
    told: list[dict[str, object]] = [
        {
            "at": each["at"] - begin,
            "posture": each["after"]["posture"],
            "registration": each["after"]["registration"],
            "share": each["after"]["registration_share"],
            "reason": each["reason"],
            "actor": each["actor"],
        }
        for each in reversed(transitions)
    ]
    return moments, told, decisions
