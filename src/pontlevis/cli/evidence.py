"""``pontlevis evidence``: whether the store is what was written, and whom a pseudonym means."""

import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pontlevis.cli.common import Config, Data, Json, fail, settings_from

if TYPE_CHECKING:
    from pontlevis.config import Settings
    from pontlevis.evidence.manifest import Head
    from pontlevis.evidence.verify import CheckStamp

HEAD_TRIES = 5  # a second apart

app = typer.Typer(
    help="Verify the evidence store, show it, and look behind its pseudonyms.", no_args_is_help=True
)

Store = Annotated[
    Path | None,
    typer.Option("--store", help="A copy of the store elsewhere; without it, the one in the data directory."),
]
Expect = Annotated[
    str | None,
    typer.Option(
        "--expect", help="Where the chain must have reached, as NUMBER:HASH, from `show` at an earlier time."
    ),
]


@app.command()
def verify(
    data: Data = None,
    config: Config = None,
    store: Store = None,
    expect: Expect = None,
    as_json: Json = False,
) -> None:
    """Check every file against the chain, the chain against its known end, and time stamps against their authority.

    Status 1 and the first broken place where it does not hold.

    Example: `pontlevis evidence verify --data var/pontlevis`
    """
    from pontlevis.evidence.manifest import Head
    from pontlevis.evidence.store import FOLDER
    from pontlevis.evidence.verify import verify as check

    settings = settings_from(config=config, data=data)
    folder = store or settings.data / FOLDER
    if not folder.is_dir():
        fail(f"there is no evidence store at {folder}")
    known = asyncio.run(_known_head(settings)) if store is None else None
    if expect is not None:
        number, _, hash_ = expect.partition(":")
        if not number.isdigit() or len(hash_) != 64:
            fail("--expect is NUMBER:HASH, as `pontlevis evidence show` prints it")
        known = Head(int(number), hash_)
    try:
        found = check(folder, known_head=known, check_stamp=_checker(settings))
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}")
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=2))
    else:
        for note in found.notes:
            typer.echo(f"note: {note}")
    if found.broken:
        if not as_json:
            typer.secho(f"BROKEN at {found.broken}", fg=typer.colors.RED)
        raise typer.Exit(1)
    if not as_json:
        stamps = f", {found.stamps} time stamps hold" if found.stamps else ""
        gone = f", {found.gone} gone with their age" if found.gone else ""
        lost = f"; {found.dropped} acts were dropped on the way to the disk" if found.dropped else ""
        typer.echo(
            f"It holds: {found.files} files, {found.rows:,} rows, {found.bytes / 1e6:.1f} MB{gone}{stamps}{lost}."
        )
        typer.echo(f"The chain ends at {found.head.n}:{found.head.hash}")


@app.command()
def show(data: Data = None, config: Config = None, store: Store = None, as_json: Json = False) -> None:
    """Show how much there is, from when to when, and where the chain ends: keep that line somewhere else.

    Example: `pontlevis evidence show --data var/pontlevis`
    """
    from pontlevis.evidence.manifest import Broken, Head, lines
    from pontlevis.evidence.store import FOLDER
    from pontlevis.investigation.archive import files

    settings = settings_from(config=config, data=data)
    folder = store or settings.data / FOLDER
    if not folder.is_dir():
        fail(f"there is no evidence store at {folder}")
    try:
        there = files(folder)
        head = Head()
        for placed in lines(folder):
            head = Head(placed.line.n, placed.hash)
    except Broken as error:
        fail(f"the chain does not hold: {error}")
    said: dict[str, object] = {
        "store": str(folder),
        "files": len(there),
        "rows": sum(each.rows for each in there),
        "bytes": sum(each.bytes for each in there),
        "since": min((each.since for each in there), default=None),
        "until": max((each.until for each in there), default=None),
        "head": f"{head.n}:{head.hash}",
    }
    if as_json:
        typer.echo(json.dumps(said, indent=2))
        return
    from pontlevis.investigation.plots import clock

    for name, value in said.items():
        text = clock(value) if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else value
        typer.echo(f"{name:<6} {text}")


@app.command()
def reveal(
    pseudonym: Annotated[str, typer.Argument(help="An address or prefix as the store has it.")],
    data: Data = None,
    config: Config = None,
    hide: Annotated[bool, typer.Option("--hide", help="The other way: the pseudonym of an address.")] = False,
    as_json: Json = False,
) -> None:
    """Say which address a pseudonym means, with the key DATA/evidence.key.

    Example: `pontlevis evidence reveal 137.61.176.81`
    """
    from pontlevis.controller.evidence_room import KEY
    from pontlevis.evidence.masking import Mask

    file = settings_from(config=config, data=data).data / KEY
    try:
        mask = Mask(file.read_bytes())
    except (OSError, ValueError) as error:
        fail(f"{file} is no key for pseudonyms: {getattr(error, 'strerror', None) or error}")
    turned = mask.hide(pseudonym) if hide else mask.reveal(pseudonym)
    typer.echo(json.dumps({"given": pseudonym, "is": turned}) if as_json else turned)


async def _known_head(settings: "Settings") -> "Head | None":
    from pontlevis.evidence.manifest import Head
    from pontlevis.investigation.incident import load_head
    from pontlevis.storage.database import UNAVAILABLE, Database

    if not settings.database_url and not (settings.data / "pontlevis.db").exists():
        return None
    database = (
        Database(settings.database_url) if settings.database_url else Database.in_directory(settings.data)
    )
    found = None
    try:
        for left in reversed(range(HEAD_TRIES)):
            try:
                found = await load_head(database)
            except UNAVAILABLE:
                found = None
            if found is not None or not left:
                break
            await asyncio.sleep(1.0)  # a service that is just ending holds its file
    finally:
        await database.close()
    return None if found is None else Head(*found)


def _checker(settings: "Settings") -> "CheckStamp | None":
    from pontlevis.evidence.stamps import NoStamp, Stamper

    if not settings.evidence.tsa_certificate:
        return None
    try:
        return Stamper(Path(settings.evidence.tsa_certificate)).check
    except NoStamp as error:
        fail(str(error))
