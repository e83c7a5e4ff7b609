"""``pontlevis roles``: who is an operator, and what each may do."""

import json
from enum import StrEnum

import typer

from pontlevis.cli.common import By, Config, Data, Json, Running, settings_from

app = typer.Typer(help="Show and set what operators may do.", no_args_is_help=True)


class Word(StrEnum):
    """A role, or none any more."""

    VIEWER = "viewer"
    RESPONDER = "responder"
    ADMIN = "admin"
    NONE = "none"


@app.command("list")
def list_(data: Data = None, config: Config = None, as_json: Json = False) -> None:
    """List operators and their roles.

    Example: `pontlevis roles list`
    """
    _print(Running(settings_from(config=config, data=data).data).call("GET", "/api/operators"), as_json)


@app.command("set")
def set_(
    email: str, role: Word, data: Data = None, config: Config = None, by: By = None, as_json: Json = False
) -> None:
    """Give an account a role: viewer, responder or admin; with none it is no operator any more.

    Example: `pontlevis roles set ada@example.com responder`
    """
    running = Running(settings_from(config=config, data=data).data, by)
    _print(running.call("PUT", "/api/operators", {"email": email, "role": role.value}), as_json)


def _print(found: object, as_json: bool) -> None:
    if as_json or not isinstance(found, dict):
        typer.echo(json.dumps(found, indent=2))
        return
    if not found["operators"]:
        typer.echo("No operator yet: open the link that the service printed when it started.")
    for each in found["operators"]:
        typer.echo(f"{each['role']:<10} {each['email']}  (by {each['given_by'] or 'nobody'})")
