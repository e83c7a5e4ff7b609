"""Two controllers that invite from one waitlist, on SQLite and on PostgreSQL."""

import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy import func, select
from test_storage_databases import START, Nobody, accounts_on, database, postgresql

from pontlevis.accounts.service import Accounts
from pontlevis.accounts.waitlist import Waitlist
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import Posture, RegistrationMode
from pontlevis.storage.database import Database
from pontlevis.storage.tables.accounts import WaitlistRow
from pontlevis.storage.tables.gate import InvitationRow, LetterRow

__all__ = ["database", "postgresql"]
PEOPLE = 20


async def _stage(database: Database, share: float) -> list[Accounts]:
    """Two controllers' rooms on one database, with people who wait and a stage that lets a share of them in."""
    state = PostureState(
        posture=Posture.RECOVERING,
        registration=RegistrationMode.WAITLIST if share < 1 else RegistrationMode.OPEN,
        registration_since=START,
        registration_share=share,
    )
    rooms = [await accounts_on(database) for _ in range(2)]
    async with database.session() as session:
        for number in range(PEOPLE):
            address = f"p{number}@example.com"
            session.add(WaitlistRow(email=address, email_key=address, created_at=START - 100 + number))
    for each in rooms:
        assert isinstance(each.watch, Nobody)
        each.watch.posture = state
    return rooms


async def _found(database: Database) -> tuple[int, int, int]:
    """Rows invited, invitations, letters."""
    async with database.session() as session:
        invited = await session.scalar(
            select(func.count()).select_from(WaitlistRow).where(WaitlistRow.invited_at.is_not(None))
        )
        links = await session.scalar(select(func.count()).select_from(InvitationRow))
        letters = await session.scalar(select(func.count()).select_from(LetterRow))
    return int(invited or 0), int(links or 0), int(letters or 0)


@pytest.mark.parametrize("share", [0.25, 1.0])
async def test_two_controllers_at_once_invite_each_person_once_and_no_more_than_the_share(
    database: Database, share: float
) -> None:
    """Whoever comes second takes nothing; and the beat after finds that all who may are invited."""
    rooms = await _stage(database, share)
    try:
        for _ in range(3):
            await asyncio.gather(*(each.invite_waiting() for each in rooms))
        most = int(PEOPLE * share)
        assert await _found(database) == (most, most, most)
    finally:
        for each in rooms:
            await each.close()


async def test_one_that_counted_before_the_other_invited_takes_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The moment between counting and claiming, held open: without the claim's own look it invites twice the share."""
    one, two = await _stage(database, 0.5)
    counted, go = asyncio.Event(), asyncio.Event()
    claim = Waitlist._claim

    async def slow(self: Waitlist, *given: object) -> Sequence[WaitlistRow]:
        if self is one:
            counted.set()
            await go.wait()
        return await claim(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(Waitlist, "_claim", slow)
    try:
        first = asyncio.create_task(one.invite_waiting())
        await counted.wait()
        assert await two.invite_waiting() == PEOPLE // 2
        go.set()
        assert await first == 0
        assert await _found(database) == (PEOPLE // 2,) * 3
    finally:
        await one.close()
        await two.close()
