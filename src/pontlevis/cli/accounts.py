"""``pontlevis accounts``: who has an account."""

import json
from typing import Annotated

import typer

from pontlevis.cli.common import Config, Data, Json, Running, settings_from

app = typer.Typer(help="List accounts; help somebody who lost their second factor.", no_args_is_help=True)


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


@app.command("drop-factors")
def drop_factors(
    account: Annotated[str, typer.Argument(help="The account's id, as `accounts list` shows it.")],
    data: Data = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Take away all second factors and passkeys of an account whose owner has lost them.

    Example: `pontlevis accounts drop-factors 0123456789abcdef`
    """
    Running(settings_from(config=config, data=data).data).call(
        "DELETE", f"/api/accounts/{account}/second-factor"
    )
    typer.echo(
        json.dumps({"account": account, "second_factor": False})
        if as_json
        else "Done: the password alone opens it now."
    )
