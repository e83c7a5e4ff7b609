"""Detection and posture before people and attackers in virtual time: what the brain is held to, and the towns themselves."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from pontlevis.brain.detection.finding import Measure
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.observation import Kind, Outcome
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.setting import notes
from pontlevis.brain.vocabulary import Posture, RegistrationMode, Standing
from pontlevis.cli import app
from pontlevis.simulation.attacks.browsing import Readers
from pontlevis.simulation.attacks.case import CALM_S, LOUD_S, Case, Stage
from pontlevis.simulation.attacks.cases import CASES, GROUPS, chosen
from pontlevis.simulation.attacks.clock import Clock
from pontlevis.simulation.attacks.doors import Doors
from pontlevis.simulation.attacks.evaluation import Run, Task, play, tasks_of
from pontlevis.simulation.attacks.ledger import Party, Why
from pontlevis.simulation.attacks.newcomers import Newcomers
from pontlevis.simulation.attacks.residents import Residents
from pontlevis.simulation.attacks.shape import ServiceShape
from pontlevis.simulation.attacks.summary import summarise
from pontlevis.simulation.attacks.tables import BEGIN, END, markdown, renewed
from pontlevis.simulation.attacks.town import Town

FIRM = [case for case in CASES.values() if case.firm]
NOW = 1_740_000_000.0


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", [case.name for case in FIRM if not case.hostile])
def test_whoever_means_well_is_never_accused_and_finds_the_door_open(name: str, seed: int) -> None:
    """Crowds, a university, a campaign, a day on which something of ours breaks."""
    run = play(Task(name, seed))
    assert not run.false_suspension
    assert not run.false_finding
    assert not run.false_elevation
    assert run.existing_banned == run.newcomers_banned == run.measures == 0


@pytest.mark.parametrize("name", [case.name for case in FIRM if case.hostile])
def test_a_loud_attack_is_found_and_answered_within_seconds(name: str) -> None:
    """And no decision names somebody from whom nothing hostile came."""
    run = play(Task(name, 3))
    assert run.answered
    assert run.finding_s is None or run.finding_s <= LOUD_S
    assert run.enforced_s is not None
    assert run.enforced_s <= LOUD_S + 3.0
    assert not run.false_finding
    assert run.wrong_measures == 0


def test_the_same_seed_plays_the_same() -> None:
    """But for the time it takes."""
    runs = [replace_cpu(play(Task("mixed-3-1", 5))) for _ in range(2)]
    assert runs[0] == runs[1]
    assert runs[0] != replace_cpu(play(Task("mixed-3-1", 6)))


def replace_cpu(run: Run) -> Run:
    return msgspec.structs.replace(run, cpu_s=0.0)


def test_what_the_brain_decides_is_what_the_doors_do() -> None:
    """With detection switched off more of the same attack gets through: the loop is closed."""
    case = CASES["flood-500"]

    def through(policy: DetectionPolicy) -> float:
        town = Town(1, detection=policy, shape=case.shape)
        case.play(Stage(town, Residents(town), Newcomers(town), Readers(town)))
        ledger = town.run(CALM_S + 60)
        return ledger.hostile_through / ledger.hostile_acts

    assert through(DetectionPolicy(enabled=False)) == 1.0
    # As of a service that has been up for a while.
    assert through(DetectionPolicy(young_s=0.0)) < 0.7


def test_an_existing_accounts_key_passes_a_banned_address_and_its_log_in_does_not() -> None:
    """As at the gateway; whether the refusal was a mistake depends on whose address it is."""
    for shared in (False, True):
        town = Town(1)
        place = town.people.carriers[0] if shared else "11.1.1.1"

        def knock(kind: Kind, standing: Standing, town: Town = town, place: str = place) -> Outcome:
            return town.see(
                Party.RESIDENT, kind, Outcome.OK, place, fingerprint=1, account="a", standing=standing
            )

        town.see(Party.HOSTILE, Kind.REQUEST, Outcome.BAD_CREDENTIAL, place, fingerprint=2)
        town.doors.enforce(Measure("address", place, "", "", 60.0), town.clock.now)
        assert knock(Kind.REQUEST, Standing.RECENT) is Outcome.OK
        assert not town.ledger.banned[Party.RESIDENT]
        assert knock(Kind.LOGIN, Standing.RECENT) is Outcome.REFUSED
        assert knock(Kind.REQUEST, Standing.NEW) is Outcome.REFUSED
        assert town.ledger.banned[Party.RESIDENT] == {"a"}
        assert town.ledger.wronged[Party.RESIDENT] == ({"a"} if shared else set())


def test_a_decision_closes_every_door_to_its_address_until_it_ends() -> None:
    """Pages, log-ins and calls alike; another address goes on."""
    town = Town(1)
    town.doors.enforce(Measure("address", "11.1.1.1", "", "", 60.0), town.clock.now)
    for kind in Kind:
        assert town.see(Party.NEWCOMER, kind, Outcome.OK, "11.1.1.1", fingerprint=1) is Outcome.REFUSED
    assert town.see(Party.NEWCOMER, Kind.PAGE, Outcome.OK, "11.1.1.2", fingerprint=1) is Outcome.OK
    town.clock.run_to(town.clock.now + 61)
    assert town.see(Party.NEWCOMER, Kind.PAGE, Outcome.OK, "11.1.1.1", fingerprint=1) is Outcome.OK


def test_registration_follows_its_mode() -> None:
    """Suspended: nobody; recovering: the stage's share, the same answer at each try; open: everybody."""
    doors = Doors(ServiceShape(stranger_posts=1e6, stranger_burst=1e6, hashes=1e6, hash_queue=1e6))

    def let_in() -> set[str]:
        return {
            name
            for number in range(400)
            for name in [f"acct{number}"]
            if doors.sign_up(Outcome.OK, name, f"11.{number >> 8}.{number & 255}.9", NOW, solves=True)[0]
            is Outcome.OK
        }

    assert len(let_in()) == 400
    doors.state = PostureState(posture=Posture.UNDER_ATTACK, registration=RegistrationMode.SUSPENDED)
    assert let_in() == set()
    doors.state = PostureState(
        posture=Posture.RECOVERING, registration=RegistrationMode.WAITLIST, registration_share=0.25
    )
    quarter = let_in()
    assert 60 < len(quarter) < 140
    assert let_in() == quarter


def test_an_address_makes_so_many_accounts_an_hour() -> None:
    """As the account rooms count them."""
    doors = Doors(ServiceShape(signups_per_source=3))
    ends = [doors.sign_up(Outcome.OK, f"a{n}", "11.1.1.1", NOW + n, solves=True)[0] for n in range(5)]
    assert ends == [Outcome.OK] * 3 + [Outcome.REFUSED] * 2
    assert doors.sign_up(Outcome.OK, "a9", "11.1.1.1", NOW + 3700, solves=True) == (Outcome.OK, None)


def test_guessing_is_slowed_by_source_and_by_account_but_not_for_the_owner_at_home() -> None:
    """Five failures are free; the owner is only slowed by failures of that home."""
    doors = Doors(ServiceShape())
    for n in range(5):
        assert (
            doors.log_in(Outcome.BAD_CREDENTIAL, "a", "11.1.1.1", NOW + n, home=False, solves=True)[1] is None
        )
    assert doors.log_in(Outcome.OK, "a", "11.1.1.1", NOW + 5, home=False, solves=True) == (
        Outcome.REFUSED,
        Why.BUSY,
    )
    assert doors.log_in(Outcome.OK, "a", "12.1.1.1", NOW + 5, home=False, solves=True) == (
        Outcome.REFUSED,
        Why.BUSY,
    )
    assert doors.log_in(Outcome.OK, "a", "10.1.1.1", NOW + 5, home=True, solves=True) == (Outcome.OK, None)


def test_existing_users_are_served_while_newcomers_fill_the_engines() -> None:
    """Newcomers beyond what can wait are refused; existing users wait no longer than before."""
    doors = Doors(ServiceShape(capacity=1_000.0))
    for _ in range(100):
        doors.capacity.ask(Standing.NEW, 500, Posture.NORMAL)
    assert not doors.capacity.ask(Standing.NEW, 500, Posture.NORMAL)
    assert doors.capacity.ask(Standing.PAID, 500, Posture.NORMAL)
    bands = {band.standing: band for band in doors.capacity.second(NOW, Posture.NORMAL).bands}
    assert bands[Standing.ESTABLISHED.value].wait_p99_s == 0.0
    assert bands[Standing.NEW.value].wait_p99_s > 1.0


def test_acts_happen_in_order_and_not_before_their_time() -> None:
    """Also those that are put off by others."""
    clock, seen = Clock(), list[float]()
    start = clock.now

    def act() -> None:
        seen.append(clock.now - start)
        if len(seen) < 3:
            clock.at(1.0, act)

    clock.at(2.0, act)
    clock.at(0.5, act)
    clock.run_to(start + 1.5)
    assert seen == [0.5]
    clock.run_to(start + 10)
    assert seen == sorted(seen)


def test_every_case_has_a_name_of_its_own_and_says_what_happens() -> None:
    """And can be chosen by name or by group."""
    assert len(CASES) >= 50
    assert all(case.says and case.group for case in CASES.values())
    assert {case.group for case in CASES.values() if case.firm} >= {"crowds", "faults", "sign-ups", "calls"}
    assert [case.name for case in chosen(["january", "faults"])] == [
        *(case.name for case in CASES.values() if case.group == "faults"),
        "january",
    ]
    assert {case.group for case in chosen(list(GROUPS))} == set(GROUPS)
    with pytest.raises(ValueError, match="no case or group 'nothing'"):
        chosen(["nothing"])
    for name, note in notes(ServiceShape).items():
        assert all((note.unit, note.doc, note.source)), name


def test_two_hundred_honest_crowds_are_among_the_default_runs() -> None:
    """With twenty seeds, as promised."""
    crowds = [case for case in CASES.values() if case.name.startswith("crowd-")]
    assert len(tasks_of(crowds, 20)) >= 200


def test_what_a_case_came_to_is_called_by_its_name() -> None:
    """Held, late, lost; wrong where somebody honest is accused. A run that never found counts as infinitely late."""
    case = replace(CASES["flood-under"], name="made-up")
    good = play(Task("flood-500", 1))

    def run(seed: int, **changes: float | bool | None) -> Run:
        return msgspec.structs.replace(good, case="made-up", seed=seed, **changes)

    missed: dict[str, None] = {"finding_s": None, "enforced_s": None}
    assert summarise(case, [run(1), run(2)]).outcome == "held"
    assert summarise(case, [run(1, finding_s=9.0), run(2, finding_s=8.0)]).outcome == "late"
    row = summarise(case, [run(1), run(2), run(3, **missed)])
    assert (row.outcome, row.finding_s.worst) == ("partly lost", None)
    assert summarise(case, [run(1, **missed), run(2, **missed)]).outcome == "lost"
    honest = Case("honest", "crowds", "a crowd", lambda _: None, 60.0, hostile=False)
    assert summarise(honest, [run(1, false_finding=True)]).outcome == "wrong"


def test_the_command_renews_the_page_and_nothing_around_it(tmp_path: Path) -> None:
    """JSON, tables between the markers, a page and a picture."""
    page = tmp_path / "evaluation.md"
    page.write_text(f"before\n{BEGIN}\nSTALE\n{END}\nafter\n", "utf-8")
    files = [tmp_path / name for name in ("out.json", "out.html")]
    words = [
        "simulate",
        "--detection",
        "--cases",
        "flood-500,crowd-10x",
        "--seeds",
        "1",
        "--jobs",
        "1",
        "--quick",
    ]
    done = CliRunner().invoke(
        app, [*words, "--json", str(files[0]), "--markdown", str(page), "--report", str(files[1])]
    )
    assert done.exit_code == 0, done.output
    text = page.read_text("utf-8")
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "STALE" not in text
    assert "| `flood-500` |" in text
    body = json.loads(files[0].read_text("utf-8"))
    assert {row["case"] for row in body["rows"]} == {"flood-500", "crowd-10x"}
    assert body["runs"][0]["observations"] > 100
    assert "<svg" in files[1].read_text("utf-8")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--detection", "--cases", "nothing"], "no case or group"),
        (["--cases", "crowds"], "go with --detection"),
        (["--detection", "--markdown", "nowhere.md"], "does not exist"),
    ],
)
def test_the_command_says_what_is_wrong(words: list[str], said: str) -> None:
    """In a sentence, before anything is played."""
    done = CliRunner().invoke(app, ["simulate", *words])
    assert done.exit_code == 1
    assert said in done.output


def test_a_page_without_markers_is_left_alone() -> None:
    """And said to be."""
    with pytest.raises(ValueError, match="has no lines"):
        renewed("nothing here", markdown([], [], seeds=1))
