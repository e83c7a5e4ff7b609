"""How many letters there are in each state."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pontlevis.storage.tables.gate import LetterRow

STATES = ("waiting", "sent", "failed", "kept", "void")


async def count_letters(session: AsyncSession) -> dict[str, int]:
    """By state; every known one is there."""
    rows = await session.execute(select(LetterRow.state, func.count()).group_by(LetterRow.state))
    found = dict.fromkeys(STATES, 0)
    for state, count in rows:
        found[state] = count
    return found
