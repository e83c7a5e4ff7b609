"""Ending everything that opens an account."""

from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncSession

from pontlevis.link.messages import CredentialRecord
from pontlevis.storage.tables.accounts import AccountRow, KeyRow, SessionRow


async def end_all(
    session: AsyncSession, row: AccountRow, now: float, *, keys: bool = True, sessions: bool = True
) -> list[CredentialRecord]:
    """Ends with ``sessions`` every session and familiar place of an account, and with ``keys`` its keys.

    Returns what gateways must forget.
    """
    gone: list[str] = []
    if keys:
        revoked = await session.scalars(
            update(KeyRow)
            .where(KeyRow.account_id == row.id, KeyRow.revoked_at.is_(None))
            .values(revoked_at=now)
            .returning(KeyRow.id)
        )
        gone.extend(revoked.all())
    if sessions:
        ended = await session.scalars(
            delete(SessionRow).where(SessionRow.account_id == row.id).returning(SessionRow.id)
        )
        gone.extend(ended.all())
        row.familiar = ""
    return [CredentialRecord(each, row.id, b"", revoked=True) for each in gone]
