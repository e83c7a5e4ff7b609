"""A command is there without the others: what all of them import together takes longer than a service to start."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from pontlevis import cli
from surroundings import PATIENCE_S

LOOK = """
import sys, typer
from pontlevis.cli import app
taken = typer.main.get_command(app).commands[sys.argv[1]]
assert taken.name == sys.argv[1]
print(" ".join(sys.modules))
"""
HEAVY = {"sqlalchemy", "numpy", "fastapi", "cryptography", "httpx", "pontlevis.backtest", "pontlevis.doctor"}


@pytest.mark.parametrize("name", ["up", "serve", "engine-sim", "keys"])
def test_what_starts_a_service_waits_for_no_other_command(name: str) -> None:
    """Neither for their libraries nor for their rooms."""
    done = subprocess.run([sys.executable, "-c", LOOK, name], capture_output=True, text=True, timeout=PATIENCE_S, check=True)  # fmt: skip
    assert set(done.stdout.split()) & HEAVY == set()


def test_every_module_of_a_command_is_listed() -> None:
    """One that was forgotten could not be called, and no page would miss it."""
    listed = set(cli.COMMANDS.values())
    for path in Path(cli.__file__).parent.glob("*.py"):
        if path.stem == "__init__":
            continue
        module = importlib.import_module(f"pontlevis.cli.{path.stem}")
        for name in ("app", "command"):
            found = getattr(module, name, None)
            if isinstance(found, typer.Typer) or getattr(found, "__module__", "") == module.__name__:
                assert f"{path.stem}:{name}" in listed
