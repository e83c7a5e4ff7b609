"""Keys in the database of a service that does not run."""

import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from pontlevis.accounts.errors import AccountError
from pontlevis.accounts.keeping import take_keys
from pontlevis.accounts.ports import NobodyWatches
from pontlevis.accounts.rooms import Site
from pontlevis.accounts.sealing import KeyFiles
from pontlevis.accounts.service import Accounts
from pontlevis.brain.credential import CredentialCodec
from pontlevis.cli.common import fail, who
from pontlevis.cli.offline import on_database
from pontlevis.config import Settings
from pontlevis.runtime import DataDirectory
from pontlevis.storage.audit import record_audit
from pontlevis.storage.database import Database
from pontlevis.storage.migrate import upgrade
from pontlevis.web.keys_bodies import key_answer, new_key_answer
from pontlevis.web.operator_accounts import KeyBody
from pontlevis.web.operator_keys import (
    ChangedKeyAnswer,
    OperatorChangeBody,
    OperatorRotationBody,
    RevokeBody,
    owned_keys_answer,
    revoked_answer,
)

Answer = dict[str, Any]
"""A decoded JSON object."""


def answer(
    settings: Settings,
    method: str,
    path: str,
    body: Mapping[str, object],
    query: dict[str, str],
    actor: str,
) -> Answer:
    """What the operator's API would say, from the database of a service that does not run."""

    async def act(database: Database, _: KeyFiles) -> BaseModel:
        try:
            return await _answer(_rooms(settings, database), method, path, body, query, actor)
        except ValidationError as error:
            fail("; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()))
        except AccountError as error:
            fail(str(error))

    return on_database(settings, act).model_dump(mode="json")


async def _answer(
    accounts: Accounts,
    method: str,
    path: str,
    body: Mapping[str, object],
    query: dict[str, str],
    actor: str,
) -> BaseModel:
    if method == "GET":
        found = await accounts.find_keys(email=query.get("email", ""), limit=int(query.get("limit", "100")))
        return owned_keys_answer(found)
    key = path.split("/")[3]
    if method == "PATCH":
        asked = OperatorChangeBody.model_validate(body)
        change = asked.change(accounts.clock())
        changed = await accounts.change_any_key(
            key, change, actor=actor, reason=asked.reason, narrow_only=False
        )
        return ChangedKeyAnswer(
            key=key_answer(changed.key), differences=list(changed.differences),
            narrowed=list(changed.narrowed), revoked=list(changed.revoked),
        )  # fmt: skip
    if path.endswith("/rotate"):
        turned = OperatorRotationBody.model_validate(body)
        made = await accounts.rotate_any_key(
            key, actor=actor, reason=turned.reason, overlap_s=turned.overlap_s
        )
        return new_key_answer(made)
    named = RevokeBody.model_validate(body)
    done = await accounts.revoke_any_keys(
        named.keys, email=named.email, actor=actor, reason=named.reason, apply=named.apply
    )
    return revoked_answer(done)


def _rooms(settings: Settings, database: Database) -> Accounts:
    """The account rooms, where no gateway has to be told."""
    nobody = NobodyWatches()
    return Accounts(
        database,
        CredentialCodec(DataDirectory(settings.data).peppers(), time.time()),
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


async def make_key(settings: Settings, body: Mapping[str, object]) -> str:
    """A key's text; makes the database where there is none, and the account. Raises ``AccountError``, ``ValueError``."""
    wanted = KeyBody.model_validate(body)
    directory = DataDirectory(Path(settings.data))
    directory.prepare()
    database = (
        Database(settings.database_url) if settings.database_url else Database.in_directory(directory.path)
    )
    accounts = _rooms(settings, database)
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
