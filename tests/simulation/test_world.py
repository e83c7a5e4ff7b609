"""The whole service in virtual time."""

import random
import re
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from pontlevis.brain.vocabulary import Standing
from pontlevis.cli import app
from pontlevis.simulation.engine import STEP_S, EngineModel, EngineShape
from pontlevis.simulation.world.curve import CONTENDERS, Point, Task, play
from pontlevis.simulation.world.job import Job
from pontlevis.simulation.world.population import WorldShape, arrivals, honest_rate
from pontlevis.simulation.world.virtual_engine import VirtualEngine
from pontlevis.simulation.world.world import World
from surroundings import recorded_data

DATA = recorded_data()
SMALL = WorldShape(engines=4, accounts=2_000, duration_s=50.0, warm_up_s=15.0)
ENGINE = EngineShape()


def point(contender: str, multiple: float, seed: int = 1, trace: Path | None = None) -> Point:
    return play(Task(contender, multiple, seed, SMALL, ENGINE, trace))


@pytest.mark.parametrize("load", [0.5, 0.9, 1.3])
def test_the_engine_of_two_events_agrees_with_the_one_of_small_steps(load: float) -> None:
    """Mean time to first token and answers finished, from half a load to an overload."""
    rng = random.Random(7)
    rate = load * ENGINE.requests_per_s(1_000, 200)
    at, asked = 0.0, []
    while at < 200.0:
        at += rng.expovariate(rate)
        asked.append((at, rng.randint(500, 1_500), rng.randint(100, 300)))

    class Gate:
        """Everything to the one engine."""

        name = "gate"

        def arrive(self, job: Job, hands: World) -> None:
            hands.start(job, 0)

        def first_byte(self, job: Job, hands: World) -> None: ...
        def done(self, job: Job, hands: World) -> None: ...
        def gone(self, job: Job, hands: World) -> None: ...
        def tick(self, hands: World) -> None: ...

    shape = WorldShape(engines=1, accounts=100, duration_s=201.0, warm_up_s=0.0, patience_s=1e9)
    jobs = [
        Job(number, at, "a", Standing.PAID, tokens, output, hostile=False)
        for number, (at, tokens, output) in enumerate(asked)
    ]
    World(shape, ENGINE, Gate()).play(iter(jobs))  # type: ignore[arg-type]
    steps = EngineModel(ENGINE, 0.0)
    first: dict[int, float] = {}
    finished, now, number = 0, 0.0, 0
    while now < asked[-1][0]:
        now += STEP_S
        while number < len(asked) and asked[number][0] <= now:
            steps.submit(number, asked[number][1], asked[number][2], asked[number][0])
            number += 1
        for each in steps.advance(now):
            first.setdefault(each.id, now)
            finished += each.finished
    end = asked[-1][0]
    ours = [each.first_at - each.at for each in jobs if each.first_at <= end]
    theirs = [first[each] - asked[each][0] for each in first]
    assert sum(ours) / len(ours) == pytest.approx(sum(theirs) / len(theirs), rel=0.15, abs=0.03)
    assert sum(each.done_at <= end for each in jobs) == pytest.approx(finished, rel=0.03)


def test_a_virtual_engine_never_holds_more_than_it_can() -> None:
    """Neither slots nor cache, whoever comes and goes; nobody is lost."""
    rng = random.Random(3)
    engine = VirtualEngine(EngineShape(slots=4, kv_tokens=4_000), patience_s=50.0)
    running: list[Job] = []
    now = 0.0
    asked = started = 0
    for number in range(3_000):
        now += rng.expovariate(2.0)
        if running and rng.random() < 0.5:
            running += [job for _, _, job in engine.leave(running.pop(rng.randrange(len(running))), now)]
        asked += 1
        job = Job(
            number, now, "a", Standing.PAID, rng.randint(1, 2_000), rng.randint(1, 1_500), hostile=False
        )
        running += [each for _, _, each in engine.submit(job, now)]
        assert engine.running == len(running) <= 4
        assert engine.kv_used == sum(each.input + each.output for each in running) <= 4_000
    started = asked - len(engine.queue) - len(engine.gone)
    assert started > 0


def test_the_same_seed_gives_the_same_figures() -> None:
    """And another seed others."""
    first, again, other = (
        msgspec.structs.replace(point("pontlevis", 3.0, seed), cpu_s=0.0) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_load_is_what_was_asked_for() -> None:
    """Requests in the wanted number, in order of time, each account with one standing."""
    jobs = list(arrivals(SMALL, ENGINE, 2.0, 5, None))
    honest = [each for each in jobs if not each.hostile]
    assert len(honest) == pytest.approx(honest_rate(SMALL, ENGINE) * SMALL.duration_s, rel=0.02)
    assert [each.at for each in jobs] == sorted(each.at for each in jobs)
    standings: dict[str, set[Standing]] = {}
    for each in jobs:
        standings.setdefault(each.account, set()).add(each.standing)
    assert all(len(each) == 1 for each in standings.values())
    established = sum(each.standing is Standing.ESTABLISHED for each in honest) / len(honest)
    assert 0.5 <= established <= 0.97


def test_without_an_attack_everybody_serves_everybody() -> None:
    """The comparison is fair: all of them can bear the honest load."""
    for name in CONTENDERS:
        assert point(name, 0.0).existing_goodput >= 0.97


@pytest.mark.parametrize("multiple", [10.0, 100.0])
def test_existing_users_are_served_under_attack_by_pontlevis_and_not_without(multiple: float) -> None:
    """The reason why it is there."""
    served = {name: point(name, multiple).existing_goodput for name in CONTENDERS}
    assert served["fifo"] < 0.2
    assert served["rate-limiter"] < 0.2
    assert served["pontlevis-under-attack"] >= 0.99
    assert served["pontlevis"] >= 0.97
    assert served["pontlevis-under-attack"] >= served["strict"]


def test_under_attack_newcomers_are_not_shut_out_altogether() -> None:
    """They have their share, and the attacker's requests cannot take all of it."""
    assert point("pontlevis-under-attack", 10.0).newcomers_goodput > 0.1


@pytest.mark.skipif(DATA is None, reason="PONTLEVIS_DATA names no directory with the traces")
def test_recorded_clients_play_as_well() -> None:
    """The DeepSeek-R1 client traces."""
    found = point("pontlevis-under-attack", 1.0, trace=DATA)
    assert found.existing_asked > 50
    assert found.existing_goodput > 0.8


def test_the_command_prints_a_table_and_writes_both_files(tmp_path: Path) -> None:
    """In one process, with few engines."""
    figures, page = tmp_path / "s.json", tmp_path / "s.html"
    said = CliRunner().invoke(
        app,
        ["simulate", "--engines", "2", "--accounts", "1000", "--loads", "0,5", "--processes", "1",
         "--contenders", "fifo,pontlevis", "--json", str(figures), "--report", str(page)],
    )  # fmt: skip
    assert said.exit_code == 0, said.output
    assert "Pontlevis, normal" in said.output
    body = msgspec.json.decode(figures.read_bytes())
    assert {(each["contender"], each["hostile"]) for each in body["points"]} == {
        (name, load) for name in ("fifo", "pontlevis") for load in (0.0, 5.0)
    }
    text = page.read_text("utf-8")
    assert text.count("<svg") == 2
    assert not re.search(r"(?:src|href)=.http", text)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--loads", "1,x"], "--loads are numbers"),
        (["--loads", "-1"], "between 0 and 1000"),
        (["--contenders", "luck"], "there is no contender 'luck'"),
        (["--load", "guess"], "synthetic or trace"),
    ],
)
def test_bad_arguments_are_said_in_a_sentence(arguments: list[str], words: str) -> None:
    """And nothing is played."""
    said = CliRunner().invoke(app, ["simulate", *arguments])
    assert said.exit_code == 1
    assert words in said.output
