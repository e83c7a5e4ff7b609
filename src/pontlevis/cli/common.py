"""What commands share: options, errors in words, the way to a running service."""

import getpass
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from pydantic import ValidationError

from pontlevis.config import EngineSettings, Settings, UnreadableConfig, load
from pontlevis.policy_file import BadPolicyFile
from pontlevis.runtime import DataDirectory

if TYPE_CHECKING:
    from pontlevis.investigation.tongue import Tongue

Data = Annotated[
    Path | None, typer.Option("--data", help="Directory of the service's database, keys and notes.")
]
Config = Annotated[
    Path | None, typer.Option("--config", help="Configuration file (default: pontlevis.toml here).")
]
Policy = Annotated[
    Path | None,
    typer.Option("--policy", help="Policy file: thresholds that can be changed while the service runs."),
]
By = Annotated[
    str | None, typer.Option("--by", help="Your name, for the audit log (default: who is logged in here).")
]
Language = Annotated[
    str | None,
    typer.Option("--language", help="en or fr (default: the first of the setting status.languages)."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def fail(message: str) -> NoReturn:
    """Ends the command with a sentence on standard error and status 1."""
    typer.secho(f"pontlevis: {message}", fg=typer.colors.RED, err=True)
    raise typer.Exit(1)


def tongue_of(settings: Settings, language: str | None) -> "Tongue":
    """The language asked for, or that of the site; ends the command for one that is not spoken here."""
    from pontlevis.investigation.tongue import Tongue

    try:
        return Tongue(language or settings.status.languages[0])
    except ValueError as error:
        fail(str(error))


def settings_from(
    *,
    config: Path | None = None,
    data: Path | None = None,
    host: str | None = None,
    port: int | None = None,
    operator_port: int | None = None,
    engines: list[str] | None = None,
    workers: int | None = None,
    policy: Path | None = None,
) -> Settings:
    """Settings as flags, environment and file give them; ends the command where one is wrong."""
    try:
        found = load(
            config,
            data=data,
            host=host,
            port=port,
            operator_port=operator_port,
            engines=tuple(EngineSettings(url=each) for each in engines) if engines else None,
            policy_file=policy,
        )
        if workers is None:
            return found
        return found.model_copy(update={"gateway": replace(found.gateway, workers=workers)})
    except (FileNotFoundError, UnreadableConfig, BadPolicyFile) as error:
        fail(str(error))
    except ValidationError as error:
        lines = [f"  {'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors()]
        fail("the configuration is not valid:\n" + "\n".join(lines))


def who() -> str:
    """For the audit log: who typed the command."""
    try:
        return f"{getpass.getuser()} (command line)"
    except (OSError, KeyError):
        return "command line"


class Running:
    """The operator's API of a running service, over its private socket."""

    def __init__(self, data: Path, by: str | None = None, *, timeout_s: float = 15.0) -> None:
        # Not above: with its own command line it takes as long to import as all that `up` needs.
        import httpx

        note = DataDirectory(data).running()
        if note is None:
            fail(f"no Pontlevis runs on {data} (start one with: pontlevis up --data {data})")
        self.note = note
        self._errors = httpx.HTTPError
        self._client = httpx.Client(
            transport=httpx.HTTPTransport(uds=note.operator_socket),
            base_url=f"http://{note.operator_url.partition('://')[2]}",
            timeout=timeout_s,
            headers={"x-pontlevis-actor": (by or who()).encode("ascii", "replace").decode()},
        )

    def call(
        self,
        method: str,
        path: str,
        body: dict[str, object] | None = None,
        *,
        query: dict[str, str] | None = None,
    ) -> object:
        """The decoded answer; ends the command where the service refuses."""
        try:
            answer = self._client.request(method, path, json=body, params=query)
        except self._errors as error:
            fail(f"the service does not answer: {error}")
        if answer.is_success:
            return answer.json() if answer.content else None
        try:
            message = str(answer.json()["error"]["message"])
        except (ValueError, KeyError, TypeError):
            message = f"the service answers {answer.status_code}"
        fail(message)
