"""How a database and its keys come together at a start: nothing is served before what it holds is sealed."""

import logging

from sqlalchemy import String, select, type_coerce

from pontlevis.accounts.emails import email_key
from pontlevis.accounts.lookup_keys import UNNAMED, one_waits
from pontlevis.accounts.lookup_rotation import left_under_former
from pontlevis.accounts.rehashing import count_lookups, rehash
from pontlevis.accounts.resealing import Resealed, anything_sealed, count_by_key, reseal
from pontlevis.accounts.sealing import BadKeyFile, KeyFiles, Sealer
from pontlevis.storage.audit import audit_key, head_of, write_head
from pontlevis.storage.database import Database
from pontlevis.storage.tables.accounts import AccountRow
from pontlevis.storage.tables.control import AuditHeadRow

log = logging.getLogger("pontlevis.accounts")


async def take_keys(database: Database, files: KeyFiles) -> Sealer:
    """Opens or makes the keys, checks that they are this database's, and seals what is not sealed yet.

    Raises ``BadKeyFile`` rather than make fresh keys beside values that need the lost ones.
    """
    if not files.there and await anything_sealed(database):
        raise BadKeyFile(
            f"addresses in the database are sealed and {files.seal_file} or {files.lookup_file} is missing; "
            "restore both from the backup of the data directory's secrets"
        )
    fresh = files.make()
    sealer = files.sealer()
    held = await count_by_key(database)
    strange = {name: count for name, count in held.items() if name and name not in sealer.key_ids}
    if strange:
        raise BadKeyFile(
            f"{sum(strange.values())} values are sealed with keys {', '.join(sorted(strange))}, which are not in "
            f"{files.seal_file}; restore that file from its backup"
        )
    database.use_keys(seals=sealer, audit=files.audit_key())
    await _check_lookup(database, sealer, files)
    if fresh:
        await _sign_head(database)
    if set(held) - {sealer.newest}:
        told = await reseal(database, sealer)
        log.warning("data:seals:brought_up_to_date values=%d unopened=%d", told.done, told.unopened)
    if not one_waits(sealer.lookup_keys) and await left_under_former(database, sealer):
        again = await rehash(database, sealer)
        log.warning("data:lookups:brought_up_to_date rows=%d lost=%d", again.done, again.lost + again.doubled)
    if "" in held:
        await database.scrub()
    return sealer


async def rotate(database: Database, files: KeyFiles, sealer: Sealer, *, drop_old: bool) -> Resealed:
    """A fresh key, and everything under it; with ``drop_old`` the older keys go once nothing needs them.

    Stopped half-way, it goes on at the next start or rotation: older keys open until they are dropped.
    """
    sealer.take(files.add())
    told = await reseal(database, sealer)
    if drop_old and not told.unopened and not set(await count_by_key(database)) - {sealer.newest, ""}:
        sealer.take(files.keep_newest())
    return told


async def _check_lookup(database: Database, sealer: Sealer, files: KeyFiles) -> None:
    """An account that cannot be found by its own address would be locked out without a word."""
    foreign = BadKeyFile(
        f"{files.lookup_file} is not the one with which this database was written; restore it from its backup, "
        "or, where it is lost, hash every address anew: pontlevis secrets rotate lookup"
    )
    known = {each.prefix for each in sealer.lookup_keys}
    held = (await count_lookups(database))[AccountRow.__tablename__]
    if any(prefix and count and prefix not in known for prefix, count in held.items()):
        raise foreign
    async with database.session() as session:
        kept = type_coerce(AccountRow.email_key, String)
        found = (
            await session.execute(select(AccountRow.email, kept).where(kept.startswith(UNNAMED)).limit(1))
        ).first()
    if found is None or not found[0]:
        return
    if found[1] not in [each.hash(email_key(found[0]), "email") for each in sealer.lookup_keys]:
        raise foreign


async def _sign_head(database: Database) -> None:
    """The chain was made before there was a key; only at the very first start with one."""
    async with database.session() as session:
        row = await session.get(AuditHeadRow, 1)
        if row is None:
            return
        head, key = head_of(row), audit_key(database.engine.sync_engine)
        await session.run_sync(lambda held: write_head(held.connection(), head, key))
