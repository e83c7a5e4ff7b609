"""``pontlevis policy``: the thresholds that a file of their own changes, also while the service runs."""

import json
from pathlib import Path
from typing import Annotated

import typer

from pontlevis.cli.common import By, Config, Data, Json, Running, fail, settings_from
from pontlevis.cli.posture import DryRun, Reason
from pontlevis.policy_file import BadPolicyFile, Change, changes, read_tables, ruled

app = typer.Typer(help="Check, show or reload the policy file.", no_args_is_help=True)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="The policy file.")],
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Say what a policy file changes, or everything that is wrong with it; nothing is touched.

    Example: `pontlevis policy check policy.toml`
    """
    settings = settings_from(config=config).unruled
    try:
        found = changes(settings, ruled(settings, read_tables(file), str(file)))
    except BadPolicyFile as error:
        if as_json:
            typer.echo(json.dumps({"ok": False, "problems": error.problems}, indent=2))
            raise typer.Exit(1) from None
        fail(str(error))
    _print({"ok": True, "changes": [_record(each) for each in found]}, as_json)


@app.command()
def show(data: Data = None, config: Config = None, as_json: Json = False) -> None:
    """Show what the policy file of the running service changes.

    Example: `pontlevis policy show`
    """
    _print(Running(settings_from(config=config, data=data).data).call("GET", "/api/policy"), as_json)


@app.command()
def reload(
    reason: Reason,
    data: Data = None,
    config: Config = None,
    dry_run: DryRun = False,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Let the running service read its policy file again; a bad one is refused whole.

    Example: `pontlevis policy reload --reason "fewer false alarms"`
    """
    running = Running(_data(data, config), by)
    _print(running.call("POST", "/api/policy/reload", {"reason": reason, "dry_run": dry_run}), as_json)


def _data(data: Path | None, config: Path | None) -> Path:
    # The file is the service's to read: a bad one must not keep this command from saying so.
    return data if data is not None else settings_from(config=config).data


def _record(change: Change) -> dict[str, object]:
    return {"name": change.name, "old": change.old, "new": change.new, "live": change.live}


def _print(answer: object, as_json: bool) -> None:
    if as_json or not isinstance(answer, dict):
        typer.echo(json.dumps(answer, indent=2))
        return
    if answer.get("trial"):
        typer.echo("A dry run: nothing was changed.")
    if "file" in answer:
        typer.echo(f"Policy file: {answer['file'] or 'none'}")
    for each in answer["changes"]:
        when = "" if each["live"] else "   (at the next start)"
        typer.echo(f"  {each['name']}  {each['old']} → {each['new']}{when}")
    if not answer["changes"]:
        typer.echo("  Nothing differs.")
