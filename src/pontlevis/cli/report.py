"""``pontlevis report``: the post-incident report, for people who were not there."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pontlevis.cli.common import Config, Data, Language, fail, settings_from, tongue_of
from pontlevis.cli.investigate import load_facts

if TYPE_CHECKING:
    from pontlevis.config import Settings
    from pontlevis.investigation.proposals import Search
    from pontlevis.investigation.tongue import Tongue


def command(
    incident: Annotated[
        str, typer.Argument(help="The incident's number, the beginning of it, or `latest`.")
    ] = "latest",
    data: Data = None,
    config: Config = None,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write one page that needs nothing else.")
    ] = None,
    markdown: Annotated[Path | None, typer.Option("--markdown", help="Write Markdown.")] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the figures and what was tried as JSON.")
    ] = None,
    good: Annotated[
        Path | None,
        typer.Option(
            "--good", help="Another data directory whose traffic was good: no proposal may trigger on it."
        ),
    ] = None,
    trials: Annotated[
        int | None, typer.Option("--trials", min=0, help="How many other settings to try; 0: none.")
    ] = None,
    language: Language = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing.")] = False,
) -> None:
    """Write what happened, to whom, what was done, and which settings would have caught it sooner.

    The proposals are replayed on the incident's own record; nothing is changed by it.

    Example: `pontlevis report latest --html report.html --markdown report.md`
    """
    import msgspec
    from rich.console import Console

    from pontlevis.evidence.manifest import Broken
    from pontlevis.investigation import document
    from pontlevis.investigation.no_answer import NoEvidence, reason
    from pontlevis.investigation.report import report, title
    from pontlevis.investigation.reporting import gather
    from pontlevis.investigation.tongue import Tongue

    settings = settings_from(config=config, data=data)
    tongue = tongue_of(settings, language)
    facts = load_facts(settings, incident)
    policy = (
        settings.investigation if trials is None else replace(settings.investigation, replay_trials=trials)
    )
    console = Console(stderr=True, quiet=quiet)
    try:
        with console.status("Gathering …") as status:
            story = gather(
                settings.data,
                facts,
                asyncio.run(_head(settings)),
                settings.detection,
                settings.posture,
                policy,
                service=settings.name,
                now=time.time(),
                pseudonymised=settings.evidence.pseudonymise,
                good=good,
                language=tongue.language,
                progress=lambda what: status.update(f"Gathering: {what} …"),
            )
    except (NoEvidence, Broken) as error:
        fail(tongue.say(reason(error)))
    blocks = report(story, tongue)
    try:
        if html is not None:
            html.write_text(document.html(title(story, tongue), blocks, tongue), "utf-8")
        if markdown is not None:
            markdown.write_text(document.markdown(blocks), "utf-8")
        if json_file is not None:
            english = Tongue("en")
            body = {
                "investigation": story.made,
                "search": _tried(story.search, english),
                "verified": english.say(story.verified),
            }
            json_file.write_bytes(msgspec.json.format(msgspec.json.encode(body), indent=1))
    except OSError as error:
        fail(f"cannot write {error.filename}: {error.strerror}")
    if not quiet:
        if html is None and markdown is None and json_file is None:
            typer.echo(document.markdown(blocks))
        for path in (html, markdown, json_file):
            if path is not None:
                typer.echo(f"wrote {path}")


async def _head(settings: "Settings") -> tuple[int, str] | None:
    from pontlevis.investigation.incident import load_head
    from pontlevis.storage.database import UNAVAILABLE, Database

    url = settings.database_url
    database = Database(url) if url else Database.in_directory(settings.data)
    try:
        return await load_head(database)
    except UNAVAILABLE:
        return None
    finally:
        await database.close()


def _tried(search: "Search", english: "Tongue") -> dict[str, object]:
    return {
        "current": search.current,
        "trials": search.trials,
        "proposals": search.proposals,
        "before_acts": search.before_acts,
        "before_s": search.before_s,
        "notes": [english.say(each) for each in search.notes],
    }
