"""``pontlevis incidents``: what the public reads of a disturbance, and what operators owe because of it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pontlevis.cli.common import By, Config, Data, Json, Running, fail, settings_from
from pontlevis.cli.maintenance import Text, TextFr, moment

app = typer.Typer(
    help="List and write incidents; mark personal data as touched; duties to notify.", no_args_is_help=True
)


def _running(data: Path | None, config: Path | None, by: str | None = None) -> Running:
    return Running(settings_from(config=config, data=data).data, by)


@app.command("list")
def list_(data: Data = None, config: Config = None, as_json: Json = False) -> None:
    """List incidents, newest first.

    Example: `pontlevis incidents list`
    """
    found = _running(data, config).call("GET", "/api/incidents")
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    rows = found.get("incidents", []) if isinstance(found, dict) else []
    if not rows:
        typer.echo("No incident so far.")
    for row in rows:
        typer.echo(_line(row))


@app.command("open")
def open_(
    name: Annotated[str, typer.Argument(help="What the public reads as its name.")],
    text: Text,
    name_fr: Annotated[str, typer.Option("--name-fr", help="The name in French.")] = "",
    text_fr: TextFr = "",
    impact: Annotated[str, typer.Option("--impact", help="none, minor, major or critical.")] = "minor",
    data: Data = None,
    config: Config = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Open an incident of your own; the machine writes none of it.

    Example: `pontlevis incidents open "Slow answers" --text "We look into it."`
    """
    body: dict[str, object] = {
        "name_en": name, "name_fr": name_fr, "body_en": text, "body_fr": text_fr, "impact": impact,
    }  # fmt: skip
    _show(_running(data, config, by).call("POST", "/api/incidents", body), as_json)


@app.command()
def update(
    incident: str,
    status: Annotated[
        str, typer.Option("--status", help="investigating, identified, monitoring or resolved.")
    ],
    text: Text,
    text_fr: TextFr = "",
    data: Data = None,
    config: Config = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Add to an incident's timeline.

    Example: `pontlevis incidents update 0123456789abcdef --status identified --text "Our carrier filters now."`
    """
    body: dict[str, object] = {"status": status, "body_en": text, "body_fr": text_fr}
    _show(_running(data, config, by).call("POST", f"/api/incidents/{incident}/updates", body), as_json)


@app.command("take-over")
def take_over(
    incident: str,
    release: Annotated[bool, typer.Option("--release", help="Hand it back to the machine.")] = False,
    data: Data = None,
    config: Config = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Stop the machine from writing an incident, or with --release let it write again.

    Example: `pontlevis incidents take-over 0123456789abcdef`
    """
    body: dict[str, object] = {"take_over": not release}
    _show(_running(data, config, by).call("PATCH", f"/api/incidents/{incident}", body), as_json)


@app.command()
def postmortem(
    incident: str,
    file: Annotated[Path, typer.Argument(help="Text in English; an empty file takes it back.")],
    french: Annotated[Path | None, typer.Option("--french", help="File with the text in French.")] = None,
    data: Data = None,
    config: Config = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Publish what was learned from an incident that is over.

    Example: `pontlevis incidents postmortem 0123456789abcdef learned.txt --french appris.txt`
    """
    try:
        body: dict[str, object] = {
            "body_en": file.read_text("utf-8"),
            "body_fr": french.read_text("utf-8") if french is not None else "",
        }
    except (OSError, UnicodeDecodeError) as error:
        fail(f"the text cannot be read: {error}")
    _show(_running(data, config, by).call("PUT", f"/api/incidents/{incident}/postmortem", body), as_json)


@app.command("personal-data")
def personal_data(
    incident: str,
    why: Annotated[
        str, typer.Option("--why", help="What was touched and how it became known; never public.")
    ],
    at: Annotated[str, typer.Option("--at", help="When it became known: ISO 8601 (default: now).")] = "now",
    data: Data = None,
    config: Config = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Mark personal data as touched: the clocks of the duties to notify start.

    Example: `pontlevis incidents personal-data 0123456789abcdef --why "Two accounts were opened from a hostile cluster."`
    """
    body: dict[str, object] = {"why": why}
    if at != "now":
        body["at"] = moment(at, datetime.now(UTC).timestamp())
    found = _running(data, config, by).call("POST", f"/api/incidents/{incident}/personal-data", body)
    _duties(found, as_json)


@app.command()
def duties(data: Data = None, config: Config = None, as_json: Json = False) -> None:
    """List the duties to notify and how long each has left.

    Example: `pontlevis incidents duties`
    """
    _duties(_running(data, config).call("GET", "/api/duties"), as_json)


@app.command()
def done(
    duty: str,
    note: Annotated[str, typer.Option("--note", help="Who was told, when, under which number.")] = "",
    undo: Annotated[bool, typer.Option("--undo", help="It was not done after all.")] = False,
    data: Data = None,
    config: Config = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Note a duty as done, which stops its clock.

    Example: `pontlevis incidents done 0123456789abcdef --note "CNIL, number 1234"`
    """
    body: dict[str, object] = {"done": not undo, "note": note}
    made = _running(data, config, by).call("POST", f"/api/duties/{duty}", body)
    _duties({"duties": [made]} if not as_json else made, as_json)


def _duties(found: object, as_json: bool) -> None:
    if as_json or not isinstance(found, dict):
        typer.echo(json.dumps(found, indent=2))
        return
    if not found["duties"]:
        typer.echo("No duty to notify is known of.")
    now = datetime.now(UTC).timestamp()
    for row in found["duties"]:
        left = (float(row["due_at"]) - now) / 3_600
        said = f"{left:.1f} h left" if row["state"] != "done" else f"by {row['done_by']}"
        law = f" ({row['law']})" if row["law"] else ""
        typer.echo(f"{row['id']}  {row['state']:<8} {said:<14} {row['name']}{law}")


def _show(row: object, as_json: bool) -> None:
    typer.echo(json.dumps(row, indent=2) if as_json or not isinstance(row, dict) else _line(row))


def _line(row: dict[str, object]) -> str:
    began = datetime.fromtimestamp(float(str(row["created_at"])), UTC)
    by = f"  (written by {row['taken_over_by']})" if row["taken_over_by"] else ""
    return f"{row['id']}  {began:%Y-%m-%d %H:%M}  {row['status']:<14} {row['name_en']}{by}"
