"""Whose turn it is: those on the waitlist get a link, in order, at the ramp's rate."""

from math import ceil

from sqlalchemy import func, select

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
            rows = await session.scalars(
                select(WaitlistRow)
                .where(early, WaitlistRow.invited_at.is_(None), WaitlistRow.registered_at.is_(None))
                .order_by(WaitlistRow.id)
                .limit(most)
            )
            invited = 0
            for row in rows.all():
                row.invited_at = now
                if await session.scalar(select(AccountRow.id).where(AccountRow.email_key == row.email_key)):
                    row.registered_at = now
                    continue
                session.add(
                    InvitationRow(
                        id=self.new_id(),
                        secret_hash=b"",
                        email=row.email,
                        email_key=row.email_key,
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

    async def waiting(self) -> int:
        """How many wait for their turn."""
        async with self.database.session() as session:
            found = await session.scalar(
                select(func.count())
                .select_from(WaitlistRow)
                .where(WaitlistRow.invited_at.is_(None), WaitlistRow.registered_at.is_(None))
            )
        return found or 0
