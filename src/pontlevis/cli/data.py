"""``pontlevis data``: what is kept, for how long, and one person's share of it."""

import json
import time
from typing import Annotated

import typer

from pontlevis.accounts.sealing import KeyFiles
from pontlevis.cli.common import By, Config, Data, Json, Running, fail, settings_from
from pontlevis.cli.offline import on_database
from pontlevis.storage.database import Database
from pontlevis.storage.retention import Due, due

app = typer.Typer(
    help="See what retention removes; export or erase one account's data.", no_args_is_help=True
)
Who = Annotated[str, typer.Argument(help="An account, by id or by its exact address.")]


@app.command()
def retention(data: Data = None, config: Config = None, as_json: Json = False) -> None:
    """List how long each table keeps what, and how many rows the next sweep would remove; changes nothing.

    Example: `pontlevis data retention`
    """
    settings = settings_from(config=config, data=data)

    async def read(database: Database, _: KeyFiles) -> list[Due]:
        return await due(database, settings.safety, time.time())

    found = on_database(settings, read)
    if as_json:
        rows = [
            {"setting": f"safety.{each.setting}", "table": each.table, "days": each.days, "rows": each.rows}
            for each in found
        ]
        typer.echo(json.dumps({"retention": rows}, indent=2))
        return
    for each in found:
        what = "rows to blank" if each.blanks else "rows to remove"
        typer.echo(f"{each.table:<20} {each.days:>5} days  {each.rows:>8} {what}  (safety.{each.setting})")
    typer.echo("A running service sweeps every hour.")


@app.command()
def export(who: Who, data: Data = None, config: Config = None, as_json: Json = False) -> None:
    """Print everything that is kept about an account as JSON, without secrets.

    Example: `pontlevis data export ada@example.com`
    """
    del as_json  # it is JSON in any case
    running = Running(settings_from(config=config, data=data).data)
    typer.echo(json.dumps(running.call("GET", f"/api/accounts/{_id(running, who)}/data"), indent=2))


@app.command()
def erase(
    who: Who,
    data: Data = None,
    config: Config = None,
    by: By = None,
    reason: Annotated[
        str, typer.Option("--reason", help="Why, for the audit log.")
    ] = "asked for by its owner",
    apply: Annotated[bool, typer.Option("--apply", help="Do it. Without, it is only shown.")] = False,
    as_json: Json = False,
) -> None:
    """Delete an account for good: what names the person goes, figures and the audit log keep a bare id.

    Example: `pontlevis data erase ada@example.com --apply`
    """
    running = Running(settings_from(config=config, data=data).data, by)
    account = _id(running, who)
    done: object = {"account": account, "applied": False}
    if apply:
        done = running.call("DELETE", f"/api/accounts/{account}/data", query={"reason": reason})
    if as_json:
        typer.echo(json.dumps(done, indent=2))
    elif isinstance(done, dict) and apply:
        typer.echo(
            f"Account {account} is deleted: {done['sessions_and_keys']} sessions and keys ended, {done['rows']} rows removed."
        )
    else:
        typer.echo(f"Account {account} would be deleted. Nothing was done; say the same with --apply.")


def _id(running: Running, who: str) -> str:
    if "@" not in who:
        return who
    found = running.call("GET", "/api/accounts", query={"email": who})
    rows = found.get("accounts", []) if isinstance(found, dict) else []
    if not rows:
        fail(f"nobody has the address {who} (only a whole address is found, since addresses are sealed)")
    return str(rows[0]["id"])
