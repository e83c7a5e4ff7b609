"""``pontlevis secrets``: the keys that seal addresses in the database."""

import json
import time
from typing import Annotated

import typer

from pontlevis.accounts.keeping import rotate as rotate_keys
from pontlevis.accounts.resealing import count_by_key
from pontlevis.accounts.sealing import KeyFiles
from pontlevis.cli.common import By, Config, Data, Json, Running, fail, settings_from, who
from pontlevis.cli.offline import on_database
from pontlevis.runtime import DataDirectory
from pontlevis.storage.audit import record_audit
from pontlevis.storage.database import Database

app = typer.Typer(help="List and rotate the keys that seal addresses.", no_args_is_help=True)
Row = dict[str, object]


@app.command("list")
def list_(data: Data = None, config: Config = None, as_json: Json = False) -> None:
    """List the keys by id, newest first, with how many values each has sealed; never the keys themselves.

    Example: `pontlevis secrets list`
    """

    async def read(database: Database, files: KeyFiles) -> list[Row]:
        held = await count_by_key(database)
        names = [each.id for each in files.read_keys()] if files.there else []
        rows: list[Row] = [
            {"id": each, "newest": each == names[0], "values": held.pop(each, 0)} for each in names
        ]
        return rows + [{"id": each, "newest": False, "values": count} for each, count in held.items()]

    rows = on_database(settings_from(config=config, data=data), read)
    if as_json:
        typer.echo(json.dumps({"keys": rows}, indent=2))
        return
    if not rows:
        typer.echo("There is no key yet; the first start makes one.")
    for row in rows:
        name = row["id"] or "(not sealed)"
        typer.echo(f"{name:<14} {row['values']:>9} values{'  newest' if row['newest'] else ''}")


@app.command()
def rotate(
    data: Data = None,
    config: Config = None,
    by: By = None,
    drop_old: Annotated[
        bool,
        typer.Option(
            "--drop-old",
            help="Drop older keys once nothing in the database needs them. Backups may need them still.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Add a key and seal everything with it, in short transactions, while the service runs or not.

    Example: `pontlevis secrets rotate`
    """
    settings = settings_from(config=config, data=data)
    if DataDirectory(settings.data).running() is not None:
        told = Running(settings.data, by, timeout_s=600.0).call(
            "POST", "/api/secrets/rotate", {"drop_old": drop_old}
        )
        done: Row = told if isinstance(told, dict) else {}
    else:

        async def offline(database: Database, files: KeyFiles) -> Row:
            if not files.there:
                fail("there is no key yet; the first start makes one")
            sealer = files.sealer()
            made = await rotate_keys(database, files, sealer, drop_old=drop_old)
            async with database.session() as session:
                await record_audit(
                    session, at=time.time(), actor=by or who(), event="operator:seals:rotated", subject=sealer.newest,
                    detail=f"{made.done} values sealed anew; {len(sealer.key_ids)} keys in the file",
                )  # fmt: skip
            return {"newest": sealer.newest, "resealed": made.done, "unopened": made.unopened, "keys": len(sealer.key_ids)}  # fmt: skip

        done = on_database(settings, offline)
    if as_json:
        typer.echo(json.dumps(done, indent=2))
        return
    typer.echo(
        f"Key {done['newest']} seals from now on; {done['resealed']} values were sealed anew. "
        f"{done['keys']} keys are in the file: back it up, apart from the database."
    )
    if done["unopened"]:
        typer.secho(f"{done['unopened']} values open with no key; they were damaged.", fg=typer.colors.RED)
