"""The audit log: who changed what, by the grammar ``source:subject:action``."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pontlevis.storage.tables.control import AuditRow


async def record_audit(
    session: AsyncSession, *, at: float, actor: str, event: str, subject: str = "", detail: str = ""
) -> None:
    """Adds one line within the caller's transaction, so that the change and its record stand or fall together.

    ``at`` is Unix seconds.
    """
    session.add(
        AuditRow(at=at, actor=actor[:200], event=event, subject=subject[:200], detail=detail[:10_000])
    )


async def recent_audit(session: AsyncSession, *, most: int = 100) -> list[AuditRow]:
    """The newest lines first."""
    rows = await session.scalars(select(AuditRow).order_by(AuditRow.id.desc()).limit(most))
    return list(rows)
