"""The command line, one file per command."""

import typer

from pontlevis import __version__
from pontlevis.cli import (
    accounts,
    alerts,
    audit,
    backtest,
    data,
    doctor,
    drill,
    engine_sim,
    evidence,
    incidents,
    investigate,
    invitations,
    keys,
    maintenance,
    policy,
    posture,
    registration,
    report,
    respond,
    roles,
    secrets,
    simulate,
    status,
    up,
)

app = typer.Typer(
    name="pontlevis",
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


app.command("up")(up.up)
app.command("serve")(up.serve)
app.add_typer(keys.app, name="keys")
app.add_typer(accounts.app, name="accounts")
app.add_typer(invitations.app, name="invitations")
app.add_typer(posture.app, name="posture")
app.add_typer(registration.app, name="registration")
app.add_typer(incidents.app, name="incidents")
app.add_typer(maintenance.app, name="maintenance")
app.add_typer(status.app, name="status")
app.add_typer(roles.app, name="roles")
app.add_typer(alerts.app, name="alerts")
app.add_typer(policy.app, name="policy")
app.add_typer(audit.app, name="audit")
app.add_typer(secrets.app, name="secrets")
app.add_typer(data.app, name="data")
app.command("respond")(respond.command)
app.command("doctor")(doctor.command)
app.command("drill")(drill.command)
app.command("simulate")(simulate.command)
app.command("backtest")(backtest.command)
app.add_typer(evidence.app, name="evidence")
app.command("investigate")(investigate.command)
app.command("report")(report.command)
app.command("engine-sim")(engine_sim.command)


def main() -> None:
    """Entry point of the ``pontlevis`` command."""
    app()
