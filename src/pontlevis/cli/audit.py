"""``pontlevis audit``: who changed what, and whether the log is whole. Reads the database itself, running or not."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TextIO

import typer

from pontlevis.accounts.sealing import KeyFiles
from pontlevis.cli.common import Config, Data, Json, fail, settings_from
from pontlevis.cli.offline import on_database
from pontlevis.storage.audit import all_audit, recent_audit
from pontlevis.storage.audit_check import Anchor, AuditVerdict, verify_audit
from pontlevis.storage.database import Database
from pontlevis.storage.tables.control import AuditRow

app = typer.Typer(help="Read, export and verify the audit log.", no_args_is_help=True)
Row = dict[str, object]


@app.command()
def verify(
    data: Data = None,
    config: Config = None,
    anchors: Annotated[
        list[Path] | None,
        typer.Option("--anchor", help="File with anchors kept elsewhere (audit anchor); repeatable."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check that no line was changed, removed, added or put elsewhere; status 1 and the first bad line where one was.

    Example: `pontlevis audit verify --anchor /mnt/elsewhere/anchors.jsonl`
    """
    known = tuple(anchor for file in anchors or [] for anchor in _anchors(file))

    async def check(database: Database, files: KeyFiles) -> AuditVerdict:
        key = files.audit_key() if files.audit_file.exists() else None
        async with database.snapshot() as session:
            return await verify_audit(session, key=key, anchors=known)

    found = on_database(settings_from(config=config, data=data), check)
    if as_json:
        typer.echo(json.dumps(_verdict(found), indent=2))
    elif found.whole:
        signed = (
            "its end is signed by this service" if found.signed else "its end is not signed: there is no key"
        )
        said = f"; {found.anchors} of {len(known)} anchors met" if known else ""
        typer.echo(f"The audit log is whole: {found.lines} lines, {signed}{said}.")
    else:
        where = f"line {found.line}" if found.line else "the log"
        typer.secho(f"The audit log is NOT whole. {where}: {found.problem}.", fg=typer.colors.RED)
    if not found.whole:
        raise typer.Exit(1)


@app.command()
def anchor(data: Data = None, config: Config = None, as_json: Json = False) -> None:
    """Print where the chain ends now, as one JSON line to be kept where this machine cannot write.

    Example: `pontlevis audit anchor >> /mnt/elsewhere/anchors.jsonl`
    """
    del as_json  # it is JSON in any case

    async def end(database: Database, _: KeyFiles) -> AuditVerdict:
        async with database.snapshot() as session:
            return await verify_audit(session)

    found = on_database(settings_from(config=config, data=data), end)
    if not found.whole:
        fail(f"the audit log is not whole (line {found.line}: {found.problem}); an anchor would hide it")
    typer.echo(json.dumps({"count": found.anchor.count, "id": found.anchor.id, "hash": found.anchor.hash}))


@app.command("list")
def list_(
    data: Data = None,
    config: Config = None,
    most: Annotated[int, typer.Option("--most", min=1, max=10_000, help="How many, newest first.")] = 50,
    as_json: Json = False,
) -> None:
    """List the newest lines.

    Example: `pontlevis audit list --most 20`
    """

    async def read(database: Database, _: KeyFiles) -> list[Row]:
        async with database.session() as session:
            return [_row(each) for each in await recent_audit(session, most=most)]

    rows = on_database(settings_from(config=config, data=data), read)
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    if not rows:
        typer.echo("No change yet.")
    for row in rows:
        when = datetime.fromtimestamp(float(str(row["at"])), UTC)
        typer.echo(
            f"{row['id']:>7}  {when:%Y-%m-%d %H:%M:%S}  {row['actor']:<28} {row['event']}  {row['subject']}"
        )
        if row["detail"]:
            typer.echo(f"         {row['detail']}")


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="Where to; made private to you. - prints it.")],
    data: Data = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Write every line with its hashes as JSON lines, oldest first, the end of the chain last.

    Example: `pontlevis audit export audit-2025-01.jsonl`
    """

    async def write(database: Database, _: KeyFiles) -> int:
        count = 0
        with _out(file) as out:
            async with database.snapshot() as session:
                async for each in all_audit(session):
                    out.write(json.dumps(_row(each)) + "\n")
                    count += 1
                end = (await verify_audit(session)).anchor
            out.write(json.dumps({"anchor": {"count": end.count, "id": end.id, "hash": end.hash}}) + "\n")
        return count

    count = on_database(settings_from(config=config, data=data), write)
    if as_json:
        typer.echo(json.dumps({"file": str(file), "lines": count}))
    elif str(file) != "-":
        typer.echo(f"{count} lines are in {file}.")


@contextmanager
def _out(file: Path) -> Iterator[TextIO]:
    if str(file) == "-":
        yield sys.stdout
        return
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        fail(f"{file} cannot be made: {error.strerror}")
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        yield out


def _row(row: AuditRow) -> Row:
    return {
        "id": row.id, "at": row.at, "actor": row.actor, "event": row.event, "subject": row.subject,
        "detail": row.detail, "prior": row.prior, "hash": row.hash,
    }  # fmt: skip


def _verdict(found: AuditVerdict) -> Row:
    return {
        "whole": found.whole, "lines": found.lines, "problem": found.problem, "line": found.line,
        "signed": found.signed, "anchors": found.anchors,
        "anchor": {"count": found.anchor.count, "id": found.anchor.id, "hash": found.anchor.hash},
    }  # fmt: skip


def _anchors(file: Path) -> list[Anchor]:
    """Anchors from lines of ``audit anchor``, or the last line of an export."""
    found = []
    try:
        for line in file.read_text("utf-8").splitlines():
            said = json.loads(line) if line.strip() else {}
            said = said.get("anchor", said)
            if "count" in said:
                found.append(Anchor(int(said["count"]), int(said["id"]), str(said["hash"])))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        fail(f"{file} is no file of anchors (pontlevis audit anchor writes them)")
    if not found:
        fail(f"{file} holds no anchor")
    return found
