"""The service that runs on a data directory now: where it listens and what it asks, flags of its start included."""

from pathlib import Path

import msgspec
from pydantic import ValidationError

from pontlevis.config import Settings
from pontlevis.controller.children import read_settings
from pontlevis.doctor.check import Check, ok, warn
from pontlevis.runtime import RunNote


def as_started(settings: Settings, note: RunNote) -> tuple[Settings, Check]:
    """``settings`` with the listeners and engines of the service that runs, and what is to be said of it.

    Its flags are nowhere but there; everything else is what the files say now, and would be at the next start.
    """
    try:
        real = read_settings(Path(note.sockets) / "settings.json")
    except (OSError, msgspec.DecodeError, ValidationError):
        said = f"It runs (process {note.pid}) at {note.public_url}, and how it was started cannot be read."
        return settings, warn("service", said, "Run this as the service's user.")
    simulated = any(each.simulated for each in real.engines)
    settings = settings.model_copy(
        update={
            "host": real.host,
            "port": real.port,
            "operator_host": real.operator_host,
            "operator_port": real.operator_port,
            "engines": settings.engines if simulated else real.engines,
        }
    )
    where = f"It runs (process {note.pid}) at {note.public_url}, the console at {note.operator_url}."
    if simulated:
        return settings, warn(
            "service",
            f"{where} Its engine is the simulator: answers are made up.",
            "Start it with --engine URL, or name one in [[engines]].",
        )
    return settings, ok("service", where)
