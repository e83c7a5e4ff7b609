"""What was issued and holds: counted before a rotation that may end it."""

from dataclasses import dataclass

from sqlalchemy import func, or_, select

from pontlevis.storage.database import Database
from pontlevis.storage.tables.accounts import AccountRow, KeyRow, SessionRow
from pontlevis.storage.tables.gate import InvitationRow, LinkRow


@dataclass(frozen=True, slots=True)
class Issued:
    """Tokens that open something or will, by kind."""

    keys: int
    sessions: int
    links: int
    invitations: int
    accounts_with_devices: int
    """Nothing is kept of a device; so many accounts have places from which their owners logged in."""


async def count_issued(database: Database, now: float) -> Issued:
    """``now``: Unix seconds."""
    questions = (
        select(func.count())
        .select_from(KeyRow)
        .where(KeyRow.revoked_at.is_(None), or_(KeyRow.expires_at.is_(None), KeyRow.expires_at > now)),
        select(func.count()).select_from(SessionRow).where(SessionRow.expires_at > now),
        select(func.count()).select_from(LinkRow).where(LinkRow.expires_at > now),
        select(func.count())
        .select_from(InvitationRow)
        .where(
            InvitationRow.used_at.is_(None),
            InvitationRow.revoked_at.is_(None),
            InvitationRow.expires_at > now,
        ),
        select(func.count())
        .select_from(AccountRow)
        .where(AccountRow.familiar != "", AccountRow.disabled == ""),
    )
    async with database.session() as session:
        found = [int(await session.scalar(each) or 0) for each in questions]
    return Issued(*found)
