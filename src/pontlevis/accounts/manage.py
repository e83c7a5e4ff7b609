"""What an operator may change on an account."""

from sqlalchemy import select

from pontlevis.accounts.emails import check_email, email_key
from pontlevis.accounts.errors import AccountError
from pontlevis.accounts.letters import Letters
from pontlevis.accounts.mail.letter import LetterKind
from pontlevis.accounts.views import AccountView, account_view
from pontlevis.storage.audit import record_audit
from pontlevis.storage.tables.accounts import AccountRow

LONGEST_REASON = 500


class Manage(Letters):
    """Changes by operators, each written together with its line in the audit log."""

    async def change_account(
        self,
        account: str,
        *,
        actor: str,
        paid: bool | None = None,
        unlimited: bool | None = None,
        pending: bool | None = None,
        disabled: str | None = None,
        verified: bool | None = None,
    ) -> AccountView:
        """Changes what is given and derives the standing anew; in force everywhere when it returns.

        ``disabled`` is why the account may not be used, and ends its requests under way; empty lets it
        be used again. ``pending`` False approves it, and its owner gets a letter. ``verified`` True confirms
        its address on the operator's word. Raises ``AccountError``: 404 for an unknown account,
        409 for an operator who would lock themselves out.
        """
        now = self.clock()
        async with self.database.session() as session:
            row = await session.get(AccountRow, account)
            if row is None:
                raise AccountError(404, "not_found", "there is no such account")
            reason = " ".join(disabled.split())[:LONGEST_REASON] if disabled is not None else None
            if (reason or pending) and row.operator:
                raise AccountError(409, "operator_account", "an operator's account cannot be disabled")
            wanted = {"paid": paid, "unlimited": unlimited, "pending": pending, "disabled": reason}
            changes: dict[str, bool | str] = {
                name: value
                for name, value in wanted.items()
                if value is not None and value != getattr(row, name)
            }
            for name, value in changes.items():
                setattr(row, name, value)
            if verified and row.verified_at is None:
                row.verified_at, row.unverified, changes["verified"] = now, False, True
            if changes.get("pending") is False:
                await self.leave_letter(session, LetterKind.APPROVED, row.email, language=row.language)
            verdict = self.judge(row, now)
            row.standing, row.standing_reason = int(verdict.standing), verdict.reason
            if changes:
                await record_audit(
                    session,
                    at=now,
                    actor=actor,
                    event="operator:account:changed",
                    subject=row.id,
                    detail="; ".join(f"{name}: {value}" for name, value in changes.items()),
                )
        await self.publish_account(row)
        if reason:
            await self.publisher.cut(accounts=[row.id], reason="the account has been disabled")
        return account_view(row)

    async def find_account(self, email: str) -> AccountView | None:
        """The account of exactly this address (case, plus-tag and ignored dots aside); None where there is none.

        Addresses are sealed and found by their keyed hash, so that a part of one finds nothing.
        """
        try:
            key = email_key(check_email(email))
        except AccountError:
            return None
        async with self.database.session() as session:
            row = await session.scalar(select(AccountRow).where(AccountRow.email_key == key))
        return account_view(row) if row is not None else None

    async def list_operators(self, most: int = 100) -> list[AccountView]:
        """Accounts that may log in on the operator's listener, the oldest first."""
        async with self.database.session() as session:
            rows = await session.scalars(
                select(AccountRow).where(AccountRow.operator).order_by(AccountRow.created_at).limit(most)
            )
            return [account_view(row) for row in rows]

    async def list_pending(self, most: int = 100) -> list[AccountView]:
        """Those that wait for approval, the oldest first."""
        async with self.database.session() as session:
            rows = await session.scalars(
                select(AccountRow)
                .where(AccountRow.pending, AccountRow.disabled == "")
                .order_by(AccountRow.created_at)
                .limit(most)
            )
            return [account_view(row) for row in rows]
