"""Confirming addresses, by the link or the code of a letter."""

from sqlalchemy import select

from pontlevis.accounts.emails import check_email, email_key
from pontlevis.accounts.errors import AccountError
from pontlevis.accounts.letters import VERIFY, Letters
from pontlevis.accounts.mail.letter import LetterKind
from pontlevis.accounts.views import AccountView, account_view
from pontlevis.storage.tables.accounts import AccountRow


class Verifications(Letters):
    """Whoever reads a mailbox has the address."""

    async def ask_verification(self, email: str, *, source: str, language: str) -> None:
        """Sends the letter again; the same answer whether or not anybody has the address.

        Raises ``AccountError``: 400 for what is no address, 429 for too many asks of one source.
        """
        address = check_email(email)
        self.ask(self.asks, source, self.clock())
        async with self.database.session() as session:
            # For whom it is, and whether they need it, is found out when it is sent.
            await self.leave_letter(session, LetterKind.VERIFY, address, language=language, source=source)

    async def verify_link(self, token: str) -> AccountView:
        """Raises ``AccountError`` 403 for a link that does not hold."""
        async with self.database.session() as session:
            row = await self.use_link(session, token, VERIFY)
            if row is None:
                raise AccountError(
                    403, "link_invalid", "this link was used, replaced by a newer one, or has expired"
                )
            self.confirm(row)
        await self.publish_account(row)
        return account_view(row)

    async def verify_code(self, email: str, code: str, *, source: str) -> AccountView:
        """The same for an address without an account as for a wrong code.

        Raises ``AccountError``: 400 for a code that does not fit, 429 for too many tries of one source.
        """
        self.ask(self.codes, source, self.clock())
        try:
            key = email_key(check_email(email))
        except AccountError:
            key = ""
        async with self.database.session() as session:
            row = await self.use_code(session, key, code, VERIFY)
            if row is not None:
                self.confirm(row)
        if row is None:
            raise AccountError(
                400, "invalid_code", "this code does not fit, was used, or has expired", param="code"
            )
        await self.publish_account(row)
        return account_view(row)

    def confirm(self, row: AccountRow) -> None:
        """Notes that the owner of the account reads its mail, and what follows from that."""
        now = self.clock()
        row.verified_at = row.verified_at or now
        row.unverified = False
        verdict = self.judge(row, now)
        row.standing, row.standing_reason = int(verdict.standing), verdict.reason

    async def needs_verification(self, account: str) -> bool:
        async with self.database.session() as session:
            found = await session.scalar(select(AccountRow.verified_at).where(AccountRow.id == account))
        return found is None
