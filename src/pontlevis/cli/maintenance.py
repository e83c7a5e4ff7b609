"""``pontlevis maintenance``: announce work on the status page."""

import json
import re
from datetime import UTC, datetime
from typing import Annotated

import typer

from pontlevis.cli.common import By, Config, Data, Json, Running, fail, settings_from

app = typer.Typer(help="Announce, move and call off work on the status page.", no_args_is_help=True)

_SPANS = {"m": 60.0, "h": 3_600.0, "d": 86_400.0}
Start = Annotated[str, typer.Option("--start", help="ISO 8601, or from now: 30m, 2h, 1d, now.")]
Length = Annotated[str, typer.Option("--for", help="How long: 30m, 2h, 1d.")]
Component = Annotated[
    list[str], typer.Option("--component", help="api, chat, login or registration; repeat it.")
]
NameFr = Annotated[str, typer.Option("--name-fr", help="The name in French (default: the English one).")]
Text = Annotated[str, typer.Option("--text", help="What the public reads.")]
TextFr = Annotated[str, typer.Option("--text-fr", help="The same in French (default: the English one).")]


def span(text: str) -> float:
    """Seconds in ``90m`` and the like; ends the command where it is none."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([mhd])", text.strip())
    if found is None:
        fail(f"{text!r} is no length of time; write 30m, 2h or 1d")
    return float(found[1]) * _SPANS[found[2]]


def moment(text: str, now: float) -> float:
    """Unix seconds of ``now``, a span from now, or ISO 8601 (without a zone: UTC)."""
    if text == "now":
        return now
    if re.fullmatch(r"\d+(?:\.\d+)?[mhd]", text.strip()):
        return now + span(text)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        fail(f"{text!r} is no time; write 2026-03-01T22:00Z, 2h or now")
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


@app.command("list")
def list_(data: Data = None, config: Config = None, as_json: Json = False) -> None:
    """List announced work, the latest start first.

    Example: `pontlevis maintenance list`
    """
    found = Running(settings_from(config=config, data=data).data).call("GET", "/api/maintenances")
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    rows = found.get("maintenances", []) if isinstance(found, dict) else []
    if not rows:
        typer.echo("Nothing is announced.")
    for row in rows:
        typer.echo(_line(row))


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What the public reads as its name.")],
    text: Text,
    component: Component,
    length: Length,
    start: Start = "now",
    name_fr: NameFr = "",
    text_fr: TextFr = "",
    data: Data = None,
    config: Config = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Announce work; it begins and ends by itself at its times.

    Example: `pontlevis maintenance create "New engines" --text "Short pauses." --component api --start 2h --for 1h`
    """
    now = datetime.now(UTC).timestamp()
    begins = moment(start, now)
    body: dict[str, object] = {
        "name_en": name,
        "name_fr": name_fr,
        "body_en": text,
        "body_fr": text_fr,
        "components": component,
        "scheduled_for": begins,
        "scheduled_until": begins + span(length),
    }
    _show(
        Running(settings_from(config=config, data=data).data, by).call("POST", "/api/maintenances", body),
        as_json,
    )


@app.command()
def change(
    maintenance: str,
    name: Annotated[str | None, typer.Option("--name", help="Another name.")] = None,
    start: Annotated[str | None, typer.Option("--start", help="Another start.")] = None,
    end: Annotated[str | None, typer.Option("--end", help="Another end: ISO 8601, or from now: 2h.")] = None,
    status: Annotated[
        str | None, typer.Option("--status", help="in_progress, verifying or completed, before its time.")
    ] = None,
    text: Text = "",
    text_fr: TextFr = "",
    data: Data = None,
    config: Config = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Move or rename announced work, say more, begin or end it before its time.

    Example: `pontlevis maintenance change 0123456789abcdef --end 1h --text "It takes an hour longer."`
    """
    now = datetime.now(UTC).timestamp()
    body: dict[str, object] = {"body_en": text, "body_fr": text_fr}
    if name is not None:
        body["name_en"] = name
    if start is not None:
        body["scheduled_for"] = moment(start, now)
    if end is not None:
        body["scheduled_until"] = moment(end, now)
    if status is not None:
        body["status"] = status
    running = Running(settings_from(config=config, data=data).data, by)
    _show(running.call("PATCH", f"/api/maintenances/{maintenance}", body), as_json)


@app.command()
def cancel(
    maintenance: str,
    text: Text = "",
    text_fr: TextFr = "",
    data: Data = None,
    config: Config = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Call announced work off, or what is left of it.

    Example: `pontlevis maintenance cancel 0123456789abcdef`
    """
    running = Running(settings_from(config=config, data=data).data, by)
    body: dict[str, object] = {"body_en": text, "body_fr": text_fr}
    _show(running.call("POST", f"/api/maintenances/{maintenance}/cancel", body), as_json)


def _show(row: object, as_json: bool) -> None:
    typer.echo(json.dumps(row, indent=2) if as_json or not isinstance(row, dict) else _line(row))


def _line(row: dict[str, object]) -> str:
    def at(name: str) -> str:
        return f"{datetime.fromtimestamp(float(str(row[name])), UTC):%Y-%m-%d %H:%M}"

    said = "cancelled" if row["cancelled"] else str(row["status"])
    return f"{row['id']}  {said:<12} {at('scheduled_for')} to {at('scheduled_until')} UTC  {row['name_en']}"
