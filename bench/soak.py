"""Load for a long time against real processes: is memory flat, is a slot lost, do the counters agree?

``python3 tasks.py soak --minutes 30``, or ``python -m bench.soak``. Three engine simulators stand behind one
service: ``steady`` is used as one should, ``left`` by clients that go away or read slowly, ``rough`` dies
every few seconds. At the end the database is compared with the engines' own counters.
"""

import asyncio
import contextlib
import json
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Annotated

import httpx
import psutil
import typer
from rich.console import Console
from rich.table import Table

from bench.process import CannotStart, Process
from bench.soak_clients import Client, Tally
from pontlevis.controller.supervisor import free_port

ENGINES = ("steady", "left", "rough")
RESTART_EVERY_S = 15.0
SAMPLE_S = 1.0
WARM_SHARE = (
    1 / 3
)  # of the run: caches, baselines and the ten minutes of samples that are kept fill meanwhile
JUDGED_FROM_S = 240.0  # a slope over less says nothing
MOST_GROWTH_MIB_MIN = (
    0.25  # choice: 15 MiB an hour would be noticed in a week, and noise of a run stays below
)
UNSEEN_TOKENS = 16  # of one abandoned stream: generated, but not yet read by the gateway when its client left
INPUT_SLACK = (
    40  # tokens by which the estimate of an abandoned call's input may differ from the engine's count
)
REST_S = 30.0  # at most, until what was counted last is written: a busy machine is late
LOOK_S = 1.0


@dataclass(slots=True)
class Check:
    """One thing that must hold."""

    name: str
    value: str
    target: str
    met: bool | None
    """None where the run was too short to tell."""


@dataclass(slots=True)
class Soak:
    """What a run has gathered."""

    minutes: float
    sent: dict[str, int] = field(default_factory=dict)
    rss: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    """By process: seconds since the start, MiB."""
    checks: list[Check] = field(default_factory=list)
    restarts: int = 0


def slope_mib_min(samples: list[tuple[float, float]]) -> float:
    """Least squares, after the warm-up."""
    kept = samples[int(len(samples) * WARM_SHARE) :]
    if len(kept) < 3:
        return 0.0
    at = [each[0] / 60 for each in kept]
    mib = [each[1] for each in kept]
    mean_at, mean_mib = sum(at) / len(at), sum(mib) / len(mib)
    spread = sum((each - mean_at) ** 2 for each in at)
    return (
        sum((x - mean_at) * (y - mean_mib) for x, y in zip(at, mib, strict=True)) / spread if spread else 0.0
    )


class Engine:
    """One engine simulator."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        self.process = self._started()

    def _started(self) -> Process:
        command = [sys.executable, "-m", "pontlevis", "engine-sim", "--with-parent", "--port", str(self.port), "--model", self.name,
                   "--decode-rate", "60"]  # fmt: skip
        if self.name == "steady":
            command += ["--model", "spare"]
        process = Process(command, self._folder / f"{self.name}.log")
        process.line()
        return process

    def restart(self) -> None:
        self.process.popen.kill()
        self.process.stop()
        self.process = self._started()

    def stats(self) -> dict[str, int]:
        counted: dict[str, int] = httpx.get(f"{self.url}/stats", timeout=10, trust_env=False).json()
        return counted


class Service:
    """Pontlevis before the engines, with accounts."""

    def __init__(self, engines: list[Engine], folder: Path) -> None:
        self.port, self.operator_port = free_port(), free_port()
        self.data = folder / "data"
        command = [sys.executable, "-m", "pontlevis", "up", "--port", str(self.port), "--operator-port", str(self.operator_port), "--data", str(self.data)]  # fmt: skip
        for engine in engines:
            command += ["--engine", engine.url]
        self.process = Process(command, folder / "service.log")
        self.process.line()
        note = json.loads((self.data / "run.json").read_text())
        self._socket, self._operator = note["operator_socket"], note["operator_url"]

    def operate(self, method: str, path: str, body: dict[str, object] | None = None) -> dict[str, object]:
        with httpx.Client(
            transport=httpx.HTTPTransport(uds=self._socket), base_url=self._operator, timeout=10
        ) as client:
            answer = client.request(method, path, json=body)
            answer.raise_for_status()
            told: dict[str, object] = answer.json()
            return told

    def key(self, email: str, *, full: bool = True) -> str:
        return str(
            self.operate("POST", "/api/keys", {"email": email, "paid": full, "unlimited": full})["key"]
        )

    def pids(self) -> dict[str, int]:
        named: dict[str, int] = json.loads((self.data / "run.json").read_text())["pids"]
        return {"supervisor": self.process.pid, **named}

    def used(self, model: str) -> tuple[int, int, int, int]:
        """Requests, aborted ones, input and output tokens in the database."""
        with contextlib.closing(sqlite3.connect(self.data / "pontlevis.db", timeout=10)) as database:
            row = database.execute(
                "SELECT coalesce(sum(requests),0), coalesce(sum(aborted),0), coalesce(sum(input_tokens),0),"
                " coalesce(sum(output_tokens),0) FROM usage_days WHERE model = ?", (model,)
            ).fetchone()  # fmt: skip
        return int(row[0]), int(row[1]), int(row[2]), int(row[3])


async def _load(service: Service, engines: dict[str, Engine], minutes: float, soak: Soak, say: Callable[[str], None]) -> Tally:  # fmt: skip
    tally = Tally(Counter(), Counter())
    until = time.monotonic() + minutes * 60
    keys = [service.key(f"soak{number}@example.com") for number in range(6)]
    newcomer = service.key("newcomer@example.com", full=False)
    tasks: list[Awaitable[None]] = []
    for number in range(12):
        client = Client("127.0.0.1", service.port, keys[number % 6], Random(number), tally)
        tasks.append(_again(until, 0.25, client.plain, client.streamed, client.embed, client.respond))
    for number in range(6):
        client = Client("127.0.0.1", service.port, keys[number], Random(100 + number), tally)
        tasks.append(_again(until, 0.4, client.abort_stream, client.abort_plain, client.read_slowly))
        tasks.append(_again(until, 0.4, client.rough))
    stranger = Client("127.0.0.1", service.port, "pl-" + "A" * 60, Random(7), tally)
    limited = Client("127.0.0.1", service.port, newcomer, Random(8), tally)
    tasks += [_again(until, 0.3, stranger.refused), _again(until, 0.1, limited.limited)]
    tasks.append(_sample(service, engines, until, soak))
    tasks.append(_restart(engines["rough"], until, soak))
    tasks.append(_tell(until, minutes, tally, say))
    await asyncio.gather(*tasks)
    return tally


async def _again(until: float, pause_s: float, *acts: Callable[[], Awaitable[None]]) -> None:
    turn = 0
    while time.monotonic() < until:
        await acts[turn % len(acts)]()
        turn += 1
        await asyncio.sleep(pause_s)


async def _sample(service: Service, engines: dict[str, Engine], until: float, soak: Soak) -> None:
    begin = time.monotonic()
    while time.monotonic() < until:
        watched = {
            **service.pids(),
            **{f"engine {name}": engines[name].process.pid for name in ("steady", "left")},
        }
        for name, pid in watched.items():
            with contextlib.suppress(psutil.Error):
                mib = psutil.Process(pid).memory_info().rss / 2**20
                soak.rss.setdefault(name, []).append((time.monotonic() - begin, mib))
        await asyncio.sleep(SAMPLE_S)


async def _restart(engine: Engine, until: float, soak: Soak) -> None:
    while time.monotonic() + RESTART_EVERY_S / 2 < until:
        await asyncio.sleep(min(RESTART_EVERY_S, (until - time.monotonic()) / 2))
        await asyncio.to_thread(engine.restart)
        soak.restarts += 1


async def _tell(until: float, minutes: float, tally: Tally, say: Callable[[str], None]) -> None:
    while (left := until - time.monotonic()) > 0:
        await asyncio.sleep(min(30.0, left))
        say(
            f"{minutes - max(0.0, until - time.monotonic()) / 60:.1f} of {minutes:g} minutes, {sum(tally.sent.values())} requests"
        )


def _come_to_rest(service: Service, engines: dict[str, Engine], tally: Tally, soak: Soak, seconds: float) -> None:  # fmt: skip
    until = time.monotonic() + REST_S
    while True:
        time.sleep(LOOK_S)
        _judge(service, engines, tally, soak, seconds)
        if time.monotonic() >= until or not any(each.met is False for each in soak.checks):
            return


def _judge(service: Service, engines: dict[str, Engine], tally: Tally, soak: Soak, seconds: float) -> None:
    soak.checks = checks = []
    sample = service.operate("GET", "/api/load?last=1")["samples"]
    assert isinstance(sample, list)
    bands = sample[-1]["bands"]
    held = (sum(band["in_flight"] for band in bands), sum(band["queued"] for band in bands))
    checks.append(
        Check("Admission at rest: in flight, queued", f"{held[0]}, {held[1]}", "0, 0", held == (0, 0))
    )
    for name in ENGINES:
        stats = engines[name].stats()
        rest = (stats["running"], stats["waiting"])
        checks.append(
            Check(f"Engine {name} at rest: running, waiting", f"{rest[0]}, {rest[1]}", "0, 0", rest == (0, 0))
        )
    steady, counted = service.used("steady"), engines["steady"].stats()
    ours, theirs = (
        (steady[0], steady[2], steady[3]),
        (counted["started"], counted["tokens_in"], counted["tokens_out"]),
    )
    embedded = (tally.sent["embed"], tally.embedded)
    theirs = (theirs[0] + embedded[0], theirs[1] + embedded[1], theirs[2])
    checks.append(
        Check(
            "Calls that end well: requests, tokens in, tokens out",
            str(ours),
            f"{theirs} as the engine counted",
            ours == theirs,
        )
    )
    seen = sum(tally.ok[each] for each in ("plain", "streamed", "embed", "respond"))
    checks.append(
        Check(
            "The same, as their clients saw them",
            str(steady[0]),
            f"{seen} whole answers",
            steady[0] == seen and steady[1] == 0,
        )
    )
    left, gone = service.used("left"), engines["left"].stats()
    checks.append(
        Check(
            "Calls that clients leave: requests",
            str(left[0]),
            f"{gone['started']} as the engine counted",
            left[0] == gone["started"],
        )
    )
    checks.append(
        Check(
            "The same: aborted",
            str(left[1]),
            f"{gone['cancelled']} cancelled there",
            abs(left[1] - gone["cancelled"]) <= max(2, gone["cancelled"] // 100),
        )
    )
    unseen = gone["tokens_out"] - left[3] - tally.plain_tokens_left_at_most
    checks.append(
        Check(
            "The same: tokens out",
            str(left[3]),
            f"at most the engine's {gone['tokens_out']}, less by {UNSEEN_TOKENS} a call and what was left unsent",
            left[3] <= gone["tokens_out"] and unseen <= UNSEEN_TOKENS * left[1],
        )
    )
    checks.append(
        Check(
            "The same: tokens in",
            str(left[2]),
            f"{gone['tokens_in']} within {INPUT_SLACK} a call left",
            abs(left[2] - gone["tokens_in"]) <= INPUT_SLACK * left[1],
        )
    )
    rough = service.used("rough")
    ended = tally.ok["rough"] + tally.failed["rough"]
    checks.append(
        Check(
            "Calls to an engine that dies: requests",
            str(rough[0]),
            f"at most {ended} asked, at least {tally.ok['rough']} answered",
            tally.ok["rough"] <= rough[0] <= ended,
        )
    )
    checks.append(
        Check(
            "Refused with a code",
            f"{tally.ok['refused']} + {tally.ok['limited']}",
            f"{tally.sent['refused']} + {tally.sent['limited']} asked",
            tally.ok["refused"] == tally.sent["refused"] and tally.ok["limited"] == tally.sent["limited"],
        )
    )
    for name in sorted(soak.rss):
        growth = slope_mib_min(soak.rss[name])
        now = soak.rss[name][-1][1]
        judged = growth <= MOST_GROWTH_MIB_MIN if seconds >= JUDGED_FROM_S else None
        checks.append(
            Check(
                f"Memory of {name}",
                f"{now:.1f} MiB, {growth:+.3f} MiB/min",
                f"<= {MOST_GROWTH_MIB_MIN} MiB/min",
                judged,
            )
        )


def run(
    minutes: Annotated[float, typer.Option(min=0.1, help="How long.")] = 30.0,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write figures and samples as JSON.")
    ] = None,
) -> None:
    """Mixed load for MINUTES; ends with status 1 when something grew, was lost or miscounted."""
    console = Console()
    soak = Soak(minutes)
    with tempfile.TemporaryDirectory(prefix="pontlevis-soak-") as scratch:
        folder = Path(scratch)
        engines: dict[str, Engine] = {}
        service: Service | None = None
        try:
            engines = {name: Engine(name, folder) for name in ENGINES}
            service = Service(list(engines.values()), folder)
            tally = asyncio.run(_load(service, engines, minutes, soak, lambda text: console.print(text)))
            _come_to_rest(service, engines, tally, soak, minutes * 60)
        except CannotStart as error:
            console.print(str(error), markup=False)
            raise typer.Exit(1) from None
        finally:
            if service is not None:
                service.process.stop()
            for engine in engines.values():
                engine.process.stop()
    soak.sent = dict(tally.sent)
    table = Table(title=f"Soak of {minutes:g} minutes: {sum(tally.sent.values())} requests, {soak.restarts} engine restarts", title_justify="left")  # fmt: skip
    for name in ("What", "Found", "Expected", ""):
        table.add_column(name)
    for each in soak.checks:
        mark = "too short to tell" if each.met is None else "[green]ok[/]" if each.met else "[red]miss[/]"
        table.add_row(each.name, each.value, each.target, mark)
    console.print(table)
    if json_file is not None:
        json_file.write_text(json.dumps({"minutes": minutes, "sent": soak.sent, "restarts": soak.restarts, "rss_mib": soak.rss,
                                         "checks": [[each.name, each.value, each.target, each.met] for each in soak.checks]}))  # fmt: skip
    if any(each.met is False for each in soak.checks):
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(run)
