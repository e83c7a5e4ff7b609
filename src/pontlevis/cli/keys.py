"""``pontlevis keys``: make API keys for people and load tests."""

import asyncio
import secrets
import time
from pathlib import Path
from typing import Annotated

import typer

from pontlevis.accounts.errors import AccountError
from pontlevis.cli.common import Config, Data, Json, Running, fail, settings_from, who
from pontlevis.config import Settings
from pontlevis.runtime import DataDirectory

app = typer.Typer(help="Make API keys.", no_args_is_help=True)


@app.command()
def create(
    email: str,
    data: Data = None,
    config: Config = None,
    name: Annotated[str, typer.Option("--name", help="What the key is for.")] = "command line",
    paid: Annotated[bool, typer.Option("--paid", help="The account has paid.")] = False,
    unlimited: Annotated[
        bool, typer.Option("--unlimited", help="The account has no limits of its own.")
    ] = False,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model", help="A model, or a pattern with *, that the key may use; repeatable. None: all."
        ),
    ] = None,
    endpoint: Annotated[
        list[str] | None,
        typer.Option("--endpoint", help="For instance chat/completions; repeatable. None: all of inference."),
    ] = None,
    days: Annotated[float, typer.Option("--days", help="Until it expires; 0: never.")] = 0.0,
    requests_per_minute: Annotated[
        int, typer.Option("--requests-per-minute", help="The key's own limit; 0: the account's.")
    ] = 0,
    tokens_per_minute: Annotated[
        int, typer.Option("--tokens-per-minute", help="The key's own limit; 0: the account's.")
    ] = 0,
    requests_per_day: Annotated[
        int, typer.Option("--requests-per-day", help="The key's own limit; 0: the account's.")
    ] = 0,
    tokens_per_day: Annotated[
        int, typer.Option("--tokens-per-day", help="The key's own limit; 0: the account's.")
    ] = 0,
    concurrent: Annotated[
        int, typer.Option("--concurrent", help="The key's requests at once; 0: the account's.")
    ] = 0,
    as_json: Json = False,
) -> None:
    """Make a key, and the account if need be; the key stands alone on the last line.

    Example: `pontlevis keys create ada@example.com --paid --model "llama*" --days 90`
    """
    own = {"requests_per_minute": requests_per_minute, "tokens_per_minute": tokens_per_minute,
           "requests_per_day": requests_per_day, "tokens_per_day": tokens_per_day, "concurrent": concurrent}  # fmt: skip
    limits = {name: most for name, most in own.items() if most}
    body: dict[str, object] = {"email": email, "name": name, "paid": paid, "unlimited": unlimited,
                               "models": model or [], "endpoints": endpoint or []}  # fmt: skip
    if limits:
        body["limits"] = limits
    if days:
        body["expires_in_s"] = days * 86_400.0
    settings = settings_from(config=config, data=data)
    if DataDirectory(settings.data).running() is not None:
        made = Running(settings.data).call("POST", "/api/keys", body)
        key = str(made["key"]) if isinstance(made, dict) else ""
    else:
        try:
            key = asyncio.run(_make_offline(settings, body))
        except (ValueError, AccountError) as error:
            fail(str(error))
    if as_json:
        import json

        typer.echo(json.dumps({"email": email, "name": name, "key": key}))
    else:
        typer.echo(f"A key for {email}; it is shown this once:")
        typer.echo(key)


async def _make_offline(settings: Settings, body: dict[str, object]) -> str:
    """Works on the database of a service that does not run."""
    from pontlevis.accounts.keeping import take_keys
    from pontlevis.accounts.ports import NobodyWatches
    from pontlevis.accounts.rooms import Site
    from pontlevis.accounts.sealing import KeyFiles
    from pontlevis.accounts.service import Accounts
    from pontlevis.brain.credential import CredentialCodec
    from pontlevis.storage.audit import record_audit
    from pontlevis.storage.database import Database
    from pontlevis.storage.migrate import upgrade
    from pontlevis.web.operator_accounts import KeyBody

    wanted = KeyBody.model_validate(body)

    directory = DataDirectory(Path(settings.data))
    directory.prepare()
    database = (
        Database(settings.database_url) if settings.database_url else Database.in_directory(directory.path)
    )
    nobody = NobodyWatches()
    accounts = Accounts(
        database,
        CredentialCodec(directory.pepper()),
        settings.accounts,
        settings.standing,
        nobody,
        nobody,
        time.time,
        secrets.token_bytes,
        challenge=settings.challenge,
        mail=settings.mail,
        site=Site(settings.name, settings.base_url),
    )
    try:
        await upgrade(database)
        await take_keys(database, KeyFiles(directory.path, settings.safety.seal_keys))
        key = await accounts.make_key(
            wanted.email,
            name=wanted.name,
            paid=wanted.paid,
            unlimited=wanted.unlimited,
            scope=wanted.scope(),
            expires_at=wanted.expires_at(time.time()),
        )
        owner = await accounts.find_account(wanted.email)
        async with database.session() as session:
            await record_audit(
                session, at=time.time(), actor=who(), event="operator:key:made",
                subject=owner.id if owner is not None else "", detail=wanted.name,
            )  # fmt: skip
        return key
    finally:
        await database.close()
