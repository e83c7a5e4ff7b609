"""Log-in, sessions, and the delays that slow guessing without locking anybody out."""

from sqlalchemy import delete, select

from pontlevis.accounts.emails import check_email, domain_of, email_key
from pontlevis.accounts.errors import AccountError
from pontlevis.accounts.rooms import Rooms
from pontlevis.accounts.views import AccountView, SessionGrant, account_view
from pontlevis.brain.credential import CredentialKind
from pontlevis.brain.observation import Kind, Observation, Outcome
from pontlevis.link.messages import CredentialRecord
from pontlevis.storage.tables.accounts import AccountRow, SessionRow

WRONG = "the e-mail address or the password is wrong"


class LogIns(Rooms):
    """Passwords in, sessions out."""

    async def log_in(self, email: str, password: str, *, source: str, fingerprint: int) -> SessionGrant:
        """A fresh session. An unknown address costs the same time and says the same as a wrong password.

        Raises ``AccountError``: 401 when they do not fit, 403 for a disabled account, 429 while a delay
        runs, 503 when too many wait.
        """
        now = self.clock()
        try:
            key = email_key(check_email(email))
        except AccountError:
            key = ""
        domain = domain_of(email)

        def saw(outcome: Outcome, row: AccountRow | None) -> None:
            account, standing = (row.id, row.standing) if row is not None else ("", 0)
            self.watch.observe(
                Observation(now, Kind.LOGIN, outcome, source, fingerprint, account, standing, domain)
            )

        wait = self.delays.wait(f"source {source}", now)
        if wait > 0.0:
            saw(Outcome.REFUSED, None)
            raise self._too_many(wait)
        async with self.database.session() as session:
            row = await session.scalar(select(AccountRow).where(AccountRow.email_key == key))
        familiar = row is not None and source in row.familiar.split()
        if not familiar:
            wait = self.delays.wait(f"account {key}", now)
            if wait > 0.0:
                saw(Outcome.REFUSED, row)
                raise self._too_many(wait)
        try:
            fits = await self.pool.verify(
                row.password_hash if row is not None else "", password, familiar=familiar
            )
        except AccountError:
            saw(Outcome.REFUSED, row)
            raise
        if row is None or not fits:
            self.delays.failed(f"source {source}", now)
            self.delays.failed(f"account {key}", now)
            saw(Outcome.UNKNOWN_USER if row is None else Outcome.BAD_CREDENTIAL, row)
            raise AccountError(401, "invalid_credentials", WRONG)
        if row.disabled or row.pending:
            saw(Outcome.REFUSED, row)
            raise AccountError(403, "account_disabled", row.disabled or "this account waits for approval")
        self.delays.succeeded(f"source {source}")
        if familiar:
            self.delays.succeeded(f"account {key}")
        saw(Outcome.OK, row)
        return await self.begin_session(row.id, source=source)

    async def begin_session(self, account: str, *, source: str) -> SessionGrant:
        """A session for an account whose owner has proved who they are."""
        now = self.clock()
        id_, token, hash_ = self.mint(CredentialKind.SESSION, now)
        expires = now + self.policy.session_lifetime_s
        async with self.database.session() as session:
            row = await session.get_one(AccountRow, account)
            places = [each for each in row.familiar.split() if each != source]
            row.familiar = " ".join([source, *places][: self.policy.familiar_sources])
            held = list(
                await session.scalars(
                    select(SessionRow.id)
                    .where(SessionRow.account_id == account)
                    .order_by(SessionRow.created_at.desc())
                )
            )
            surplus = held[self.policy.sessions_per_account - 1 :]
            if surplus:
                await session.execute(delete(SessionRow).where(SessionRow.id.in_(surplus)))
            await session.execute(delete(SessionRow).where(SessionRow.expires_at < now))
            session.add(
                SessionRow(
                    id=id_,
                    account_id=account,
                    secret_hash=hash_,
                    created_at=now,
                    expires_at=expires,
                    source=source,
                )
            )
        records = [CredentialRecord(id_, account, hash_, expires)]
        records.extend(CredentialRecord(each, account, b"", revoked=True) for each in surplus)
        await self.publish_account(row, records)
        return SessionGrant(token, expires, account_view(row))

    async def session_account(self, token: str) -> AccountView | None:
        """Whose session this is; None for one that was made up, has ended or expired."""
        credential = self.codec.judge(token)
        if credential is None or credential.kind is not CredentialKind.SESSION:
            return None
        async with self.database.session() as session:
            held = await session.get(SessionRow, credential.id)
            if held is None or held.expires_at <= self.clock():
                return None
            if held.secret_hash != self.codec.secret_hash(credential.secret):
                return None
            row = await session.get(AccountRow, held.account_id)
        return account_view(row) if row is not None and not row.disabled and not row.pending else None

    async def end_session(self, token: str) -> None:
        """Ends it everywhere; one that is none is ignored."""
        credential = self.codec.judge(token)
        if credential is None or credential.kind is not CredentialKind.SESSION:
            return
        async with self.database.session() as session:
            held = await session.get(SessionRow, credential.id)
            if held is None:
                return
            account = held.account_id
            await session.delete(held)
        await self.publisher.publish(
            credentials=[CredentialRecord(credential.id, account, b"", revoked=True)]
        )
        await self.publisher.cut(credentials=[credential.id], reason="the session has ended")

    @staticmethod
    def _too_many(wait: float) -> AccountError:
        return AccountError(
            429,
            "rate_limit_exceeded",
            "too many log-ins failed; please wait before you try again",
            retry_after_s=wait,
        )
