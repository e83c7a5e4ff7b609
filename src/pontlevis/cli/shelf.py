"""Where the console looks for reports: ``reports/`` in a service's data directory."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pontlevis.cli.common import fail

Shelf = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="A service's data directory: page and figures are put in its reports/ as well, where the console lists them.",
    ),
]
FOLDER = "reports"
"""As the console's page names it."""


def shelf_of(data: Path | None) -> Path | None:
    """The folder, made if need be; None where none is asked for. Ends the command where there is no such service."""
    if data is None:
        return None
    if not data.is_dir():
        fail(f"there is no data directory {data}: start a service on it first, or leave --data out")
    folder = data / FOLDER
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        fail(f"cannot write {folder}: {error.strerror}")
    return folder


def shelve(folder: Path, name: str, body: bytes) -> Path:
    """Writes one report; the console never sees half of it. Ends the command where it cannot be written."""
    made, part = folder / name, folder / f".{name}.part"
    try:
        part.write_bytes(body)
        part.chmod(0o600)
        part.replace(made)
    except OSError as error:
        fail(f"cannot write {made}: {error.strerror}")
    return made


def shelve_both(folder: Path, stem: str, page: str, figures: bytes) -> list[Path]:
    """A page and its figures, named by what they are and when they were made."""
    name = f"{stem}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    return [shelve(folder, f"{name}.html", page.encode()), shelve(folder, f"{name}.json", figures)]
