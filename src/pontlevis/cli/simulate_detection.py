"""``pontlevis simulate --detection``: detection and posture before crowds and attackers, in virtual time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pontlevis.cli.common import fail

if TYPE_CHECKING:
    from rich.console import Console

    from pontlevis.simulation.attacks.scale import Scale
    from pontlevis.simulation.attacks.summary import Row

QUICK_SEEDS = 2
WIDTH = 120
"""Columns of the table where nobody's terminal says how many there are."""
QUICK_S = 500.0
"""Longer cases are left out of a quick run."""


def evaluate(
    *,
    cases: str | None,
    seeds: int,
    quick: bool,
    processes: int,
    json_file: Path | None,
    markdown_file: Path | None,
    report: Path | None,
) -> None:
    """Plays the cases and shows, and writes where asked, what they came to."""
    import msgspec
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from pontlevis.simulation.attacks.cases import CASES, chosen
    from pontlevis.simulation.attacks.evaluation import Run, play_all, tasks_of
    from pontlevis.simulation.attacks.plots import write
    from pontlevis.simulation.attacks.scale import measure_all
    from pontlevis.simulation.attacks.summary import summarise
    from pontlevis.simulation.attacks.tables import markdown, renewed

    try:
        picked = chosen(cases.split(",")) if cases else list(CASES.values())
    except ValueError as error:
        fail(str(error))
    if quick:
        seeds = min(seeds, QUICK_SEEDS)
        picked = [case for case in picked if case.seconds <= QUICK_S] or picked
    page = markdown_file.read_text("utf-8") if markdown_file is not None and markdown_file.exists() else None
    if markdown_file is not None and page is None:
        fail(f"{markdown_file} does not exist; the table is written into a page that has the markers for it")
    tasks = tasks_of(picked, seeds)
    runs: dict[str, list[Run]] = {case.name: [] for case in picked}
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    with Progress(
        TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(), console=console
    ) as progress:
        bar = progress.add_task("Playing", total=sum(task.weight for task in tasks))
        for task, run in play_all(tasks, processes):
            runs[task.case].append(run)
            progress.advance(bar, task.weight)
    for each in runs.values():
        each.sort(key=lambda run: run.seed)
    rows = [summarise(case, runs[case.name]) for case in picked]
    scales = [] if quick or cases else measure_all()
    _show(console, rows, scales)
    if json_file is not None:
        body = {
            "seeds": seeds,
            "rows": rows,
            "scale": scales,
            "runs": [run for each in runs.values() for run in each],
        }
        json_file.write_bytes(msgspec.json.format(msgspec.json.encode(body), indent=1))
    if markdown_file is not None and page is not None:
        try:
            markdown_file.write_text(renewed(page, markdown(rows, scales, seeds=seeds)), "utf-8")
        except ValueError as error:
            fail(str(error))
    if report is not None:
        write(report, rows)
        console.print(f"Report: {report}")


def _show(console: Console, rows: list[Row], scales: list[Scale]) -> None:
    from rich.table import Table

    table = Table(title="Detection and posture in virtual time", title_justify="left")
    table.add_column("case", no_wrap=True)
    for name in ("found s", "worst", "in force", "missed", "through", "hit", "right", "moves"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("outcome", no_wrap=True)
    for each in rows:
        found, worst, enforced = (
            _seconds(value) for value in (each.finding_s.median, each.finding_s.worst, each.enforced_s.median)
        )
        missed, through = (
            f"{share:.0%}" if each.hostile else "" for share in (each.missed_share, each.through_share)
        )
        hit = f"{each.existing_hit_share:.1%} {each.newcomers_hit_share:.1%}"
        right = f"{each.existing_refused_share - each.existing_hit_share:.1%}"
        moves = f"{each.transitions:g}/{each.most_transitions}"
        table.add_row(each.case, found, worst, enforced, missed, through, hit, right, moves, each.outcome)
    console.print(table)
    console.print(
        "hit: existing users and newcomers whom a wrong decision turned away; right: existing users whose own key or household it named."
    )
    for scale in scales:
        console.print(
            f"{scale.sources:,} live sources: {scale.observation_us:.1f} µs an act, a tick {scale.tick_ms:.1f} ms "
            f"({scale.worst_tick_ms:.1f} at worst), {scale.memory_mib:.0f} MiB."
        )
    console.print(
        f"{sum(each.observations for each in rows):,} acts, {sum(each.cpu_s for each in rows):.0f} s of CPU."
    )


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"
