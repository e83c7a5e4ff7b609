"""``pontlevis posture``: what the service does about an attack, and an operator's word in it."""

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from pontlevis.brain.vocabulary import Posture
from pontlevis.cli.common import By, Config, Data, Json, Running, settings_from

app = typer.Typer(help="Show, set, hold or release the posture.", no_args_is_help=True)

Reason = Annotated[str, typer.Option("--reason", help="Why, for the audit log and your colleagues.")]
Hold = Annotated[
    float | None, typer.Option("--hold", min=0.01, help="Minutes until the machine steers again.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")]


class Switch(StrEnum):
    """``policy``: as the policy says."""

    ON = "on"
    OFF = "off"
    POLICY = "policy"


@app.command()
def show(data: Data = None, config: Config = None, as_json: Json = False) -> None:
    """Show the posture in force and why.

    Example: `pontlevis posture show --json`
    """
    _print(Running(settings_from(config=config, data=data).data).call("GET", "/api/posture"), as_json)


@app.command()
def history(
    data: Data = None,
    config: Config = None,
    last: Annotated[int, typer.Option("--last", min=1, max=200, help="How many changes, newest last.")] = 20,
    as_json: Json = False,
) -> None:
    """Show the last changes of posture: when, who, and why.

    Example: `pontlevis posture history --last 50`
    """
    found = Running(settings_from(config=config, data=data).data).call("GET", "/api/transitions")
    changes = found["transitions"][:last][::-1] if isinstance(found, dict) else []
    if as_json:
        typer.echo(json.dumps({"transitions": changes}, indent=2))
        return
    if not changes:
        typer.echo("Nothing has changed yet.")
    for each in changes:
        after = each["after"]
        mark = " (dry run)" if each["dry_run"] else ""
        held = f", held by {after['held_by']}" if after["held_by"] else ""
        typer.echo(
            f"{_time(each['at'])}  {after['posture']}{held}, registration {after['registration']}"
            f" {after['registration_share']:.0%}, by {each['actor']}{mark}\n    {each['reason']}"
        )


@app.command("set")
def set_(
    posture: Posture,
    reason: Reason,
    data: Data = None,
    config: Config = None,
    hold: Hold = None,
    dry_run: DryRun = False,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Force a posture for a time.

    Example: `pontlevis posture set under_attack --reason "abuse desk called" --dry-run`
    """
    body: dict[str, object] = {"posture": posture.value, "reason": reason, "dry_run": dry_run}
    _order("/api/posture", _with_hold(body, hold), data, config, by, as_json)


@app.command("hold")
def hold_(
    reason: Reason,
    data: Data = None,
    config: Config = None,
    hold: Hold = None,
    dry_run: DryRun = False,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Leave the posture that stands, stage and all, for a time.

    Example: `pontlevis posture hold --reason "wait for the press release" --hold 90`
    """
    body: dict[str, object] = {"reason": reason, "dry_run": dry_run}
    _order("/api/posture/hold", _with_hold(body, hold), data, config, by, as_json)


@app.command()
def release(
    reason: Reason,
    data: Data = None,
    config: Config = None,
    dry_run: DryRun = False,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Let the machine steer again.

    Example: `pontlevis posture release --reason "false alarm"`
    """
    _order("/api/posture/release", {"reason": reason, "dry_run": dry_run}, data, config, by, as_json)


@app.command("dry-run")
def dry_run_(
    switch: Switch,
    reason: Reason,
    data: Data = None,
    config: Config = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Let the machine only say what it would do; it lasts over a restart.

    Example: `pontlevis posture dry-run on --reason "first week"`
    """
    _order("/api/posture/dry-run", {"dry_run": switch.value, "reason": reason}, data, config, by, as_json)


def _with_hold(body: dict[str, object], hold: float | None) -> dict[str, object]:
    return body if hold is None else {**body, "hold_s": hold * 60}


def _order(
    path: str, body: dict[str, object], data: Data, config: Config, by: str | None, as_json: bool
) -> None:
    running = Running(settings_from(config=config, data=data).data, by)
    _print(running.call("POST", path, body), as_json)


def _time(at: object) -> str:
    return f"{datetime.fromtimestamp(float(str(at)), UTC):%Y-%m-%d %H:%M:%S} UTC"


def _print(state: object, as_json: bool) -> None:
    if as_json or not isinstance(state, dict):
        typer.echo(json.dumps(state, indent=2))
        return
    if state.get("trial"):
        typer.echo("A dry run: nothing was changed. It would be:")
    held = state.get("held_by")
    typer.echo(
        f"{state.get('posture')} since {_time(state.get('since') or 0)}"
        + (f", held by {held}" if held else "")
        + (f" until {_time(state['held_until'])}" if held and state.get("held_until") else "")
    )
    typer.echo(f"  why           {state.get('reason')}")
    typer.echo(
        f"  registration  {state.get('registration')} ({float(state.get('registration_share') or 0):.0%} let through)"
    )
    if state.get("dry_running"):
        typer.echo(f"  dry run       the machine would have {state['planned']}: {state['planned_reason']}")
    for change in state.get("changes", []):
        typer.echo(f"  {'would change' if state.get('trial') else 'changed':<12}  {change}")
