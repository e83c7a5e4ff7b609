"""A new password for who forgot theirs, by the link of a letter."""

from pontlevis.accounts.emails import check_email, email_key
from pontlevis.accounts.ending import end_all
from pontlevis.accounts.errors import AccountError
from pontlevis.accounts.letters import RESET
from pontlevis.accounts.mail.letter import LetterKind
from pontlevis.accounts.verification import Verifications
from pontlevis.storage.audit import record_audit


class Resets(Verifications):
    """Asks and answers of a forgotten password."""

    async def ask_reset(self, email: str, *, source: str, language: str) -> None:
        """Sends a link; the same answer, at the same cost, whether or not anybody has the address.

        Raises ``AccountError``: 400 for what is no address, 429 for too many asks of one source.
        """
        address = check_email(email)
        self.ask(self.asks, source, self.clock())
        async with self.database.session() as session:
            await self.leave_letter(session, LetterKind.RESET, address, language=language, source=source)

    async def reset_holds(self, token: str) -> bool:
        """Whether this link could be used now; uses nothing up."""
        return await self.link_owner(token, RESET) is not None

    async def reset_password(self, token: str, password: str, *, source: str) -> None:
        """Sets the password and ends every session; the keys too where nobody had confirmed the address.

        An account whose address was never confirmed may have been made by somebody else, who would keep
        a way in by its keys ("pre-hijacking", Sudhodanan and Paverd, USENIX Security 2022).

        Raises ``AccountError``: 400 for a password that is too easy, 403 for a link that does not hold, 503
        when too many wait.
        """
        now = self.clock()
        owner = await self.link_owner(token, RESET)
        if owner is None:
            raise _stale()
        text = await self.pool.check(password, owner)
        hashed = await self.pool.hash(text, familiar=False)
        async with self.database.session() as session:
            row = await self.use_link(session, token, RESET)
            if row is None:
                raise _stale()
            ended = await end_all(session, row, now, keys=row.verified_at is None)
            row.password_hash, row.must_change_password = hashed, False
            self.confirm(row)
            await self.leave_letter(session, LetterKind.CHANGED, row.email, language=row.language)
            await record_audit(
                session, at=now, actor="owner", event="account:password:reset", subject=row.id, detail=f"from {source}"
            )  # fmt: skip
        self.delays.forget(f"account {email_key(row.email)}")
        await self.publish_account(row, ended)
        if ended:
            await self.publisher.cut(
                credentials=[each.id for each in ended], reason="the password has been changed"
            )


def _stale() -> AccountError:
    return AccountError(403, "link_invalid", "this link was used, replaced by a newer one, or has expired")
