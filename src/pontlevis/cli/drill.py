"""``pontlevis drill``: the January case, played on this machine."""

import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pontlevis.cli import report as incident_report
from pontlevis.cli.common import fail
from pontlevis.cli.shelf import Shelf, shelf_of, shelve_both

if TYPE_CHECKING:
    from rich.console import Console

TRIALS = 6
"""Other settings that the report after a drill tries; `pontlevis report` tries more."""


def command(
    seed: Annotated[int | None, typer.Option("--seed", help="The same seed plays the same arrivals.")] = None,
    no_defence: Annotated[
        bool, typer.Option("--no-defence", help="Switch the brain off, to see the difference.")
    ] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="The same case in half a minute; figures are rougher.")
    ] = False,
    load: Annotated[
        str, typer.Option("--load", help="synthetic, or trace: replays the trace in $PONTLEVIS_DATA.")
    ] = "synthetic",
    hostile_load: Annotated[
        float | None,
        typer.Option(
            "--hostile",
            min=1.0,
            max=1_000.0,
            help="Hostile load, as a multiple of what the engine serves; 10 without it, and 100 in the wave.",
        ),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(
            "--engine", help="A real engine on loopback to play against; its capacity is measured first."
        ),
    ] = None,
    target: Annotated[str, typer.Option("--target", help="Loopback address to play on.")] = "127.0.0.1",
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures as JSON.")] = None,
    report: Annotated[Path, typer.Option("--report", help="Write the report, one HTML page.")] = Path(
        "drill-report.html"
    ),
    keep: Annotated[
        Path | None,
        typer.Option(
            "--keep",
            help="Keep data and logs of both runs in this directory, with the incident's report.",
        ),
    ] = None,
    data: Shelf = None,
    compare: Annotated[
        list[Path] | None,
        typer.Option("--compare", help="Only draw a picture of drills' JSON files (repeat)."),
    ] = None,
    picture: Annotated[Path, typer.Option("--picture", help="Where that picture goes.")] = Path("drill.svg"),
) -> None:
    """Play the attack of January 2025 on loopback against real processes, and print a scorecard.

    Example: `pontlevis drill --seed 1 --json drill.json`
    """
    import os
    from dataclasses import replace

    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.table import Table

    from pontlevis.drill import report as reports
    from pontlevis.drill.capacity import find_model, measure
    from pontlevis.drill.fleet import DrillError, loopback
    from pontlevis.drill.plan import make_plan
    from pontlevis.drill.run import play
    from pontlevis.drill.scenario import QUICK, Scenario, at_engine, with_hostile_load
    from pontlevis.drill.scorecard import judge, lines

    scenario = QUICK if quick else Scenario()
    if compare:
        reports.picture(compare, picture, scenario)
        typer.echo(f"wrote {picture}")
        return
    trace: Path | None = None
    if load == "trace":
        if "PONTLEVIS_DATA" not in os.environ:
            fail("--load trace needs PONTLEVIS_DATA to name the directory with the traces")
        trace = Path(os.environ["PONTLEVIS_DATA"])
    elif load != "synthetic":
        fail("--load is synthetic or trace")
    number = seed if seed is not None else random.SystemRandom().randrange(10**6)
    console = Console()
    try:
        scenario = replace(scenario, host=loopback(target))
        if hostile_load is not None:
            scenario = with_hostile_load(scenario, hostile_load)
        if engine is not None:
            model = find_model(engine)
            console.print(f"Measuring what {engine} serves …")
            scenario = at_engine(scenario, engine, model, measure(engine, model, scenario, number))
            console.print(
                f"{model}: {scenario.capacity_rate:.1f} requests a second of the honest load's lengths."
            )
        honest, hostile = make_plan(number, scenario, trace=trace)
        console.print(f"Seed {number}: {len(honest)} honest and {len(hostile)} hostile acts are planned.")
        shelf = shelf_of(data)
        with tempfile.TemporaryDirectory(prefix="pontlevis-drill-") as scratch:
            directory = keep or Path(scratch)
            with Progress(
                TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(), console=console
            ) as progress:
                total = progress.add_task("Without attack", total=scenario.baseline_end + scenario.end_s)

                def advance(seconds: float) -> None:
                    progress.advance(total, seconds)

                baseline = play("baseline", scenario, honest, [], scenario.baseline_end, defence=not no_defence, seed=number, directory=directory / "baseline", advance=advance)  # fmt: skip
                progress.update(total, description="Under attack")
                attacked = play("attacked", scenario, honest, hostile, scenario.end_s, defence=not no_defence, seed=number, directory=directory / "attacked", advance=advance)  # fmt: skip
    except (DrillError, FileNotFoundError) as error:
        fail(str(error))
    card = judge(number, scenario, baseline, attacked)
    table = Table(
        title="Drill of the January case" + (", without defence" if no_defence else ""), title_justify="left"
    )
    for name in ("Figure", "Measured", "Target", ""):
        table.add_column(name)
    for line in lines(card):
        mark = "" if line.met is None else "[green]ok[/]" if line.met else "[red]miss[/]"
        table.add_row(line.name, line.value, line.target, mark)
    console.print(table)
    used = ", ".join(
        f"{name} {seconds:.1f} s" for name, seconds in sorted(reports.cpu_totals(attacked).items())
    )
    console.print(f"CPU used: {used}")
    if keep is not None and not no_defence:
        _tell(console, keep)
    page = reports.html(card, scenario, baseline, attacked)
    report.write_text(page, "utf-8")
    console.print(f"Report: {report}")
    figures = reports.as_json(card, baseline, attacked)
    if json_file is not None:
        json_file.write_bytes(figures)
    if shelf is not None:
        for put in shelve_both(shelf, f"drill-{number}", page, figures):
            console.print(f"For the console: {put}")


def _tell(console: "Console", kept: Path) -> None:
    """The incident's report, from what the attacked service left; what the other run saw was good."""
    page, text = kept / "incident.html", kept / "incident.md"
    try:
        incident_report.command(
            config=kept / "attacked" / "pontlevis.toml", data=kept / "attacked" / "data", html=page, markdown=text, good=kept / "baseline" / "data",
            trials=TRIALS, quiet=True,
        )  # fmt: skip
    except typer.Exit:
        console.print("No incident report was written: nothing was found that could be told.")
    else:
        console.print(f"Incident report: {page}")
