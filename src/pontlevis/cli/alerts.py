"""``pontlevis alerts``: what operators are told, and whether it reaches them."""

import json
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import quote

import typer

from pontlevis.cli.common import By, Config, Data, Json, Running, fail, settings_from

app = typer.Typer(help="List, test and acknowledge alerts.", no_args_is_help=True)


@app.command("list")
def list_(data: Data = None, config: Config = None, as_json: Json = False) -> None:
    """List the alerts that stand, and how each receiver does.

    Example: `pontlevis alerts list`
    """
    found = Running(settings_from(config=config, data=data).data).call("GET", "/api/alerts")
    if as_json or not isinstance(found, dict):
        typer.echo(json.dumps(found, indent=2))
        return
    if not found["alerts"]:
        typer.echo("No alert stands.")
    for row in found["alerts"]:
        since = datetime.fromtimestamp(float(row["since"]), UTC)
        by = f"  (acknowledged by {row['acknowledged_by']})" if row["acknowledged_by"] else ""
        typer.echo(f"{row['key']}  {row['severity']:<8} {since:%Y-%m-%d %H:%M}  {row['summary']}{by}")
    for row in found["receivers"]:
        said = f"failing: {row['error']}" if row["error"] else f"{row['delivered']} delivered"
        typer.echo(
            f"{row['name']} ({row['kind']}): {said}, {row['waiting']} waiting, {row['withheld']} withheld"
        )


@app.command("test")
def try_receivers(
    receiver: Annotated[str | None, typer.Option("--receiver", help="Only this one.")] = None,
    data: Data = None,
    config: Config = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Send a test to every receiver and say what came of it; ends with status 1 where one did not take it.

    Example: `pontlevis alerts test --receiver on-call`
    """
    path = "/api/alerts/test" + (f"?receiver={quote(receiver)}" if receiver else "")
    found = Running(settings_from(config=config, data=data).data, by).call("POST", path)
    rows: dict[str, str] = found["receivers"] if isinstance(found, dict) else {}
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    elif not rows:
        fail("no receiver is set up (settings, [alerts] receivers)")
    else:
        for name, error in rows.items():
            typer.echo(f"{name}: {error or 'taken'}")
    if any(rows.values()):
        raise typer.Exit(1)


@app.command()
def acknowledge(
    key: str, data: Data = None, config: Config = None, by: By = None, as_json: Json = False
) -> None:
    """Say that you look after an alert.

    Example: `pontlevis alerts acknowledge attack`
    """
    running = Running(settings_from(config=config, data=data).data, by)
    done = running.call("POST", f"/api/alerts/acknowledge?key={quote(key)}")
    typer.echo(json.dumps(done, indent=2) if as_json else f"{key} is looked after.")
