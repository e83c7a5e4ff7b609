"""``pontlevis accounts``: who has an account."""

import json
from typing import Annotated

import typer

from pontlevis.cli.common import Config, Data, Json, Running, settings_from

app = typer.Typer(help="List accounts.", no_args_is_help=True)


@app.command("list")
def list_(
    data: Data = None,
    config: Config = None,
    most: Annotated[int, typer.Option("--most", min=1, max=500, help="How many, newest first.")] = 50,
    as_json: Json = False,
) -> None:
    """List the newest accounts with their standing.

    Example: `pontlevis accounts list --most 20`
    """
    found = Running(settings_from(config=config, data=data).data).call("GET", f"/api/accounts?limit={most}")
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    rows = found.get("accounts", []) if isinstance(found, dict) else []
    if not rows:
        typer.echo("No account yet.")
    for row in rows:
        typer.echo(f"{row['id']}  {row['standing']:<12} {row['email']}")
