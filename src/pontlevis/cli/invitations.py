"""``pontlevis invitations``: let people in while registration is closed."""

import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from pontlevis.cli.common import Config, Data, Json, Running, settings_from

app = typer.Typer(help="Make, list and revoke invitations.", no_args_is_help=True)


@app.command()
def create(
    email: Annotated[
        str, typer.Argument(help="The only address it is for; left out: whoever has the link.")
    ] = "",
    data: Data = None,
    config: Config = None,
    note: Annotated[str, typer.Option("--note", help="For your colleagues.")] = "",
    days: Annotated[
        float | None, typer.Option("--days", help="How long it holds (default: a setting).")
    ] = None,
    mail: Annotated[bool, typer.Option("--mail", help="Send it there instead of printing the link.")] = False,
    as_json: Json = False,
) -> None:
    """Make an invitation, which also works while registration is suspended; the link stands alone on the last line.

    Example: `pontlevis invitations create ada@example.com --days 3`
    """
    body: dict[str, object] = {"email": email, "note": note, "mail": mail}
    if days is not None:
        body["lifetime_s"] = days * 86_400
    made = Running(settings_from(config=config, data=data).data).call("POST", "/api/invitations", body)
    if as_json or not isinstance(made, dict):
        typer.echo(json.dumps(made, indent=2))
        return
    until = datetime.fromtimestamp(float(made["expires_at"]), UTC)
    if made["mailed"]:
        typer.echo(
            f"An invitation goes by mail to {made['email']}; it holds until {until:%Y-%m-%d %H:%M} UTC."
        )
        return
    who = made["email"] or "one person"
    typer.echo(f"An invitation for {who} until {until:%Y-%m-%d %H:%M} UTC; its link is shown this once:")
    typer.echo(made["link"])


@app.command("list")
def list_(data: Data = None, config: Config = None, as_json: Json = False) -> None:
    """List invitations, newest first, without their links.

    Example: `pontlevis invitations list`
    """
    found = Running(settings_from(config=config, data=data).data).call("GET", "/api/invitations")
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    rows = found.get("invitations", []) if isinstance(found, dict) else []
    if not rows:
        typer.echo("No invitation yet.")
    for row in rows:
        until = datetime.fromtimestamp(float(row["expires_at"]), UTC)
        typer.echo(
            f"{row['id']}  {row['state']:<8} until {until:%Y-%m-%d}  {row['email'] or 'anybody':<30} {row['note']}"
        )


@app.command()
def revoke(invitation: str, data: Data = None, config: Config = None, as_json: Json = False) -> None:
    """Make an invitation's link void.

    Example: `pontlevis invitations revoke 0123456789abcdef`
    """
    running = Running(settings_from(config=config, data=data).data)
    done = running.call("DELETE", f"/api/invitations/{invitation}")
    typer.echo(json.dumps(done, indent=2) if as_json else "It is void.")
