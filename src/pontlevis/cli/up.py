"""``pontlevis up`` and ``pontlevis serve``."""

from typing import Annotated

import typer

from pontlevis import __version__
from pontlevis.cli.common import Config, Data, Policy, fail, settings_from
from pontlevis.config import Settings
from pontlevis.gateway.policy import MOST_WORKERS

Host = Annotated[str | None, typer.Option("--host", help="Public address to listen on (default 127.0.0.1).")]
Port = Annotated[int | None, typer.Option("--port", help="Public port (default 8080).")]
OperatorPort = Annotated[int | None, typer.Option("--operator-port", help="Operator's port on 127.0.0.1 (default 8081).")]  # fmt: skip
Engines = Annotated[list[str] | None, typer.Option("--engine", help="Address of an OpenAI-compatible engine; may be repeated.")]  # fmt: skip

Workers = Annotated[int | None, typer.Option("--workers", min=1, max=MOST_WORKERS, help="Gateway processes that share the public port (default 1).")]  # fmt: skip


def up(
    engine: Engines = None,
    host: Host = None,
    port: Port = None,
    operator_port: OperatorPort = None,
    data: Data = None,
    config: Config = None,
    workers: Workers = None,
    policy: Policy = None,
) -> None:
    """Start everything on this machine; without an engine, with the engine simulator.

    Example: `pontlevis up --engine http://127.0.0.1:11434/v1`
    """
    settings = settings_from(
        config=config,
        data=data,
        host=host,
        port=port,
        operator_port=operator_port,
        engines=engine,
        workers=workers,
        policy=policy,
    )
    _run(settings, simulate=not settings.engines)


def serve(
    engine: Engines = None,
    host: Host = None,
    port: Port = None,
    operator_port: OperatorPort = None,
    data: Data = None,
    config: Config = None,
    workers: Workers = None,
    policy: Policy = None,
) -> None:
    """Start for production: like `up`, but never with the engine simulator.

    Example: `pontlevis serve --config /etc/pontlevis.toml`
    """
    settings = settings_from(
        config=config,
        data=data,
        host=host,
        port=port,
        operator_port=operator_port,
        engines=engine,
        workers=workers,
        policy=policy,
    )
    if not settings.engines:
        fail("no engine is named; add --engine URL or [[engines]] to the configuration")
    _run(settings, simulate=False)


def _run(settings: Settings, *, simulate: bool) -> None:
    from pontlevis.controller.supervisor import CannotStart, Supervisor

    supervisor = Supervisor(settings, simulate_engine=simulate)
    running = supervisor.settings

    def announce(link: str | None) -> None:
        lines = [
            f"Pontlevis {__version__} is up.",
            f"  Public    {running.base_url}   (pages, status, API at {running.base_url}/v1)",
            f"  Operator  {running.operator_url}   (console and operator's API)",
            f"  Data      {running.data}",
        ]
        if running.gateway.workers > 1:
            lines.append(f"  Workers   {running.gateway.workers} gateway processes")
        if simulate:
            lines.append(
                "  Engine    the engine simulator: answers are made up (name a real one with --engine URL)"
            )
        else:
            lines.extend(f"  Engine    {each.url}" for each in running.engines)
        if link is not None:
            lines.append(f"  First     {link}")
            lines.append("            makes the first operator; works once, and not for anybody else")
        typer.echo("\n".join(lines))

    try:
        supervisor.run(announce)
    except CannotStart as error:
        fail(str(error))
