"""``pontlevis posture``: what the service does about an attack, and an operator's word in it."""

import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from pontlevis.brain.vocabulary import Posture
from pontlevis.cli.common import Config, Data, Json, Running, settings_from

app = typer.Typer(help="Show, set or release the posture.", no_args_is_help=True)

Reason = Annotated[str, typer.Option("--reason", help="Why, for the audit log and your colleagues.")]


@app.command()
def show(data: Data = None, config: Config = None, as_json: Json = False) -> None:
    """Show the posture in force and why.

    Example: `pontlevis posture show`
    """
    _print(Running(settings_from(config=config, data=data).data).call("GET", "/api/posture"), as_json)


@app.command("set")
def set_(
    posture: Posture,
    reason: Reason,
    data: Data = None,
    config: Config = None,
    hold: Annotated[
        float | None, typer.Option("--hold", help="Minutes until the machine steers again.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Force a posture for a time.

    Example: `pontlevis posture set under_attack --reason "abuse desk called"`
    """
    body: dict[str, object] = {"posture": posture.value, "reason": reason}
    if hold is not None:
        body["hold_s"] = hold * 60
    _print(Running(settings_from(config=config, data=data).data).call("POST", "/api/posture", body), as_json)


@app.command()
def release(
    reason: Reason = "released by hand", data: Data = None, config: Config = None, as_json: Json = False
) -> None:
    """Let the machine steer again.

    Example: `pontlevis posture release --reason "false alarm"`
    """
    running = Running(settings_from(config=config, data=data).data)
    _print(running.call("POST", "/api/posture/release", {"reason": reason}), as_json)


def _print(state: object, as_json: bool) -> None:
    if as_json or not isinstance(state, dict):
        typer.echo(json.dumps(state, indent=2))
        return
    since = datetime.fromtimestamp(float(state.get("since") or 0), UTC)
    held = state.get("held_by")
    typer.echo(
        f"{state.get('posture')} since {since:%Y-%m-%d %H:%M:%S} UTC" + (f", held by {held}" if held else "")
    )
    typer.echo(f"  why           {state.get('reason')}")
    typer.echo(
        f"  registration  {state.get('registration')} ({float(state.get('registration_share') or 0):.0%} let through)"
    )
