"""``pontlevis doctor``: is all well, and what would this policy have done in the last day."""

import asyncio
import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from pydantic import ValidationError

from pontlevis.cli.common import Config, Data, Json, Policy
from pontlevis.config import Settings, UnreadableConfig, load
from pontlevis.doctor.check import Check, Level, failed, ok
from pontlevis.doctor.yesterday import Yesterday, replay_journal
from pontlevis.policy_file import BadPolicyFile
from pontlevis.runtime import DataDirectory

COLOURS = {Level.OK: typer.colors.GREEN, Level.WARN: typer.colors.YELLOW, Level.FAIL: typer.colors.RED}
SHOWN = 12
"""Lines of one kind that people are shown; --json has all."""


def command(
    config: Config = None,
    data: Data = None,
    policy: Policy = None,
    last: Annotated[
        float, typer.Option("--last", min=0.0, max=24 * 31, help="Hours of the journal to replay; 0: none.")
    ] = 24.0,
    as_json: Json = False,
) -> None:
    """Check configuration, files, database and engines, and replay the last day under this policy.

    Ends with status 1 where a check fails, else 0.

    Example: `pontlevis doctor --policy new-policy.toml`
    """
    from pontlevis.doctor.evidence_kept import check_evidence
    from pontlevis.doctor.leaks import check_leaks, check_secrets
    from pontlevis.doctor.machine import check_machine, check_services
    from pontlevis.doctor.service import as_started
    from pontlevis.doctor.thresholds import check_thresholds

    settings, checks = _settings(config, data, policy)
    note = DataDirectory(settings.data).running() if settings is not None else None
    if settings is not None and note is not None and config is None:
        # A file that was named is asked about as it stands, before anybody starts a service with it.
        settings, service = as_started(settings, note)
        checks.append(service)
    yesterday: Yesterday | None = None
    if settings is not None:
        now = time.time()
        checks += [
            *check_thresholds(settings),
            *check_machine(settings, now),
            *check_secrets(settings),
            *check_evidence(settings, now),
        ]

        async def ask() -> list[Check]:
            services = [check async for check in check_services(settings)]
            return services + [
                check async for check in check_leaks(settings, running=note.public_url if note else None)
            ]

        checks += asyncio.run(ask())
        if not as_json:
            _print(checks)
        if last > 0:
            yesterday = _replay(settings, now - last * 3_600, now, quiet=as_json)
    elif not as_json:
        _print(checks)
    if as_json:
        body = {"checks": checks, "yesterday": yesterday}
        typer.echo(msgspec.json.format(msgspec.json.encode(body), indent=2).decode())
    elif yesterday is not None:
        _tell(yesterday)
    elif settings is not None and last > 0:
        typer.echo("\nThe journal holds nothing of that time: there is nothing to replay.")
    if any(each.level is Level.FAIL for each in checks):
        raise typer.Exit(1)


def _settings(
    config: Path | None, data: Path | None, policy: Path | None
) -> tuple[Settings | None, list[Check]]:
    """The settings, or as checks everything that is wrong with the files."""
    try:
        settings = load(config, data=data, policy_file=policy)
    except (FileNotFoundError, UnreadableConfig) as error:
        return None, [failed("configuration", str(error), "Correct the file, or name another with --config.")]
    except BadPolicyFile as error:
        return None, [
            failed("policy file", each, "Correct it; a running service keeps the policy it has.")
            for each in error.problems
        ]
    except ValidationError as error:
        return None, [
            failed(
                "configuration",
                f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}",
                "Correct it.",
            )
            for each in error.errors()
        ]
    said = f" under {settings.policy_file}" if settings.policy_file is not None else ""
    return settings, [ok("configuration", f"Every setting is known and within its bounds{said}.")]


def _replay(settings: Settings, since: float, until: float, *, quiet: bool) -> Yesterday | None:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from pontlevis.evidence.journal import FOLDER

    bar = Progress(
        TextColumn("Replaying the journal"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=quiet,
    )
    with bar:
        task = bar.add_task("", total=1.0)
        return replay_journal(
            settings.data / FOLDER,
            settings,
            since=since,
            until=until,
            progress=lambda share: bar.update(task, completed=share),
        )


def _print(checks: list[Check]) -> None:
    for each in checks:
        typer.echo(
            f"{typer.style(f'{each.level.value:<5}', fg=COLOURS[each.level])} {each.name}: {each.says}"
        )
        if each.todo:
            typer.echo(f"        {each.todo}")


def _tell(found: Yesterday) -> None:
    real = found.really
    hours = real.seconds / 3_600
    typer.echo(f"\nThe last {hours:.1f} h that the service ran, {real.observations:,} acts:")
    if real.sampled:
        typer.echo(f"  {real.sampled:,} of them are known by sampling: their sources are undercounted.")
    if real.dropped:
        typer.echo(f"  {real.dropped:,} observations were not kept.")
    typer.echo(f"{'':28}{'really':>12}{'this policy':>14}")
    for name, was, would in (
        ("registrations suspended", real.suspended_s, found.suspended_s),
        *(
            (f"posture {each}", real.posture_s.get(each, 0.0), found.posture_s.get(each, 0.0))
            for each in ("elevated", "under_attack", "recovering")
        ),
    ):
        typer.echo(f"  {name:<26}{was / 60:>9.1f} min{would / 60:>10.1f} min")
    hostile = sum(each.hostile for each in found.findings)
    typer.echo(
        f"  It would have made {len(found.findings)} findings ({hostile} hostile) and {found.decisions_made} decisions."
    )
    _list("Really", [f"{_at(each.at)} {each.posture}, registration {each.registration} {each.share:.0%}, by {each.actor}: {each.reason}" for each in real.changes])  # fmt: skip
    _list("This policy", [f"{each.at} {each.posture}: {each.reason}" for each in found.postures])
    _list("Findings", [f"{each.at} {each.detector}: {each.reason}" for each in found.findings])
    _list("Decisions", [f"{each.at} {each.scope} {each.value} until {each.until}: {each.reason}" for each in found.decisions])  # fmt: skip


def _list(title: str, lines: list[str]) -> None:
    if not lines:
        return
    typer.echo(f"{title}:")
    for line in lines[:SHOWN]:
        typer.echo(f"  {line}")
    if len(lines) > SHOWN:
        typer.echo(f"  … and {len(lines) - SHOWN} more (--json has them)")


def _at(at: float) -> str:
    from datetime import UTC, datetime

    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
