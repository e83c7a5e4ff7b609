"""Writes a directory that a web server reads: each file whole or not at all."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

MARK = ".pontlevis-status"
"""In a directory that this service writes; into others with files of their own it writes nothing."""


class NotOurs(ValueError):
    """The directory has files that are not ours."""


def write_files(directory: Path, files: Mapping[str, bytes]) -> int:
    """Writes what has changed, each file whole or not at all; how many.

    Pages come last, so that no page refers to what is not there yet. Raises ``NotOurs`` and ``OSError``.
    """
    directory.mkdir(parents=True, exist_ok=True)
    mark = directory / MARK
    if not mark.exists():
        if any(directory.iterdir()):
            raise NotOurs(f"{directory} has files that are not a status page; choose an empty directory")
        mark.write_bytes(b"")
    written = 0
    for name in sorted(files, key=lambda each: (each.endswith(".html"), each)):
        file = directory / name
        if file.exists() and file.read_bytes() == files[name]:
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        _replace(file, files[name])
        written += 1
    return written


def _replace(file: Path, data: bytes) -> None:
    fresh = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        # Read by a web server under another name: not secret, so not private.
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        with os.fdopen(descriptor, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(file)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
