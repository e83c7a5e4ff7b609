"""Ending everything that opens an account."""

from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncSession

from pontlevis.link.messages import CredentialRecord
from pontlevis.storage.tables.accounts import AccountRow, KeyRow, SessionRow
from pontlevis.storage.tables.factors import LoginTicketRow


async def end_all(
    session: AsyncSession, row: AccountRow, now: float, *, keys: bool = True, sessions: bool = True
) -> list[CredentialRecord]:
    """Ends with ``sessions`` every session, half-finished log-in and familiar place of an account, with ``keys`` its keys.

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
        # Whoever gave the password before it was changed does not come in with a code after it.
        await session.execute(delete(LoginTicketRow).where(LoginTicketRow.account_id == row.id))
        row.familiar = ""
    return [CredentialRecord(each, row.id, b"", revoked=True) for each in gone]
