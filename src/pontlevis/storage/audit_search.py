"""Looks things up in the audit log."""

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pontlevis.storage.tables.control import AuditRow

SCANNED = 20_000
"""Of the newest lines: a search looks no further back, so that it cannot hold the database up."""


async def search_audit(
    session: AsyncSession,
    *,
    actor: str = "",
    event: str = "",
    words: str = "",
    before: int = 0,
    most: int = 100,
) -> list[AuditRow]:
    """The newest lines first. ``actor`` and ``words`` (in subject or detail) may be parts, in any case; ``event`` is the
    beginning of one; ``before`` is a line's id, to read on from it."""
    wanted = select(AuditRow).order_by(AuditRow.id.desc()).limit(most)
    if before > 0:
        wanted = wanted.where(AuditRow.id < before)
    if actor or event or words:
        newest = await session.scalar(select(func.max(AuditRow.id))) or 0
        wanted = wanted.where(AuditRow.id > (min(before, newest) if before else newest) - SCANNED)
    if actor:
        wanted = wanted.where(AuditRow.actor.icontains(actor, autoescape=True))
    if event:
        wanted = wanted.where(AuditRow.event.startswith(event, autoescape=True))
    if words:
        wanted = wanted.where(
            or_(
                AuditRow.subject.icontains(words, autoescape=True),
                AuditRow.detail.icontains(words, autoescape=True),
            )
        )
    return list(await session.scalars(wanted))
