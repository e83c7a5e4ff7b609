"""``pontlevis simulate``: admission before a thousand engines, or detection before attackers, in virtual time."""

import os
from pathlib import Path
from typing import Annotated

import typer

from pontlevis.cli.common import fail
from pontlevis.cli.shelf import Shelf, shelf_of, shelve_both

DEFAULT_LOADS = "0,1,3,10,30,100"


def command(
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same figures.")] = 1,
    engines: Annotated[int, typer.Option("--engines", min=1, help="How many engines.")] = 1_000,
    accounts: Annotated[int, typer.Option("--accounts", min=100, help="How many accounts.")] = 1_000_000,
    loads: Annotated[
        str, typer.Option("--loads", help="Hostile load, as multiples of what the engines can do.")
    ] = DEFAULT_LOADS,
    contenders: Annotated[
        str | None, typer.Option("--contenders", help="Only these, separated by commas.")
    ] = None,
    load: Annotated[
        str, typer.Option("--load", help="synthetic, or trace: the DeepSeek-R1 clients in $PONTLEVIS_DATA.")
    ] = "synthetic",
    quick: Annotated[
        bool,
        typer.Option(
            "--quick", help="Twenty engines, or two seeds of the short cases: seconds instead of minutes."
        ),
    ] = False,
    processes: Annotated[int, typer.Option("--processes", "--jobs", min=1, help="How many at once.")] = 2,
    detection: Annotated[
        bool,
        typer.Option("--detection", help="Play crowds and attackers against detection and posture instead."),
    ] = False,
    cases: Annotated[
        str | None,
        typer.Option("--cases", help="With --detection: only these cases or groups, separated by commas."),
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="With --detection: runs of each case.")] = 20,
    markdown: Annotated[
        Path | None,
        typer.Option(
            "--markdown", help="With --detection: renew the tables of this page, as docs/evaluation.md."
        ),
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures as JSON.")] = None,
    data: Shelf = None,
    report: Annotated[Path | None, typer.Option("--report", help="Write a page with plots.")] = None,
) -> None:
    """Play honest and hostile load against admission and what is used instead of it, in virtual time.

    With --detection: crowds and attackers against detection and posture.

    Example: `pontlevis simulate --quick --report simulation.html`
    """
    if detection:
        if data is not None:
            fail("--data does not go with --detection")
        from pontlevis.cli.simulate_detection import evaluate

        evaluate(
            cases=cases, seeds=seeds, quick=quick, processes=processes, json_file=json_file, markdown_file=markdown, report=report
        )  # fmt: skip
        return
    if cases is not None or markdown is not None:
        fail("--cases and --markdown go with --detection")
    import msgspec
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.table import Table

    from pontlevis.simulation.engine_shape import EngineShape
    from pontlevis.simulation.world.curve import CONTENDERS, Point, Task, play_all
    from pontlevis.simulation.world.population import WorldShape
    from pontlevis.simulation.world.report import page

    shelf = shelf_of(data)
    if load not in ("synthetic", "trace"):
        fail("--load is synthetic or trace")
    trace = Path(os.environ["PONTLEVIS_DATA"]) if load == "trace" and "PONTLEVIS_DATA" in os.environ else None
    if load == "trace" and trace is None:
        fail("--load trace needs PONTLEVIS_DATA to name the directory with the traces")
    try:
        multiples = sorted({float(each) for each in loads.split(",")})
    except ValueError:
        fail("--loads are numbers separated by commas, as 0,1,10,100")
    if not all(0 <= each <= 1_000 for each in multiples):
        fail("--loads are between 0 and 1000")
    names = contenders.split(",") if contenders else list(CONTENDERS)
    for name in names:
        if name not in CONTENDERS:
            fail(f"there is no contender {name!r}; there are {', '.join(CONTENDERS)}")
    world = (
        WorldShape(engines=20, accounts=20_000) if quick else WorldShape(engines=engines, accounts=accounts)
    )
    shape = EngineShape()
    tasks = [Task(name, each, seed, world, shape, trace) for name in names for each in multiples]
    console = Console()
    points: list[Point] = []
    with Progress(
        TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(), console=console
    ) as progress:
        bar = progress.add_task("Simulating", total=sum(each.weight for each in tasks))
        for task, point in play_all(tasks, processes):
            points.append(point)
            progress.advance(bar, task.weight)
    points.sort(key=lambda each: (names.index(each.contender), each.hostile))
    table = Table(title=f"Existing users served, {world.engines:,} engines, {world.accounts:,} accounts", title_justify="left")  # fmt: skip
    table.add_column("who decides")
    for each in multiples:
        table.add_column(f"{each:g} x", justify="right")
    for name in names:
        mine = [each for each in points if each.contender == name]
        table.add_row(mine[0].name, *(f"{each.existing_goodput:.1%}" for each in mine))
    console.print(table)
    console.print(f"{sum(each.requests for each in points):,} requests, {sum(each.cpu_s for each in points):.0f} s of CPU.")  # fmt: skip
    body = {
        "seed": seed,
        "engines": world.engines,
        "accounts": world.accounts,
        "load": load,
        "points": points,
    }
    figures = msgspec.json.format(msgspec.json.encode(body), indent=1)
    if json_file is not None:
        json_file.write_bytes(figures)
    if report is not None:
        report.write_text(page(points, world, seed), "utf-8")
        console.print(f"Report: {report}")
    if shelf is not None:
        for put in shelve_both(shelf, f"simulation-{seed}", page(points, world, seed), figures):
            console.print(f"For the console: {put}")
