"""``pontlevis respond``: after a breach."""

import json
from pathlib import Path
from typing import Annotated

import typer

from pontlevis.cli.common import By, Config, Data, Json, Running, fail, settings_from

SHOWN = 50
NOTHING_DONE = "Nothing was done. Look at it, then say the same with --apply; it cannot be undone."


def command(
    accounts: Annotated[
        list[str] | None, typer.Argument(help="Accounts, by id or by their exact address.")
    ] = None,
    data: Data = None,
    config: Config = None,
    by: By = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", help="File with an id or an address a line; - reads standard input."),
    ] = None,
    incident: Annotated[
        str, typer.Option("--incident", help="Every account that this incident touched; it gets a note.")
    ] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why, for the audit log and the incident.")] = "",
    sessions: Annotated[bool, typer.Option("--sessions/--no-sessions", help="End every session.")] = True,
    keys: Annotated[bool, typer.Option("--keys/--no-keys", help="Revoke every API key.")] = True,
    password: Annotated[bool, typer.Option("--password/--no-password", help="Demand a new password.")] = True,
    passkeys: Annotated[
        bool,
        typer.Option(
            "--passkeys/--no-passkeys",
            help="Take passkeys, authenticator apps and recovery codes away too; goes with the password.",
        ),
    ] = False,
    tell: Annotated[bool, typer.Option("--tell/--no-tell", help="Write to the owners.")] = True,
    operators: Annotated[bool, typer.Option("--operators", help="Operators' accounts as well.")] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Do it. Without, it is only shown.")] = False,
    as_json: Json = False,
) -> None:
    """End sessions, revoke keys, demand new passwords and tell the owners; shows whom and what unless --apply.

    Example: `pontlevis respond --incident 4f1c09aa52be7d10 --reason "passwords guessed" --apply`
    """
    named = [*(accounts or []), *(_lines(file) if file is not None else [])]
    if not named and not incident:
        fail("name accounts, a --file of them, or an --incident")
    body: dict[str, object] = {
        "accounts": named, "incident": incident, "reason": reason or "after a breach", "sessions": sessions,
        "keys": keys, "password": password, "passkeys": passkeys, "tell": tell, "operators": operators, "apply": apply,
    }  # fmt: skip
    running = Running(settings_from(config=config, data=data).data, by, timeout_s=600.0)
    done = running.call("POST", "/api/respond", body)
    if as_json or not isinstance(done, dict):
        typer.echo(json.dumps(done, indent=2))
        return
    targets = done["targets"]
    for each in targets[:SHOWN]:
        what = [
            *([f"{each['sessions']} sessions"] if each["sessions"] else []),
            *([f"{each['keys']} keys"] if each["keys"] else []),
            *(["password"] if each["password"] else []),
            *([f"{each['passkeys']} passkeys and apps"] if each["passkeys"] else []),
            *(["letter"] if each["told"] else []),
        ]
        said = (
            f"left out: {each['left_out']}" if each["left_out"] else ", ".join(what) or "nothing left to end"
        )
        typer.echo(f"{each['account']}  {each['email']:<32} {said}  ({each['why']})")
    if len(targets) > SHOWN:
        typer.echo(f"… and {len(targets) - SHOWN} more (--json has them)")
    for each in done["unknown"]:
        typer.secho(f"{each}: no such account", fg=typer.colors.YELLOW)
    typer.echo(f"{'Done' if done['applied'] else 'It would be'}: {done['sentence']}.")
    if incident and done["applied"]:
        typer.echo(
            "The incident has a note of it." if done["noted"] else "The incident is too old for a note."
        )
    if not done["applied"]:
        typer.echo(NOTHING_DONE)


def _lines(file: Path) -> list[str]:
    try:
        text = typer.get_text_stream("stdin").read() if str(file) == "-" else file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{file} cannot be read: {error}")
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
