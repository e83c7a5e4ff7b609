"""Whose turn it is: those on the waitlist get a link, in order, at the ramp's rate."""

from math import ceil

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from pontlevis.accounts.emails import email_key
from pontlevis.accounts.invitations import WAITLIST, Invitations
from pontlevis.accounts.mail.letter import LetterKind
from pontlevis.accounts.mail.outbox import leave, room_left
from pontlevis.brain.vocabulary import Posture, RegistrationMode
from pontlevis.storage.audit import record_audit
from pontlevis.storage.tables.accounts import AccountRow, WaitlistRow
from pontlevis.storage.tables.gate import InvitationRow


class Waitlist(Invitations):
    """Letters to those who waited."""

    async def invite_waiting(self) -> int:
        """Sends links to those whose turn has come; how many.

        Of those who joined before registration came back, as many are invited as the stage's share, first
        come first served; all of them once registration is open. Each gets one link, for their address alone.
        """
        state = self.watch.posture
        mode = state.registration
        if mode in (RegistrationMode.SUSPENDED, RegistrationMode.APPROVAL):
            return 0
        share = state.registration_share
        if mode is RegistrationMode.WAITLIST and state.posture is not Posture.RECOVERING:
            share = 0.0
        if share <= 0.0:
            return 0
        now = self.clock()
        async with self.database.session() as session:
            early = WaitlistRow.created_at < max(state.registration_since, 0.0)
            if mode is not RegistrationMode.WAITLIST and share >= 1.0:
                early = WaitlistRow.created_at <= now
            turned = early & (WaitlistRow.invited_at.is_not(None) | WaitlistRow.registered_at.is_not(None))
            counts = await session.execute(
                select(
                    select(func.count()).where(early).scalar_subquery(),
                    select(func.count()).where(turned).scalar_subquery(),
                )
            )
            whole, done = counts.one()
            most = min(
                ceil(share * int(whole)) - int(done),
                self.policy.turns_at_once,
                await room_left(session, self.mail_policy, now) // 2,
            )
            if most <= 0:
                return 0
            invited = 0
            for row in await self._claim(session, early, turned, int(done), most, now):
                # From the address: its hash may be of another look-up key than the account's.
                key = email_key(row.email) if row.email else row.email_key
                if await session.scalar(select(AccountRow.id).where(AccountRow.email_key == key)):
                    row.registered_at = now
                    continue
                session.add(
                    InvitationRow(
                        id=self.new_id(),
                        secret_hash=b"",
                        email=row.email,
                        email_key=key,
                        by_mail=1,
                        created_by=WAITLIST,
                        created_at=now,
                        expires_at=now + self.policy.turn_lifetime_s,
                        used_by="",
                    )
                )
                await leave(
                    session, self.mail_policy, LetterKind.TURN, row.email, language=row.language, source="", now=now
                )  # fmt: skip
                invited += 1
            if invited:
                await record_audit(
                    session, at=now, actor="waitlist", event="service:waitlist:invited",
                    detail=f"{invited} of {whole} whose turn came, at a share of {share:.2f}",
                )  # fmt: skip
        return invited

    async def _claim(
        self,
        session: AsyncSession,
        early: ColumnElement[bool],
        turned: ColumnElement[bool],
        done: int,
        most: int,
        now: float,
    ) -> list[WaitlistRow]:
        """The next in line, from now on invited by us, in one statement: of two controllers one has each row.

        Where the other has invited since we counted, ``done`` is not true any more, and where it is about to,
        our statement waits at its rows and finds them invited: either way we take nothing until the next beat,
        so that nobody gets two letters and the stage's share is kept.
        """
        so_far = select(func.count()).where(turned).correlate(None).scalar_subquery()
        turns = (
            select(WaitlistRow.id)
            .where(early, WaitlistRow.invited_at.is_(None), WaitlistRow.registered_at.is_(None))
            .order_by(WaitlistRow.id)
            .limit(most)
            .correlate(None)
        )
        won = await session.scalars(
            update(WaitlistRow)
            .where(
                so_far == done,
                WaitlistRow.id.in_(turns.scalar_subquery()),
                WaitlistRow.invited_at.is_(None),
                WaitlistRow.registered_at.is_(None),
            )
            .values(invited_at=now)
            .returning(WaitlistRow)
            .execution_options(synchronize_session=False)
        )
        return sorted(won, key=lambda each: each.id)

    async def waiting(self) -> int:
        """How many wait for their turn."""
        async with self.database.session() as session:
            found = await session.scalar(
                select(func.count())
                .select_from(WaitlistRow)
                .where(WaitlistRow.invited_at.is_(None), WaitlistRow.registered_at.is_(None))
            )
        return found or 0
