"""A new password for who is logged in."""

from pontlevis.accounts.ending import end_all
from pontlevis.accounts.errors import AccountError
from pontlevis.accounts.factors import Factor
from pontlevis.accounts.mail.letter import LetterKind
from pontlevis.accounts.sessions import Sessions
from pontlevis.accounts.views import SessionGrant
from pontlevis.storage.audit import record_audit
from pontlevis.storage.tables.accounts import AccountRow


class OwnPasswords(Sessions):
    """Keys stay: whoever changes a password by routine would not want their programs to stop."""

    async def change_password(
        self, token: str, current: str, password: str, *, source: str, agent: str = ""
    ) -> SessionGrant:
        """Sets it, ends every session, and begins a fresh one with what this one had shown.

        ``current`` is not asked for where the account has no password yet, but a fresh session is.
        Raises ``AccountError``: 400 for a password that is too easy, 401 for a wrong current one, 403 for
        an account without a password whose session is old, 429 while a delay runs, 503 when too many wait.
        """
        now = self.clock()
        found = await self.held(token)
        if found is None:
            raise AccountError(401, "not_logged_in", "log in first")
        held, row = found
        slowed = f"password {row.id}"
        wait = self.delays.wait(slowed, now)
        if wait > 0.0:
            raise AccountError(
                429, "rate_limit_exceeded", "too many wrong passwords; please wait", retry_after_s=wait
            )
        if row.password_hash:
            if not await self.pool.verify(row.password_hash, current, familiar=True):
                self.delays.failed(slowed, now)
                raise AccountError(
                    401, "invalid_credentials", "the current password is wrong", param="current"
                )
        else:
            await self.require_fresh(token)
        text = await self.pool.check(password, row.email)
        hashed = await self.pool.hash(text, familiar=True)
        async with self.database.session() as session:
            owner = await session.get_one(AccountRow, row.id)
            ended = await end_all(session, owner, now, keys=False)
            owner.password_hash, owner.must_change_password = hashed, False
            await self.leave_letter(session, LetterKind.CHANGED, owner.email, language=owner.language)
            await record_audit(
                session, at=now, actor="owner", event="account:password:changed", subject=row.id, detail=f"from {source}"
            )  # fmt: skip
        self.delays.forget(slowed)
        await self.publish_account(owner, ended)
        await self.publisher.cut(
            credentials=[each.id for each in ended], reason="the password has been changed"
        )
        return await self.begin_session(row.id, source=source, agent=agent, factor=Factor(held.factor))

    async def has_password(self, account: str) -> bool:
        async with self.database.session() as session:
            return bool((await session.get_one(AccountRow, account)).password_hash)
