"""``pontlevis backtest``: recorded logs through the same brain."""

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pontlevis.cli.common import fail
from pontlevis.cli.shelf import Shelf, shelf_of, shelve_both

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from pontlevis.backtest.journal import JournalReading
    from pontlevis.backtest.logs import LogReading, ReadOptions
    from pontlevis.backtest.policy_file import Policies
    from pontlevis.backtest.result import BacktestResult
    from pontlevis.knowledge.policy import KnowledgePolicy
    from pontlevis.knowledge.shelf import Report

FINDINGS_SHOWN = 15
DECISIONS_SHOWN = 8
FILES_BESIDES = 64
"""That Python and the libraries may have open besides the logs."""


def command(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Log files, also .gz, .bz2, .xz, .zst; - is standard input. Or the data directory of a service, for its own journal."
        ),
    ],
    format_: Annotated[
        str,
        typer.Option(
            "--format", help="combined, json, litellm, auth or series; else seen from the first lines."
        ),
    ] = "",
    map_: Annotated[
        list[str] | None,
        typer.Option(
            "--map", help="For JSON lines: our field and the path of its value, as source=client.ip."
        ),
    ] = None,
    login_path: Annotated[
        list[str] | None, typer.Option("--login-path", help="Another path that log-ins are posted to.")
    ] = None,
    form_login_path: Annotated[
        list[str] | None,
        typer.Option(
            "--form-login-path", help="One that answers 200 with its form again when a log-in fails."
        ),
    ] = None,
    signup_path: Annotated[
        list[str] | None, typer.Option("--signup-path", help="Another path that sign-ups are posted to.")
    ] = None,
    api_path: Annotated[
        list[str] | None, typer.Option("--api-path", help="Another path below which the inference API lies.")
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option("--policy", help="TOML file with [detection], [posture], [mapping], [known]."),
    ] = None,
    protect: Annotated[
        list[str] | None, typer.Option("--protect", help="Address or prefix that no decision may name.")
    ] = None,
    asn: Annotated[
        list[Path] | None,
        typer.Option("--asn", help="Which autonomous system an address belongs to: CSV, TSV or .mmdb."),
    ] = None,
    data_centres: Annotated[
        list[Path] | None, typer.Option("--data-centres", help="Prefixes of data centres, one a line.")
    ] = None,
    vpn: Annotated[
        list[Path] | None, typer.Option("--vpn", help="Prefixes of exits of VPNs and proxies, one a line.")
    ] = None,
    series: Annotated[
        str, typer.Option("--series", help="What a rate series counts: request, login, signup or page.")
    ] = "request",
    timezone: Annotated[
        str, typer.Option("--timezone", help="Of times that bear no offset, as Europe/Paris.")
    ] = "UTC",
    year: Annotated[
        int | None,
        typer.Option("--year", min=1970, max=2999, help="Of the first line, where times bear no year."),
    ] = None,
    reorder: Annotated[
        float,
        typer.Option("--reorder", min=0, max=3600, help="Seconds by which lines may stand out of order."),
    ] = 60.0,
    observe_only: Annotated[
        bool,
        typer.Option(
            "--observe-only", help="Replay what decisions would have turned away as if they had not."
        ),
    ] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all of it as JSON.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write a page with plots.")] = None,
    data: Shelf = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar and no summary.")] = False,
) -> None:
    """Replay recorded logs through detection and posture: what would Pontlevis have said and done?

    Example: `pontlevis backtest /var/log/nginx/access.log* --html backtest.html`
    """
    from rich.console import Console

    from pontlevis.backtest.formats import UnknownFormat
    from pontlevis.backtest.journal import JournalReading
    from pontlevis.backtest.logs import LogReading
    from pontlevis.backtest.opened import Unreadable
    from pontlevis.backtest.policy_file import BadPolicy, Policies
    from pontlevis.backtest.policy_file import load as load_policies
    from pontlevis.backtest.replay import ReplayOptions, replay
    from pontlevis.backtest.report import as_json
    from pontlevis.backtest.report import html as page

    if files.count(Path("-")) > 1:
        fail("standard input can be read once")
    extra = {
        "login_paths": login_path, "form_login_paths": form_login_path, "signup_paths": signup_path,
        "api_paths": api_path,
    }  # fmt: skip
    try:
        policies = load_policies(policy) if policy is not None else Policies()
        known = _knowledge(policies.knowledge, asn, data_centres, vpn)
        options = _read_options(policies, extra, format_, map_ or [], series, timezone, year, reorder)
        replayed = ReplayOptions(
            policies.detection,
            policies.posture,
            frozenset(protect or ()),
            knowledge=known.knowledge if known is not None else None,
            enforce=not observe_only,
        )
    except (BadPolicy, ValueError) as error:
        fail(str(error))
    for output in (json_file, html):
        if output is not None and not os.access(output if output.exists() else output.parent, os.W_OK):
            fail(f"cannot write {output}")  # before a replay that may take an hour
    _allow_files(len(files))
    shelf, put = shelf_of(data), list[Path]()
    console = Console(stderr=True)
    try:
        reading: LogReading | JournalReading
        if any(each.is_dir() for each in files):
            if len(files) > 1:
                fail("a service's journal is replayed by itself")
            reading = JournalReading(files[0])
        else:
            reading = LogReading(files, options)
        samples = reading.samples() if isinstance(reading, JournalReading) else ()
        result = _run(
            reading, lambda: replay(reading.observations(), replayed, samples=samples), console, quiet=quiet
        )
    except (Unreadable, UnknownFormat, ValueError) as error:
        fail(str(error))
    try:
        if shelf is not None:
            figures = as_json(result, reading.files, reading.disorder)
            put = shelve_both(shelf, "backtest", page(result, reading.files, reading.disorder), figures)
        if json_file is not None:
            json_file.write_bytes(as_json(result, reading.files, reading.disorder))
        if html is not None:
            html.write_text(page(result, reading.files, reading.disorder), "utf-8")
    except OSError as error:
        fail(f"cannot write {error.filename}: {error.strerror}")
    if not quiet:
        for note in known.files if known is not None else ():
            typer.echo(f"{note.path}: {note.sentence}")
        _summary(Console(), reading, result)
        if html is not None:
            typer.echo(f"Page: {html}")
        for each in put:
            typer.echo(f"For the console: {each}")


def _read_options(
    policies: "Policies",
    extra: dict[str, list[str] | None],
    format_: str,
    maps: list[str],
    series: str,
    timezone: str,
    year: int | None,
    reorder: float,
) -> "ReadOptions":
    """Raises ValueError, in words, for an option that is none."""
    from dataclasses import replace
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    from pontlevis.backtest.json_lines import FIELDS
    from pontlevis.backtest.logs import ReadOptions
    from pontlevis.backtest.reader import Reading
    from pontlevis.brain.observation import Kind

    if series not in {each.value for each in Kind}:
        raise ValueError(f"--series is one of {', '.join(Kind)}")
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"--timezone: no time zone is called {timezone!r}") from None
    mapped: dict[str, str] = {}
    for each in maps:
        name, equals, place = each.partition("=")
        if not equals or not place or name not in FIELDS:
            raise ValueError(f"--map {each!r}: it is FIELD=PATH, where FIELD is one of {', '.join(FIELDS)}")
        mapped[name] = place
    mapping = policies.mapping
    for name, paths in extra.items():
        if paths:
            mapping = replace(mapping, **{name: (*paths, *getattr(mapping, name))})
    return ReadOptions(
        format=format_,
        reading=Reading(zone=zone, fields=mapped, series=series),
        year=year,
        mapping=mapping,
        known=policies.known,
        reorder_s=reorder,
    )


def _knowledge(
    policy: "KnowledgePolicy", asn: list[Path] | None, data_centres: list[Path] | None, vpn: list[Path] | None
) -> "Report | None":
    """What the named files say of addresses; None where none is named. Raises ValueError for one that cannot be read."""
    from dataclasses import replace

    from pontlevis.knowledge.shelf import Shelf

    policy = replace(
        policy,
        asn_files=tuple(map(str, asn)) if asn else policy.asn_files,
        data_centre_files=tuple(map(str, data_centres)) if data_centres else policy.data_centre_files,
        vpn_files=tuple(map(str, vpn)) if vpn else policy.vpn_files,
    )
    report = Shelf(policy, time.time).look()
    for note in report.files if report is not None else ():
        if note.error:
            raise ValueError(f"{note.path}: {note.error}")
    return report if report is not None and report.files else None


def _allow_files(count: int) -> None:
    """Each file stays open, bare, until its turn comes, so that it is read even if it is rotated meanwhile."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + FILES_BESIDES
    if soft != resource.RLIM_INFINITY and wanted > soft:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


def _run(
    reading: "LogReading | JournalReading",
    play: "Callable[[], BacktestResult]",
    console: "Console",
    *,
    quiet: bool,
) -> "BacktestResult":
    """Replays under a progress bar that counts the bytes of the files on disk."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    if quiet:
        return play()
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("", total=reading.size or None)
        reading.on_progress(lambda done: progress.update(bar, completed=done))
        return play()


def _summary(console: "Console", reading: "LogReading | JournalReading", result: "BacktestResult") -> None:
    from rich.markup import escape
    from rich.table import Table

    from pontlevis.backtest.report import disorder_notes, headline, notes
    from pontlevis.backtest.result import moment

    for each in reading.files:
        broken = f", [red]{each.broken:,} broken[/red]" if each.broken else ""
        console.print(f"{escape(each.path)}: {each.format}, {each.lines:,} lines, {each.read:,} acts{broken}")
        for note in notes(each):
            console.print(f"  [dim]{escape(note)}[/dim]")
    for note in disorder_notes(reading.disorder):
        console.print(f"[yellow]{escape(note)}[/yellow]")
    if result.first_at is not None and result.last_at is not None:
        acts = ", ".join(f"{count:,} {kind}" for kind, count in sorted(result.kinds.items()))
        console.print(f"{moment(result.first_at)} to {moment(result.last_at)}: {acts}")
    console.print(f"\n[bold]{escape(headline(result))}[/bold]")
    if result.findings:
        table = Table(title="Findings", title_justify="left", box=None, padding=(0, 1))
        for head in ("at", "detector", "sentence"):
            table.add_column(head, overflow="fold")
        ordered = sorted(result.findings, key=lambda each: not each.hostile)
        for found in ordered[:FINDINGS_SHOWN]:
            style = "red" if found.hostile else "dim"
            table.add_row(found.at, f"[{style}]{found.detector}[/{style}]", escape(found.reason))
        console.print(table)
        _more(console, len(result.findings) - FINDINGS_SHOWN + result.not_listed.get("findings", 0))
    for change in result.postures:
        console.print(
            f"{change.at} posture {change.before} → [bold]{change.posture}[/bold]: {escape(change.reason)}"
        )
    if result.decisions:
        console.print("Decisions it would have put in force:")
        for decision in result.decisions[:DECISIONS_SHOWN]:
            console.print(
                f"  {decision.at} {decision.scope} {escape(decision.value)}: {escape(decision.reason)}"
            )
        _more(console, len(result.decisions) - DECISIONS_SHOWN + result.not_listed.get("decisions", 0))
        console.print(
            f"They would have turned away {result.turned_away:,} acts, "
            f"of which {result.turned_away_good:,} ended well in the log."
        )


def _more(console: "Console", count: int) -> None:
    if count > 0:
        console.print(f"  [dim]and {count:,} more; --json and --html have them[/dim]")
