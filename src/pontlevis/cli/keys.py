"""``pontlevis keys``: make API keys for people and load tests."""

import asyncio
import secrets
import time
from pathlib import Path
from typing import Annotated

import typer

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
    as_json: Json = False,
) -> None:
    """Make a key, and the account if need be; the key stands alone on the last line.

    Example: `pontlevis keys create ada@example.com --paid`
    """
    settings = settings_from(config=config, data=data)
    if DataDirectory(settings.data).running() is not None:
        body: dict[str, object] = {"email": email, "name": name, "paid": paid, "unlimited": unlimited}
        made = Running(settings.data).call("POST", "/api/keys", body)
        key = str(made["key"]) if isinstance(made, dict) else ""
    else:
        try:
            key = asyncio.run(_make_offline(settings, email, name, paid, unlimited))
        except ValueError as error:
            fail(str(error))
    if as_json:
        import json

        typer.echo(json.dumps({"email": email, "name": name, "key": key}))
    else:
        typer.echo(f"A key for {email}; it is shown this once:")
        typer.echo(key)


async def _make_offline(settings: Settings, email: str, name: str, paid: bool, unlimited: bool) -> str:
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
        key = await accounts.make_key(email, name=name, paid=paid, unlimited=unlimited)
        owner = await accounts.find_account(email)
        async with database.session() as session:
            await record_audit(
                session, at=time.time(), actor=who(), event="operator:key:made",
                subject=owner.id if owner is not None else "", detail=name,
            )  # fmt: skip
        return key
    finally:
        await database.close()
