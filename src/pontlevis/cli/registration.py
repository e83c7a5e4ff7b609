"""``pontlevis registration``: who may register, and an operator's word in it."""

import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from pontlevis.brain.vocabulary import RegistrationMode
from pontlevis.cli.common import Config, Data, Json, Running, settings_from

app = typer.Typer(help="Show, set or release who may register.", no_args_is_help=True)

Reason = Annotated[str, typer.Option("--reason", help="Why, for the audit log and your colleagues.")]


@app.command()
def show(data: Data = None, config: Config = None, as_json: Json = False) -> None:
    """Show who may register and who said so.

    Example: `pontlevis registration show`
    """
    _print(Running(settings_from(config=config, data=data).data).call("GET", "/api/registration"), as_json)


@app.command("set")
def set_(
    mode: RegistrationMode,
    reason: Reason,
    data: Data = None,
    config: Config = None,
    hold: Annotated[
        float | None, typer.Option("--hold", help="Minutes until the posture decides again.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Set who may register for a time, whatever the posture says.

    Example: `pontlevis registration set approval --reason "spam wave" --hold 120`
    """
    body: dict[str, object] = {"mode": mode.value, "reason": reason}
    if hold is not None:
        body["hold_s"] = hold * 60
    running = Running(settings_from(config=config, data=data).data)
    _print(running.call("POST", "/api/registration", body), as_json)


@app.command()
def release(
    reason: Reason = "released by hand", data: Data = None, config: Config = None, as_json: Json = False
) -> None:
    """Let the posture decide again.

    Example: `pontlevis registration release`
    """
    running = Running(settings_from(config=config, data=data).data)
    _print(running.call("POST", "/api/registration/release", {"reason": reason}), as_json)


def _print(state: object, as_json: bool) -> None:
    if as_json or not isinstance(state, dict):
        typer.echo(json.dumps(state, indent=2))
        return
    posture, order = state["posture"], state["order"]
    share = float(posture["registration_share"])
    typer.echo(
        f"registration {posture['registration']} ({share:.0%} let through); {state['waiting']} on the waitlist"
    )
    if order is None:
        typer.echo(f"  the posture decides: {posture['posture']}")
        return
    until = datetime.fromtimestamp(float(order["until"]), UTC)
    typer.echo(f"  by {order['actor']} until {until:%Y-%m-%d %H:%M} UTC: {order['reason']}")
