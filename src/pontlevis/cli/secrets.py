"""``pontlevis secrets``: the keys that seal addresses in the database, and the one by which they are found."""

import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer

from pontlevis.accounts.keeping import rotate as rotate_keys
from pontlevis.accounts.lookup_rotation import lookup_views, told_of, turn_lookup_key
from pontlevis.accounts.resealing import count_by_key
from pontlevis.accounts.sealing import KeyFiles
from pontlevis.accounts.secret_keys import LOOKUP_TURNED
from pontlevis.cli import pepper
from pontlevis.cli.common import By, Config, Data, Json, Running, fail, settings_from, who
from pontlevis.cli.offline import on_database
from pontlevis.config import Settings
from pontlevis.runtime import DataDirectory
from pontlevis.storage.audit import record_audit
from pontlevis.storage.database import Database

app = typer.Typer(help="List and rotate the keys that seal addresses and find them.", no_args_is_help=True)
Row = dict[str, object]
DAY_S = 86_400.0
TIMEOUT_S = 600.0


class Which(StrEnum):
    """What is rotated."""

    SEALS = "seals"
    LOOKUP = "lookup"
    PEPPER = "pepper"


@app.command("list")
def list_(data: Data = None, config: Config = None, as_json: Json = False) -> None:
    """List the keys by id, newest first, with how many values each has sealed or hashed; never the keys themselves.

    Example: `pontlevis secrets list`
    """

    async def read(database: Database, files: KeyFiles) -> tuple[list[Row], list[Row]]:
        held = await count_by_key(database)
        names = [each.id for each in files.read_keys()] if files.there else []
        rows: list[Row] = [
            {"id": each, "newest": each == names[0], "values": held.pop(each, 0)} for each in names
        ]
        lookups = await lookup_views(database, files.read_lookups()) if files.there else []
        return (
            rows + [{"id": each, "newest": False, "values": count} for each, count in held.items()],
            [asdict(each) for each in lookups],
        )

    settings = settings_from(config=config, data=data)
    rows, lookups = on_database(settings, read)
    peppers = pepper.listed(settings)
    if as_json:
        typer.echo(json.dumps({"keys": rows, "lookup": lookups, "peppers": peppers}, indent=2))
        return
    if not rows:
        typer.echo("There is no key yet; the first start makes one.")
    for row in rows:
        name = row["id"] or "(not sealed)"
        typer.echo(f"seals   {name:<14} {row['values']:>9} values{'  newest' if row['newest'] else ''}")
    for row in lookups:
        held = row["rows"]
        if isinstance(held, dict):
            tables = ", ".join(f"{table} {count}" for table, count in held.items() if count)
            name, total = row["id"] or "(no known key)", sum(held.values())
            age = f"  {_age(row['made_at'])}" if row["id"] else ""
            typer.echo(
                f"lookup  {name:<14} {total:>9} rows  {row['use']}{age}{f'  ({tables})' if tables else ''}"
            )
    for row in peppers:
        typer.echo(f"pepper  {row['number']:<14} {pepper.told(row)}")


@app.command()
def rotate(
    which: Annotated[
        Which,
        typer.Argument(help="What seals addresses, what they are found by, or what tokens are made with."),
    ] = Which.SEALS,
    data: Data = None,
    config: Config = None,
    by: By = None,
    drop_old: Annotated[
        bool,
        typer.Option(
            "--drop-old",
            help="Drop older keys once nothing in the database needs them (backups may need them still). Of lookup: "
            "drop the former one even where damaged rows still need it.",
        ),
    ] = False,
    prepare: Annotated[
        bool,
        typer.Option(
            "--prepare",
            help="Of lookup: only add the key, so that other nodes on this database learn it before it is used.",
        ),
    ] = False,
    keep_old: Annotated[
        bool,
        typer.Option(
            "--keep-old", help="Of lookup: keep asking for the former key, for nodes that still use it."
        ),
    ] = False,
    overlap_days: Annotated[
        float | None,
        typer.Option(
            "--overlap-days",
            min=0.0,
            max=3_650.0,
            help="Of pepper: end everything that was issued before after so many days. Without it keys, sessions and "
            "links hold until they expire, and devices 30 days.",
        ),
    ] = None,
    at_once: Annotated[
        bool,
        typer.Option("--now", help="Of pepper, after a leak: what was issued before ends at the next start."),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how much would be written.")] = False,
    as_json: Json = False,
) -> None:
    """Add a key and bring everything under it, in short transactions, while the service runs or not.

    Example: `pontlevis secrets rotate lookup`
    """
    settings = settings_from(config=config, data=data)
    if which is Which.SEALS and (prepare or keep_old):
        fail("--prepare and --keep-old are for lookup: older seal keys are kept unless --drop-old is given")
    if which is not Which.PEPPER and (at_once or overlap_days is not None):
        fail("--now and --overlap-days are for pepper")
    if which is Which.PEPPER and (prepare or keep_old or drop_old or (at_once and overlap_days is not None)):
        fail("pepper takes --now or --overlap-days DAYS, and --dry-run")
    if prepare and (keep_old or drop_old):
        fail("--prepare changes nothing but the key file: give it alone")
    if which is Which.PEPPER:
        done = pepper.turn(settings, by, overlap_days=overlap_days, at_once=at_once, dry_run=dry_run)
        said = pepper.said(done, at_once=at_once)
    elif dry_run:
        done = on_database(settings, _dry(which))
        said = f"{done['would_write']} values would be written anew, in transactions of a thousand. Nothing was changed."
    elif which is Which.SEALS:
        done = _seals(settings, by, drop_old=drop_old)
        said = (
            f"Key {done['newest']} seals from now on; {done['resealed']} values were sealed anew. "
            f"{done['keys']} keys are in the file: back it up, apart from the database."
        )
    elif prepare:
        done = _prepared(settings, by)
        said = (
            f"Key {done['id']} is in lookup.key and not used yet. Copy that file to the other nodes and start them "
            "again; then: pontlevis secrets rotate lookup --keep-old"
        )
    else:
        done = _lookup(settings, by, keep_old=keep_old, drop_old=drop_old)
        said = (
            f"{'This ended a rotation that had begun before. ' if done['resumed'] else ''}Addresses are found by key "
            f"{done['id']}; {done['rehashed']} rows were hashed anew, and the former key is "
            f"{'gone' if done['former_dropped'] else 'still asked for'}. Back lookup.key up, apart from the database."
        )
    if as_json:
        typer.echo(json.dumps(done, indent=2))
        return
    typer.echo(said)
    if done.get("unopened"):
        typer.secho(f"{done['unopened']} values open with no key; they were damaged.", fg=typer.colors.RED)
    if done.get("left"):
        typer.secho(
            f"{done['left']} rows stay under a former key: their address does not open, or is there twice.",
            fg=typer.colors.RED,
        )


def _dry(which: Which) -> Callable[[Database, KeyFiles], Awaitable[Row]]:
    async def count(database: Database, files: KeyFiles) -> Row:
        if which is Which.SEALS:
            return {"would_write": sum((await count_by_key(database)).values())}
        views = await lookup_views(database, files.read_lookups()) if files.there else []
        turning = any(each.use == "former" and each.id for each in views)
        # Where a rotation is on, it is ended: what stands under the key in use stays as it is.
        wanted = [each for each in views if not (turning and each.use == "active")]
        return {"would_write": sum(sum(each.rows.values()) for each in wanted)}

    return count


def _seals(settings: Settings, by: str | None, *, drop_old: bool) -> Row:
    if DataDirectory(settings.data).running() is not None:
        return _asked(settings, by, "/api/secrets/rotate", {"drop_old": drop_old})

    async def offline(database: Database, files: KeyFiles) -> Row:
        _need(files)
        sealer = files.sealer()
        made = await rotate_keys(database, files, sealer, drop_old=drop_old)
        await _note(
            database, by, "operator:seals:rotated", sealer.newest,
            f"{made.done} values sealed anew; {len(sealer.key_ids)} keys in the file",
        )  # fmt: skip
        return {"newest": sealer.newest, "resealed": made.done, "unopened": made.unopened, "keys": len(sealer.key_ids)}  # fmt: skip

    return on_database(settings, offline)


def _prepared(settings: Settings, by: str | None) -> Row:
    if DataDirectory(settings.data).running() is not None:
        return _asked(settings, by, "/api/secrets/lookup/prepare", {})

    async def offline(database: Database, files: KeyFiles) -> Row:
        _need(files)
        made = files.prepare_lookup(time.time())[-1].id
        await _note(database, by, "operator:lookup:prepared", made, "")
        return {"id": made}

    return on_database(settings, offline)


def _lookup(settings: Settings, by: str | None, *, keep_old: bool, drop_old: bool) -> Row:
    if DataDirectory(settings.data).running() is not None:
        return _asked(
            settings, by, "/api/secrets/lookup/rotate", {"keep_old": keep_old, "drop_old": drop_old}
        )

    async def offline(database: Database, files: KeyFiles) -> Row:
        if files.seal_file.exists() and not files.lookup_file.exists():
            files.make()  # the addresses open, so that their hashes can be made anew
        _need(files)
        sealer = files.sealer()
        database.use_keys(seals=sealer, audit=files.audit_key())
        made = await turn_lookup_key(
            database, files, sealer, now=time.time(), keep_old=keep_old, drop_old=drop_old
        )
        await _note(database, by, LOOKUP_TURNED, made.id, told_of(made))
        return asdict(made)

    return on_database(settings, offline)


def _asked(settings: Settings, by: str | None, path: str, body: Row) -> Row:
    told = Running(settings.data, by, timeout_s=TIMEOUT_S).call("POST", path, body)
    return told if isinstance(told, dict) else {}


def _need(files: KeyFiles) -> None:
    if not files.there:
        fail("there is no key yet; the first start makes one")


async def _note(database: Database, by: str | None, event: str, subject: str, detail: str) -> None:
    async with database.session() as session:
        await record_audit(
            session, at=time.time(), actor=by or who(), event=event, subject=subject, detail=detail
        )


def _age(made_at: object) -> str:
    if not isinstance(made_at, int):
        return "made before ages were noted"
    days = max(0.0, time.time() - made_at) / DAY_S
    return f"{days:.0f} days old"
