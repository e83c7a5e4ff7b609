"""Invitations: a way in that holds while registration is closed, for one person, once."""

from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from pontlevis.accounts.emails import check_email, email_key
from pontlevis.accounts.errors import AccountError
from pontlevis.accounts.letters import Letters
from pontlevis.accounts.mail.letter import LetterKind
from pontlevis.brain.credential import SECRET_BYTES, CredentialKind
from pontlevis.storage.audit import record_audit
from pontlevis.storage.tables.gate import InvitationRow

MOST_OPEN = 10_000
LONGEST_NOTE = 200
WAITLIST = "waitlist"
"""Who made an invitation that somebody on the waitlist got."""


@dataclass(frozen=True, slots=True)
class InvitationView:
    """An invitation without its secret. Times are Unix seconds."""

    id: str
    email: str
    note: str
    created_by: str
    created_at: float
    expires_at: float
    state: str
    """``open``, ``used``, ``revoked``, ``expired``."""


@dataclass(frozen=True, slots=True)
class NewInvitation:
    """A fresh invitation; its link is shown this once, and not at all where it went by mail."""

    view: InvitationView
    link: str
    mailed: bool

    def __repr__(self) -> str:
        return f"NewInvitation({self.view!r})"


class Invitations(Letters):
    """Made by operators, judged at the door."""

    async def invite(
        self,
        *,
        actor: str,
        email: str = "",
        note: str = "",
        lifetime_s: float | None = None,
        mail: bool = False,
        language: str = "en",
    ) -> NewInvitation:
        """Makes an invitation, for one address where ``email`` is given, and with ``mail`` sends it there.

        Raises ``AccountError``: 400 for a bad address or lifetime, 409 when too many are open, 429 when
        the letter may not be sent now.
        """
        now = self.clock()
        address = check_email(email) if email else ""
        if mail and not address:
            raise AccountError(400, "invalid_email", "an invitation by mail needs an address", param="email")
        lasts = self.policy.invitation_lifetime_s if lifetime_s is None else lifetime_s
        id_, token, hash_ = self.mint(CredentialKind.INVITATION, now)
        row = InvitationRow(
            id=id_,
            secret_hash=b"" if mail else hash_,
            email=address,
            email_key=email_key(address) if address else "",
            note=" ".join(note.split())[:LONGEST_NOTE],
            by_mail=int(mail),
            created_by=actor[:200],
            created_at=now,
            expires_at=now + lasts,
            used_by="",
        )
        async with self.database.session() as session:
            open_ones = await session.scalar(
                select(func.count()).where(
                    InvitationRow.used_at.is_(None),
                    InvitationRow.revoked_at.is_(None),
                    InvitationRow.expires_at > now,
                )
            )
            if (open_ones or 0) >= MOST_OPEN:
                raise AccountError(
                    409, "too_many_invitations", f"there are {MOST_OPEN} open invitations; revoke some first"
                )
            session.add(row)
            if mail and not await self.leave_letter(
                session, LetterKind.INVITATION, address, language=language
            ):
                raise AccountError(
                    429, "rate_limit_exceeded", "too many letters went there or in all; try again later",
                    retry_after_s=600,
                )  # fmt: skip
            await record_audit(
                session, at=now, actor=actor, event="operator:invitation:made", subject=id_, detail=row.note
            )  # fmt: skip
        return NewInvitation(_view(row, now), "" if mail else self.invitation_link(token), mail)

    async def list_invitations(self, most: int = 200) -> list[InvitationView]:
        """The newest first; those of the waitlist are left out."""
        now = self.clock()
        async with self.database.session() as session:
            rows = await session.scalars(
                select(InvitationRow)
                .where(InvitationRow.created_by != WAITLIST)
                .order_by(InvitationRow.created_at.desc())
                .limit(most)
            )
            return [_view(row, now) for row in rows]

    async def revoke_invitation(self, invitation: str, *, actor: str) -> InvitationView:
        """Raises ``AccountError`` 404 for one that is not open."""
        now = self.clock()
        async with self.database.session() as session:
            row = await session.get(InvitationRow, invitation)
            if row is None or row.used_at is not None or row.revoked_at is not None:
                raise AccountError(404, "not_found", "there is no such open invitation")
            row.revoked_at = now
            await record_audit(
                session, at=now, actor=actor, event="operator:invitation:revoked", subject=row.id
            )
        return _view(row, now)

    async def renew_secret(self, session: AsyncSession, key: str) -> str | None:
        """For the postman: a link for the open invitation that goes to this address by mail."""
        now = self.clock()
        row = await session.scalar(
            select(InvitationRow)
            .where(
                InvitationRow.email_key == key,
                InvitationRow.by_mail == 1,
                InvitationRow.used_at.is_(None),
                InvitationRow.revoked_at.is_(None),
                InvitationRow.expires_at > now,
            )
            .order_by(InvitationRow.created_at.desc())
            .limit(1)
        )
        if row is None:
            return None
        secret = self.entropy(SECRET_BYTES)
        row.secret_hash = self.codec.secret_hash(secret)
        return self.invitation_link(self.codec.mint(CredentialKind.INVITATION, row.id, int(now), secret))

    async def invitation_for(self, token: str, key: str | None = None) -> InvitationRow | None:
        """The open invitation behind a token, for this address (None: whatever address); None where it holds not."""
        found = self.codec.judge_ticket(token, CredentialKind.INVITATION)
        if found is None:
            return None
        async with self.database.session() as session:
            row = await session.get(InvitationRow, found.id)
        if row is None or row.secret_hash != self.codec.secret_hash(found.secret):
            return None
        if row.used_at is not None or row.revoked_at is not None or row.expires_at <= self.clock():
            return None
        return row if key is None or not row.email or email_key(row.email) == key else None

    async def use_invitation(self, session: AsyncSession, invitation: str, account: str) -> bool:
        """Uses it up within the caller's transaction; False where somebody else was first."""
        now = self.clock()
        used = await session.scalar(
            update(InvitationRow)
            .where(
                InvitationRow.id == invitation,
                InvitationRow.used_at.is_(None),
                InvitationRow.revoked_at.is_(None),
                InvitationRow.expires_at > now,
            )
            .values(used_at=now, used_by=account)
            .returning(InvitationRow.id)
            .execution_options(synchronize_session=False)
        )
        return used is not None

    def invitation_link(self, token: str) -> str:
        return self.page(f"/register?invitation={token}")


def _view(row: InvitationRow, now: float) -> InvitationView:
    state = "open"
    if row.used_at is not None:
        state = "used"
    elif row.revoked_at is not None:
        state = "revoked"
    elif row.expires_at <= now:
        state = "expired"
    return InvitationView(row.id, row.email, row.note, row.created_by, row.created_at, row.expires_at, state)
