"""Log-in, sessions, and the delays that slow guessing without locking anybody out."""

from hashlib import blake2b

from sqlalchemy import delete, select

from pontlevis.accounts.challenge import Action
from pontlevis.accounts.emails import check_email, domain_of, email_key
from pontlevis.accounts.errors import AccountError
from pontlevis.accounts.rooms import Rooms
from pontlevis.accounts.views import AccountView, SessionGrant, account_view
from pontlevis.brain.credential import CredentialKind
from pontlevis.brain.detection.address import place_of
from pontlevis.brain.observation import Kind, Observation, Outcome
from pontlevis.brain.vocabulary import Posture
from pontlevis.link.messages import CredentialRecord
from pontlevis.storage.tables.accounts import AccountRow, SessionRow

WRONG = "the e-mail address or the password is wrong"


class LogIns(Rooms):
    """Passwords in, sessions out."""

    async def log_in(
        self,
        email: str,
        password: str,
        *,
        source: str,
        fingerprint: int,
        device: str = "",
        challenge: str | None = "",
    ) -> SessionGrant:
        """A fresh session. An unknown address costs the same time and says the same as a wrong password.

        An account's own places and devices go first and have delays of their own, so that no stranger's
        failures can keep its owner out. ``device`` is the token of ``SessionGrant.device``. ``challenge`` is
        a solution, which a stranger needs while posture is not normal; None where none is ever asked for.

        Raises ``AccountError``: 401 when they do not fit, 403 for a disabled account, for a password that
        must be changed and for a challenge that was not solved, 429 while a delay runs, 503 when too many wait.
        """
        now = self.clock()
        place = place_of(source)
        try:
            key = email_key(check_email(email))
        except AccountError:
            key = ""
        domain = domain_of(email)

        def saw(outcome: Outcome, row: AccountRow | None) -> None:
            # A name that nobody has is told apart from others without being told itself.
            account, standing = (row.id, row.standing) if row is not None else (f"name:{_digest(key)}", 0)
            self.watch.observe(
                Observation(now, Kind.LOGIN, outcome, source, fingerprint, account, standing, domain)
            )

        async with self.database.session() as session:
            row = await session.scalar(select(AccountRow).where(AccountRow.email_key == key)) if key else None
        home = self._home(row, place, device, now)
        familiar = home is not None
        # A stranger answers for the source and the account; the owner at home only for that home.
        slowed = [f"{home} {key}"] if home is not None else [f"source {place}", f"account {key}"]
        wait = max(self.delays.wait(name, now) for name in slowed)
        if wait > 0.0:
            saw(Outcome.REFUSED, row)
            raise self._too_many(wait)
        if challenge is not None and not familiar and self.login_challenged:
            # Before the password is looked at: a stranger's guess costs the stranger, not our hashing.
            try:
                await self.challenges.spend(*self.challenges.check(challenge, Action.LOGIN, source))
            except AccountError:
                saw(Outcome.INVALID, row)
                raise
        try:
            fits = await self.pool.verify(
                row.password_hash if row is not None else "", password, familiar=familiar
            )
        except AccountError:
            saw(Outcome.REFUSED, row)
            raise
        # An account that waits for its address answers as if it were not there: sign-up does not tell either.
        if row is None or not fits or row.unverified:
            for name in slowed:
                self.delays.failed(name, now)
            saw(Outcome.UNKNOWN_USER if row is None else Outcome.BAD_CREDENTIAL, row)
            raise AccountError(401, "invalid_credentials", WRONG)
        if row.disabled or row.pending:
            saw(Outcome.REFUSED, row)
            if row.disabled:
                raise AccountError(403, "account_disabled", row.disabled)
            raise AccountError(403, "account_pending", "this account waits for approval")
        if row.must_change_password:
            saw(Outcome.REFUSED, row)
            raise AccountError(
                403,
                "password_change_required",
                "this password may be known to others and opens nothing any more; choose a new one at /reset",
            )
        if familiar:
            self.delays.forget(slowed[0])
        else:
            # One success forgives one failure: enough for an office behind one address, while an
            # attacker who logs in to an account of his own between guesses gains little. The account's
            # own count stays, so that nobody wipes it by waiting for its owner.
            self.delays.forgive(slowed[0])
        saw(Outcome.OK, row)
        return await self.begin_session(row.id, source=source)

    @property
    def login_challenged(self) -> bool:
        """Whether strangers' log-ins take a challenge now."""
        return self.challenge_policy.login and self.watch.posture.posture is not Posture.NORMAL

    async def begin_session(self, account: str, *, source: str) -> SessionGrant:
        """A session for an account whose owner has proved who they are."""
        now = self.clock()
        id_, token, hash_ = self.mint(CredentialKind.SESSION, now)
        expires = now + self.policy.session_lifetime_s
        async with self.database.session() as session:
            row = await session.get_one(AccountRow, account)
            place = place_of(source)
            places = [each for each in row.familiar.split() if each != place]
            row.familiar = " ".join([place, *places][: self.policy.familiar_sources])
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
        return SessionGrant(token, expires, account_view(row), self.devices.mint(account, now))

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
        return (
            account_view(row)
            if row is not None and not (row.disabled or row.pending or row.unverified)
            else None
        )

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

    def _home(self, row: AccountRow | None, place: str, device: str, now: float) -> str | None:
        """The name of the account's own place or device; None for a stranger."""
        if row is None:
            return None
        known = self.devices.name(device, row.id, now) if device else None
        if known is not None:
            return known
        return f"home {place}" if place in row.familiar.split() else None

    @staticmethod
    def _too_many(wait: float) -> AccountError:
        return AccountError(
            429,
            "rate_limit_exceeded",
            "too many log-ins failed; please wait before you try again",
            retry_after_s=wait,
        )


def _digest(key: str) -> str:
    return blake2b(key.encode(), digest_size=8).hexdigest()
