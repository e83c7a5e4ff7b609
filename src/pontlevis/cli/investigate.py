"""``pontlevis investigate``: who it was, what they touched, what it cost."""

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pontlevis.cli.common import Config, Data, Language, fail, settings_from, tongue_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from pontlevis.config import Settings
    from pontlevis.investigation.incident import IncidentFacts
    from pontlevis.investigation.result import Investigation
    from pontlevis.investigation.tongue import Tongue

Incident = Annotated[
    str | None,
    typer.Argument(help="The incident's number, the beginning of it, or `latest`; without it, give --since."),
]
SHOWN = 12
_COLUMNS = (
    "cluster", "sure", "sources", "acts", "guesses", "signups", "calls", "tokens", "first", "last",
)  # fmt: skip
"""Of the table, by the end of the name that each one's head has in ``locale/terminal``."""


def command(
    incident: Incident = None,
    data: Data = None,
    config: Config = None,
    since: Annotated[
        str | None, typer.Option("--since", help="From when on, ISO 8601 (UTC without an offset).")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", help="Until when; now without it.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write everything as JSON.")] = None,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write one page that needs nothing else.")
    ] = None,
    stix: Annotated[Path | None, typer.Option("--stix", help="Write a STIX 2.1 bundle.")] = None,
    misp: Annotated[Path | None, typer.Option("--misp", help="Write an event that MISP imports.")] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write a block list.")] = None,
    price: Annotated[
        float | None, typer.Option("--price", min=0.0, help="What a million tokens cost you.")
    ] = None,
    language: Language = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing.")] = False,
) -> None:
    """Ask the evidence of an incident, or of any time: sources, clusters, waves, accounts, keys, tokens.

    Works on a running service and on a copy of its data directory.

    Example: `pontlevis investigate latest --html investigation.html --csv block.csv`
    """
    from dataclasses import replace

    import msgspec
    from rich.console import Console

    from pontlevis.evidence.manifest import Broken
    from pontlevis.evidence.store import FOLDER
    from pontlevis.investigation import exports
    from pontlevis.investigation.investigate import Matter, investigate
    from pontlevis.investigation.no_answer import NoEvidence, reason
    from pontlevis.investigation.page import page

    settings = settings_from(config=config, data=data)
    tongue = tongue_of(settings, language)
    policy = settings.investigation
    if price is not None:
        policy = replace(policy, price_per_million_tokens=price)
    now = time.time()
    if incident is not None:
        facts = load_facts(settings, incident)
        matter = Matter(f"{facts.called(tongue.language)} ({facts.id})", facts.since, facts.until(now))
    elif since is None:
        fail("name an incident, `latest`, or a time with --since")
    else:
        matter = Matter("", _moment(since), _moment(until) if until is not None else now)
        if matter.until <= matter.since:
            fail("--until lies before --since")
        matter = Matter(
            tongue("terminal.span", since=since, until=until or tongue("terminal.now")),
            matter.since,
            matter.until,
        )
    console = Console(stderr=True)
    try:
        if quiet:
            made = investigate(
                settings.data / FOLDER, matter, policy, pseudonymised=settings.evidence.pseudonymise
            )
        else:
            with console.status("Asking the evidence …") as status:
                made = investigate(
                    settings.data / FOLDER,
                    matter,
                    policy,
                    pseudonymised=settings.evidence.pseudonymise,
                    progress=lambda what: status.update(f"Asking the evidence: {what} …"),
                )
    except (NoEvidence, Broken) as error:
        fail(tongue.say(reason(error)))
    wanted: dict[Path | None, Callable[[], str]] = {
        json_file: lambda: msgspec.json.format(msgspec.json.encode(made), indent=1).decode(),
        html: lambda: page(made, tongue),
        stix: lambda: exports.stix(made, producer=settings.name, at=made.until),
        misp: lambda: exports.misp(made, producer=settings.name, at=made.until),
        csv: lambda: exports.block_list(made),
    }
    for path, make in wanted.items():
        if path is not None:
            try:
                path.write_text(make(), "utf-8")
            except exports.CannotExport as error:
                fail(str(error))
            except OSError as error:
                fail(f"cannot write {error.filename}: {error.strerror}")
    if not quiet:
        _print(Console(), made, tongue)
        for path in wanted:
            if path is not None:
                typer.echo(tongue("terminal.wrote", file=str(path)))


def load_facts(settings: "Settings", incident: str) -> "IncidentFacts":
    """The incident from the database; ends the command where there is none."""
    from pontlevis.investigation.incident import load_incident
    from pontlevis.storage.database import UNAVAILABLE, Database

    if not settings.database_url and not (settings.data / "pontlevis.db").exists():
        fail(f"there is no service's data in {settings.data}")

    async def load() -> "IncidentFacts":
        url = settings.database_url
        database = Database(url) if url else Database.in_directory(settings.data)
        try:
            return await load_incident(database, incident)
        finally:
            await database.close()

    try:
        return asyncio.run(load())
    except KeyError:
        fail(f"there is no incident {incident!r}: give its number, at least four digits of it, or `latest`")
    except UNAVAILABLE as error:
        fail(f"the database cannot be read: {error}")


def _moment(text: str) -> float:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        fail(f"{text!r} is no time: write 2025-01-28T12:00:00 or 2025-01-28T13:00:00+01:00")
    return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()


def _print(console: "Console", made: "Investigation", tongue: "Tongue") -> None:
    from rich.markup import escape
    from rich.table import Table

    from pontlevis.investigation.plots import clock
    from pontlevis.investigation.statements import said
    from pontlevis.investigation.told import Told

    told = Told(made, tongue)
    console.print(
        f"[bold]{escape(made.subject)}[/]\n{tongue('page.time', since=made.since, until=made.until)}\n"
    )
    colour = {"fact": "green", "inference": "yellow", "unknown": "dim"}
    for each in made.statements:
        console.print(
            f"[{colour[each.kind]}]{tongue.named('kind', each.kind):<9}[/] {escape(said(each, tongue))}",
            soft_wrap=False,
        )
    console.print()
    number = tongue.number
    table = Table(title=tongue("terminal.clusters"), title_justify="left", box=None, padding=(0, 1, 0, 0))
    heads = [tongue(f"terminal.{name}") for name in _COLUMNS]
    rows = [
        (
            each.id, tongue.share(each.confidence), number(each.sources), number(each.acts), number(each.guesses),
            number(each.signups), number(each.requests), number(each.tokens), clock(each.first_at)[11:19],
            clock(each.last_at)[11:19],
        )
        for each in made.clusters[:SHOWN]
    ]  # fmt: skip
    for place, head in enumerate(heads):
        if place == 0:
            table.add_column(head, overflow="fold")
            continue
        # In a narrow terminal names of clusters are folded, not figures or words.
        least = max(len(each) for each in [*head.split(), *(row[place] for row in rows)])
        table.add_column(head, overflow="fold", justify="right", min_width=least)
    for cluster, row in zip(made.clusters, rows, strict=False):
        table.add_row(*row, style="red" if cluster.hostile else "")
    console.print(table)
    if len(made.clusters) > SHOWN:
        console.print(f"[dim]{tongue('terminal.more', count=len(made.clusters) - SHOWN)}[/]")
    for wave in made.waves[:SHOWN]:
        since, until = clock(wave.since), clock(wave.until)[11:]
        console.print(
            tongue(
                "terminal.wave", since=since, until=until, acts=round(wave.acts), peak=round(wave.peak_per_s)
            )
        )
    for account in made.touched[:SHOWN]:
        line = tongue(
            "terminal.account", account=account.account_id, at=clock(account.at), why=told.why(account)
        )
        console.print(f"[red]{tongue('terminal.touched')}[/] {escape(line)}")
    if len(made.touched) > SHOWN:
        console.print(f"[dim]{tongue('terminal.more_accounts', count=len(made.touched) - SHOWN)}[/]")
