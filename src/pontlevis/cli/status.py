"""``pontlevis status``: the status page, in a line or as files."""

import json
from base64 import b64decode
from pathlib import Path
from typing import Annotated

import typer

from pontlevis.cli.common import Config, Data, Json, Running, fail, settings_from
from pontlevis.incidents.files import NotOurs, write_files

app = typer.Typer(help="Show the status, or write its page as static files.", no_args_is_help=True)


def _files(data: Path | None, config: Path | None) -> dict[str, bytes]:
    running = Running(settings_from(config=config, data=data).data)
    found = running.call("GET", "/api/status/files")
    if not isinstance(found, dict):
        fail("the service gives no files")
    return {str(name): b64decode(text) for name, text in found["files"].items()}


@app.command()
def show(data: Data = None, config: Config = None, as_json: Json = False) -> None:
    """Show what the public reads: the whole, each component, open incidents, announced work.

    Example: `pontlevis status show`
    """
    summary = json.loads(_files(data, config)["api/v2/summary.json"])
    if as_json:
        typer.echo(json.dumps(summary, indent=2))
        return
    typer.echo(summary["status"]["description"])
    for each in summary["components"]:
        typer.echo(f"  {each['name']:<16} {each['status'].replace('_', ' ')}")
    for each in summary["incidents"]:
        typer.echo(f"{each['id']}  {each['status']:<14} {each['name']}")
    for each in summary["scheduled_maintenances"]:
        typer.echo(f"{each['id']}  {each['status']:<14} {each['scheduled_for']}  {each['name']}")


@app.command()
def export(
    directory: Annotated[Path, typer.Argument(help="Empty, or written by this command before.")],
    data: Data = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Write the status page as static files for any web host: pages, JSON, feeds, badges.

    With `status.export_dir` set, the running service does it by itself on every change.

    Example: `pontlevis status export /srv/www/status`
    """
    files = _files(data, config)
    try:
        written = write_files(directory, files)
    except NotOurs as error:
        fail(str(error))
    except OSError as error:
        fail(f"{directory} cannot be written: {error.strerror}")
    if as_json:
        typer.echo(json.dumps({"directory": str(directory), "files": sorted(files), "written": written}))
    else:
        typer.echo(f"{len(files)} files in {directory}, {written} of them written now.")
