"""Making accounts, and what happens to those who may not now."""

from hashlib import blake2b

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from pontlevis.accounts.emails import check_email, domain_of, email_key
from pontlevis.accounts.errors import AccountError
from pontlevis.accounts.rooms import Rooms
from pontlevis.accounts.views import SignUp, SignUpKind, account_view
from pontlevis.brain.observation import Kind, Observation, Outcome
from pontlevis.brain.posture.registration import retry_after
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import RegistrationMode
from pontlevis.storage.tables.accounts import AccountRow, WaitlistRow


class SignUps(Rooms):
    """Sign-up and waitlist. The registration mode is enforced here, for forms and JSON alike."""

    async def sign_up(self, email: str, password: str, *, source: str, fingerprint: int) -> SignUp:
        """Makes an account, or holds the address as the mode says.

        Raises ``AccountError``: 400 for a bad address or password, 409 for one that has an account, 429
        for too many from one source, 503 while registration is suspended or too many wait.
        """
        now = self.clock()
        domain = domain_of(email)

        def saw(outcome: Outcome, account: str = "") -> None:
            self.watch.observe(
                Observation(now, Kind.SIGNUP, outcome, source, fingerprint, account, 0, domain)
            )

        try:
            done = await self._sign_up(email, password, source, fingerprint, now)
        except AccountError as error:
            saw(Outcome.INVALID if error.status in (400, 409) else Outcome.REFUSED)
            raise
        saw(
            Outcome.OK if done.kind is SignUpKind.CREATED else Outcome.REFUSED,
            done.account.id if done.account else "",
        )
        return done

    async def join_waitlist(self, email: str, *, source: str) -> None:
        """Keeps the address until registration opens; says nothing about whether it was known.

        Raises ``AccountError`` 400 or 429.
        """
        now = self.clock()
        address = check_email(email)
        self._count(source, now)
        await self._hold(address, source, now)

    async def _sign_up(self, email: str, password: str, source: str, fingerprint: int, now: float) -> SignUp:
        state = self.watch.posture
        if state.registration is RegistrationMode.SUSPENDED:
            raise AccountError(
                503,
                "registration_suspended",
                "New registrations are suspended while the service is under attack. If you already have an account you can log in and use the service as usual.",
                retry_after_s=retry_after(state, now),
            )
        address = check_email(email)
        text = self.pool.check(password, address)
        self._count(source, now)
        key = email_key(address)
        async with self.database.session() as session:
            if await session.scalar(select(AccountRow.id).where(AccountRow.email_key == key)) is not None:
                raise AccountError(
                    409, "account_exists", "there is an account with this address already", param="email"
                )
            invited = (
                await session.scalar(select(WaitlistRow.id).where(WaitlistRow.email_key == key)) is not None
            )
        if not self._let_in(state, key, invited):
            await self._hold(address, source, now)
            return SignUp(SignUpKind.WAITLISTED)
        hashed = await self.pool.hash(text, familiar=False)
        row = AccountRow(
            id=self.new_id(),
            email=address,
            email_key=key,
            password_hash=hashed,
            pending=self.policy.approval or state.registration is RegistrationMode.APPROVAL,
            created_at=now,
            created_from=source,
            created_fingerprint=fingerprint,
        )
        self._settle_standing(row, now)
        try:
            async with self.database.session() as session:
                session.add(row)
                if invited:
                    held = await session.scalar(select(WaitlistRow).where(WaitlistRow.email_key == key))
                    if held is not None:
                        held.registered_at = now
        except IntegrityError:
            raise AccountError(
                409, "account_exists", "there is an account with this address already", param="email"
            ) from None
        await self.publish_account(row)
        return SignUp(SignUpKind.PENDING if row.pending else SignUpKind.CREATED, account_view(row))

    def _settle_standing(self, row: AccountRow, now: float) -> None:
        row.operator = bool(row.operator)
        row.paid = bool(row.paid)
        row.active_days = row.active_days or 0
        row.tokens_used = row.tokens_used or 0
        row.unlimited = bool(row.unlimited)
        row.pending = bool(row.pending)
        row.disabled = row.disabled or ""
        verdict = self.judge(row, now)
        row.standing, row.standing_reason = int(verdict.standing), verdict.reason

    def _let_in(self, state: PostureState, key: str, invited: bool) -> bool:
        """The waitlist first; of the others the share that the stage allows, the same ones however often they try."""
        if state.registration_share >= 1.0 and state.registration is not RegistrationMode.WAITLIST:
            return True
        if invited and state.registration_share > 0.0:
            return True
        digest = blake2b(f"{state.registration_since:.0f} {key}".encode(), digest_size=4).digest()
        return int.from_bytes(digest, "big") / 2**32 < state.registration_share

    def _count(self, source: str, now: float) -> None:
        wait = self.signups.take(source, now)
        if wait > 0.0:
            raise AccountError(
                429,
                "rate_limit_exceeded",
                "too many sign-ups came from your network; please try again later",
                retry_after_s=wait,
            )

    async def _hold(self, address: str, source: str, now: float) -> None:
        try:
            async with self.database.session() as session:
                session.add(
                    WaitlistRow(email=address, email_key=email_key(address), created_at=now, source=source)
                )
        except IntegrityError:
            return
