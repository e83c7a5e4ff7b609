"""The command line, one file per command."""

from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from pontlevis import __version__

COMMANDS = {
    "up": "up:up",
    "serve": "up:serve",
    "respond": "respond:command",
    "doctor": "doctor:command",
    "drill": "drill:command",
    "simulate": "simulate:command",
    "backtest": "backtest:command",
    "investigate": "investigate:command",
    "report": "report:command",
    "engine-sim": "engine_sim:command",
    "keys": "keys:app",
    "accounts": "accounts:app",
    "invitations": "invitations:app",
    "posture": "posture:app",
    "registration": "registration:app",
    "incidents": "incidents:app",
    "maintenance": "maintenance:app",
    "status": "status:app",
    "roles": "roles:app",
    "alerts": "alerts:app",
    "policy": "policy:app",
    "audit": "audit:app",
    "secrets": "secrets:app",
    "data": "data:app",
    "evidence": "evidence:app",
}
"""Where each is, as module and name; in the order of the help."""


class _OnDemand(MutableMapping[str, Any]):
    """Commands by name, each imported when it is asked for: all together they take longer than a service to start."""

    def __init__(self) -> None:
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            module, _, attribute = COMMANDS[name].partition(":")
            found = getattr(import_module(f"pontlevis.cli.{module}"), attribute)
            holder = typer.Typer(rich_markup_mode="markdown")
            if isinstance(found, typer.Typer):
                holder.add_typer(found, name=name)
            else:
                holder.command(name)(found)
            self._loaded[name] = typer.main.get_group(holder).commands[name]
        return self._loaded[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class _Commands(TyperGroup):
    """The group of all commands."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = _OnDemand()


app = typer.Typer(
    name="pontlevis",
    cls=_Commands,
    help="A self-hosted front door for LLM services that holds when it is attacked.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    rich_markup_mode="markdown",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pontlevis {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_show_version, is_eager=True, help="Print the version and stop."
    ),
) -> None:
    pass


def main() -> None:
    """Entry point of the ``pontlevis`` command."""
    app()
